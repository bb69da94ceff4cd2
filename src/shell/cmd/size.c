/* `assay size`: what a rate of events needs of memory and, over days, of the disk. */
#include "shell/cmd/rate.h"
#include "shell/run/feed.h"

/* The plan as the source's fields are; no model is needed. */
static bool plan_of(const struct settings *s, struct plan **p, struct error *e)
{
    static const uint8_t no_id[PLAN_ID_BYTES];
    struct schema *schema = settings_schema(s);
    bool ok;

    if (schema == NULL && !feed_schema(s, NULL, &schema, e))
        return false;
    ok = settings_plan(s, schema, NULL, no_id, p, e);
    schema_free(schema);
    return ok;
}

static bool size_run(struct invocation *v, struct error *e)
{
    struct settings *s = NULL;
    struct plan *p = NULL;
    bool ok;

    if (!option_has(v, "rate"))
        return error_set(e, ERROR_USAGE, "expected --rate N: events a second");
    ok = invocation_settings(v, &s, e) && plan_of(s, &p, e) && rate_check(v, s, p, e);
    plan_unref(p);
    settings_free(s);
    return ok;
}

static const struct option options[] = {
    {"rate", 0, "N", "events a second, day and night"},
    {"days", 0, "D", "for how many days the disk is foretold (default 365)"},
    {"entities", 0, "KIND=COUNT",
     "how many there are of a kind of entity (default: counted in the source's file); may be "
     "repeated"},
    {0},
};

const struct command command_size = {
    .name = "size",
    .group = GROUP_LOOK,
    .summary = "foretells memory, and disk over days, for a rate of events",
    .arguments = "",
    .words =
        "Memory by kind of entity and window; log, store and snapshots on the disk, and after how\n"
        "many days its volume is 80 % used. A record's size is measured on the log where there is\n"
        "one, else worked out from the source's first rows. Exit code 3 where `memory` is too little.",
    .options = options,
    .examples = "  assay size --rate 2000\n"
                "  assay size --rate 2000 --days 90 --entities customer=5000000 --json\n",
    .run = size_run,
};
