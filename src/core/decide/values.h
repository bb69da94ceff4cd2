/* The values of all features of one decision, as bytes: kept in its record, so that it can be
 * explained, and an entity's earlier values be told, without computing the past anew.
 *
 * The layout is that of an encoded event (core/data/event.h) over the features in their order. A
 * decision's features_hash covers them bit for bit, so what was kept can be held against it.
 */
#ifndef ASSAY_DECIDE_VALUES_H
#define ASSAY_DECIDE_VALUES_H

#include "core/decide/decision.h"

/* The features as fields: for a frame of their values. */
const struct schema *plan_values_schema(const struct plan *p);
/* Bytes that values_format adds at most. */
size_t values_most(const struct plan *p);
/* False, and nothing is added, where the texts among them are too long to be kept. */
bool values_format(const struct plan *p, const struct registers *r, uint32_t row,
                   struct buffer *out) MUST_USE;
/* Into a frame of plan_values_schema without rows. ERROR_INVALID where they are damaged or are not
 * those of the decision. */
bool values_parse(const struct plan *p, struct text bytes, const struct decision *d,
                  struct frame *f, struct error *e) MUST_USE;
/* The reasons of a parsed decision get the values that were kept; of `bytes` without any nothing.
 */
bool values_of_reasons(const struct plan *p, struct text bytes, struct decision *d,
                       struct error *e) MUST_USE;

/* decision.features_hash, feature by feature. */
static inline uint64_t values_hash_begin(uint32_t features)
{
    return features;
}

static inline uint64_t values_hash_add(uint64_t h, const struct column *c, uint32_t row,
                                       uint32_t feature)
{
    uint64_t bits = (uint64_t)c->null[row] << 63 ^ feature;

    if (c->type == TYPE_TEXT)
        bits ^= hash_bytes(c->text[row].bytes, c->text[row].length, feature);
    else if (!c->null[row])
        bits ^= hash_mix((uint64_t)c->integer[row]);
    return hash_mix(h ^ bits) + feature;
}

#endif
