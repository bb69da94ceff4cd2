/* /docs: the routes, the outlines and the event's fields as one page. */
#include <string.h>

#include "shell/serve/openapi.h"
#include "shell/serve/outline.h"
#include "shell/serve/route.h"

const char openapi_page_style[] =
    ":root{color-scheme:light dark}\n"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\n"
    "h2{margin-top:2.5rem;border-bottom:1px solid #8886}\n"
    "h3{font:600 1rem ui-monospace,monospace;margin:1.6rem 0 .3rem}\n"
    "p{margin:.3rem 0}\n"
    "table{border-collapse:collapse;margin:.4rem 0;width:100%}\n"
    "td,th{text-align:left;vertical-align:top;padding:.15rem .8rem .15rem 0}\n"
    "th{font-weight:600;font-size:.85rem;opacity:.7}\n"
    "td:first-child,code{font-family:ui-monospace,monospace;font-size:.9rem}\n"
    "nav a{margin-right:1rem}\n";

static void add_escaped(struct buffer *out, const char *words)
{
    for (const char *at = words; *at != 0; at++) {
        if (*at == '&')
            buffer_add_text(out, "&amp;");
        else if (*at == '<')
            buffer_add_text(out, "&lt;");
        else if (*at == '>')
            buffer_add_text(out, "&gt;");
        else if (*at == '"')
            buffer_add_text(out, "&quot;");
        else
            buffer_add_char(out, *at);
    }
}

static void add_cell(struct buffer *out, const char *words)
{
    buffer_add_text(out, "<td>");
    add_escaped(out, words);
    buffer_add_text(out, "</td>");
}

static void add_outline_link(struct buffer *out, struct text name)
{
    buffer_format(out, "<a href=\"#%.*s\">%.*s</a>", TEXT_ARG(name), TEXT_ARG(name));
}

/* ---- routes ---- */

static void add_answers(const struct route *r, struct buffer *out)
{
    buffer_add_text(out, "<p>Answers:");
    for (unsigned i = 0; i < ROUTE_ANSWERS_MAX && r->answers[i].status != 0; i++) {
        const struct route_answer *a = &r->answers[i];

        buffer_format(out, " %u", a->status);
        if (a->outline != NULL && a->outline[0] != 0) {
            buffer_add_char(out, ' ');
            add_outline_link(out, text_of(a->outline));
        } else if (a->outline != NULL) {
            buffer_format(out, " %s", a->type);
        }
        buffer_add_char(out, ',');
    }
    buffer_add_text(out, " else a ");
    add_outline_link(out, text_of("Problem"));
    buffer_add_text(out, ".</p>\n");
}

static void add_route(const struct route *r, struct buffer *out)
{
    buffer_format(out, "<h3>%s ", method_word(r->method));
    add_escaped(out, r->pattern);
    buffer_add_text(out, "</h3>\n<p>");
    add_escaped(out, r->summary);
    buffer_add_text(out, "</p>\n");
    if (r->body_outline != NULL) {
        buffer_add_text(out, r->body == BODY_NDJSON ? "<p>Body: a line each of " : "<p>Body: ");
        add_outline_link(out, text_of(r->body_outline));
        buffer_add_text(out, "</p>\n");
    }
    if (r->queries[0].name != NULL)
        buffer_add_text(out, "<table><tr><th>query</th><th>takes</th><th></th></tr>\n");
    for (unsigned i = 0; i < ROUTE_QUERIES_MAX && r->queries[i].name != NULL; i++) {
        buffer_add_text(out, "<tr>");
        add_cell(out, r->queries[i].name);
        add_cell(out, r->queries[i].form);
        add_cell(out, r->queries[i].summary);
        buffer_add_text(out, "</tr>\n");
    }
    buffer_add_text(out, r->queries[0].name != NULL ? "</table>\n" : "");
    add_answers(r, out);
}

/* ---- outlines ---- */

static const char *type_words(const struct outline_member *m)
{
    static const char *const words[] = {
        [OUTLINE_TEXT] = "text",          [OUTLINE_TIME] = "time",
        [OUTLINE_WHOLE] = "whole number", [OUTLINE_REAL] = "number",
        [OUTLINE_BOOL] = "true, false",   [OUTLINE_ANY] = "see there",
        [OUTLINE_OBJECT] = "object",      [OUTLINE_OUTCOME] = "outcome",
        [OUTLINE_LEVEL] = "level",        [OUTLINE_RULE] = "rule",
        [OUTLINE_FEATURE] = "feature",    [OUTLINE_WORDS] = "",
        [OUTLINE_VALUES] = "features",    [OUTLINE_OF] = "",
    };

    return words[m->type];
}

static void add_outline_row(const struct outline_member *m, struct buffer *out)
{
    buffer_add_text(out, "<tr>");
    add_cell(out, m->name);
    buffer_add_text(out, "<td>");
    if (m->type == OUTLINE_OF)
        add_outline_link(out, text_of(m->of));
    else
        add_escaped(out, m->type == OUTLINE_WORDS ? m->of : type_words(m));
    buffer_add_text(out, m->flags & OUTLINE_ARRAY ? ", a list" : "");
    buffer_add_text(out, m->flags & OUTLINE_NULLABLE ? " or null" : "");
    buffer_add_text(out, m->flags & OUTLINE_OPTIONAL ? ", optional" : "");
    buffer_add_text(out, "</td>");
    add_cell(out, m->words);
    buffer_add_text(out, "</tr>\n");
}

static void add_outline(const struct outline *s, struct buffer *out)
{
    buffer_format(out, "<h3 id=\"%s\">%s</h3>\n<p>", s->name, s->name);
    add_escaped(out, s->words);
    for (unsigned i = 0; i < OUTLINE_CHOICES_MAX && s->any_of[i] != NULL; i++) {
        size_t length = strcspn(s->any_of[i], "[");

        buffer_add_text(out, i > 0 ? ", or " : " ");
        add_outline_link(out, (struct text){s->any_of[i], length});
        buffer_add_text(out, s->any_of[i][length] != 0 ? ", a list" : "");
    }
    buffer_add_text(out, "</p>\n");
    if (s->members[0].name == NULL)
        return;
    buffer_add_text(out, "<table>\n");
    for (unsigned i = 0; i < OUTLINE_MEMBERS_MAX && s->members[i].name != NULL; i++)
        add_outline_row(&s->members[i], out);
    buffer_add_text(out, "</table>\n");
}

/* ---- the event ---- */

static void add_fields(const struct schema *s, int kind, struct buffer *out)
{
    buffer_add_text(out, "<table>\n");
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->fields[i].is_looked_up || (int)i == s->kind || !schema_has(s, kind, (int)i))
            continue;
        buffer_add_text(out, "<tr>");
        add_cell(out, schema_name_of(s, kind, (int)i));
        add_cell(out, type_name(s->fields[i].type));
        add_cell(out, (int)i == s->id     ? "the event's id; without it one is made"
                      : (int)i == s->time ? "the event's time; required"
                                          : "");
        buffer_add_text(out, "</tr>\n");
    }
    buffer_add_text(out, "</table>\n");
}

static void add_event(const struct schema *s, struct buffer *out)
{
    buffer_add_text(out, "<h2 id=\"Event\">The event</h2>\n");
    if (s->kind == FIELD_NONE)
        add_fields(s, KIND_NONE, out);
    for (uint32_t k = 0; s->kind != FIELD_NONE && k < s->kind_count; k++) {
        buffer_add_text(out, "<h3>kind: ");
        add_escaped(out, s->kinds[k].name);
        buffer_add_text(out, "</h3>\n");
        add_fields(s, (int)k, out);
    }
}

void openapi_page(const struct plan *p, const char *name, struct buffer *out)
{
    buffer_add_text(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                         "<meta name=\"viewport\" content=\"width=device-width\"><title>");
    add_escaped(out, name);
    buffer_add_text(out, ": API</title><link rel=\"stylesheet\" href=\"/docs/style.css\"></head>"
                         "<body>\n<h1>");
    add_escaped(out, name);
    buffer_add_text(out, "</h1>\n<nav><a href=\"#Routes\">Routes</a><a href=\"#Event\">The "
                         "event</a><a href=\"#Shapes\">Shapes</a><a href=\"/openapi.json\">"
                         "openapi.json</a></nav>\n<h2 id=\"Routes\">Routes</h2>\n");
    for (unsigned i = 0; i < route_count; i++)
        add_route(&routes[i], out);
    add_event(plan_schema(p), out);
    buffer_add_text(out, "<h2 id=\"Shapes\">Shapes</h2>\n");
    for (unsigned i = 0; i < outline_count; i++)
        add_outline(&outlines[i], out);
    buffer_add_text(out, "</body></html>\n");
}
