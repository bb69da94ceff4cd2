/* What features were in an entity's own earlier decisions. */
#ifndef ASSAY_STORE_OWN_H
#define ASSAY_STORE_OWN_H

#include "shell/run/reasons.h"
#include "shell/store/explanation.h"

struct own_past;

/* Where each of our features is among theirs: -1 where they have none of this name and meaning. */
void own_map_features(const struct plan *ours, const struct plan *theirs,
                      int map[LANG_FEATURES_MAX]);
/* The values of the plan's features in the entity's last decisions before `seq`. Features that
 * another plan defined otherwise then are left out. */
bool own_past_read(const struct explanation_sources *s, const struct plan *p, int64_t entity,
                   uint64_t seq, struct own_past **past, struct error *e) MUST_USE;
void own_past_free(struct own_past *past); /* takes NULL */
/* What was normal, as of the value now; n is 0 where nothing is known. */
void own_past_normal(struct own_past *past, uint32_t feature, const struct value *now,
                     struct own_normal *normal);

#endif
