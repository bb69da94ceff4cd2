#include "shell/rules/show.h"

#include "core/data/json.h"

/* As the book's, of a rule that the settings have. */
static void add_settings_rule(const struct rule_setting *r, struct buffer *out)
{
    const char *state = r->shadow ? "shadow" : "live";

    buffer_add_text(out, "{\"name\":");
    json_add_text(out, text_of(r->name));
    buffer_format(out,
                  ",\"origin\":\"settings\",\"version\":null,\"state\":\"%s\",\"when\":", state);
    json_add_text(out, text_of(r->when));
    buffer_add_text(out, ",\"then\":");
    json_add_text(out, text_of(r->then));
    buffer_add_text(out, ",\"text\":");
    if (r->text != NULL)
        json_add_text(out, text_of(r->text));
    else
        buffer_add_text(out, "null");
    buffer_format(out,
                  ",\"author\":null,\"written\":null,\"approver\":null,\"approved\":null,"
                  "\"changed_by\":null,\"changed\":null,\"note\":null,\"tested\":null,"
                  "\"in_force\":{\"version\":null,\"state\":\"%s\"}",
                  state);
}

const struct rule_setting *settings_rule_find(const struct settings *s, struct text name)
{
    for (uint32_t i = 0; i < s->rule_count; i++) {
        if (text_is(name, s->rules[i].name))
            return &s->rules[i];
    }
    return NULL;
}

static void add_more(void (*add)(void *context, struct text name, struct buffer *out),
                     void *context, struct text name, struct buffer *out)
{
    if (add != NULL)
        add(context, name, out);
    else
        buffer_add_text(out, ",\"hits\":null");
    buffer_add_char(out, '}');
}

void rules_format(const struct settings *s, struct rule_book *b,
                  void (*add)(void *context, struct text name, struct buffer *out), void *context,
                  struct buffer *out)
{
    struct rule_names names;
    const char *comma = "";

    buffer_add_text(out, "{\"rules\":[");
    for (uint32_t i = 0; i < s->rule_count; i++) {
        buffer_add_text(out, comma);
        add_settings_rule(&s->rules[i], out);
        add_more(add, context, text_of(s->rules[i].name), out);
        comma = ",";
    }
    rule_book_names(b, &names);
    for (uint32_t i = 0; i < names.count; i++) {
        size_t before = out->length;

        buffer_add_text(out, comma);
        if (!rule_book_format(b, text_of(names.name[i]), false, out)) {
            out->length = before; /* it has given way meanwhile */
            continue;
        }
        add_more(add, context, text_of(names.name[i]), out);
        comma = ",";
    }
    rule_names_fini(&names);
    buffer_add_text(out, "]}\n");
}

bool rule_format(const struct settings *s, struct rule_book *b, struct text name,
                 struct buffer *out)
{
    const struct rule_setting *own = settings_rule_find(s, name);

    if (rule_book_format(b, name, true, out)) {
        buffer_add_text(out, "}\n");
        return true;
    }
    if (own == NULL)
        return false;
    add_settings_rule(own, out);
    buffer_add_text(out, ",\"versions\":[]}\n");
    return true;
}
