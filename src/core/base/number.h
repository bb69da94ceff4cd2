/* Numbers in text. Correctly rounded both ways, whatever the locale. */
#ifndef ASSAY_BASE_NUMBER_H
#define ASSAY_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/text.h"

/* decimal: a whole number of millionths in an int64_t, so amounts add exactly: 57.16 is 57160000.
 * The range is about +-9.2e12. */
#define DECIMAL_ONE    INT64_C(1000000)
#define DECIMAL_DIGITS 6

enum { NUMBER_TEXT_MAX = 32 };

/* Whole text must be the number; no white space, no '_' or thousands separators. */
bool number_parse_int(struct text t, int64_t *v) __attribute__((warn_unused_result));
/* At most 6 digits after the point ('.' or, when `point` is ',', a comma) and no exponent. False
 * where more digits would be lost or the range is left: the caller then takes a real. */
bool number_parse_decimal(struct text t, char point, int64_t *v)
    __attribute__((warn_unused_result));
/* Any finite double; 1e999, nan and inf are refused; -0 becomes 0. */
bool number_parse_real(struct text t, char point, double *v) __attribute__((warn_unused_result));

/* Zero-terminated, at most NUMBER_TEXT_MAX bytes; each returns the length. */
unsigned number_format_int(int64_t v, char out[NUMBER_TEXT_MAX]);
unsigned number_format_decimal(int64_t v, char out[NUMBER_TEXT_MAX]); /* shortest: 57.16 */
unsigned number_format_real(double v, char out[NUMBER_TEXT_MAX]);     /* shortest that reads back */

#endif
