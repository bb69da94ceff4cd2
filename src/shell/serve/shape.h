/* The shapes of bodies, each written once: what the API's description is made from, and by which
 * its tests hold real answers. */
#ifndef ASSAY_SERVE_SHAPE_H
#define ASSAY_SERVE_SHAPE_H

#include <stdbool.h>

#include "core/base/buffer.h"

enum { SHAPE_MEMBERS_MAX = 24, SHAPE_CHOICES_MAX = 4 };

enum shape_type {
    SHAPE_TEXT,
    SHAPE_TIME, /* RFC 3339 text, UTC */
    SHAPE_WHOLE,
    SHAPE_REAL,
    SHAPE_BOOL,
    SHAPE_ANY,
    SHAPE_OBJECT,  /* of any members */
    SHAPE_OUTCOME, /* texts of which the plan in force knows some */
    SHAPE_LEVEL,
    SHAPE_RULE,
    SHAPE_FEATURE,
    SHAPE_WORDS,  /* one of the words in `of`, with "|" between them */
    SHAPE_VALUES, /* an object of features' values */
    SHAPE_OF,     /* another shape, named by `of` */
};

enum shape_flag {
    SHAPE_OPTIONAL = 1,
    SHAPE_NULLABLE = 2,
    SHAPE_ARRAY = 4,
};

struct shape_member {
    const char *name;
    enum shape_type type;
    unsigned flags;
    const char *of;
    const char *words;
};

/* Members, or any one of other shapes. */
struct shape {
    const char *name;
    const char *words;
    struct shape_member members[SHAPE_MEMBERS_MAX];
    const char *any_of[SHAPE_CHOICES_MAX]; /* "Name" or "Name[]" */
};

extern const struct shape shapes[];
extern const unsigned shape_count;

const struct shape *shape_find(const char *name); /* or NULL */
bool shape_has(const char *name, struct text member);
void shape_names(const char *name, struct buffer *out); /* "id, seq, time" */

#endif
