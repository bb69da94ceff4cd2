/* The events of the settings' sources, in the order in which the engine is to see them.
 *
 * A file may be in any order; the engine's order is (time, kind of event in the order of the
 * settings, place in the file). Sorting is done here, once, for training, features, scoring and
 * history alike, and says how many rows it moved past others of their kind.
 * Of rows with one id the first is taken; the others are counted, as repeated or as conflicting.
 *
 * What fits into batch.memory is held there. A larger file is looked at once and then read again, a
 * frame at a time; what is not in order in it is sorted in a nameless file in $TMPDIR, or in the
 * data directory (feed_spill.h). The events and their order are the same.
 */
#ifndef ASSAY_RUN_FEED_H
#define ASSAY_RUN_FEED_H

#include "core/base/progress.h"
#include "core/data/frame.h"
#include "core/decide/plan.h"
#include "shell/run/lookup.h"
#include "shell/settings/settings.h"

enum { FEED_FRAME_ROWS = 65536, FEED_PATH_MAX = 512 };

struct source;

struct feed_counts {
    uint64_t rows;             /* events */
    uint64_t rejects;          /* rows that could not be read (they are in the rejects file) */
    uint64_t repeated;         /* rows met before, same id and content: taken once */
    uint64_t conflicting;      /* rows with an id met before and other content: left out */
    uint64_t unjoined;         /* times that a joined file had no row for an event */
    uint64_t moved;            /* rows that sorting moved */
    uint64_t spilled_bytes;    /* written to the disk for want of memory */
    int64_t from_us, until_us; /* first and last event time */
    uint8_t digest[32];        /* SHA-256 of the files' bytes, in name order */
    char first_conflict[64];   /* such an id, once all events were read */
    char undated[256];         /* tables looked up in that have no valid_from */
    char words[512];           /* what was found by looking: delimiter, decimal mark, ... */
    char rejects_path[FEED_PATH_MAX];
};

struct feed_inside;

struct feed {
    const struct schema *schema; /* of the events: the source's fields, then looked-up ones */
    const uint8_t *absent;       /* by field of the schema: 1 = the file has no such column */
    struct feed_counts counts;
    struct feed_inside *inside;
};

/* What the source's schema is, without reading it all. The caller's. */
bool feed_schema(const struct settings *s, const char *path, struct schema **schema,
                 struct error *e) MUST_USE;

/* The settings' source of this kind of event (NULL: the first), opened as the settings say it is
 * read: to look at the data as they are. The caller's. */
bool feed_source(const struct settings *s, const char *kind, struct source **source,
                 struct error *e) MUST_USE;

/* Look at all events of `path` (NULL: the settings' sources; else a file, or with several kinds of
 * event a directory that has their files). With a schema given (a
 * plan's) the file's columns are read as its fields; columns it does not know are passed over. The
 * settings must outlive the feed. */
bool feed_load(const struct settings *s, const char *path, const struct schema *schema,
               const struct progress *progress, struct feed *f, struct error *e) MUST_USE;
/* As feed_load under the plan's schema; a file without a column that a feature, a rule or an entity
 * of the plan reads is refused by name: deciding without it would be deciding something else. */
bool feed_load_for(const struct settings *s, const char *path, const struct plan *plan,
                   const struct progress *progress, struct feed *f, struct error *e) MUST_USE;
void feed_free(struct feed *f); /* also of a zeroed struct */

/* Begin at the first event. `is_last`: for the last time; memory of what was read goes back. */
bool feed_begin(struct feed *f, bool is_last, struct error *e) MUST_USE;
/* The next events; NULL past the last. Good until the next call: of the last time texts are too. */
bool feed_next(struct feed *f, const struct frame **frame, struct error *e) MUST_USE;

#endif
