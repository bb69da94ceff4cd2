#include "shell/cmd/describe.h"

#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/data/json.h"
#include "shell/run/beginning.h"
#include "shell/run/data_directory.h"
#include "shell/run/feed.h"

enum { CANONICAL_MAX = 1 << 20, WINDOWS_MAX = 64, UNIT_MAX = FIELD_NAME_MAX + 16 };

/* Where the log that there is begins; without one, when a feature is warm can only be said as a
 * span. */
struct past {
    bool has_log;
    int64_t begins_us; /* its first event */
};

/* One feature, taken apart. */
struct description {
    const struct settings *settings;
    const struct plan *plan;
    const struct past *past;
    const char *name;
    enum type type;
    struct buffer expression; /* canonical: features and entities written out */
    uint64_t fingerprint;
    const struct aggregate *window[WINDOWS_MAX];
    uint32_t windows; /* all of them; over WINDOWS_MAX the rest is not listed */
    bool reads_label;
    uint8_t *reads; /* by field */
    char unit[UNIT_MAX];
};

static void take_field(void *context, int field)
{
    struct description *d = context;

    d->reads[field] = 1;
}

/* What a window holds depends on the time of the events, and on the label where it is of it. */
static void take_window(void *context, const struct aggregate *a)
{
    struct description *d = context;
    const struct schema *schema = plan_schema(d->plan);

    if (d->windows < WINDOWS_MAX)
        d->window[d->windows] = a;
    d->windows++;
    if (schema->time != FIELD_NONE)
        d->reads[schema->time] = 1;
    if (a->of_label && schema->label != FIELD_NONE) {
        d->reads[schema->label] = 1;
        d->reads_label = true;
    }
}

/* ---- units: what can be told from the expression alone ---- */

static const struct {
    const char *call;
    const char *unit;
} unit_of_call[] = {
    {"geo_km", "km"},         {"seconds", "s"},       {"minutes", "minutes"},
    {"hours", "hours"},       {"days", "days"},       {"hour", "hour of the day"},
    {"day", "day"},           {"weekday", "weekday"}, {"month", "month"},
    {"length", "characters"}, {"year", "year"},
};

/* Whether the whole text is one call: "hours(...)", and not "hours(..) + hours(..)". */
static bool is_call(const char *text, const char *name)
{
    size_t length = strlen(name);
    int depth = 0;

    if (strncmp(text, name, length) != 0 || text[length] != '(')
        return false;
    for (const char *at = text + length; *at != 0; at++) {
        depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
        if (depth == 0)
            return at[1] == 0;
    }
    return false;
}

/* The field that the text is, whatever stands in for it; empty where it is something else. */
static struct text field_in(const struct description *d, const char *text)
{
    static const char filled[] = "coalesce(";
    struct text t = text_of(text);
    const char *comma = strchr(text, ',');

    if (is_call(text, "coalesce") && comma != NULL)
        t = (struct text){text + strlen(filled), (size_t)(comma - text) - strlen(filled)};
    return schema_find(plan_schema(d->plan), t) != FIELD_NONE ? t : (struct text){0};
}

static void set_unit_of_node(struct description *d, const char *text, enum type type)
{
    static const char *const of_type[] = {"true or false", "",          "",        "",
                                          "text",          "time, UTC", "duration"};

    struct text field = field_in(d, text);

    if (field.length > 0 && type != TYPE_TEXT && type != TYPE_BOOL && type != TYPE_TIME) {
        snprintf(d->unit, sizeof d->unit, "that of %.*s", TEXT_ARG(field));
        return;
    }
    for (size_t i = 0; i < sizeof unit_of_call / sizeof unit_of_call[0]; i++) {
        if (is_call(text, unit_of_call[i].call)) {
            snprintf(d->unit, sizeof d->unit, "%s", unit_of_call[i].unit);
            return;
        }
    }
    snprintf(d->unit, sizeof d->unit, "%s", of_type[type]);
}

static void set_unit_of_aggregate(struct description *d, const struct aggregate *a)
{
    struct buffer operand;

    if (a->kind == AGG_COUNT)
        snprintf(d->unit, sizeof d->unit, a->of_label ? "labelled events" : "events");
    else if (a->kind == AGG_DISTINCT)
        snprintf(d->unit, sizeof d->unit, "different values");
    else if (a->kind == AGG_APPROX_DISTINCT)
        snprintf(d->unit, sizeof d->unit, "different values, approximate");
    else if (a->kind == AGG_ENTROPY)
        snprintf(d->unit, sizeof d->unit, "bits");
    else if (a->kind == AGG_RANK)
        snprintf(d->unit, sizeof d->unit, "share of earlier values");
    else if (a->kind == AGG_DECAYED_COUNT)
        snprintf(d->unit, sizeof d->unit, "decayed events");
    else if (a->type == TYPE_REAL && a->operand_type == TYPE_DURATION && !a->of_label)
        snprintf(d->unit, sizeof d->unit, "s");
    else if (a->kind == AGG_IS_NEW)
        snprintf(d->unit, sizeof d->unit, "true or false");
    else if (a->of_label)
        snprintf(d->unit, sizeof d->unit, a->kind == AGG_SUM ? "frauds" : "share of frauds");
    else if (a->operand >= 0) {
        buffer_init(&operand, CANONICAL_MAX);
        program_print(plan_program(d->plan), a->operand, &operand);
        set_unit_of_node(d, buffer_text(&operand), a->type);
        buffer_fini(&operand);
    }
}

/* ---- how long a feature needs the past ---- */

/* The longest of its windows with its delay; 0: it has none; INT64_MAX: one has no end. */
static int64_t reach_us(const struct description *d)
{
    int64_t longest = 0;

    for (uint32_t i = 0; i < d->windows && i < WINDOWS_MAX; i++) {
        const struct aggregate *a = d->window[i];

        if (a->over_us == 0)
            return INT64_MAX;
        if (a->over_us + a->step_us + a->delay_us > longest)
            longest = a->over_us + a->step_us + a->delay_us;
    }
    return longest;
}

/* From when on a value is what it would be with all of the past: the state is made of the log, so
 * it begins with the log's first event. False where that is never, or no log says it. */
static bool warm_since(const struct description *d, int64_t *time_us)
{
    int64_t reach = reach_us(d);

    return d->past->has_log && reach > 0 && reach < INT64_MAX &&
           !__builtin_add_overflow(d->past->begins_us, reach, time_us);
}

static void print_warm(const struct description *d, struct buffer *out)
{
    int64_t reach = reach_us(d), since_us;
    char text[TIME_TEXT_MAX];

    if (reach == 0) {
        buffer_add_text(out, "at once: it needs no past");
        return;
    }
    if (warm_since(d, &since_us)) {
        time_format(since_us, text);
        buffer_format(out, "since %s, ", text);
    }
    if (reach == INT64_MAX) {
        buffer_add_text(out, "never wholly: it counts since the log's first event");
    } else {
        duration_format(reach, text);
        buffer_format(out, "%s after the log's first event", text);
    }
    if (d->past->has_log) {
        time_format(d->past->begins_us, text);
        buffer_format(out, " of %s", text);
    }
}

/* What stands in for a field that an event lacks; NULL: nothing does. */
static const char *missing_of(const struct description *d, uint32_t field)
{
    const char *name = plan_schema(d->plan)->fields[field].name;

    for (uint32_t i = 0; i < d->settings->missing_count; i++) {
        if (strcmp(d->settings->missing[i].name, name) == 0)
            return d->settings->missing[i].source;
    }
    return NULL;
}

static void find_unit(struct description *d, int node)
{
    for (uint32_t i = 0; i < d->windows && i < WINDOWS_MAX; i++) {
        if (d->window[i]->node == node) {
            set_unit_of_aggregate(d, d->window[i]);
            return;
        }
    }
    set_unit_of_node(d, buffer_text(&d->expression), d->type);
}

static void describe(struct description *d, const struct settings *s, const struct plan *plan,
                     const struct past *past, uint32_t feature)
{
    int node = plan_feature_node(plan, feature);
    const struct program *p = plan_program(plan);

    *d = (struct description){.settings = s,
                              .plan = plan,
                              .past = past,
                              .name = plan_feature_name(plan, feature),
                              .type = program_type(p, node),
                              .fingerprint = program_fingerprint(p, node),
                              .reads = mem_array(plan_schema(plan)->count, 1)};
    buffer_init(&d->expression, CANONICAL_MAX);
    program_print(p, node, &d->expression);
    program_fields(p, node, take_field, d);
    program_aggregates(p, node, take_window, d);
    find_unit(d, node);
}

static void description_fini(struct description *d)
{
    buffer_fini(&d->expression);
    mem_free(d->reads);
}

static uint32_t windows_listed(const struct description *d)
{
    return d->windows < WINDOWS_MAX ? d->windows : WINDOWS_MAX;
}

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
    for (uint32_t i = 0; i < windows_listed(d); i++) {
        buffer_add_text(out, "  window       ");
        print_window(d->window[i], out);
        buffer_add_char(out, '\n');
    }
    buffer_add_text(out, "  reads        ");
    for (uint32_t i = 0; i < schema->count; i++) {
        if (!d->reads[i])
            continue;
        buffer_format(out, "%s%s", comma, schema->fields[i].name);
        if (missing_of(d, i) != NULL)
            buffer_format(out, " (missing: %s)", missing_of(d, i));
        comma = ", ";
    }
    buffer_format(out, "%s\n  warm         ", comma[0] == 0 ? "no field" : "");
    print_warm(d, out);
    buffer_format(out, "\n  fingerprint  %016llx\n", (unsigned long long)d->fingerprint);
}

/* ---- JSON ---- */

static void json_duration(const char *name, int64_t us, struct buffer *out)
{
    char text[TIME_TEXT_MAX];

    buffer_format(out, ",\"%s\":", name);
    if (us == 0) {
        buffer_add_text(out, "null");
        return;
    }
    duration_format(us, text);
    json_add_text(out, text_of(text));
}

static void json_time(const char *name, bool has, int64_t time_us, struct buffer *out)
{
    char text[TIME_TEXT_MAX];

    buffer_format(out, "\"%s\":", name);
    if (!has) {
        buffer_add_text(out, "null");
        return;
    }
    time_format(time_us, text);
    json_add_text(out, text_of(text));
}

static void json_node(const struct program *p, const char *name, int node, struct buffer *out)
{
    struct buffer text;

    buffer_format(out, ",\"%s\":", name);
    if (node < 0) {
        buffer_add_text(out, "null");
        return;
    }
    buffer_init(&text, CANONICAL_MAX);
    program_print(p, node, &text);
    json_add_text(out, text_of(buffer_text(&text)));
    buffer_fini(&text);
}

static void json_window(const struct program *p, const struct aggregate *a, struct buffer *out)
{
    buffer_format(out, "{\"aggregate\":\"%s\"", aggregate_name(a->kind));
    if (a->of_label)
        buffer_add_text(out, ",\"of\":\"label\"");
    else
        json_node(p, "of", a->operand, out);
    buffer_add_text(out, ",\"entity\":");
    json_add_text(out, text_of(a->key_name));
    json_duration("over", a->over_us, out);
    json_duration("step", a->step_us, out);
    json_duration("delay", a->delay_us, out);
    json_node(p, "where", a->where, out);
    buffer_format(out, ",\"prior\":%s,\"approximate\":%s}", a->prior ? "true" : "false",
                  aggregate_is_approximate(a->kind) ? "true" : "false");
}

static void print_json(const struct description *d, struct buffer *out)
{
    const struct schema *schema = plan_schema(d->plan);
    const char *comma = "";
    int64_t since_us = 0;
    bool is_dated = warm_since(d, &since_us);

    buffer_add_text(out, "{\"name\":");
    json_add_text(out, text_of(d->name));
    buffer_add_text(out, ",\"expression\":");
    json_add_text(out, (struct text){d->expression.bytes, d->expression.length});
    buffer_format(out, ",\"type\":\"%s\",\"unit\":", type_name(d->type));
    if (d->unit[0] != 0)
        json_add_text(out, text_of(d->unit));
    else
        buffer_add_text(out, "null");
    buffer_add_text(out, ",\"windows\":[");
    for (uint32_t i = 0; i < windows_listed(d); i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        json_window(plan_program(d->plan), d->window[i], out);
    }
    buffer_add_text(out, "],\"fields\":[");
    for (uint32_t i = 0; i < schema->count; i++) {
        if (!d->reads[i])
            continue;
        buffer_add_text(out, comma);
        json_add_text(out, text_of(schema->fields[i].name));
        comma = ",";
    }
    buffer_add_text(out, "],\"missing\":{");
    comma = "";
    for (uint32_t i = 0; i < schema->count; i++) {
        if (!d->reads[i] || missing_of(d, i) == NULL)
            continue;
        buffer_add_text(out, comma);
        json_add_text(out, text_of(schema->fields[i].name));
        buffer_add_char(out, ':');
        json_add_text(out, text_of(missing_of(d, i)));
        comma = ",";
    }
    buffer_add_text(out, "},\"warm\":\"");
    print_warm(d, out);
    buffer_add_char(out, '"');
    json_duration("warm_after", reach_us(d) == INT64_MAX ? 0 : reach_us(d), out);
    buffer_add_char(out, ',');
    json_time("warm_since", is_dated, since_us, out);
    buffer_format(out, ",\"reads_label\":%s,\"fingerprint\":\"%016llx\"}",
                  d->reads_label ? "true" : "false", (unsigned long long)d->fingerprint);
}

static void print_head(const struct past *past, struct buffer *out)
{
    buffer_add_char(out, '{');
    json_time("log_begins", past->has_log, past->begins_us, out);
    buffer_add_text(out, ",\"features\":[");
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
        print_head(past, &out);
    for (uint32_t i = 0; i < plan_feature_count(plan); i++) {
        struct description d;

        describe(&d, s, plan, past, i);
        if (v->json) {
            buffer_add_text(&out, i > 0 ? ",\n" : "\n");
            print_json(&d, &out);
        } else {
            buffer_add_text(&out, i > 0 ? "\n" : "");
            print_words(&d, &v->term, &out);
        }
        description_fini(&d);
    }
    buffer_add_text(&out, v->json ? "]}\n" : "");
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
