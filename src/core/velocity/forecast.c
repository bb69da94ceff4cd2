#include "core/velocity/forecast.h"

#include <math.h>

#include "core/base/calendar.h"
#include "core/base/elementary.h"
#include "core/velocity/approx.h"
#include "core/velocity/evict.h"
#include "core/velocity/forget.h"
#include "core/velocity/unique.h"

#define SHARE_ENOUGH 0.9999999

enum { BLOCK_EVENTS_LEAST = 4, MEAN_LARGE = 2000, YEAR_DAYS = 365 };

/* A block is made with room for a quarter more events than there are, when these are most: about
 * a standard deviation above their mean. */
static double block_bytes(const struct velocity_layout *l, uint32_t group, double events)
{
    double capacity = (events + sqrt(events)) * 5 / 4 + 2;

    if (events <= BLOCK_EVENTS_LEAST)
        capacity = BLOCK_EVENTS_LEAST;
    return (double)velocity_entity_bytes(l, group, (uint32_t)fmin(capacity, 1 << 30));
}

/* An entity has its newest event and, Poisson-distributed about `mean`, those that lie within the
 * horizon before it: what is older goes when its next event comes. */
static double mean_bytes(const struct velocity_layout *l, uint32_t group, double mean)
{
    double share = em_exp(-mean), shares = share, sum = share * block_bytes(l, group, 1);

    if (mean > MEAN_LARGE || share <= 0)
        return block_bytes(l, group, 1 + mean);
    for (int k = 1; k < 3 * MEAN_LARGE && (shares < SHARE_ENOUGH || k < mean); k++) {
        share *= mean / k;
        shares += share;
        sum += share * block_bytes(l, group, 1 + k);
    }
    return sum / shares;
}

static double sketch_bytes(const struct group *g, double values)
{
    double bytes = 0;

    for (uint32_t i = 0; i < g->approx_count; i++)
        bytes += (double)approx_bytes(&g->approxes[i], values);
    return bytes;
}

/* An entity with so many events finds a block for one more. */
static bool has_room(const struct group *g, uint64_t events, size_t room)
{
    uint64_t capacity = entity_wanted(events);

    return capacity <= ENTITY_EVENTS_MAX &&
           region_class_bytes(entity_block_bytes(g, (uint32_t)capacity)) <= room;
}

static void find_limits(const struct velocity_layout *l, const struct group *g,
                        struct velocity_forecast *n)
{
    size_t room = l->options.memory_bytes / l->group_count / ENTITY_PART;
    uint64_t step = (uint64_t)ENTITY_EVENTS_MAX;

    for (; step > 0; step /= 2) {
        if (has_room(g, n->exact_events + step, room))
            n->exact_events += step;
    }
    for (uint32_t i = 0; i < g->unique_count; i++) {
        uint64_t values = unique_values_max(g, &g->uniques[i], room);

        if (g->uniques[i].has_base && (n->exact_values == 0 || n->exact_values > values))
            n->exact_values = values;
    }
}

void velocity_forecast(const struct velocity_layout *l, uint32_t group, double rate,
                       double entities, struct velocity_forecast *n)
{
    const struct group *g = &l->groups[group];
    double seconds = (double)YEAR_DAYS * US_PER_DAY / 1e6, mean;

    *n = (struct velocity_forecast){.event_bytes = (double)g->event_bytes,
                                    .horizon_us = g->horizon_us,
                                    .is_endless = g->horizon_us == INT64_MAX};
    if (!n->is_endless)
        seconds = (double)g->horizon_us / 1e6;
    mean = rate * seconds / entities;
    /* A group that does not expire keeps entities without events too. */
    n->entities = entities;
    if (g->expires && !n->is_endless)
        n->entities *= 1 - em_exp(-rate * ((double)g->idle_us / 1e6) / entities);
    if (n->entities < 1)
        n->entities = 1;
    n->events = n->entities * (1 + mean);
    n->sketch_bytes = sketch_bytes(g, rate * (double)YEAR_DAYS * US_PER_DAY / 1e6 / entities);
    n->entity_bytes = mean_bytes(l, group, mean) + n->sketch_bytes;
    n->bytes = n->entities * n->entity_bytes;
    find_limits(l, g, n);
}

double velocity_room(const struct velocity_layout *l, int level)
{
    double part = (double)l->options.memory_bytes / l->group_count, room = 0;

    for (uint32_t i = 0; i < l->group_count; i++) {
        if (l->groups[i].level == level)
            room += part - part / FORGET_PART;
    }
    return room;
}
