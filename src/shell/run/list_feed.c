#include "shell/run/list_feed.h"

#include <string.h>

#include "core/base/memory.h"
struct list_feed {
    struct list_file file[LANG_LISTS_MAX];
    uint32_t next[LANG_LISTS_MAX]; /* row of each file */
    uint32_t count;
};

bool list_feed_open(const struct settings *s, struct list_feed **feed, struct error *e)
{
    struct list_feed *f = mem_alloc(sizeof *f);

    for (; f->count < s->list_count; f->count++) {
        if (list_file_of_settings(s, f->count, INT64_MAX, &f->file[f->count], e))
            continue;
        list_feed_close(f);
        return false;
    }
    *feed = f;
    return true;
}

void list_feed_close(struct list_feed *f)
{
    if (f == NULL)
        return;
    for (uint32_t i = 0; i < f->count; i++)
        list_file_fini(&f->file[i]);
    mem_free(f);
}

void list_feed_rewind(struct list_feed *f)
{
    memset(f->next, 0, sizeof f->next);
}

const struct list_file *list_feed_file(const struct list_feed *f, uint32_t list)
{
    return &f->file[list];
}

/* When a row's change is made; without a time before everything. */
static int64_t due_us(const struct list_row *row)
{
    return row->has_at ? row->at_us : INT64_MIN;
}

/* The list whose next change is the earliest; count where there is none left. */
static uint32_t earliest(const struct list_feed *f)
{
    uint32_t best = f->count;

    for (uint32_t i = 0; i < f->count; i++) {
        if (f->next[i] < f->file[i].count &&
            (best == f->count ||
             due_us(&f->file[i].row[f->next[i]]) < due_us(&f->file[best].row[f->next[best]])))
            best = i;
    }
    return best;
}

uint32_t list_feed_rows(const struct list_feed *f, const struct column *time, uint32_t first,
                        uint32_t rows)
{
    uint32_t list = earliest(f), low = 0, high = rows;
    int64_t due;

    if (list == f->count)
        return rows;
    due = due_us(&f->file[list].row[f->next[list]]);
    if (time == NULL)
        return due <= 0 ? 0 : rows;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (time->integer[first + middle] < due)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t gather(struct list_feed *f, uint32_t list, struct list_item *item)
{
    const struct list_file *file = &f->file[list];
    uint32_t first = f->next[list], count = 0;

    while (count < LIST_CHANGES_MAX && first + count < file->count &&
           due_us(&file->row[first + count]) == due_us(&file->row[first])) {
        item[count] = file->row[first + count].item;
        count++;
    }
    f->next[list] += count;
    return count;
}

bool list_feed_advance(struct list_feed *f, int64_t time_us,
                       bool (*take)(void *context, uint32_t list, const struct list_item *item,
                                    uint32_t count, int64_t at_us, struct error *e),
                       void *context, struct error *e)
{
    struct list_item *item = mem_array(LIST_CHANGES_MAX, sizeof *item);
    uint32_t list;
    bool ok = true;

    while (ok && (list = earliest(f)) < f->count) {
        const struct list_row *row = &f->file[list].row[f->next[list]];

        if (due_us(row) > time_us)
            break;
        ok = take(context, list, item, gather(f, list, item), row->at_us, e);
    }
    mem_free(item);
    return ok;
}

static bool into_engine(void *context, uint32_t list, const struct list_item *item, uint32_t count,
                        int64_t at_us, struct error *e)
{
    struct list_taker *t = context;

    return list_items_apply(t->engine, t->plan, list, item, count, LIST_BY_FILE, (*t->seq)++, at_us,
                            e);
}

bool list_feed_into_engine(struct list_feed *f, int64_t time_us, struct list_taker *t,
                           struct error *e)
{
    return list_feed_advance(f, time_us, into_engine, t, e);
}
