/* A case as JSON. */
#ifndef ASSAY_SERVE_CASE_SHOW_H
#define ASSAY_SERVE_CASE_SHOW_H

#include "shell/serve/watched.h"

/* With its alerts, decisions, entities and timeline; without the closing brace. */
bool case_show(struct server *s, struct store *store, int64_t id, struct buffer *out,
               int64_t *version, struct error *e) MUST_USE;

#endif
