/* `assay openapi`: the API's description, as /openapi.json of a server with these settings. */
#include "shell/serve/openapi.h"

#include "shell/cmd/cmd.h"
#include "shell/run/feed.h"

static bool openapi_run(struct invocation *v, struct error *e)
{
    static const uint8_t no_id[PLAN_ID_BYTES];
    struct settings *s;
    struct schema *schema;
    struct plan *plan = NULL;
    struct buffer out;
    bool ok;

    if (!invocation_settings(v, &s, e))
        return false;
    buffer_init(&out, OPENAPI_BYTES_MAX);
    schema = settings_schema(s);
    ok = (schema != NULL || feed_schema(s, NULL, &schema, e)) &&
         settings_plan(s, schema, NULL, no_id, &plan, e);
    if (ok && option_has(v, "html"))
        openapi_page(plan, s->name, &out);
    else if (ok)
        openapi_format(plan, s->name, &out);
    ok = ok && print_result(&out, e);
    buffer_fini(&out);
    schema_free(schema);
    plan_unref(plan);
    settings_free(s);
    return ok;
}

static const struct option options[] = {
    {"html", 0, NULL, "as a page to read; its style is /docs/style.css of a server"},
    {NULL, 0, NULL, NULL},
};

const struct command command_openapi = {
    .name = "openapi",
    .group = GROUP_LOOK,
    .summary = "prints the HTTP API's description (OpenAPI 3.1) for these settings",
    .arguments = "",
    .options = options,
    .examples = "  assay openapi > openapi.json\n"
                "  assay openapi --html > api.html\n",
    .run = openapi_run,
};
