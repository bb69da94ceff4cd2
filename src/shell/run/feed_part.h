/* One source of events: the only one, or that of one kind of event. Private to the feed. */
#ifndef ASSAY_RUN_FEED_PART_H
#define ASSAY_RUN_FEED_PART_H

#include "shell/run/feed.h"

enum { FEED_FILE_MAX = 4096 }; /* bytes of a path */

struct feed_part {
    const struct source_setting *setting; /* NULL: as the file is found */
    const char *path;                     /* resolved */
    const struct kind_setting *kind;      /* NULL: events are of one kind */
    const char *directory;                /* where joined files are; NULL: where settings say */
    bool is_whole;                        /* a file that was named: nothing is joined to it */
    const struct source_piece *pieces;    /* of the files; NULL: all of them */
    uint32_t piece_count;
    const char *query; /* of a database, instead of the setting's; or NULL */
};

/* The part's source opened, its columns in the types of `wanted` (may be NULL). Where counts are
 * given, rows that cannot be read are kept in a file that they name. */
bool feed_part_open(const struct settings *s, const struct feed_part *part,
                    const struct schema *wanted, struct feed_counts *counts, struct source **source,
                    struct error *e) MUST_USE;
/* The field of the part's events that `name` must be; `path` is its place in the settings. */
bool feed_find_role(const struct settings *s, const struct schema *schema, const char *path,
                    const char *name, int *field, struct error *e) MUST_USE;
/* A file of the settings, relative to the settings file; with a directory, the one of that name in
 * it. */
bool feed_path(const struct settings *s, const char *file, const char *directory,
               char out[FEED_FILE_MAX], struct error *e) MUST_USE;

/* The file of a source as feed_path has it; of a database what it is called in messages. */
bool feed_source_path(const struct settings *s, const struct source_setting *source,
                      const char *directory, char out[FEED_FILE_MAX], struct error *e) MUST_USE;
bool feed_part_is_database(const struct feed_part *part);

/* The source of a kind; `directory` NULL: where the settings say. `path` takes its file. */
bool feed_kind_part(const struct settings *s, uint32_t kind, const char *directory,
                    char path[FEED_FILE_MAX], struct feed_part *part, struct error *e) MUST_USE;
/* The fields of all kinds, by a look at their sources. The caller's. */
bool feed_kinds_schema(const struct settings *s, const char *directory, struct schema **schema,
                       struct error *e) MUST_USE;
bool feed_kinds_source(const struct settings *s, const char *kind, struct source **source,
                       struct error *e) MUST_USE;

#endif
