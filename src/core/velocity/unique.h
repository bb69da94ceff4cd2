/* Equal values: for distinct and is_new.
 *
 * Each event holds how far back the previous event of the same value is and how far ahead the next
 * one (0: none retained). An event is its value's only one in [tail, head) if its previous is
 * before tail and its next is not before head, so a window keeps just a count. The newest
 * occurrence of a value is found by looking back over few events, or in a hash index over many. For
 * unbounded windows the values of dropped events are kept in a set, without limit of time.
 *
 * Private to velocity/. */
#ifndef ASSAY_VELOCITY_UNIQUE_H
#define ASSAY_VELOCITY_UNIQUE_H

#include "core/velocity/entity.h"

enum {
    UNIQUE_SCAN = 48, /* events up to which there is no index */
};

#define UNIQUE_NONE UINT32_MAX

static inline struct packed32 *unique_back(const struct group *g, const struct unique *u,
                                           const struct entity *e, uint32_t i)
{
    return entity_link(g, e, i, u->links);
}

static inline struct packed32 *unique_ahead(const struct group *g, const struct unique *u,
                                            const struct entity *e, uint32_t i)
{
    return entity_link(g, e, i, u->links + 1);
}

static inline uint32_t unique_next(const struct group *g, const struct unique *u,
                                   const struct entity *e, uint32_t i)
{
    uint32_t ahead = unique_ahead(g, u, e, i)->v;

    return ahead == 0 ? UNIQUE_NONE : i + ahead;
}

/* Whether an event before `i` that was ever there has its value. */
static inline bool unique_has_earlier(const struct group *g, const struct unique *u,
                                      const struct entity *e, uint32_t i)
{
    return unique_back(g, u, e, i)->v != 0;
}

/* Whether an event of [from, i) has the value of `i`. */
static inline bool unique_occurs_from(const struct group *g, const struct unique *u,
                                      const struct entity *e, uint32_t i, uint32_t from)
{
    uint32_t back = unique_back(g, u, e, i)->v;

    return back != 0 && i >= from && back <= i - from;
}

/* Newest retained event with the current row's value, or UNIQUE_NONE. */
uint32_t unique_newest(const struct velocity *v, const struct group *g, const struct unique *u,
                       const struct entity *e, const int64_t *value);
/* Whether a dropped event had it. */
bool unique_in_base(const struct velocity *v, const struct group *g, const struct unique *u,
                    const struct entity *e, const int64_t *value);
/* The newest occurrence before `head`, from a newer one or UNIQUE_NONE. */
uint32_t unique_before(const struct group *g, const struct unique *u, const struct entity *e,
                       uint32_t occurrence, uint32_t head);

/* Event `i` was appended, or put in before others (then all columns are shifted already). */
void unique_append(struct velocity *v, uint32_t group, const struct unique *u, struct entity *e,
                   uint32_t i);
void unique_insert(struct velocity *v, uint32_t group, const struct unique *u, struct entity *e,
                   uint32_t i);
/* Event `first` is about to go. */
void unique_drop(struct velocity *v, uint32_t group, const struct unique *u, struct entity *e);
/* Events were moved to other indices: make the index anew. */
void unique_rebuild(struct velocity *v, uint32_t group, const struct unique *u, struct entity *e);
/* How many values of dropped events are kept at least in a set of so many bytes. */
uint64_t unique_values_max(const struct group *g, const struct unique *u, size_t bytes);
void unique_free(struct velocity *v, uint32_t group, const struct unique *u, struct entity *e);

#endif
