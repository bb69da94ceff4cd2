/* A result file that grows row by row: CSV, or NDJSON where the name ends in .ndjson or .jsonl. It
 * is written beside and renamed over at the end, so a half-written result never has the name; a
 * pipe, a device or a link is written in place. */
#ifndef ASSAY_RUN_OUTPUT_H
#define ASSAY_RUN_OUTPUT_H

#include "core/base/buffer.h"
#include "core/base/workers.h"
#include "core/data/frame.h"

enum output_format { OUTPUT_CSV, OUTPUT_NDJSON };

struct output;

bool output_is_standard(const char *path); /* NULL or "-" */
/* `path` NULL or "-": standard output, as CSV. The column names are borrowed till the end. */
bool output_open(const char *path, const char *const *column, uint32_t columns, struct output **o,
                 struct error *e) MUST_USE;
/* Bytes that stand in the file as they are: of an output without columns. */
void output_bytes(struct output *o, struct text t);
enum output_format output_format_of(const char *path); /* by its ending */

/* One cell after another, `columns` of them a row. */
void output_value(struct output *o, const struct value *v);
void output_text(struct output *o, struct text t);
void output_real(struct output *o, double v);
void output_int(struct output *o, int64_t v);
/* Whole rows of columns, as many as the output has: rows [column[i].first, + rows) of each. Parts
 * of them are formatted at once by `workers` (NULL: none); the bytes are the same. */
struct output_column {
    const struct column *column;
    uint32_t first;
};
void output_rows(struct output *o, const struct output_column *column, uint32_t rows,
                 const struct workers *workers);
/* Now and then, and at the end: false says why the bytes could not be written. */
bool output_flush(struct output *o, struct error *e) MUST_USE;
bool output_finish(struct output *o, struct error *e) MUST_USE; /* flush, sync, rename, free */
void output_abandon(struct output *o); /* takes NULL; removes what was written */

#endif
