/* POST /v1/lists/{name}/entries and DELETE /v1/lists/{name}/entries/{value}.
 *
 * One object or an array of them, each
 *   {"value": text or number, "expires": "7d", a time or null, "note": why, "remove": true}
 * made as one record: all of them or none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/number.h"
#include "shell/os/clock.h"
#include "shell/run/list_value.h"
#include "shell/serve/lists.h"

struct changing {
    const struct list_setting *setting;
    struct arena *memory; /* of values */
    struct problems *problems;
    int64_t now_us;
    char by[LIST_BY_MAX + 1];
    char place[16]; /* "/3" of an array */
    struct list_item item[LIST_CHANGES_MAX];
    enum list_result result[LIST_CHANGES_MAX];
    struct list_request request;
};

static void complain(struct changing *c, const char *member, const char *words)
{
    char pointer[FIELD_NAME_MAX + 2];

    snprintf(pointer, sizeof pointer, "%s%s", c->place, member);
    problems_add(c->problems, pointer, "%s", words);
}

/* A text, or a number as its shortest text; length 0: neither. */
static struct text text_of_member(const struct json *v, char number[NUMBER_TEXT_MAX])
{
    if (v->kind == JSON_TEXT)
        return v->text;
    if (v->kind == JSON_INT)
        return (struct text){number, number_format_int(v->integer, number)};
    if (v->kind == JSON_REAL)
        return (struct text){number, number_format_real(v->real, number)};
    return (struct text){"", 0};
}

static void take_value(struct changing *c, struct text text, const char *member,
                       struct list_item *item)
{
    char canonical[LIST_VALUE_MAX + 1];
    struct text value;
    struct error e;

    if (!list_value_read(list_setting_type(c->setting), text, canonical, &value, &e)) {
        complain(c, member, e.text);
        return;
    }
    item->value = (struct text){arena_text(c->memory, value.bytes, value.length), value.length};
    if (item->value.bytes == NULL)
        complain(c, member, "there is no room for so much at once");
}

static void take_expires(struct changing *c, const struct json *v, struct list_item *item)
{
    struct error e;

    item->expires_us = LIST_NEVER;
    if (item->is_removal) {
        if (v != NULL)
            complain(c, "/expires", "what is removed does not expire");
    } else if (v == NULL) {
        if (c->setting->has_expires)
            item->expires_us = c->now_us + c->setting->expires_us;
    } else if (v->kind != JSON_NULL &&
               !list_expiry_read(v->kind == JSON_TEXT ? v->text : (struct text){"", 0}, c->now_us,
                                 &item->expires_us, &e)) {
        complain(c, "/expires", e.text);
    }
}

static void check_members(struct changing *c, const struct json *v)
{
    static const struct text known[] = {{"value", 5}, {"expires", 7}, {"note", 4}, {"remove", 6}};
    enum { KNOWN = sizeof known / sizeof *known };

    for (uint32_t i = 0; i < v->count; i++) {
        char member[128];
        unsigned at = 0;

        while (at < KNOWN && !text_equal(v->keys[i], known[at]))
            at++;
        if (at < KNOWN)
            continue;
        snprintf(member, sizeof member, "/%.*s",
                 (int)(v->keys[i].length < 80 ? v->keys[i].length : 0), v->keys[i].bytes);
        complain(c, member, "no member of an entry: expected value, expires, note, remove");
    }
}

static void take_item(struct changing *c, const struct json *v, struct list_item *item)
{
    const struct json *value, *note, *remove;
    char number[NUMBER_TEXT_MAX];

    *item = (struct list_item){.note = {"", 0}};
    if (v->kind != JSON_OBJECT) {
        complain(c, "", "expected an object with a value");
        return;
    }
    check_members(c, v);
    value = json_get(v, "value");
    note = json_get(v, "note");
    remove = json_get(v, "remove");
    if (remove != NULL && remove->kind != JSON_BOOL)
        complain(c, "/remove", "expected true or false");
    item->is_removal = remove != NULL && remove->kind == JSON_BOOL && remove->boolean;
    take_expires(c, json_get(v, "expires"), item);
    if (value == NULL)
        complain(c, "/value", "missing: what is to be in the list");
    else
        take_value(c, text_of_member(value, number), "/value", item);
    if (note != NULL && (note->kind != JSON_TEXT || note->text.length > LIST_NOTE_MAX))
        complain(c, "/note", "expected text of at most 512 bytes");
    else if (note != NULL)
        item->note = note->text;
}

static void take_items(struct changing *c, const struct json *root)
{
    bool is_array = root->kind == JSON_ARRAY;

    c->request.count = is_array ? root->count : 1;
    for (uint32_t i = 0; i < c->request.count; i++) {
        if (is_array)
            snprintf(c->place, sizeof c->place, "/%u", i);
        take_item(c, is_array ? &root->items[i] : root, &c->item[i]);
    }
}

/* ---- the answer */

static const char *const result_words[] = {
    [LIST_ADDED] = "added",     [LIST_REPLACED] = "replaced", [LIST_UNCHANGED] = "unchanged",
    [LIST_REMOVED] = "removed", [LIST_ABSENT] = "absent",
};

static void answer(struct exchange *x, const struct changing *c, const struct submission *sub)
{
    const struct list_request *q = &c->request;

    buffer_format(&x->answer, "{\"name\":\"%s\",\"results\":[", c->setting->name);
    for (uint32_t i = 0; i < q->count; i++) {
        buffer_add_text(&x->answer, i > 0 ? ",{\"value\":" : "{\"value\":");
        json_add_text(&x->answer, q->item[i].value);
        buffer_format(&x->answer, ",\"result\":\"%s\"", result_words[q->result[i]]);
        if (!q->item[i].is_removal)
            lists_add_time(&x->answer, "expires", q->item[i].expires_us);
        buffer_add_char(&x->answer, '}');
    }
    buffer_format(&x->answer, "],\"entries\":%" PRIu64 ",\"seq\":", q->entries);
    if (sub->seq > 0)
        buffer_format(&x->answer, "%" PRIu64 "}\n", sub->seq);
    else
        buffer_add_text(&x->answer, "null}\n");
    x->status = 200;
}

/* Absent: as it is. */
static bool query_text(struct exchange *x, const char *name, size_t most, struct text *text)
{
    const char *word = exchange_query(x, name);

    if (word == NULL)
        return true;
    *text = text_of(word);
    if (text->length > 0 && text->length <= most && text_is_utf8(*text))
        return true;
    problem_answer(x, 400, "query parameter %s: expected text of 1 to %zu bytes", name, most);
    return false;
}

static void send(struct server *s, struct exchange *x, struct changing *c)
{
    struct submission sub = {
        .kind = SUBMIT_LIST, .received_us = c->now_us, .list = &c->request, .asked = asked_of(x)};

    if (c->problems->count > 0)
        problem_answer_fields(x, c->problems);
    else if (lists_ask(s, x, &sub))
        answer(x, c, &sub);
}

static struct changing *begin(struct server *s, struct exchange *x, struct text name)
{
    const struct list_setting *setting = lists_of_path(s, x, name);
    char by[LIST_BY_MAX + 1];
    struct changing *c;

    if (setting == NULL || !caller_by(x, by, sizeof by))
        return NULL;
    c = mem_alloc(sizeof *c);
    memcpy(c->by, by, sizeof by);
    c->setting = setting;
    c->now_us = clock_now_us();
    c->problems = &seat_get(s)->problems;
    c->problems->count = c->problems->more = 0;
    c->request = (struct list_request){
        .name = name, .by = text_of(c->by), .item = c->item, .result = c->result};
    return c;
}

static void change_by(struct server *s, struct exchange *x, struct changing *c)
{
    struct text body = exchange_body(x);
    struct error e;
    struct json_document *d = json_parse(seat_get(s)->json, body.bytes, body.length, &e);

    if (d == NULL) {
        problem_answer(x, 400, "%s", e.text);
    } else if (d->root.kind == JSON_ARRAY &&
               (d->root.count == 0 || d->root.count > LIST_CHANGES_MAX)) {
        problem_answer(x, d->root.count == 0 ? 422 : 413, "expected 1 to %d entries, found %u",
                       LIST_CHANGES_MAX, d->root.count);
    } else {
        c->memory = &d->memory;
        take_items(c, &d->root);
        send(s, x, c);
    }
    json_free(d);
}

enum http_next change_list(struct server *s, struct exchange *x)
{
    struct changing *c = begin(s, x, x->parameter);

    if (c != NULL)
        change_by(s, x, c);
    mem_free(c);
    return HTTP_ANSWERED;
}

enum http_next remove_from_list(struct server *s, struct exchange *x)
{
    struct changing *c = begin(s, x, x->name);
    struct arena memory;

    if (c == NULL)
        return HTTP_ANSWERED;
    arena_init(&memory, 2 * LIST_VALUE_MAX);
    c->memory = &memory;
    c->request.count = 1;
    c->item[0] = (struct list_item){.is_removal = true, .expires_us = LIST_NEVER, .note = {"", 0}};
    if (query_text(x, "note", LIST_NOTE_MAX, &c->item[0].note)) {
        take_value(c, x->parameter, "", &c->item[0]);
        if (c->problems->count > 0)
            problem_answer(x, 422, "the value in the path: %s", c->problems->items[0].detail);
        else
            send(s, x, c);
    }
    arena_fini(&memory);
    mem_free(c);
    return HTTP_ANSWERED;
}
