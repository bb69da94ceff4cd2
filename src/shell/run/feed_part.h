/* One source of a feed's events: the only one, or that of one kind of event. Private to the feed.
 */
#ifndef ASSAY_RUN_FEED_PART_H
#define ASSAY_RUN_FEED_PART_H

#include "shell/run/feed.h"

enum { FEED_FILE_MAX = 4096 }; /* bytes of a path */

struct feed_part {
    const struct source_setting *setting; /* NULL: as the file is found */
    const char *path;                     /* resolved */
    const struct kind_setting *kind;      /* NULL: events are of one kind */
    const struct lookups *lookups;        /* of all kinds; else each feed opens its own */
};

/* The part's source opened, its columns in the types of `wanted` (may be NULL). Where counts are
 * given, rows that cannot be read are kept in a file that they name. */
bool feed_part_open(const struct settings *s, const struct feed_part *part,
                    const struct schema *wanted, struct feed_counts *counts, struct source **source,
                    struct error *e) MUST_USE;
/* The field of the part's events that `name` must be; `path` is its place in the settings. */
bool feed_find_role(const struct settings *s, const struct schema *schema, const char *path,
                    const char *name, int *field, struct error *e) MUST_USE;
/* Its events, whole, in order of time; under `schema` where it is given. On failure what is there
 * is for feed_free. */
bool feed_part_load(const struct settings *s, const struct feed_part *part,
                    const struct schema *schema, const struct progress *progress, struct feed *f,
                    struct error *e) MUST_USE;

/* Several kinds: a feed of each, merged. `path` NULL: the settings' sources; else a directory that
 * has their files. */
bool feed_kinds_schema(const struct settings *s, const char *path, struct schema **schema,
                       struct error *e) MUST_USE;
bool feed_kinds_source(const struct settings *s, const char *kind, struct source **source,
                       struct error *e) MUST_USE;
bool feed_kinds_load(const struct settings *s, const char *path, const struct schema *schema,
                     const struct progress *progress, struct feed *f, struct error *e) MUST_USE;
/* Rows that repeat an id are left out, the others brought into order. */
void feed_put_in_order(struct feed *f);
void feed_note_span(struct feed *f);
void feed_note_undated(const struct lookups *lookups, struct feed_counts *c);
/* The settings' path of a source, relative to the settings file; with a directory, the file of that
 * name in it. */
bool feed_path(const struct settings *s, const struct source_setting *source, const char *directory,
               char out[FEED_FILE_MAX], struct error *e) MUST_USE;

#endif
