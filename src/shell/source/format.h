/* What a file format does for a source; private to shell/source. Two of them: csv_file.c and
 * json_file.c. */
#ifndef ASSAY_SOURCE_FORMAT_H
#define ASSAY_SOURCE_FORMAT_H

#include "core/data/csv.h"
#include "core/data/json.h"
#include "shell/link/kafka.h"
#include "shell/os/file.h"
#include "shell/source/guess.h"
#include "shell/source/rejects.h"
#include "shell/source/source.h"
#include "shell/source/stream.h"

struct source;
struct joined;

struct format_ops {
    /* At the beginning of a file of which the head is in the window. Makes the schema if there is
     * none yet, unless the file has no rows; else sees that the columns are the same. */
    bool (*begin)(struct source *s, struct error *e);
    /* Adds rows until the frame is full or the file ends (*end). */
    bool (*read)(struct source *s, struct frame *f, bool *end, struct error *e);
    /* Appends a row as JSON to s->row_text, or sets *end at the end of the file. */
    bool (*next)(struct source *s, bool *end, struct error *e);
};

/* How the values of a JSON file stand, and what may come next in an array. */
enum json_shape { JSON_LINES, JSON_VALUES, JSON_IN_ARRAY, JSON_AFTER_ARRAY };
enum json_expect { EXPECT_FIRST, EXPECT_VALUE, EXPECT_COMMA };

extern const struct format_ops csv_format, json_format;

struct source {
    struct source_options options; /* its strings are those below */
    char *path;
    char *url, *table, *query;  /* of a database, or NULL */
    char *topic;                /* or NULL */
    struct kafka_options kafka; /* of the topic; owned, all of it */
    uint8_t digest[32];         /* of its bytes */
    struct source_field *fields;
    struct text *null_words;
    char **required; /* names; those that are given, in their order */
    uint32_t required_count;

    struct file_list files;
    struct source_piece *pieces; /* of the files, in their order; NULL: whole files */
    size_t next_file;
    const char *file;       /* the open one */
    const char *first_file; /* that gave the schema */
    struct stream *stream;
    const struct format_ops *ops;
    enum source_format format;

    struct schema *schema; /* of the files themselves */
    char (*notes)[GUESS_NOTE_MAX];
    bool *is_said;     /* by field: its type is the user's */
    bool *is_required; /* by field: a row without it is a reject */

    struct schema *whole; /* with the joined columns behind them; NULL: nothing is joined */
    char **joins;         /* paths */
    struct joined *joined;
    int join_key; /* field of the schema */

    struct rejects rejects;
    struct source_counts counts;
    uint64_t bytes_before; /* of the files that are closed */
    const char *row_file;  /* of the last row */
    uint64_t row_line;
    uint64_t refused; /* rows given out that the caller refused */
    struct {
        const char **file;
        uint64_t *line;
        uint32_t capacity;
    } places; /* by row of the frame, with options.keep_places */

    struct buffer *row_text; /* of source_next: where rows go; NULL: into frames */

    /* CSV */
    char delimiter;
    struct text *cells; /* of source_next */
    struct arena cell_memory;
    struct csv_reader *csv;
    int *column_field; /* of the open file */
    uint32_t columns;
    uint64_t line; /* of the next byte */

    /* JSON */
    struct json_reader *json;
    enum json_shape shape;
    enum json_expect expect;
    uint64_t json_line; /* of the last row */
    bool skipping;      /* a line that is too long */
    struct problems problems;
};

/* Adds a field with its guess, or with what the user says of it. */
bool source_add_field(struct source *s, struct text name, const struct guess *g,
                      struct error *e) MUST_USE;
/* Every field that the user names must be there. */
bool source_check_fields(const struct source *s, struct error *e) MUST_USE;
bool source_is_null_word(const struct source *s, struct text t);
/* Counts and keeps a reject; fails past the share. `f` NULL: rows go nowhere but out. */
bool source_reject(struct source *s, const struct frame *f, uint64_t line, const char *column,
                   struct text value, const char *reason, struct error *e) MUST_USE;

#endif
