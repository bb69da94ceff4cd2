/* The sealed parts of records that are read from the log, opened: the event's personal fields, and
 * the values of its features where some of them come from such. What was erased stays away. One
 * thread each. */
#ifndef ASSAY_RUN_UNSEAL_H
#define ASSAY_RUN_UNSEAL_H

#include "shell/personal/sealer.h"
#include "shell/run/plans.h"

struct unseal {
    struct plans *plans;
    struct sealer *sealer; /* NULL until a record with a sealed part comes */
    struct buffer plain;
    struct text personal, values; /* of the record last asked for; empty where it has none */
};

void unseal_init(struct unseal *u, struct plans *plans); /* borrowed */
void unseal_fini(struct unseal *u);

/* Into the row of `f` that was decoded last, from the record's open event under `s`. *is_erased:
 * their key was destroyed. On failure the row is taken off again. */
bool unseal_add(struct unseal *u, const struct record *r, const struct schema *s, struct frame *f,
                bool *is_erased, struct error *e) MUST_USE;
/* The body's values, where they are in the sealed part; good until the next record. */
bool unseal_values(struct unseal *u, const struct record *r, struct event_body *body,
                   struct error *e) MUST_USE;

#endif
