#include "shell/cmd/describe.h"

#include "shell/run/beginning.h"
#include "shell/run/data_directory.h"
#include "shell/run/dictionary.h"
#include "shell/run/feed.h"

/* ---- words ---- */

/* "mean by customer over 30d delay 1w prior" */
static void print_window(const struct aggregate *a, struct buffer *out)
{
    char text[TIME_TEXT_MAX];

    buffer_format(out, "%s%s by %s", aggregate_name(a->kind), a->of_label ? " of the label" : "",
                  a->key_name);
    if (a->over_us > 0) {
        duration_format(a->over_us, text);
        buffer_format(out, " over %s", text);
    }
    if (a->step_us > 0) {
        duration_format(a->step_us, text);
        buffer_format(out, " step %s", text);
    }
    if (a->delay_us > 0) {
        duration_format(a->delay_us, text);
        buffer_format(out, " delay %s", text);
    }
    buffer_add_text(out, a->prior ? " prior" : "");
    buffer_add_text(out, a->where >= 0 ? " where ..." : "");
    if (aggregate_is_approximate(a->kind))
        buffer_add_text(out, "; approximate, from a sketch");
}

static void print_words(struct description *d, const struct term *t, struct buffer *out)
{
    const struct schema *schema = plan_schema(d->plan);
    const char *comma = "";

    buffer_format(out, "%s%s%s  %s%s%s\n", term_colour(t, COLOUR_BOLD), d->name,
                  term_colour(t, COLOUR_NONE), type_name(d->type), d->unit[0] != 0 ? ", " : "",
                  d->unit);
    buffer_format(out, "  is           %s\n", buffer_text(&d->expression));
    for (uint32_t i = 0; i < description_windows(d); i++) {
        buffer_add_text(out, "  window       ");
        print_window(d->window[i], out);
        buffer_add_char(out, '\n');
    }
    buffer_add_text(out, "  reads        ");
    for (uint32_t i = 0; i < schema->count; i++) {
        if (!d->reads[i])
            continue;
        buffer_format(out, "%s%s", comma, schema->fields[i].name);
        if (description_missing(d, i) != NULL)
            buffer_format(out, " (missing: %s)", description_missing(d, i));
        comma = ", ";
    }
    buffer_format(out, "%s\n  warm         ", comma[0] == 0 ? "no field" : "");
    description_warm(d, out);
    buffer_format(out, "\n  fingerprint  %016llx\n", (unsigned long long)d->fingerprint);
}

static bool find_past(const struct settings *s, struct past *past, struct error *e)
{
    char shard[DATA_PATH_MAX];

    return data_shard_directory(s, shard, e) &&
           log_beginning(shard, &past->has_log, &past->begins_us, e);
}

static bool print_all(struct invocation *v, const struct settings *s, const struct plan *plan,
                      const struct past *past, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        dictionary_json(s, plan, past, &out);
    for (uint32_t i = 0; !v->json && i < plan_feature_count(plan); i++) {
        struct description d;

        description_init(&d, s, plan, past, i);
        buffer_add_text(&out, i > 0 ? "\n" : "");
        print_words(&d, &v->term, &out);
        description_fini(&d);
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

bool describe_features(struct invocation *v, const struct settings *s, struct error *e)
{
    static const uint8_t no_id[PLAN_ID_BYTES];
    struct past past = {0};
    struct schema *schema;
    struct plan *plan = NULL;
    bool ok;

    if (v->argument_count > 0)
        return error_set(e, ERROR_USAGE,
                         "features --describe: takes no file: it tells of the "
                         "settings");
    schema = settings_schema(s);
    ok = (schema != NULL || feed_schema(s, NULL, &schema, e)) &&
         settings_plan(s, schema, NULL, no_id, &plan, e) && find_past(s, &past, e) &&
         print_all(v, s, plan, &past, e);
    schema_free(schema);
    plan_unref(plan);
    return ok;
}
