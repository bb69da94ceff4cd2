/* The plan in force: the settings with the champion of the registry. */
#ifndef ASSAY_RUN_CURRENT_H
#define ASSAY_RUN_CURRENT_H

#include "shell/registry/registry.h"
#include "shell/run/plans.h"
#include "shell/settings/settings.h"

enum { CURRENT_PATH_MAX = REGISTRY_PATH_MAX };

enum current_use {
    CURRENT_MODEL_NEEDED,   /* unless the settings say model.kind: none, it is an error to have none
                             */
    CURRENT_MODEL_NOT_USED, /* features only */
    CURRENT_CACHED,         /* as NEEDED, of what the data directory has: nothing is fetched */
    CURRENT_SERVED,         /* as NEEDED, for a shard that is to be opened: its token key is made */
};

struct current {
    struct made_plan made;
    struct buffer model;               /* bytes of the model file; empty: none */
    char model_path[CURRENT_PATH_MAX]; /* "": none */
    /* Why the models are those of before: the shared registry cannot be reached; "": it was. */
    char warning[REGISTRY_WARNING_MAX];
};

/* The fields are those that the model was trained on, or, without a model, those of the events at
 * `path` (NULL: the settings' source). */
bool current_open(struct settings *s, const char *path, enum current_use use, struct current *c,
                  struct error *e) MUST_USE;
void current_close(struct current *c);

#endif
