/* Rows that could not be read: counted, and written to a CSV file of file, line, column, value,
 * reason. The file is made with the first of them. */
#ifndef ASSAY_SOURCE_REJECTS_H
#define ASSAY_SOURCE_REJECTS_H

#include <stdio.h>

#include "core/base/buffer.h"

enum { REJECT_VALUE_MAX = 120 /* bytes of a value that are shown */ };

struct reject {
    const char *file;
    uint64_t line;
    const char *column; /* "" where it is the whole record */
    struct text value;
    const char *reason;
};

struct rejects {
    char *path; /* NULL: counted only */
    FILE *file;
    uint64_t count;
    char first[512]; /* the first one, in words */
};

void rejects_init(struct rejects *r, const char *path);
bool rejects_add(struct rejects *r, const struct reject *one, struct error *e) MUST_USE;
/* Flushes; false where the disk failed. */
bool rejects_finish(struct rejects *r, struct error *e) MUST_USE;
void rejects_fini(struct rejects *r);

/* A value for a message: at most REJECT_VALUE_MAX bytes, what is not printable escaped (\x00). */
void rejects_show(struct text value, struct buffer *out);

#endif
