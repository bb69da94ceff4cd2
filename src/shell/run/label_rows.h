/* The rows of a file of labels: chargebacks, reviews, and their reversals.
 *
 * Columns are found by name unless they are given: the event's id, the label, who says so, when it
 * became known, and whether it takes an earlier label back. Rows that say nothing usable are
 * rejects, kept in the rejects file like those of any source.
 */
#ifndef ASSAY_RUN_LABEL_ROWS_H
#define ASSAY_RUN_LABEL_ROWS_H

#include "shell/settings/settings.h"
#include "shell/source/source.h"

enum { LABEL_ROWS_MAX = 10000000, LABEL_SOURCE_MAX = 64, LABEL_ID_MAX = 256 };

/* What became of a row. */
enum label_fate {
    LABEL_OPEN,          /* not tried yet */
    LABEL_TAKEN,         /* new: it is in the log now */
    LABEL_REPEATED,      /* said before, by an earlier import or an earlier row */
    LABEL_UNMATCHED,     /* no such event */
    LABEL_CONTRADICTING, /* same event, source and date, but the other label: not taken */
    LABEL_REFUSED,       /* by the service */
    LABEL_FATES,
};

struct label_row {
    char *id;
    char *source;
    uint8_t label;        /* 1 fraud, 0 legitimate, LABEL_UNKNOWN: taken back */
    bool has_time;        /* false: it counts from now on */
    int64_t effective_us; /* when it became known */
    uint64_t event_seq;   /* of the event's record, where the log was read for it; 0: not known */
    const char *file;     /* borrowed from the source */
    uint64_t line;
    enum label_fate fate;
};

struct label_options {
    const char *path;
    const char *id, *label, *source, *date, *reversal; /* columns; NULL: found by name */
    const char *all;                                   /* "fraud" or "legit": what all rows say */
    const char *said_by;                               /* who says so where no column does */
    const char *rejects;                               /* file */
};

struct label_rows {
    struct source *source; /* open until label_rows_free: the rejects file is its */
    struct label_row *row;
    uint32_t count;
    uint64_t rejects;  /* rows that say nothing usable */
    char columns[512]; /* which column is what, in words */
};

/* ERROR_INVALID where a needed column is not found. */
bool label_rows_read(const struct label_options *o, const struct settings *s, struct label_rows *r,
                     struct error *e) MUST_USE;
/* Into the rejects file: rows that were not taken, with the reason. */
bool label_rows_keep_rejected(struct label_rows *r, struct error *e) MUST_USE;
void label_rows_free(struct label_rows *r); /* also of a zeroed struct */

#endif
