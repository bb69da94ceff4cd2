#include "shell/run/body.h"

#include <string.h>

enum { ITEM_ADD, ITEM_REMOVE, ITEM_AGAIN };

static bool check(const struct reader *r, const char *kind, struct error *e)
{
    if (!r->failed && reader_left(r) == 0)
        return true;
    return error_set(e, ERROR_INVALID,
                     "%s record is %s: it was written by another version or is damaged; "
                     "run assay log verify",
                     kind, r->failed ? "cut short" : "longer than its fields");
}

static bool is_asked(const struct asked *a)
{
    return a->caller.length > 0 || a->request.length > 0;
}

static void add_asked(const struct asked *a, struct buffer *out)
{
    if (!is_asked(a))
        return;
    buffer_add_bytes32(out, a->caller);
    buffer_add_bytes32(out, a->request);
}

static void take_asked(struct reader *r, struct asked *a)
{
    *a = (struct asked){{"", 0}, {"", 0}};
    if (r->failed || reader_left(r) == 0)
        return;
    a->caller = reader_bytes32(r);
    a->request = reader_bytes32(r);
}

void plan_body_format(const struct plan_body *b, struct buffer *out)
{
    buffer_add_bytes32(out, b->settings);
    buffer_add(out, b->id, sizeof b->id);
    buffer_add(out, b->model, sizeof b->model);
}

bool plan_body_parse(struct text body, struct plan_body *b, struct error *e)
{
    struct reader r;
    const void *id, *model;

    reader_init(&r, body.bytes, body.length);
    b->settings = reader_bytes32(&r);
    id = reader_get(&r, sizeof b->id);
    model = reader_get(&r, sizeof b->model);
    if (id != NULL && model != NULL) {
        memcpy(b->id, id, sizeof b->id);
        memcpy(b->model, model, sizeof b->model);
    }
    return check(&r, "plan", e);
}

void event_body_format(const struct event_body *b, struct buffer *out)
{
    buffer_add_bytes32(out, b->id);
    buffer_add_bytes32(out, b->event);
    buffer_add_bytes32(out, b->decision);
    if (b->values.length > 0 || is_asked(&b->asked))
        buffer_add_bytes32(out, b->values);
    add_asked(&b->asked, out);
}

bool event_body_parse(struct text body, struct event_body *b, struct error *e)
{
    struct reader r;

    reader_init(&r, body.bytes, body.length);
    b->id = reader_bytes32(&r);
    b->event = reader_bytes32(&r);
    b->decision = reader_bytes32(&r);
    b->values = !r.failed && reader_left(&r) > 0 ? reader_bytes32(&r) : (struct text){"", 0};
    take_asked(&r, &b->asked);
    return check(&r, "event", e);
}

void label_body_format(const struct label_body *b, struct buffer *out)
{
    buffer_add_u64(out, b->seq);
    buffer_add_u32(out, b->plan);
    buffer_add_u8(out, b->label);
    buffer_add_u64(out, (uint64_t)b->received_us);
    buffer_add_u64(out, (uint64_t)b->effective_us);
    buffer_add_bytes32(out, b->id);
    buffer_add_bytes32(out, b->source);
    buffer_add_bytes32(out, b->event);
    add_asked(&b->asked, out);
}

bool label_body_parse(struct text body, struct label_body *b, struct error *e)
{
    struct reader r;

    reader_init(&r, body.bytes, body.length);
    b->seq = reader_u64(&r);
    b->plan = reader_u32(&r);
    b->label = reader_u8(&r);
    b->received_us = (int64_t)reader_u64(&r);
    b->effective_us = (int64_t)reader_u64(&r);
    b->id = reader_bytes32(&r);
    b->source = reader_bytes32(&r);
    b->event = reader_bytes32(&r);
    take_asked(&r, &b->asked);
    return check(&r, "label", e);
}

void history_body_format(const struct history_body *b, struct buffer *out)
{
    buffer_add_u64(out, b->events);
    buffer_add_u64(out, (uint64_t)b->until_us);
    buffer_add_bytes32(out, b->source);
}

bool history_body_parse(struct text body, struct history_body *b, struct error *e)
{
    struct reader r;

    reader_init(&r, body.bytes, body.length);
    b->events = reader_u64(&r);
    b->until_us = (int64_t)reader_u64(&r);
    b->source = reader_bytes32(&r);
    return check(&r, "history", e);
}

void list_body_format(const struct list_body *b, const struct list_item *item, struct buffer *out)
{
    buffer_add_bytes32(out, b->list);
    buffer_add_u8(out, b->origin);
    buffer_add_u64(out, b->file);
    buffer_add_bytes32(out, b->by);
    buffer_add_u32(out, b->count);
    for (uint32_t i = 0; i < b->count; i++) {
        buffer_add_u8(out, item[i].is_again ? ITEM_AGAIN : item[i].is_removal);
        buffer_add_u64(out, (uint64_t)item[i].expires_us);
        buffer_add_bytes32(out, item[i].value);
        buffer_add_bytes32(out, item[i].note);
        if (item[i].is_again)
            buffer_add_u64(out, (uint64_t)item[i].added_us);
    }
    add_asked(&b->asked, out);
}

void list_item_next(struct reader *at, struct list_item *item)
{
    uint8_t op = reader_u8(at);

    item->is_removal = op == ITEM_REMOVE;
    item->is_again = op == ITEM_AGAIN;
    item->added_us = 0;
    if (op > ITEM_AGAIN)
        at->failed = true;
    item->expires_us = (int64_t)reader_u64(at);
    item->value = reader_bytes32(at);
    item->note = reader_bytes32(at);
    if (item->is_again)
        item->added_us = (int64_t)reader_u64(at);
}

bool list_body_parse(struct text body, struct list_body *b, struct error *e)
{
    struct list_item item;
    struct reader r;

    reader_init(&r, body.bytes, body.length);
    b->list = reader_bytes32(&r);
    b->origin = reader_u8(&r);
    b->file = reader_u64(&r);
    b->by = reader_bytes32(&r);
    b->count = reader_u32(&r);
    b->items = (struct text){(const char *)r.at, reader_left(&r)};
    if (b->count > LIST_CHANGES_MAX || b->origin > LIST_BY_FILE)
        r.failed = true;
    for (uint32_t i = 0; i < b->count && !r.failed; i++)
        list_item_next(&r, &item);
    b->items.length -= reader_left(&r);
    take_asked(&r, &b->asked);
    return check(&r, "list", e);
}
