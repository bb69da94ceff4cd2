#include "shell/run/body.h"

#include <string.h>

static bool check(const struct reader *r, const char *kind, struct error *e)
{
    if (!r->failed && reader_left(r) == 0)
        return true;
    return error_set(e, ERROR_INVALID,
                     "%s record is %s: it was written by another version or is damaged; "
                     "run assay log verify",
                     kind, r->failed ? "cut short" : "longer than its fields");
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
}

bool event_body_parse(struct text body, struct event_body *b, struct error *e)
{
    struct reader r;

    reader_init(&r, body.bytes, body.length);
    b->id = reader_bytes32(&r);
    b->event = reader_bytes32(&r);
    b->decision = reader_bytes32(&r);
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
