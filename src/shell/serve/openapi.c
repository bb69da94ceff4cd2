#include "shell/serve/openapi.h"

#include <string.h>

#include "core/data/json.h"
#include "shell/serve/outline.h"
#include "shell/serve/route.h"

/* ---- pieces of JSON ---- */

static void add_member(struct buffer *out, const char *key, const char *words)
{
    buffer_format(out, ",\"%s\":", key);
    json_add_text(out, text_of(words));
}

static void add_ref(struct buffer *out, struct text shape)
{
    buffer_format(out, "{\"$ref\":\"#/components/schemas/%.*s\"}", TEXT_ARG(shape));
}

/* The words of "a|b|c" as a list. */
static void add_choices(const char *choices, struct buffer *out)
{
    buffer_add_char(out, '[');
    for (const char *at = choices; *at != 0;) {
        size_t length = strcspn(at, "|");

        buffer_add_text(out, at > choices ? "," : "");
        json_add_text(out, (struct text){at, length});
        at += length + (at[length] == '|');
    }
    buffer_add_char(out, ']');
}

/* ---- names that the plan knows ---- */

/* An older plan may have had others: the list is open. */
static void add_known(const struct plan *p, uint32_t count,
                      const char *(*name)(const struct plan *p, uint32_t i), struct buffer *out)
{
    if (count == 0) {
        buffer_add_text(out, "\"type\":\"string\"");
        return;
    }
    buffer_add_text(out, "\"anyOf\":[{\"enum\":[");
    for (uint32_t i = 0; i < count; i++) {
        buffer_add_text(out, i > 0 ? "," : "");
        json_add_text(out, text_of(name(p, i)));
    }
    buffer_add_text(out, "]},{\"type\":\"string\"}]");
}

static void add_values(const struct plan *p, struct buffer *out)
{
    buffer_add_text(out, "\"type\":\"object\",\"propertyNames\":{");
    add_known(p, plan_feature_count(p), plan_feature_name, out);
    buffer_add_char(out, '}');
}

/* ---- outlines ---- */

static void add_type(const struct plan *p, const struct outline_member *m, struct buffer *out)
{
    static const char *const simple[] = {
        [OUTLINE_TEXT] = "\"type\":\"string\"",
        [OUTLINE_TIME] = "\"type\":\"string\",\"format\":\"date-time\"",
        [OUTLINE_WHOLE] = "\"type\":\"integer\"",
        [OUTLINE_REAL] = "\"type\":\"number\"",
        [OUTLINE_BOOL] = "\"type\":\"boolean\"",
        [OUTLINE_OBJECT] = "\"type\":\"object\"",
    };

    switch (m->type) {
    case OUTLINE_ANY:
        return;
    case OUTLINE_OUTCOME:
        add_known(p, plan_outcome_count(p), plan_outcome_name, out);
        return;
    case OUTLINE_LEVEL:
        add_known(p, plan_level_count(p), plan_level_name, out);
        return;
    case OUTLINE_RULE:
        add_known(p, plan_rule_count(p), plan_rule_name, out);
        return;
    case OUTLINE_FEATURE:
        add_known(p, plan_feature_count(p), plan_feature_name, out);
        return;
    case OUTLINE_WORDS:
        buffer_add_text(out, "\"enum\":");
        add_choices(m->of, out);
        return;
    case OUTLINE_VALUES:
        add_values(p, out);
        return;
    case OUTLINE_OF:
        buffer_format(out, "\"$ref\":\"#/components/schemas/%s\"", m->of);
        return;
    default:
        buffer_add_text(out, simple[m->type]);
    }
}

static void add_outline_member(const struct plan *p, const struct outline_member *m,
                               struct buffer *out)
{
    json_add_text(out, text_of(m->name));
    buffer_add_text(out, ":{\"description\":");
    json_add_text(out, text_of(m->words));
    if (m->flags & OUTLINE_ARRAY)
        buffer_add_text(out, ",\"type\":\"array\",\"items\":{");
    else if (m->flags & OUTLINE_NULLABLE)
        buffer_add_text(out, ",\"anyOf\":[{\"type\":\"null\"},{");
    else if (m->type != OUTLINE_ANY)
        buffer_add_char(out, ',');
    add_type(p, m, out);
    if (m->flags & OUTLINE_ARRAY)
        buffer_add_char(out, '}');
    else if (m->flags & OUTLINE_NULLABLE)
        buffer_add_text(out, "}]");
    buffer_add_char(out, '}');
}

static void add_required(const struct outline *s, struct buffer *out)
{
    const char *comma = "";

    buffer_add_text(out, ",\"required\":[");
    for (unsigned i = 0; i < OUTLINE_MEMBERS_MAX && s->members[i].name != NULL; i++) {
        if (s->members[i].flags & OUTLINE_OPTIONAL)
            continue;
        buffer_add_text(out, comma);
        json_add_text(out, text_of(s->members[i].name));
        comma = ",";
    }
    buffer_add_char(out, ']');
}

static void add_any_of(const struct outline *s, struct buffer *out)
{
    buffer_add_text(out, ",\"anyOf\":[");
    for (unsigned i = 0; i < OUTLINE_CHOICES_MAX && s->any_of[i] != NULL; i++) {
        size_t length = strcspn(s->any_of[i], "[");
        bool is_array = s->any_of[i][length] == '[';

        buffer_add_text(out, i > 0 ? "," : "");
        buffer_add_text(out, is_array ? "{\"type\":\"array\",\"minItems\":1,\"items\":" : "");
        add_ref(out, (struct text){s->any_of[i], length});
        buffer_add_text(out, is_array ? "}" : "");
    }
    buffer_add_char(out, ']');
}

static void add_outline(const struct plan *p, const struct outline *s, struct buffer *out)
{
    json_add_text(out, text_of(s->name));
    buffer_add_text(out, ":{\"description\":");
    json_add_text(out, text_of(s->words));
    if (s->any_of[0] != NULL) {
        add_any_of(s, out);
    } else {
        buffer_add_text(out, ",\"type\":\"object\",\"properties\":{");
        for (unsigned i = 0; i < OUTLINE_MEMBERS_MAX && s->members[i].name != NULL; i++) {
            buffer_add_text(out, i > 0 ? "," : "");
            add_outline_member(p, &s->members[i], out);
        }
        buffer_add_char(out, '}');
        add_required(s, out);
    }
    buffer_add_char(out, '}');
}

/* ---- events ---- */

/* Numbers may also come as text, so that a decimal is exact; a time as its layout says. */
static void add_field(const struct schema *s, int kind, uint32_t field, struct buffer *out)
{
    static const char *const types[] = {
        [TYPE_BOOL] = "\"type\":[\"boolean\",\"integer\",\"string\",\"null\"]",
        [TYPE_INT] = "\"type\":[\"integer\",\"string\",\"null\"]",
        [TYPE_DECIMAL] = "\"type\":[\"number\",\"string\",\"null\"]",
        [TYPE_REAL] = "\"type\":[\"number\",\"string\",\"null\"]",
        [TYPE_TEXT] = "\"type\":[\"string\",\"number\",\"object\",\"array\",\"null\"]",
        [TYPE_TIME] = "\"type\":[\"string\",\"number\",\"null\"]",
        [TYPE_DURATION] = "\"type\":[\"string\",\"number\",\"null\"]",
    };
    const struct field *f = &s->fields[field];
    bool is_time = f->type == TYPE_TIME && f->layout == TIME_ISO;

    json_add_text(out, text_of(schema_name_of(s, kind, (int)field)));
    buffer_format(out, ":{%s",
                  is_time ? "\"type\":[\"string\",\"null\"],\"format\":\"date-time\""
                          : types[f->type]);
    buffer_format(out, ",\"x-type\":\"%s\"%s}", type_name(f->type),
                  f->is_personal ? ",\"x-personal\":true" : "");
}

static void add_event_of(const struct schema *s, int kind, struct buffer *out)
{
    const char *comma = "";

    buffer_add_text(out, "{\"type\":\"object\",\"properties\":{");
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->fields[i].is_looked_up || (int)i == s->kind || !schema_has(s, kind, (int)i))
            continue;
        buffer_add_text(out, comma);
        add_field(s, kind, i, out);
        comma = ",";
    }
    if (kind != KIND_NONE) {
        buffer_format(out, "%s\"" KIND_FIELD "\":{\"const\":", comma);
        json_add_text(out, text_of(s->kinds[kind].name));
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "},\"required\":[");
    if (kind != KIND_NONE)
        buffer_add_text(out, "\"" KIND_FIELD "\"");
    if (s->time != FIELD_NONE) {
        buffer_add_text(out, kind != KIND_NONE ? "," : "");
        json_add_text(out, text_of(schema_name_of(s, kind, s->time)));
    }
    buffer_add_text(out, "]}");
}

static void add_event(const struct schema *s, struct buffer *out)
{
    buffer_add_text(out, "\"Event\":");
    if (s->kind == FIELD_NONE) {
        add_event_of(s, KIND_NONE, out);
        return;
    }
    buffer_add_text(out, "{\"description\":\"An event of one of the kinds.\",\"oneOf\":[");
    for (uint32_t k = 0; k < s->kind_count; k++) {
        buffer_add_text(out, k > 0 ? "," : "");
        add_event_of(s, (int)k, out);
    }
    buffer_add_text(out, "]}");
}

/* ---- parameters ---- */

static const struct {
    const char *form;
    const char *schema;
} forms[] = {
    {"true or false", "\"type\":\"boolean\""},
    {"time", "\"type\":\"string\",\"format\":\"date-time\""},
    {"0 to 1000", "\"type\":\"integer\",\"minimum\":0,\"maximum\":1000"},
    {"1 to 1000", "\"type\":\"integer\",\"minimum\":1,\"maximum\":1000"},
    {"-time, time, -score or score", "\"enum\":[\"-time\",\"time\",\"-score\",\"score\"]"},
    {"champion, challenger or shadow", "\"enum\":[\"champion\",\"challenger\",\"shadow\"]"},
    {"true, false or null", "\"enum\":[\"true\",\"false\",\"null\"]"},
};

static const char *schema_of_form(const char *form)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].form, form) == 0)
            return forms[i].schema;
    }
    return "\"type\":\"string\"";
}

static void add_queries(const struct route *r, const char **comma, struct buffer *out)
{
    for (unsigned i = 0; i < ROUTE_QUERIES_MAX && r->queries[i].name != NULL; i++) {
        buffer_format(out, "%s{\"in\":\"query\",\"name\":\"%s\",\"description\":", *comma,
                      r->queries[i].name);
        json_add_text(out, text_of(r->queries[i].summary));
        buffer_format(out, ",\"schema\":{%s}}", schema_of_form(r->queries[i].form));
        *comma = ",";
    }
}

static void add_path_parts(const struct route *r, const char **comma, struct buffer *out)
{
    for (const char *at = strchr(r->pattern, '{'); at != NULL; at = strchr(at + 1, '{')) {
        buffer_format(out,
                      "%s{\"in\":\"path\",\"name\":\"%.*s\",\"required\":true,"
                      "\"schema\":{\"type\":\"string\",\"minLength\":1}}",
                      *comma, (int)strcspn(at + 1, "}"), at + 1);
        *comma = ",";
    }
}

static bool takes_event(const struct route *r)
{
    return r->body_outline != NULL && strcmp(r->body_outline, "Event") == 0;
}

static void add_parameters(const struct route *r, struct buffer *out)
{
    const char *comma = "";

    buffer_add_text(out, ",\"parameters\":[");
    add_path_parts(r, &comma, out);
    add_queries(r, &comma, out);
    if (r->is_keyed || takes_event(r)) {
        buffer_format(out, "%s{\"$ref\":\"#/components/parameters/idempotency_key\"}", comma);
        comma = ",";
    }
    buffer_format(out, "%s{\"$ref\":\"#/components/parameters/request_id\"}]", comma);
}

/* ---- routes ---- */

static void add_body(const struct route *r, struct buffer *out)
{
    if (r->body == BODY_NONE)
        return;
    buffer_format(out,
                  ",\"requestBody\":{\"required\":true,\"content\":{\"%s\":{\"schema\":"
                  "{\"$ref\":\"#/components/schemas/%s\"}}}}",
                  r->body == BODY_NDJSON ? "application/x-ndjson" : "application/json",
                  r->body_outline);
}

static const char *status_words(unsigned status)
{
    static const struct {
        unsigned status;
        const char *words;
    } known[] = {{200, "Done."},
                 {201, "Made."},
                 {202, "Taken; nothing was decided, or the work goes on."},
                 {302, "Location says where."},
                 {304, "What the caller has (`If-None-Match`) is still so."}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].status == status)
            return known[i].words;
    }
    return "";
}

static void add_answer(const struct route_answer *a, struct buffer *out)
{
    buffer_format(out, "\"%u\":", a->status);
    if (a->outline == NULL && a->status >= 400) {
        buffer_add_text(out, "{\"$ref\":\"#/components/responses/Problem\"}");
        return;
    }
    buffer_add_text(out, "{\"description\":");
    json_add_text(out, text_of(status_words(a->status)));
    if (a->outline != NULL) {
        buffer_format(out, ",\"content\":{\"%s\":{\"schema\":",
                      a->type != NULL ? a->type : "application/json");
        if (a->outline[0] != 0)
            add_ref(out, text_of(a->outline));
        else
            buffer_add_text(out, "{\"type\":\"string\"}");
        buffer_add_text(out, "}}");
    }
    buffer_add_char(out, '}');
}

/* "post_v1_decisions_batch" */
static void add_operation_name(const struct route *r, struct buffer *out)
{
    for (const char *at = method_word(r->method); *at != 0; at++)
        buffer_add_char(out, (char)(*at | 0x20));
    for (const char *at = r->pattern; *at != 0; at++) {
        bool is_letter = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');

        if (is_letter || out->bytes[out->length - 1] != '_')
            buffer_add_char(out, is_letter ? *at : '_');
    }
}

static void add_operation(const struct route *r, struct buffer *out)
{
    static const char *const words[] = {"get", "head", "post", "delete"};

    buffer_format(out, "\"%s\":{\"operationId\":\"", words[r->method]);
    add_operation_name(r, out);
    buffer_add_char(out, '"');
    add_member(out, "summary", r->summary);
    add_parameters(r, out);
    add_body(r, out);
    buffer_add_text(out, ",\"responses\":{");
    for (unsigned i = 0; i < ROUTE_ANSWERS_MAX && r->answers[i].status != 0; i++) {
        add_answer(&r->answers[i], out);
        buffer_add_char(out, ',');
    }
    buffer_add_text(out, "\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}");
}

static bool is_first_of_path(unsigned route)
{
    for (unsigned i = 0; i < route; i++) {
        if (strcmp(routes[i].pattern, routes[route].pattern) == 0)
            return false;
    }
    return true;
}

static void add_paths(struct buffer *out)
{
    buffer_add_text(out, ",\"paths\":{");
    for (unsigned i = 0; i < route_count; i++) {
        const char *comma = "";

        if (!is_first_of_path(i))
            continue;
        buffer_format(out, "%s\"%s\":{", i > 0 ? "," : "", routes[i].pattern);
        for (unsigned k = i; k < route_count; k++) {
            if (strcmp(routes[i].pattern, routes[k].pattern) != 0)
                continue;
            buffer_add_text(out, comma);
            add_operation(&routes[k], out);
            comma = ",";
        }
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, '}');
}

static const char components[] =
    ",\"components\":{\"parameters\":{"
    "\"request_id\":{\"in\":\"header\",\"name\":\"X-Request-Id\",\"description\":\"What the caller "
    "calls the request; given back.\",\"schema\":{\"type\":\"string\",\"maxLength\":128}},"
    "\"idempotency_key\":{\"in\":\"header\",\"name\":\"Idempotency-Key\",\"description\":\"The "
    "same key with the same request again gets the first answer again.\",\"schema\":"
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":200}}},"
    "\"responses\":{\"Problem\":{\"description\":\"What went wrong.\",\"content\":"
    "{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}},"
    "\"schemas\":{";

void openapi_format(const struct plan *p, const char *name, struct buffer *out)
{
    buffer_add_text(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":");
    json_add_text(out, text_of(name));
    add_member(out, "version", "1");
    add_member(out, "description",
               "Decisions about transactions. Generated from the settings in force.");
    buffer_add_text(out, "},\"servers\":[{\"url\":\"/\"}]");
    add_paths(out);
    buffer_add_text(out, components);
    add_event(plan_schema(p), out);
    for (unsigned i = 0; i < outline_count; i++) {
        buffer_add_char(out, ',');
        add_outline(p, &outlines[i], out);
    }
    buffer_add_text(out, "}}}\n");
}
