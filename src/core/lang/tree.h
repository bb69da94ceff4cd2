/* An expression as it was written, before names and types mean anything. Trees live in the arena
 * of one call of program_add_*. */
#ifndef ASSAY_LANG_TREE_H
#define ASSAY_LANG_TREE_H

#include <stdint.h>

#include "core/base/memory.h"
#include "core/lang/lex.h"

enum tree_kind {
    TREE_NUMBER,
    TREE_STRING,
    TREE_DURATION,
    TREE_BOOL,
    TREE_NULL,
    TREE_PATH,
    TREE_CALL,    /* a function or an operator; text is its name ("neg" for the sign) */
    TREE_IN,      /* the operand, then the members */
    TREE_IN_LIST, /* the operand; text is the list's name */
    TREE_AGGREGATE,
};

/* The clauses of an aggregate. */
struct window {
    struct tree *keys; /* list */
    const char *keys_at;
    struct text over; /* duration, length 0 without */
    struct text step;
    struct text delay;
    struct tree *where; /* or NULL */
    bool prior;
};

struct tree {
    enum tree_kind kind;
    const char *at;     /* in the source */
    struct text text;   /* name, operator, number or text without its quotes */
    bool is_quoted;     /* of a path: in backticks */
    struct tree *first; /* arguments, a list through `next` */
    struct tree *next;
    uint32_t count;
    struct window *window; /* of an aggregate */
};

/* The whole source as one expression; NULL with the error of the source set. */
struct tree *tree_parse(const struct source *s, struct arena *memory) MUST_USE;

#endif
