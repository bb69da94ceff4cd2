#include "core/stats/cards.h"

#include <math.h>

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/stats/order.h"

static uint64_t day_key(int32_t day)
{
    return (uint32_t)day ^ UINT32_C(0x80000000); /* ascending as unsigned */
}

static uint32_t *identity(uint32_t count)
{
    uint32_t *order = mem_array(count, sizeof *order);

    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    return order;
}

/* One card_day for each day and entity, in that order. */
static void cards_collect(struct cards *c, const struct outcomes *o)
{
    uint64_t *key = mem_array(o->rows, sizeof *key);
    uint32_t *order = identity(o->rows);

    for (uint32_t i = 0; i < o->rows; i++)
        key[i] = day_key(o->day[i]) << 32 | o->entity[i];
    order_by(key, o->rows, order);
    for (uint32_t i = 0; i < o->rows; i++) {
        uint32_t row = order[i];
        struct card_day *last = c->count > 0 ? &c->card_day[c->count - 1] : NULL;

        if (i == 0 || key[row] != key[order[i - 1]]) {
            c->card_day[c->count++] = (struct card_day){o->day[row], o->entity[row],
                                                        o->probability[row], o->label[row] != 0};
            continue;
        }
        if (o->probability[row] > last->score)
            last->score = o->probability[row];
        if (o->label[row])
            last->is_fraud = 1;
    }
    mem_free(key);
    mem_free(order);
}

enum card_key { KEY_SHUFFLE, KEY_SCORE, KEY_DAY, KEYS }; /* from the least important */

static uint64_t card_key(const struct card_day *d, enum card_key which)
{
    switch (which) {
    case KEY_SHUFFLE:
        return hash_mix(d->entity + UINT64_C(0x9e3779b97f4a7c15));
    case KEY_SCORE:
        return ~order_key(d->score);
    default:
        return day_key(d->day);
    }
}

static void cards_sort(struct cards *c)
{
    uint64_t *key = mem_array(c->count, sizeof *key);
    uint32_t *order = identity(c->count);
    struct card_day *sorted = mem_array(c->count, sizeof *sorted);

    for (unsigned which = 0; which < KEYS; which++) {
        for (uint32_t i = 0; i < c->count; i++)
            key[i] = card_key(&c->card_day[i], which);
        order_by(key, c->count, order);
    }
    for (uint32_t i = 0; i < c->count; i++)
        sorted[i] = c->card_day[order[i]];
    mem_free(c->card_day);
    c->card_day = sorted;
    mem_free(key);
    mem_free(order);
}

void cards_init(struct cards *c, const struct outcomes *o)
{
    *c = (struct cards){0};
    if (o->day == NULL || o->entity == NULL || o->rows == 0)
        return;
    c->card_day = mem_array(o->rows, sizeof *c->card_day);
    cards_collect(c, o);
    cards_sort(c);
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->card_day[i].entity >= c->entities)
            c->entities = c->card_day[i].entity + 1;
        c->days += i == 0 || c->card_day[i].day != c->card_day[i - 1].day;
    }
}

void cards_fini(struct cards *c)
{
    mem_free(c->card_day);
    *c = (struct cards){0};
}

double cards_precision(const struct cards *c, const uint8_t *copies, uint32_t k)
{
    uint8_t *is_found;
    uint64_t found = 0;
    uint32_t left = k;

    if (c->count == 0 || k == 0)
        return NAN;
    is_found = mem_array(c->entities, sizeof *is_found);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct card_day *d = &c->card_day[i];
        uint32_t places = copies != NULL ? copies[d->entity] : 1;

        if (i == 0 || d->day != d[-1].day)
            left = k;
        if (left == 0 || is_found[d->entity])
            continue;
        places = places < left ? places : left;
        left -= places;
        if (d->is_fraud && places > 0) {
            found += places;
            is_found[d->entity] = 1;
        }
    }
    mem_free(is_found);
    return (double)found / ((double)k * c->days);
}
