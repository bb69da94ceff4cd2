/* CSV from a buffer: RFC 4180 quotes and embedded newlines, LF, CRLF or CR line ends, any one-byte
 * delimiter. This splits bytes into records and typed cells; files, inference and rejects are
 * the shell's (shell/source).
 *
 * An empty cell is null, and so is one of the null words where it is not quoted. A quote inside an
 * unquoted cell is an ordinary byte. Empty lines are passed over.
 */
#ifndef ASSAY_DATA_CSV_H
#define ASSAY_DATA_CSV_H

#include "core/base/buffer.h"
#include "core/data/cell.h"
#include "core/data/frame.h"

enum {
    CSV_RECORD_MAX = 1 << 20, /* bytes of one record; a longer one is a reject */
    CSV_COLUMNS_MAX = 16384,
    CSV_NULL_WORDS_MAX = 64,
    CSV_NULL_WORD_MAX = 32, /* bytes of one */
};

struct csv_column {
    int field;          /* of the schema, or FIELD_NONE: the cell is not looked at */
    bool leading_zeros; /* 007 is the number 7; otherwise it is a fault */
    bool required;      /* null is a fault */
};

struct csv_layout {
    char delimiter;
    uint32_t columns; /* cells of a record, 1..CSV_COLUMNS_MAX */
    const struct csv_column *column;
    const struct text *null_words;
    uint32_t null_count;
};

/* What made csv_read stop. */
enum csv_stop {
    CSV_MORE, /* all complete records are read: more bytes are needed (or this was the last) */
    CSV_FULL, /* no row or no text fits into the frame any more */
    CSV_BAD,  /* one record could not be read and was passed over: see *bad; call again */
};

struct csv_bad {
    enum fault fault;
    uint64_t line;     /* where the record begins, from 1 */
    uint32_t column;   /* from 0; of a cell's fault */
    uint32_t cells;    /* FAULT_COLUMNS: how many there were */
    struct text value; /* the cell, or the beginning of the record; borrowed from the bytes */
};

struct csv_reader; /* one thread */

/* Copies the layout; the schema must outlive the reader. Fields without a column are null.
 * `line` is the number of the line on which the bytes begin. */
struct csv_reader *csv_reader_new(const struct csv_layout *l, const struct schema *s,
                                  uint64_t line);
void csv_reader_free(struct csv_reader *r);
/* Cells of decimals so far that had more than 6 digits after the mark. */
uint64_t csv_reader_rounded(const struct csv_reader *r);
/* The line on which the last row that was read begins. */
uint64_t csv_reader_row_line(const struct csv_reader *r);

/* The bytes that come next begin on this line. */
void csv_reader_at_line(struct csv_reader *r, uint64_t line);
/* From now on lines[row] of the frame becomes the line on which the row begins; NULL: no more. */
void csv_reader_keep_lines(struct csv_reader *r, uint64_t *lines);

/* Appends records to the frame, text copied into its arena. `*used` bytes are done with; the next
 * call goes on with those after them. `last`: no bytes follow these, so the last record needs no
 * line end. With CSV_MORE the caller adds bytes; a record never needs more than CSV_RECORD_MAX + 2.
 */
enum csv_stop csv_read(struct csv_reader *r, const char *bytes, size_t length, bool last,
                       struct frame *f, size_t *used, struct csv_bad *bad) MUST_USE;

/* One record as bare cells, for headers and for looking at a file. Cells are borrowed from the
 * bytes, or from the arena where quotes had to go. */
struct csv_record {
    size_t used;    /* bytes, line end included; 0: no complete record is there */
    uint32_t count; /* cells found; at most max_cells of them are stored */
    bool any_quote;
    enum fault fault; /* FAULT_QUOTE, FAULT_RECORD_LONG; the record is then passed over */
};

struct csv_record csv_split(const char *bytes, size_t length, bool last, char delimiter,
                            struct arena *a, struct text *cells, uint32_t max_cells) MUST_USE;

/* Writing: the cell as it is, or quoted where it must be. */
void csv_add_cell(struct buffer *b, struct text t, char delimiter);

#endif
