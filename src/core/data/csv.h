/* CSV from a buffer: RFC 4180 quotes and embedded newlines, LF, CRLF or CR line ends, any one-byte
 * delimiter. This splits bytes into records and typed cells; files, inference and rejects are
 * the shell's (shell/source).
 */
#ifndef ASSAY_DATA_CSV_H
#define ASSAY_DATA_CSV_H

#include "core/base/buffer.h"
#include "core/data/frame.h"

enum {
    CSV_RECORD_MAX = 1 << 20, /* bytes of one record; a longer one is a reject */
    CSV_COLUMNS_MAX = 16384,
};

/* Why a cell or record could not be read; `none` is success. */
enum csv_fault {
    CSV_OK,
    CSV_COLUMNS,     /* record has another number of cells than the header */
    CSV_TOO_LONG,    /* record over CSV_RECORD_MAX */
    CSV_QUOTE,       /* quote not closed, or text after a closing quote */
    CSV_NUL,         /* NUL byte */
    CSV_UTF8,        /* invalid UTF-8 in a text cell */
    CSV_TYPE,        /* cell is not of its field's type */
    CSV_RANGE,       /* number or time out of range */
};

const char *csv_fault_text(enum csv_fault fault); /* words for the rejects file */

#endif
