/* How much memory a load will need, told before it comes.
 *
 * Events at a steady rate, each of any entity of the kind alike: so an entity retains its newest
 * event and those within the horizon before it, Poisson-distributed about rate * horizon /
 * entities, in a block with room to grow. Entities that no window reaches are freed. Skewed keys
 * need less: many entities are then seen too seldom to be kept.
 */
#ifndef ASSAY_VELOCITY_FORECAST_H
#define ASSAY_VELOCITY_FORECAST_H

#include "core/velocity/velocity.h"

struct velocity_forecast {
    double entities;     /* kept at a time */
    double events;       /* retained by all of them */
    double entity_bytes; /* of one, on average */
    double bytes;        /* of all */
    double event_bytes;  /* of one event in an entity */
    int64_t horizon_us;  /* how long an event is retained; INT64_MAX: for ever */
    bool is_endless;     /* some aggregate keeps all events: bytes are those after one year */
    double sketch_bytes; /* of entity_bytes, approx_distinct: with each event of a year another
                            value */
    /* Up to where results of one entity are exact; beyond, events or values are dropped for want of
     * room, and its results marked. */
    uint64_t exact_events; /* that windows may hold */
    uint64_t
        exact_values; /* of dropped events, for distinct and is_new without `over`; 0: no such */
};

/* `rate` events a second of `entities` entities, both above 0. */
void velocity_forecast(const struct velocity_layout *l, uint32_t group, double rate,
                       double entities, struct velocity_forecast *n);
/* What entities of all groups of a level may take. */
double velocity_room(const struct velocity_layout *l, int level);

#endif
