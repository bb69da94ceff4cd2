/* One cell of text to a value of its field's type: the rules that CSV, JSON and the guessing of
 * types share, and the faults that a cell or a record can have.
 *
 *   bool      true false t f yes no y n 1 0, in any case
 *   int       digits; also 5.0 and 1e3, which are whole
 *   decimal   at most 6 digits after the mark; more are rounded to them, as from the nearest real
 *             (85.64999999999999, the mark that binary arithmetic leaves, is 85.65)
 *   real      any finite double
 *   text      valid UTF-8 without NUL, at most TEXT_MAX bytes
 *   time      the field's layout, or ISO
 *   duration  7d, 90m
 *
 * Numbers may have the field's thousands separator between groups of three digits.
 */
#ifndef ASSAY_DATA_CELL_H
#define ASSAY_DATA_CELL_H

#include "core/data/schema.h"

enum fault {
    FAULT_NONE,
    FAULT_COLUMNS,      /* record has another number of cells than the header */
    FAULT_RECORD_LONG,  /* record over CSV_RECORD_MAX */
    FAULT_QUOTE,        /* quote not closed, or text after a closing quote */
    FAULT_JSON,         /* not a JSON object, or one with a bad field */
    FAULT_NUL,          /* NUL byte */
    FAULT_UTF8,         /* invalid UTF-8 in a text cell */
    FAULT_TEXT_LONG,    /* text over TEXT_MAX */
    FAULT_TYPE,         /* cell is not of its field's type */
    FAULT_RANGE,        /* number or time out of range */
    FAULT_LEADING_ZERO, /* 007 in a field whose type was guessed to be a number */
    FAULT_NULL,         /* nothing in a field that every row must have */
    FAULTS,
};

const char *fault_text(enum fault fault); /* words for the rejects file */

/* Surrounding blanks do not count, except in text. *v is untouched unless FAULT_NONE comes back;
 * text in *v is borrowed from t. */
enum fault cell_parse(struct text t, const struct field *f, struct value *v) MUST_USE;

/* Whether text may stand in a text cell. */
enum fault cell_check_text(struct text t) MUST_USE;

/* A decimal from a real, the same as from the real's digits in text; false past the range. */
bool cell_decimal_from_real(double v, int64_t *decimal) MUST_USE;

/* Digits with a zero before them, as ids and codes have: 007, but not 0, 0.5 or -0. */
bool cell_has_leading_zero(struct text t);

#endif
