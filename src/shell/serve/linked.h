/* Entities that stand in the same decisions as one does: customers at its terminal, cards of its
 * customer. Of its newest decisions only, so what is read is bounded. */
#ifndef ASSAY_SERVE_LINKED_H
#define ASSAY_SERVE_LINKED_H

#include "shell/serve/inside.h"

enum {
    LINKED_DECISIONS_MAX = 200, /* that are looked at */
    LINKED_MAX = 50,            /* entities of one answer */
};

/* "linked":[...] of the entity of this number, kind and key. What cannot be read (a record that was
 * cut) adds nothing; false: the store cannot be asked. */
bool linked_add(struct server *s, struct store *store, int64_t entity, const char *kind,
                struct text key, struct buffer *out, struct error *e) MUST_USE;

#endif
