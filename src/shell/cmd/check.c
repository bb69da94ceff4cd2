/* `assay check`: everything that can be known to be wrong before training or serving. */
#include <stdio.h>

#include "core/data/json.h"
#include "shell/cmd/rate.h"
#include "shell/rules/overlay.h"
#include "shell/run/data_directory.h"
#include "shell/run/feed.h"
#include "shell/run/list_feed.h"
#include "shell/run/shard_key.h"
#include "shell/run/shared_layout.h"
#include "shell/serve/contract.h"
#include "shell/watch/notify.h"

static const struct option check_options[] = {
    {"resolved", 0, NULL, "print the settings with every default, and where each value came from"},
    {"rate", 0, "N",
     "what so many events a second need: memory, log, store; refused where `memory` is less"},
    {"entities", 0, "KIND=COUNT",
     "how many there are of a kind of entity (default: counted in the source's file); may be repeated"},
    {0},
};

/* What was found, for print_summary. */
struct checked {
    const struct settings *settings;
    struct plan *plan;   /* NULL: the fields are not known */
    struct error unread; /* why, where the source cannot be read */
    struct list_feed *lists;
};

static bool print_resolved(const struct settings *s, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    settings_print(s, true, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

/* A model's input is a number or a category; a time is neither. */
static bool check_inputs(const struct settings *s, const struct plan *p, struct error *e)
{
    char path[PLAN_NAME_MAX + 16];

    for (uint32_t i = 0; i < plan_feature_count(p); i++) {
        const char *name = plan_feature_name(p, i);
        bool is_input = s->model.feature_count == 0;

        for (uint32_t j = 0; j < s->model.feature_count; j++)
            is_input = is_input || strcmp(s->model.features[j], name) == 0;
        if (!is_input || program_type(plan_program(p), plan_feature_node(p, i)) != TYPE_TIME)
            continue;
        snprintf(path, sizeof path, "features.%s", name);
        error_set(e, ERROR_INVALID,
                  "is a time, which a model cannot take: use hour(..), weekday(..) or a difference "
                  "of times, or list the model's inputs under model.features");
        return settings_blame(s, path, e);
    }
    return true;
}

static bool compile(struct checked *c, const struct schema *schema, struct error *e)
{
    static const uint8_t no_id[PLAN_ID_BYTES];
    struct contracts *contracts;

    if (!settings_plan(c->settings, schema, NULL, no_id, &c->plan, e) ||
        (settings_has_model(c->settings) && !check_inputs(c->settings, c->plan, e)) ||
        !notify_check(c->settings, c->plan, e) ||
        !contracts_new(c->settings, schema, &contracts, e))
        return false;
    contracts_unref(contracts);
    return (shared_check(c->settings, c->plan, e) &&
            shard_key_check_nodes(c->settings, c->plan, e)) ||
           error_prefix(e, "%s", c->settings->path);
}

/* Against the fields of the source where it can be read; a file that is not there yet is no mistake
 * of the settings. */
static bool check_fields(struct checked *c, struct error *e)
{
    struct schema *schema = settings_schema(c->settings);
    bool ok = true;

    if (schema == NULL && !feed_schema(c->settings, NULL, &schema, &c->unread)) {
        if (c->unread.kind == ERROR_NOT_FOUND || c->unread.kind == ERROR_WORLD)
            return true;
        *e = c->unread;
        return false;
    }
    c->unread.kind = ERROR_NONE;
    ok = compile(c, schema, e);
    schema_free(schema);
    return ok;
}

static void print_json(const struct checked *c, struct buffer *out)
{
    const struct settings *s = c->settings;

    buffer_add_text(out, "{\"settings\":");
    json_add_text(out, text_of(s->path));
    buffer_format(out, ",\"fields_checked\":%s", c->plan != NULL ? "true" : "false");
    if (c->plan == NULL) {
        buffer_add_text(out, ",\"unread\":");
        json_add_text(out, text_of(c->unread.text));
    } else {
        buffer_format(out, ",\"fields\":%u,\"aggregates\":%u,\"groups\":%u",
                      plan_schema(c->plan)->count, program_aggregate_count(plan_program(c->plan)),
                      velocity_group_count(plan_layout(c->plan)));
    }
    buffer_format(out, ",\"entities\":%u,\"features\":%u,\"rules\":%u,\"model\":", s->entity_count,
                  s->feature_count, s->rule_count);
    json_add_text(out, text_of(s->model.kind));
    buffer_add_text(out, "}\n");
}

static void print_role(struct buffer *out, const char *role, const char *field)
{
    if (field != NULL)
        buffer_format(out, ", %s %s", role, field);
}

static void print_words(const struct checked *c, const struct term *t, struct buffer *out)
{
    const struct settings *s = c->settings;
    struct buffer files;
    char delay[TIME_TEXT_MAX];

    buffer_init(&files, OUTPUT_MAX);
    settings_event_files(s, &files);
    buffer_format(out, "%s: %sin order%s\n", s->path, term_colour(t, COLOUR_GREEN),
                  term_colour(t, COLOUR_NONE));
    if (c->plan == NULL)
        buffer_format(out, "  %sthe fields are not checked%s: %s\n", term_colour(t, COLOUR_YELLOW),
                      term_colour(t, COLOUR_NONE), c->unread.text);
    else
        buffer_format(out, "  events    %s: %u fields",
                      files.length > 0 ? buffer_text(&files) : "schema",
                      plan_schema(c->plan)->count);
    if (c->plan != NULL) {
        print_role(out, "id", s->event.id);
        print_role(out, "time", s->event.time);
        print_role(out, "amount", s->event.amount);
        print_role(out, "label", s->event.label);
        duration_format(s->event.label_delay_us, delay);
        buffer_format(out, s->event.label != NULL ? " (known after %s)\n" : "\n", delay);
    }
    buffer_fini(&files);
    if (s->kind_count > 0) {
        buffer_add_text(out, "  kinds     ");
        for (uint32_t i = 0; i < s->kind_count; i++)
            buffer_format(out, "%s%s (%s)", i > 0 ? ", " : "", s->kinds[i].name,
                          s->kinds[i].decide ? "decided" : "observed");
        buffer_add_char(out, '\n');
    }
    buffer_format(out, "  features  %u", s->feature_count);
    if (c->plan != NULL)
        buffer_format(out, ", with %u aggregates over windows",
                      program_aggregate_count(plan_program(c->plan)));
    buffer_format(out, "\n  rules     %u\n  model     %s\n", s->rule_count, s->model.kind);
}

/* Entries without a time are in the list before the first event: as a table without valid_from,
 * that may be knowledge from after the events. */
static void print_lists(const struct checked *c, struct buffer *out)
{
    const struct settings *s = c->settings;

    for (uint32_t i = 0; i < s->list_count; i++) {
        const struct list_file *f = list_feed_file(c->lists, i);
        uint32_t undated = 0;

        for (uint32_t row = 0; row < f->count; row++)
            undated += !f->row[row].has_at;
        buffer_format(out, "  %s %s of %s", i == 0 ? "lists    " : "         ", s->lists[i].name,
                      type_name(list_setting_type(&s->lists[i])));
        if (s->lists[i].file != NULL)
            buffer_format(out, ", %u rows in %s", f->count, s->lists[i].file);
        if (undated > 0)
            buffer_format(out, ", %u without `at`: from before the first event on", undated);
        buffer_add_char(out, '\n');
    }
}

static bool print_summary(const struct checked *c, const struct invocation *v, struct error *e)
{
    struct buffer out;
    bool ok;

    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        print_json(c, &out);
    else
        print_words(c, &v->term, &out);
    if (!v->json)
        print_lists(c, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool check_rate(struct invocation *v, const struct checked *c, struct error *e)
{
    if (!option_has(v, "rate"))
        return true;
    if (c->plan == NULL) {
        *e = c->unread;
        return false;
    }
    return rate_check(v, c->settings, c->plan, e);
}

static bool check_run(struct invocation *v, struct error *e)
{
    struct settings *s = NULL;
    struct checked c = {0};
    char data[DATA_PATH_MAX];
    bool is_resolved = option_has(v, "resolved"), ok;
    struct overlay o; /* with the rules of the API, where there is a data directory */

    if (!invocation_settings(v, &s, e))
        return false;
    if (!data_directory(s, data, e)) {
        settings_free(s);
        return false;
    }
    ok = overlay_of_directory(&o, s, data, e);
    c.settings = &o.settings;
    if (ok && !check_fields(&c, e)) {
        overlay_blame(&o, e);
        ok = false;
    }
    ok = ok && (!is_resolved || print_resolved(s, e)) && list_feed_open(s, &c.lists, e) &&
         (is_resolved || option_has(v, "rate") ? true : print_summary(&c, v, e)) &&
         check_rate(v, &c, e);
    list_feed_close(c.lists);
    plan_unref(c.plan);
    overlay_fini(&o);
    settings_free(s);
    return ok;
}

const struct command command_check = {
    .name = "check",
    .group = GROUP_START,
    .summary = "checks the settings, down to each expression",
    .arguments = "",
    .words = "Reads assay.yaml, looks at the source's fields, and compiles every feature and rule "
             "over them.\nA mistake is told with its line and column, and exit code 1.",
    .options = check_options,
    .examples = "  assay check\n"
                "  assay check --resolved              # every value, and where it came from\n"
                "  assay check --rate 2000 --entities customer=5000000\n"
                "  assay -c other.yaml check --json\n",
    .run = check_run,
};
