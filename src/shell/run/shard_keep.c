/* Making the log smaller under a running shard: packing, and cutting its oldest segments.
 *
 * What the records of a cut segment are still needed for is made sure of first:
 *   the state     a snapshot at or behind the cut becomes the base, which stays until the next cut
 *   lists         entries whose value stands in a record that goes are written again (LIST records
 *                 whose changes say "again": the entry moves there and stays what it is)
 *   plans         bodies of PLAN records that go are kept as files, for records that name them
 * Each of these may be done and the cut not happen; done again, they change nothing. */
#include <stdio.h>
#include <string.h>

#include "core/base/panic.h"
#include "shell/os/clock.h"
#include "shell/run/shard_inside.h"

enum { WAIT_US = 1000, PATIENCE_US = 10000000 };

/* A submission of this thread's own, waited for. */
struct waiting {
    struct submission submission;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static void waiting_done(struct submission *sub)
{
    struct waiting *w = sub->context;

    pthread_mutex_lock(&w->lock);
    w->is_done = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

static bool ask(struct shard *s, enum submit_kind kind, struct list_request *q, struct error *e)
{
    struct waiting w = {.submission = {.kind = kind,
                                       .received_us = clock_now_us(),
                                       .list = q,
                                       .asked = {{"", 0}, {"", 0}},
                                       .done = waiting_done}};
    int64_t until_us = clock_monotonic_us() + PATIENCE_US;

    w.submission.context = &w;
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.done, NULL);
    while (!shard_submit(s, &w.submission)) {
        if (atomic_load(&s->is_stopping) || clock_monotonic_us() > until_us)
            return error_set(e, ERROR_CANCELLED, "the shard takes no more requests now");
        clock_sleep_us(WAIT_US);
    }
    pthread_mutex_lock(&w.lock);
    while (!w.is_done)
        pthread_cond_wait(&w.done, &w.lock);
    pthread_mutex_unlock(&w.lock);
    plan_unref(w.submission.plan);
    pthread_cond_destroy(&w.done);
    pthread_mutex_destroy(&w.lock);
    return w.submission.status == SUBMIT_DONE ||
           error_set(e, w.submission.status == SUBMIT_FULL ? ERROR_FULL : ERROR_WORLD, "%s",
                     w.submission.error);
}

/* ---- lists */

/* The entries of one record, as items that say it again. Returns how many: the leading ones of the
 * page that are of its first entry's record. */
static uint32_t items_again(const struct list_request *page, const struct list_body *body,
                            struct list_item *item)
{
    struct list_item read = {0};
    struct reader at;
    uint32_t count = 0, place = 0;

    reader_init(&at, body->items.bytes, body->items.length);
    for (uint32_t i = 0; i < page->found && page->entry[i].seq == page->entry[0].seq; i++) {
        for (; place <= page->entry[i].place && place < body->count; place++)
            list_item_next(&at, &read);
        item[count] = read;
        item[count].is_removal = false;
        item[count].is_again = true;
        item[count].added_us = page->entry[i].added_us;
        item[count].expires_us = page->entry[i].expires_us;
        count++;
    }
    return count;
}

static bool write_again(struct shard *s, const struct list_request *page, struct text name,
                        struct list_item *item, enum list_result *result, struct error *e)
{
    struct list_body body;
    struct list_request q = {.name = name,
                             .item = item,
                             .again = item,
                             .result = result,
                             .again_of = page->entry[0].seq};
    struct buffer bytes;
    struct record r;
    bool ok;

    buffer_init(&bytes, LOG_BODY_MAX);
    ok = log_read(s->log, page->entry[0].seq, &bytes, &r, e) && list_body_parse(r.body, &body, e);
    if (ok) {
        q.count = items_again(page, &body, item);
        q.by = body.by;
        q.origin = (enum list_origin)body.origin;
        ok = ask(s, SUBMIT_LIST, &q, e);
    }
    buffer_fini(&bytes);
    return ok;
}

static bool list_again(struct shard *s, struct text name, uint64_t before, struct error *e)
{
    struct list_entry *entry = mem_array(LIST_CHANGES_MAX, sizeof *entry);
    struct list_item *item = mem_array(LIST_CHANGES_MAX, sizeof *item);
    enum list_result *result = mem_array(LIST_CHANGES_MAX, sizeof *result);
    bool ok = true, is_over = false;

    while (ok && !is_over) {
        struct list_request page = {.name = name, .most = LIST_CHANGES_MAX, .entry = entry};

        ok = ask(s, SUBMIT_LIST_PAGE, &page, e);
        is_over = !ok || page.found == 0 || entry[0].seq >= before;
        ok = ok && (is_over || write_again(s, &page, name, item, result, e));
    }
    mem_free(entry);
    mem_free(item);
    mem_free(result);
    return ok;
}

static bool lists_again(struct shard *s, uint64_t before, struct error *e)
{
    struct plan *p = shard_plan(s);
    bool ok = true;

    for (uint32_t i = 0; ok && i < plan_list_count(p); i++)
        ok = list_again(s, text_of(plan_list_name(p, i)), before, e);
    plan_unref(p);
    return ok;
}

/* ---- records that go */

static bool keep_plan(struct shard *s, const struct record *r, struct shard_cut *c, struct error *e)
{
    struct plan_body body;

    if (!plan_body_parse(r->body, &body, e) ||
        !plans_keep(s->directory, (uint32_t)r->seq, r->epoch, r->body, e))
        return false;
    if (c->plans < SHARD_CUT_PLANS) {
        c->plan[c->plans].seq = r->seq;
        memcpy(c->plan[c->plans].id, body.id, sizeof body.id);
    }
    c->plans++;
    return true;
}

static bool look_through(struct shard *s, struct shard_cut *c, struct error *e)
{
    struct log_cursor *cursor;
    struct record r;
    bool ok = true;
    int found = 0;

    if (!log_cursor_open(s->log_directory, 1, &cursor, e))
        return false;
    while (ok && (found = log_cursor_next(cursor, &r, e)) == 1 && r.seq < c->first_seq) {
        if (c->records == 0) {
            c->cut_from = r.seq;
            c->oldest_us = c->newest_us = r.received_us;
        }
        c->records++;
        c->by_kind[r.kind]++;
        c->oldest_us = r.received_us < c->oldest_us ? r.received_us : c->oldest_us;
        c->newest_us = r.received_us > c->newest_us ? r.received_us : c->newest_us;
        log_cursor_chain(cursor, c->chain);
        ok = r.kind != RECORD_PLAN || keep_plan(s, &r, c, e);
    }
    log_cursor_close(cursor);
    return ok && found >= 0;
}

bool shard_cut_prepare(struct shard *s, uint64_t first_seq, struct shard_cut *c, struct error *e)
{
    struct plan *p = shard_plan(s);
    uint64_t layout = engine_layout(p);

    plan_unref(p);
    *c = (struct shard_cut){.first_seq = first_seq};
    return snapshot_keep_base(s->snapshot_directory, first_seq, layout, &c->snapshot_seq, e) &&
           look_through(s, c, e) && lists_again(s, first_seq, e);
}

bool shard_cut_now(struct shard *s, const struct shard_cut *c, struct error *e)
{
    return log_cut(s->log, c->first_seq, e);
}

bool shard_pack(struct shard *s, bool *did, struct error *e)
{
    return log_pack(s->log, did, e);
}
