/* Lists of a shard: changes as submissions, in order with the decisions, and as records of a file
 * before the threads run. Reserve in the state, reserve in the log, apply, append. */
#include <stdio.h>
#include <string.h>

#include "core/base/panic.h"
#include "shell/run/list_change.h"
#include "shell/run/list_value.h"
#include "shell/run/shard_inside.h"

enum { LIST_BODY_OVERHEAD = 32 + ASKED_OVERHEAD + PLAN_NAME_MAX, LIST_ITEM_OVERHEAD = 25 };

struct list_work {
    struct list_change change[LIST_CHANGES_MAX];
    uint32_t place[LIST_CHANGES_MAX];
};

static struct list_work *work_of(struct shard *s)
{
    if (s->list_work == NULL)
        s->list_work = mem_alloc(sizeof *s->list_work);
    return s->list_work;
}

static size_t body_bytes(const struct submission *sub)
{
    const struct list_request *r = sub->list;
    size_t bytes =
        LIST_BODY_OVERHEAD + r->by.length + sub->asked.caller.length + sub->asked.request.length;

    for (uint32_t i = 0; i < r->count; i++)
        bytes += LIST_ITEM_OVERHEAD + r->item[i].value.length + r->item[i].note.length;
    return bytes;
}

static void refuse(struct submission *sub, enum submit_status status, const struct error *e)
{
    sub->status = status;
    snprintf(sub->error, sizeof sub->error, "%s", e->text);
}

static bool find_list(struct shard *s, struct submission *sub, uint32_t *list)
{
    int found = plan_list_find(s->plan, sub->list->name);
    struct error e;

    *list = (uint32_t)found;
    if (found >= 0)
        return true;
    error_set(&e, ERROR_NOT_FOUND, "no list of this name");
    refuse(sub, SUBMIT_NOT_FOUND, &e);
    return false;
}

static bool says_nothing_new(struct shard *s, uint32_t list, uint32_t count,
                             enum list_origin origin)
{
    bool is_new = false;

    for (uint32_t i = 0; i < count && !is_new; i++) {
        enum list_result r =
            lists_foresee(engine_lists(s->state.engine), list, &s->list_work->change[i], origin);

        is_new = r != LIST_UNCHANGED && r != LIST_ABSENT;
    }
    return !is_new;
}

/* The record's place in the log is where the changes take effect. */
static void append(struct shard *s, const struct submission *sub, uint64_t seq)
{
    const struct list_request *q = sub->list;
    const struct list_body body = {
        .list = q->name, .origin = q->origin, .by = q->by, .count = q->count, .asked = sub->asked};
    struct record r = {.received_us = sub->received_us,
                       .kind = RECORD_LIST,
                       .epoch = ENGINE_EPOCH,
                       .plan = s->plan_seq};

    buffer_clear(&s->body);
    list_body_format(&body, q->item, &s->body);
    ASSERT(!s->body.overflow);
    r.body = (struct text){s->body.bytes, s->body.length};
    ASSERT(log_append(s->log, &r) == seq);
    s->group->has_records = true;
}

/* Of entries that are written again: those that still stand where they were read. */
static uint32_t still_there(struct shard *s, uint32_t list, const struct list_request *q,
                            struct list_item *item)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < q->count; i++) {
        const struct list_entry *entry = NULL;
        struct value v;

        if (list_value_parse(plan_list_type(s->plan, list), item[i].value, &v))
            entry = lists_find(engine_lists(s->state.engine), list,
                               engine_list_token(s->state.engine, &v));
        if (entry != NULL && entry->seq == q->again_of)
            item[kept++] = item[i];
    }
    return kept;
}

void shard_take_list(struct shard *s, struct submission *sub)
{
    struct engine *n = s->state.engine;
    struct list_request *q = sub->list;
    struct list_work *w = work_of(s);
    uint64_t seq = log_next_seq(s->log);
    struct error e;
    uint32_t list, count;

    if (!find_list(s, sub, &list))
        return;
    if (q->again_of != 0 && (q->count = still_there(s, list, q, q->again)) == 0) {
        sub->status = SUBMIT_DONE;
        return;
    }
    count =
        list_changes_of(n, plan_list_type(s->plan, list), q->item, q->count, w->change, w->place);
    if (count != q->count) {
        error_set(&e, ERROR_INVALID, "the list has another type now: ask again");
        refuse(sub, SUBMIT_REFUSED, &e);
        return;
    }
    if (!engine_list_reserve(n, list, w->change, count, &e)) {
        refuse(sub, SUBMIT_REFUSED, &e);
        return;
    }
    sub->status = SUBMIT_DONE;
    if (!says_nothing_new(s, list, count, q->origin)) {
        if (!log_reserve(s->log, 1, body_bytes(sub), &e)) {
            refuse(sub, e.kind == ERROR_FULL ? SUBMIT_FULL : SUBMIT_FAILED, &e);
            return;
        }
        append(s, sub, seq);
        sub->seq = seq;
    }
    for (uint32_t i = 0; i < count; i++)
        q->result[i] = engine_list_apply(n, list, &w->change[i], seq, w->place[i], sub->received_us,
                                         q->origin);
    q->entries = lists_entries(engine_lists(n), list);
}

void shard_take_list_page(struct shard *s, struct submission *sub)
{
    struct list_request *q = sub->list;
    const struct lists *l = engine_lists(s->state.engine);
    uint32_t list;

    if (!find_list(s, sub, &list))
        return;
    q->found = lists_page(l, list, q->after_seq, q->after_place, q->most, q->entry);
    q->entries = lists_entries(l, list);
    sub->status = SUBMIT_DONE;
}

bool shard_list_from_file(struct shard *s, uint32_t list, const struct list_item *item,
                          uint32_t count, int64_t at_us, uint64_t file, struct error *e)
{
    const struct list_body body = {.list = text_of(plan_list_name(s->plan, list)),
                                   .origin = LIST_BY_FILE,
                                   .file = file,
                                   .by = text_of("file"),
                                   .count = count};
    uint64_t seq = log_next_seq(s->log);
    struct list_body parsed;

    ASSERT(!s->is_started && count <= LIST_CHANGES_MAX);
    buffer_clear(&s->body);
    list_body_format(&body, item, &s->body);
    if (!list_body_parse((struct text){s->body.bytes, s->body.length}, &parsed, e) ||
        !list_body_apply(s->state.engine, s->plan, &parsed, seq, at_us, e))
        return false;
    return shard_append_alone(s, RECORD_LIST, at_us, s->plan_seq, e);
}
