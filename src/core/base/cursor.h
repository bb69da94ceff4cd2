/* Opaque cursors of pages: a position of two numbers, and a hash of what is being paged through, so
 * that a cursor of another list or query is refused. Not secret; nothing can be asked by a made-up
 * one that could not be asked without. */
#ifndef ASSAY_CORE_BASE_CURSOR_H
#define ASSAY_CORE_BASE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/text.h"

enum { CURSOR_BYTES = 48, CURSOR_TEXT_MAX = CURSOR_BYTES + 1 };

struct cursor {
    uint64_t of; /* hash of the list or query */
    uint64_t first, second;
};

void cursor_format(const struct cursor *c, char out[CURSOR_TEXT_MAX]);
/* ERROR_USAGE: it is no cursor, or one of something else than c->of. */
bool cursor_parse(struct text word, struct cursor *c, struct error *e) MUST_USE;

#endif
