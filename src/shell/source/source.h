/* A source of events: the files that a pattern names, read one after another into frames.
 *
 * Formats: CSV (any of , ; | tab), NDJSON, one JSON array; each possibly packed by gzip or zstd.
 * What the options leave open is looked for in the first megabytes of the first file: format,
 * delimiter, header, types, time layouts, decimal comma. Every guess has a note.
 *
 * Or the rows of a table or query in PostgreSQL, or the messages of a topic of Kafka.
 *
 * Bad rows never vanish: each goes to the rejects file with file, line, column, value and reason,
 * and is counted; past `reject_share` of the rows reading fails. Files follow each other in the
 * order of their names, and must have the same columns (in any order).
 */
#ifndef ASSAY_SOURCE_SOURCE_H
#define ASSAY_SOURCE_SOURCE_H

#include "core/base/buffer.h"
#include "core/data/frame.h"

enum {
    SOURCE_SAMPLE_ROWS = 10000,
    SOURCE_HEAD_BYTES = 4 << 20,     /* at most that much is looked at for guessing */
    SOURCE_FRAME_ROWS = 8192,        /* a good size of frame */
    SOURCE_TEXT_BYTES = 256 << 20,   /* limit of its texts: no record has more than 1 MiB of them */
    SOURCE_REJECTS_MIN = 1000,       /* rejects before a share may end reading early */
    SOURCE_ROW_TEXT_MAX = 32 << 20,  /* of a row as JSON: escapes and names make it longer */
    SOURCE_JOIN_BYTES_MAX = 1 << 30, /* of one joined file in memory */
};

enum source_format { SOURCE_AUTO, SOURCE_CSV, SOURCE_NDJSON, SOURCE_JSON, SOURCE_FORMATS };

const char *source_format_name(enum source_format format); /* "auto", "csv", "ndjson", "json" */
bool source_format_find(struct text name, enum source_format *format) MUST_USE;

/* What the user says of a field; it overrides what is guessed. */
struct source_field {
    const char *name;
    enum type type;
    bool has_layout;
    enum time_layout layout; /* TIME_ISO unless has_layout */
};

enum source_header { SOURCE_HEADER_AUTO, SOURCE_HEADER_YES, SOURCE_HEADER_NO };

/* Rows of PostgreSQL instead of files: what the server's COPY gives is read as CSV, by the same
 * code, so equal rows have equal types and values wherever they lie. */
struct source_database {
    const char *url;   /* NULL: DATABASE_URL */
    const char *table; /* "raw.payments", or NULL: */
    const char *query; /* a SELECT; both NULL: files */
};

/* What is in a topic of Kafka now, instead of files: one JSON object a message. */
struct kafka_options;
struct source_topic {
    const char *name; /* NULL: none */
    const struct kafka_options *kafka;
};

/* A file of which the first `from` bytes were read before: those behind them, before `until`, are
 * read now. Not for packed files and arrays, of which `from` is 0 or `until`: nothing is new. */
struct source_piece {
    const char *path;
    uint64_t from, until; /* bytes as they lie on the disk */
};

struct source_options {
    const char *path; /* file, pattern, or "-" for standard input; of a database: what it is called
                       * in messages */
    struct source_database database;
    struct source_topic topic;
    const struct source_piece *pieces; /* instead of all that the pattern finds; NULL: that */
    uint32_t piece_count;              /* the first is looked at for types whatever it has */
    enum source_format format;
    char delimiter;            /* 0: look */
    char point;                /* decimal mark; 0: look */
    enum source_header header; /* AUTO: there is one unless the first row looks like data */
    const struct source_field *fields;
    uint32_t field_count;
    const char *const *required; /* fields that may not be null: such a row is a reject; entries may
                                  * be NULL, and fields that do not exist are passed over */
    uint32_t required_count;
    const struct text *null_words; /* NULL: source_null_words */
    uint32_t null_count;
    uint32_t sample_rows;     /* 0: SOURCE_SAMPLE_ROWS */
    double reject_share;      /* at most this share of the rows; see source_options_init */
    const char *rejects_path; /* NULL: counted only */
    bool keep_places;         /* for source_place */
    bool as_text;             /* for source_next: JSON is not looked at before it is read */
    const char *const *joins; /* more files with columns of the same rows, found by join_key */
    uint32_t join_count;
    const char *join_key; /* a column of all of them; each value once in a joined file */
};

/* The defaults: everything looked for, a reject share of 0.01. */
void source_options_init(struct source_options *o, const char *path);

/* NA, N/A, null, NULL, NaN, nan, None, \N, - and some more; an empty cell is always null. */
extern const struct text source_null_words[];
extern const uint32_t source_null_word_count;

struct source; /* one thread at a time */

/* The strings of the options are copied. ERROR_NOT_FOUND, ERROR_INVALID (empty, no header, fields
 * that do not exist ...) with words for the user. */
bool source_open(const struct source_options *o, struct source **source, struct error *e) MUST_USE;
void source_close(struct source *s);

/* Owned by the source. Id, time and label are not set here. */
const struct schema *source_schema(const struct source *s);
/* Why the field has its type: "times as 2018-12-31 23:59", "said in the settings". */
const char *source_note(const struct source *s, uint32_t field);
enum source_format source_format(const struct source *s);
char source_delimiter(const struct source *s); /* 0 for JSON */

/* Clears the frame and fills it with the next rows; f->rows = 0 at the end. The frame has the
 * schema's columns (more may follow them: untouched) and owns its texts. After a failure the source
 * can only be closed. */
bool source_read(struct source *s, struct frame *f, struct error *e) MUST_USE;

/* Instead of source_read, of a source opened `as_text`: appends the next row to `out` as a JSON
 * object, values as they stand in the file. Of CSV: numbers of columns that are guessed to be
 * numbers are numbers, digit for digit; null words and empty cells are null. *end: there was no
 * more. `out` must have room for SOURCE_ROW_TEXT_MAX bytes. */
bool source_next(struct source *s, struct buffer *out, bool *end, struct error *e) MUST_USE;

/* Whether the next row is not there yet, as of a pipe: a good moment for what was put off. */
bool source_is_idle(const struct source *s);

struct source_counts {
    uint64_t rows; /* given out */
    uint64_t rejects;
    uint64_t rounded;     /* decimals with more than 6 digits after the mark, rounded to them */
    uint64_t bytes_done;  /* of the files as they lie on the disk */
    uint64_t bytes_total; /* 0: not known (standard input) */
    uint32_t files;       /* opened so far */
    uint64_t unjoined;    /* times that a joined file had no row for one of ours: nulls */
};

void source_counts(const struct source *s, struct source_counts *c);

/* SHA-256 of the bytes that a database gave; zeros of files. After the end. */
void source_database_digest(const struct source *s, uint8_t digest[32]);

/* File and line of the last row of the frame last read (which has rows), for messages. With frames
 * of one row: of each row. */
void source_position(const struct source *s, const char **file, uint64_t *line);

/* The same of each row of the frame last read, with keep_places. */
void source_place(const struct source *s, uint32_t row, const char **file, uint64_t *line);

/* A row that the caller cannot use, into the rejects file and its count. `file` is of
 * source_position or source_place; column "" where it is the whole row. */
bool source_refuse(struct source *s, const char *file, uint64_t line, const char *column,
                   struct text value, const char *reason, struct error *e) MUST_USE;

#endif
