/* The registry's own parts know one another here; others use registry.h. */
#ifndef ASSAY_REGISTRY_REGISTRY_INSIDE_H
#define ASSAY_REGISTRY_REGISTRY_INSIDE_H

#include "shell/registry/shared.h"

struct registry {
    char data[REGISTRY_PATH_MAX];
    char directory[REGISTRY_PATH_MAX]; /* <data>/models */
    struct aliases aliases;
    int lock;
    const struct artifact_place *place; /* NULL: it is not shared */
    struct artifacts *artifacts;        /* NULL: nor where it is shared, if it cannot be reached */
    char away[ERROR_TEXT_MAX];          /* why; also where something was added here only */
    char tag[ARTIFACT_TAG_MAX];         /* of the shared aliases */
};

/* A version into the directory, whole. */
bool registry_write(struct registry *r, const struct model_id *id, const struct registry_file *file,
                    uint32_t files, struct error *e) MUST_USE;

/* ---- mirror.c: the directory as the cache of what is shared ---- */

/* True also where the place cannot be reached: r->away then says why. */
bool mirror_open(struct registry *r, const struct artifact_place *place, enum registry_part part,
                 struct error *e) MUST_USE;
/* id->version or the next free one after it. */
bool mirror_claim(struct registry *r, struct model_id *id, const uint8_t model[DIGEST_BYTES],
                  struct error *e) MUST_USE;
/* What is in the directory; where that fails for the world's sake, r->away says so. */
bool mirror_add(struct registry *r, const struct model_id *id, struct error *e) MUST_USE;
bool mirror_promote(struct registry *r, const struct alias_change *change,
                    struct error *e) MUST_USE;
bool mirror_rollback(struct registry *r, struct alias_change *change, struct error *e) MUST_USE;

#endif
