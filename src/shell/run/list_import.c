#include "shell/run/list_import.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/run/list_file.h"

enum { PAGE = 1024 };

/* What the file says of one value; the last row counts. */
struct said {
    struct list_change change;
    uint32_t row;
};

struct import {
    struct shard *shard;
    struct engine *engine;
    uint32_t list;
    int64_t now_us;
    struct list_file file;
    struct said *said; /* by token */
    uint32_t count;
    struct list_item item[LIST_CHANGES_MAX]; /* to be written */
    uint32_t items;
    struct buffer texts; /* of values read back from the log; they end where they began */
    size_t text_at[LIST_CHANGES_MAX];
};

static int compare_tokens(struct hash128 a, struct hash128 b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return a.low < b.low ? -1 : a.low > b.low;
}

static int compare_said(const void *left, const void *right)
{
    const struct said *a = left, *b = right;
    int order = compare_tokens(a->change.token, b->change.token);

    return order != 0 ? order : a->row < b->row ? -1 : 1;
}

static void fold(struct import *m)
{
    struct plan *plan = shard_plan(m->shard);
    enum type type = plan_list_type(plan, m->list);
    uint32_t kept = 0;

    plan_unref(plan);
    m->said = mem_array(m->file.count, sizeof *m->said);
    for (uint32_t i = 0; i < m->file.count; i++) {
        uint32_t place;

        m->said[i].row = i;
        ASSERT(list_changes_of(m->engine, type, &m->file.row[i].item, 1, &m->said[i].change,
                               &place) == 1); /* list_file_read has held it */
    }
    qsort(m->said, m->file.count, sizeof *m->said, compare_said);
    for (uint32_t i = 0; i < m->file.count; i++) {
        if (i + 1 < m->file.count &&
            compare_tokens(m->said[i].change.token, m->said[i + 1].change.token) == 0)
            continue;
        m->said[kept++] = m->said[i];
    }
    m->count = kept;
}

static const struct said *find(const struct import *m, struct hash128 token)
{
    uint32_t low = 0, high = m->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_tokens(m->said[middle].change.token, token);

        if (order == 0)
            return &m->said[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool flush(struct import *m, uint64_t file, struct error *e)
{
    bool ok;

    for (uint32_t i = 0; i < m->items; i++) {
        if (m->item[i].value.bytes == NULL)
            m->item[i].value.bytes = m->texts.bytes + m->text_at[i];
    }
    ok = shard_list_from_file(m->shard, m->list, m->item, m->items, m->now_us, file, e);
    m->items = 0;
    buffer_clear(&m->texts);
    return ok;
}

static bool put(struct import *m, const struct list_item *item, struct error *e)
{
    if (m->items == LIST_CHANGES_MAX && !flush(m, 0, e))
        return false;
    m->item[m->items++] = *item;
    return true;
}

/* The state has no values: the record has. */
static bool put_removal(struct import *m, const struct list_entry *entry, struct error *e)
{
    struct list_item item = {0};
    struct list_body body;
    struct buffer bytes;
    struct record r;
    struct reader at;
    bool ok;

    if (m->items == LIST_CHANGES_MAX && !flush(m, 0, e))
        return false;
    buffer_init(&bytes, LOG_BODY_MAX + LOG_OVERHEAD_BYTES);
    ok = log_read(shard_log(m->shard), entry->seq, &bytes, &r, e) &&
         list_body_parse(r.body, &body, e);
    if (ok) {
        reader_init(&at, body.items.bytes, body.items.length);
        for (uint32_t i = 0; i <= entry->place; i++)
            list_item_next(&at, &item);
        m->text_at[m->items] = m->texts.length;
        buffer_add_slice(&m->texts, item.value);
        m->item[m->items++] = (struct list_item){
            .is_removal = true, .expires_us = LIST_NEVER, .value = {NULL, item.value.length}};
    }
    buffer_fini(&bytes);
    return ok;
}

static bool remove_missing(struct import *m, struct error *e)
{
    struct list_entry *page = mem_array(PAGE, sizeof *page);
    uint64_t seq = 0;
    uint32_t place = 0, found;
    bool ok = true;

    while (ok &&
           (found = lists_page(engine_lists(m->engine), m->list, seq, place, PAGE, page)) > 0) {
        for (uint32_t i = 0; i < found && ok; i++) {
            const struct said *said = find(m, page[i].token);

            if (page[i].origin == LIST_BY_FILE && (said == NULL || said->change.is_removal))
                ok = put_removal(m, &page[i], e);
        }
        seq = page[found - 1].seq;
        place = page[found - 1].place;
    }
    mem_free(page);
    return ok;
}

/* In the order of the file. */
static int compare_rows(const void *left, const void *right)
{
    const struct said *a = left, *b = right;

    return a->row < b->row ? -1 : 1;
}

static bool add_new(struct import *m, struct error *e)
{
    qsort(m->said, m->count, sizeof *m->said, compare_rows);
    for (uint32_t i = 0; i < m->count; i++) {
        const struct list_change *c = &m->said[i].change;

        if (c->is_removal || engine_list_is_past(m->engine, c->expires_us) ||
            lists_foresee(engine_lists(m->engine), m->list, c, LIST_BY_FILE) == LIST_UNCHANGED)
            continue;
        if (!put(m, &m->file.row[m->said[i].row].item, e))
            return false;
    }
    return true;
}

static bool import_one(struct shard *s, const struct settings *settings, uint32_t list,
                       int64_t now_us, struct error *e)
{
    struct import *m = mem_alloc(sizeof *m);
    bool ok;

    m->shard = s;
    m->engine = shard_engine(s);
    m->list = list;
    m->now_us = now_us;
    buffer_init(&m->texts, LIST_CHANGES_MAX * LIST_VALUE_MAX);
    ok = list_file_of_settings(settings, list, now_us, &m->file, e);
    if (ok && m->file.digest != 0 && m->file.digest != lists_file(engine_lists(m->engine), list)) {
        fold(m);
        ok = remove_missing(m, e) && add_new(m, e) && flush(m, m->file.digest, e);
    }
    list_file_fini(&m->file);
    buffer_fini(&m->texts);
    mem_free(m->said);
    mem_free(m);
    return ok;
}

bool list_import(struct shard *s, const struct settings *settings, int64_t now_us, struct error *e)
{
    for (uint32_t i = 0; i < settings->list_count; i++) {
        if (!import_one(s, settings, i, now_us, e))
            return false;
    }
    return true;
}
