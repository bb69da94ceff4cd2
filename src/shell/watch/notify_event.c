#include "shell/watch/notify_event.h"

#include <stdio.h>

#include "core/base/calendar.h"
#include "core/data/json_at.h"

enum { PATH_BYTES = 128 };

/* The usual words by type. */
static const struct form {
    const char *type, *subject, *body;
} forms[] = {
    {"assay.decision", "{outcome}: {id}, score {score}",
     "{outcome} ({level}): event {id}, score {score}, probability {probability}, at {time}. Rules: "
     "{rules}. Reasons: {reasons.0.feature} {reasons.1.feature} {reasons.2.feature}\n"},
    {"assay.alert", "Alert {name}: {event_id}, score {score}",
     "Alert {id} ({name}, queue {queue}): event {event_id}, {outcome}, score {score}, priority "
     "{priority}, raised {raised}. Rules: {rules}\n"},
    {"assay.summary", "{count} more from {target}",
     "{count} more notifications of {target} between {from} and {until}. The first:\n{first}\n"},
    {"assay.row", "{target}: {key}", "{target}: {key}\n{row}\n"},
};

static const struct form *form_of(const char *type)
{
    for (size_t i = 0; i + 1 < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].type, type) == 0)
            return &forms[i];
    }
    return &forms[sizeof forms / sizeof *forms - 1];
}

void notify_cloudevent(const struct notify_event *ev, const char *source, struct buffer *out)
{
    char time[TIME_TEXT_MAX];
    struct buffer from;

    buffer_init(&from, 4096);
    buffer_format(&from, "/assay/%s", source);
    buffer_add_text(out, "{\"specversion\":\"1.0\",\"id\":");
    json_add_text(out, ev->id);
    buffer_add_text(out, ",\"source\":");
    json_add_text(out, (struct text){from.bytes, from.length});
    buffer_add_text(out, ",\"type\":");
    json_add_text(out, text_of(ev->type));
    buffer_add_text(out, ",\"subject\":");
    json_add_text(out, ev->subject);
    time_format(ev->time_us, time);
    buffer_format(out, ",\"time\":\"%s\",\"datacontenttype\":\"application/json\",\"data\":", time);
    buffer_add_slice(out, ev->data);
    buffer_add_char(out, '}');
    buffer_fini(&from);
}

/* ---- templates ---- */

/* Keys with dots between them; of an array by its number. */
static const struct json *member(const struct json *v, struct text path)
{
    while (v != NULL && path.length > 0) {
        const char *dot = memchr(path.bytes, '.', path.length);
        struct text part = {path.bytes, dot != NULL ? (size_t)(dot - path.bytes) : path.length};
        const struct json *next = NULL;

        for (uint32_t i = 0; i < v->count && next == NULL; i++) {
            char number[16];

            snprintf(number, sizeof number, "%u", i);
            if (v->kind == JSON_OBJECT ? text_equal(v->keys[i], part)
                                       : v->kind == JSON_ARRAY && text_is(part, number))
                next = &v->items[i];
        }
        v = next;
        path = dot != NULL ? (struct text){dot + 1, path.length - part.length - 1}
                           : (struct text){"", 0};
    }
    return v;
}

static void add_words(const struct json *v, struct buffer *out)
{
    switch (v->kind) {
    case JSON_NULL:
        return;
    case JSON_TEXT:
        buffer_add_slice(out, v->text);
        return;
    case JSON_ARRAY:
        for (uint32_t i = 0; i < v->count; i++) {
            if (i > 0)
                buffer_add_text(out, ", ");
            add_words(&v->items[i], out);
        }
        return;
    default:
        json_add_json(out, v);
    }
}

/* A chat reads <!channel> as a call of everybody and <https://...|words> as a link: a value is
 * neither. */
static void escape(struct text t, struct buffer *out)
{
    static const char marks[] = "&<>";
    static const char *const names[] = {"&amp;", "&lt;", "&gt;"};

    for (size_t i = 0; i < t.length; i++) {
        const char *mark = memchr(marks, t.bytes[i], sizeof marks - 1);

        if (mark != NULL)
            buffer_add_text(out, names[mark - marks]);
        else
            buffer_add_char(out, t.bytes[i]);
    }
}

static void add_value(const struct json *v, bool is_chat, struct buffer *out)
{
    struct buffer words;

    buffer_init(&words, out->max);
    add_words(v, &words);
    if (is_chat)
        escape((struct text){words.bytes, words.length}, out);
    else
        buffer_add(out, words.bytes, words.length);
    buffer_fini(&words);
}

void notify_render(const char *form, const struct notify_event *ev, bool is_chat,
                   struct json_reader *json, struct buffer *out)
{
    struct error ignored;
    struct json_document *d = json_parse(json, ev->data.bytes, ev->data.length, &ignored);

    while (*form != 0) {
        const char *end = strchr(form, '}');

        if (form[0] != '{' || form[1] == '{' || end == NULL || end - form > PATH_BYTES) {
            form += form[0] == '{' && form[1] == '{';
            buffer_add_char(out, *form++);
            continue;
        }
        if (d != NULL) {
            const struct json *v =
                member(&d->root, (struct text){form + 1, (size_t)(end - form) - 1});

            if (v != NULL)
                add_value(v, is_chat, out);
        }
        form = end + 1;
    }
    json_free(d);
}

void notify_subject(const struct notify_setting *n, const struct notify_event *ev,
                    struct json_reader *json, struct buffer *out)
{
    bool is_own = n->subject != NULL && strcmp(ev->type, "assay.summary") != 0;

    notify_render(is_own ? n->subject : form_of(ev->type)->subject, ev, false, json, out);
}

void notify_body(const struct notify_setting *n, const struct notify_event *ev,
                 struct json_reader *json, struct buffer *out)
{
    bool is_own = n->body != NULL && strcmp(ev->type, "assay.summary") != 0;

    notify_render(is_own ? n->body : form_of(ev->type)->body, ev, n->to == NOTIFY_TO_CHAT, json,
                  out);
}

void notify_sample(enum notify_on on, int64_t now_us, struct buffer *data, struct notify_event *ev)
{
    static const char *const types[] = {"assay.decision", "assay.alert", "assay.row"};
    static const char *const forms_of_data[] = {
        "{\"id\":\"test\",\"time\":\"%s\",\"outcome\":\"review\",\"score\":500,"
        "\"probability\":0.5,\"level\":\"TEST\",\"rules\":[\"TEST\"],\"reasons\":[],"
        "\"flags\":[],\"test\":true}",
        "{\"id\":\"0\",\"name\":\"test\",\"queue\":\"test\",\"event_id\":\"test\","
        "\"outcome\":\"review\",\"score\":500,\"priority\":500,\"raised\":\"%s\",\"rules\":[],"
        "\"test\":true}",
        "{\"target\":\"test\",\"key\":\"test\",\"row\":{\"period\":\"%s\"},\"test\":true}",
    };
    char time[TIME_TEXT_MAX];

    time_format(now_us, time);
    buffer_clear(data);
    buffer_format(data, forms_of_data[on], time);
    *ev = (struct notify_event){.id = text_of("test"),
                                .type = types[on],
                                .subject = text_of("test"),
                                .time_us = now_us,
                                .data = {data->bytes, data->length}};
}
