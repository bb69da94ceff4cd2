#include "shell/source/daily.h"

#include <stdlib.h>

#include "core/base/calendar.h"
#include "core/base/hash.h"
#include "core/base/memory.h"

enum { FIRST_CAPACITY = 256 };

void daily_init(struct daily *d)
{
    *d = (struct daily){.capacity = FIRST_CAPACITY};
    d->item = mem_array(d->capacity, sizeof *d->item);
}

void daily_fini(struct daily *d)
{
    mem_free(d->item);
    *d = (struct daily){0};
}

static struct profile_day *place(const struct daily *d, int64_t day)
{
    uint32_t at = (uint32_t)hash_mix((uint64_t)day) & (d->capacity - 1);

    while (d->item[at].rows > 0 && d->item[at].day != day)
        at = (at + 1) & (d->capacity - 1);
    return &d->item[at];
}

static void grow(struct daily *d)
{
    struct profile_day *old = d->item;
    uint32_t capacity = d->capacity;

    d->capacity *= 2;
    d->item = mem_array(d->capacity, sizeof *d->item);
    for (uint32_t i = 0; i < capacity; i++) {
        if (old[i].rows > 0)
            *place(d, old[i].day) = old[i];
    }
    mem_free(old);
}

static int64_t day_of(int64_t time_us)
{
    return time_us / US_PER_DAY - (time_us % US_PER_DAY < 0);
}

void daily_add(struct daily *d, int64_t time_us, bool is_labelled, bool is_positive)
{
    int64_t day = day_of(time_us);
    struct profile_day *item = place(d, day);

    if (item->rows == 0 && d->used == DAILY_DAYS_MAX) {
        d->left_out++;
        return;
    }
    if (item->rows == 0 && 2 * d->used >= d->capacity) {
        grow(d);
        item = place(d, day);
    }
    d->used += item->rows == 0;
    item->day = day;
    item->rows++;
    item->labelled += is_labelled;
    item->positive += is_positive;
}

static int by_day(const void *a, const void *b)
{
    const struct profile_day *x = a, *y = b;

    return x->day < y->day ? -1 : x->day > y->day;
}

struct profile_day *daily_sorted(const struct daily *d, uint32_t *count)
{
    struct profile_day *sorted = mem_array(d->used > 0 ? d->used : 1, sizeof *sorted);

    *count = 0;
    for (uint32_t i = 0; i < d->capacity; i++) {
        if (d->item[i].rows > 0)
            sorted[(*count)++] = d->item[i];
    }
    qsort(sorted, *count, sizeof *sorted, by_day);
    return sorted;
}
