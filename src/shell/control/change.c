#include "shell/control/change.h"

#include "core/data/json_at.h"

static bool text_fits(const char *what, struct text t, size_t most, struct error *e)
{
    if (t.length > most)
        return error_set(e, ERROR_INVALID, "%s: over %zu bytes", what, most);
    return t.length == 0 || text_is_utf8(t) || error_set(e, ERROR_INVALID, "%s: no UTF-8", what);
}

static bool kind_is_word(struct text kind, struct error *e)
{
    bool has_dot = false;

    for (size_t i = 0; i < kind.length; i++) {
        char c = kind.bytes[i];

        has_dot |= c == '.' && i > 0 && i + 1 < kind.length;
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'))
            return error_set(e, ERROR_INVALID, "kind: a-z, 0-9, \"_\" and \".\" are its letters");
    }
    return has_dot || error_set(e, ERROR_INVALID,
                                "kind: expected what it is about, a dot and what happened, such as "
                                "key.created");
}

bool change_check(const struct control_change *c, struct error *e)
{
    return text_fits("kind", c->kind, CONTROL_KIND_MAX, e) && kind_is_word(c->kind, e) &&
           text_fits("actor.kind", c->actor.kind, CONTROL_ACTOR_KIND_MAX, e) &&
           text_fits("actor.id", c->actor.id, CONTROL_ACTOR_ID_MAX, e) &&
           text_fits("actor.name", c->actor.name, CONTROL_ACTOR_NAME_MAX, e) &&
           text_fits("request", c->request, CONTROL_REQUEST_MAX, e) &&
           text_fits("address", c->address, CONTROL_ADDRESS_MAX, e) &&
           text_fits("subject", c->subject, CONTROL_SUBJECT_MAX, e) &&
           text_fits("note", c->note, CONTROL_NOTE_MAX, e) &&
           text_fits("data", c->data, CONTROL_DATA_MAX, e) &&
           text_fits("secret", c->secret, CONTROL_SECRET_MAX, e);
}

static void add_member(struct buffer *out, const char *name, struct text t)
{
    if (t.length == 0)
        return;
    buffer_format(out, "%s\"%s\":", out->bytes[out->length - 1] == '{' ? "" : ",", name);
    json_add_text(out, t);
}

static void add_object(struct buffer *out, const char *name, struct text json)
{
    if (json.length == 0)
        return;
    buffer_format(out, ",\"%s\":", name);
    buffer_add_slice(out, json);
}

void change_format(const struct control_change *c, struct buffer *out)
{
    buffer_add_char(out, '{');
    add_member(out, "kind", c->kind);
    buffer_add_text(out, ",\"actor\":{");
    add_member(out, "kind", c->actor.kind);
    add_member(out, "id", c->actor.id);
    add_member(out, "name", c->actor.name);
    buffer_add_char(out, '}');
    add_member(out, "request", c->request);
    add_member(out, "address", c->address);
    add_member(out, "subject", c->subject);
    add_object(out, "data", c->data);
    add_object(out, "secret", c->secret);
    add_member(out, "note", c->note);
    if (c->is_forced)
        buffer_add_text(out, ",\"forced\":true");
    buffer_add_char(out, '}');
}

static bool object_at(const struct json *root, const char *name, const struct json **object,
                      struct error *e)
{
    *object = json_get(root, name);
    return *object == NULL || (*object)->kind == JSON_OBJECT ||
           error_set(e, ERROR_INVALID, "%s: no JSON object", name);
}

bool change_parse(const struct json_document *d, struct control_change *c, const struct json **data,
                  const struct json **secret, struct error *e)
{
    const struct json *root = &d->root;

    if (root->kind != JSON_OBJECT || json_text_at(root, "kind").length == 0)
        return error_set(e, ERROR_INVALID, "no JSON object of a change");
    *c = (struct control_change){
        .kind = json_text_at(root, "kind"),
        .actor = {json_text_at(root, "actor.kind"), json_text_at(root, "actor.id"),
                  json_text_at(root, "actor.name")},
        .request = json_text_at(root, "request"),
        .address = json_text_at(root, "address"),
        .subject = json_text_at(root, "subject"),
        .note = json_text_at(root, "note"),
        .is_forced = json_is_true_at(root, "forced"),
    };
    return object_at(root, "data", data, e) && object_at(root, "secret", secret, e);
}
