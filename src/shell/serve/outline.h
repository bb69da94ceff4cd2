/* The outlines of bodies, each written once: what the API's description is made from, and by which
 * its tests hold real answers. */
#ifndef ASSAY_SERVE_OUTLINE_H
#define ASSAY_SERVE_OUTLINE_H

#include <stdbool.h>

#include "core/base/buffer.h"

enum { OUTLINE_MEMBERS_MAX = 28, OUTLINE_CHOICES_MAX = 4 };

enum outline_type {
    OUTLINE_TEXT,
    OUTLINE_TIME, /* RFC 3339 text, UTC */
    OUTLINE_WHOLE,
    OUTLINE_REAL,
    OUTLINE_BOOL,
    OUTLINE_ANY,
    OUTLINE_OBJECT,  /* of any members */
    OUTLINE_OUTCOME, /* texts of which the plan in force knows some */
    OUTLINE_LEVEL,
    OUTLINE_RULE,
    OUTLINE_FEATURE,
    OUTLINE_WORDS,  /* one of the words in `of`, with "|" between them */
    OUTLINE_VALUES, /* an object of features' values */
    OUTLINE_OF,     /* another shape, named by `of` */
};

enum outline_flag {
    OUTLINE_OPTIONAL = 1,
    OUTLINE_NULLABLE = 2,
    OUTLINE_ARRAY = 4,
};

struct outline_member {
    const char *name;
    enum outline_type type;
    unsigned flags;
    const char *of;
    const char *words;
};

/* Members, or any one of other outlines. */
struct outline {
    const char *name;
    const char *words;
    struct outline_member members[OUTLINE_MEMBERS_MAX];
    const char *any_of[OUTLINE_CHOICES_MAX]; /* "Name" or "Name[]" */
};

extern const struct outline outlines[];
extern const unsigned outline_count;

const struct outline *outline_find(const char *name); /* or NULL */
bool outline_has(const char *name, struct text member);
void outline_names(const char *name, struct buffer *out); /* "id, seq, time" */

#endif
