/* Entities as people name them: the kinds that a plan has features over, and an event's key of one.
 * Only kinds whose key is one field of the event; a key that is computed has no name outside. */
#ifndef ASSAY_RUN_ENTITY_KEY_H
#define ASSAY_RUN_ENTITY_KEY_H

#include "core/decide/plan.h"

enum { ENTITY_KINDS_MAX = 32 };

struct entity_kind {
    const char *name; /* the plan's */
    int field;
};

uint32_t entity_kinds(const struct plan *p, struct entity_kind kind[ENTITY_KINDS_MAX]);
/* The key in its shortest words; false where the event has none. */
bool entity_key_text(const struct column *c, uint32_t row, struct buffer *out);

/* {"name": value, ...}: the features that read a window by this kind, from the registers. */
void entity_features_json(const struct plan *p, const struct registers *r, uint32_t row,
                          const char *kind, struct buffer *out);

#endif
