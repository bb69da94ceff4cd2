/* Models on their way into the registry: version, lineage, metrics, report and card of each; then
 * who is champion. */
#ifndef ASSAY_TRAIN_REGISTER_H
#define ASSAY_TRAIN_REGISTER_H

#include "shell/registry/registry.h"
#include "shell/run/plans.h"
#include "shell/settings/settings.h"

struct json_reader;

/* One model. All but what is marked is borrowed and the caller's to fill in. */
struct registration {
    const char *name;
    const struct model *model;           /* with its notes, whose `settings` go into the lineage */
    const struct recipe_setting *recipe; /* NULL: it was not trained here */
    const char *data;                    /* JSON object: what it learned from */
    uint64_t frauds;                     /* in it */
    const char *metrics;                 /* members of metrics.json, each with a comma before it */
    /* Set by registration_assign. */
    struct model_id id;
    bool is_known; /* the same model is there: nothing is added */
    struct model_digests digests;
    char path[REGISTRY_PATH_MAX]; /* of the model file */
};

/* What the registrations of one run have in common. */
struct registering {
    struct registry *registry;
    const char *directory; /* data directory */
    const struct settings *settings;
    const struct plan *plan;
    const char *events; /* path of the events where it is not that of the settings; or NULL */
    uint8_t events_digest[DIGEST_BYTES]; /* all zeros: no events */
    int64_t now_us;
};

/* Its digests and the version that they have or get. */
bool registration_assign(struct registering *g, struct registration *m, struct error *e) MUST_USE;
/* Writes it whole; of one that is known only a lost or damaged model file. `report` may be NULL. */
bool registration_add(struct registering *g, const struct registration *m,
                      const struct buffer *report, struct error *e) MUST_USE;

/* It is champion from now on. */
bool registration_promote(struct registering *g, const struct registration *m, bool is_forced,
                          struct error *e) MUST_USE;

#endif
