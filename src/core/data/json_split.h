/* Finding where a JSON value ends, without reading it: for files that are one long array. */
#ifndef ASSAY_DATA_JSON_SPLIT_H
#define ASSAY_DATA_JSON_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the value that begins at bytes[0] (which is not white space), 0 where its end is not
 * among them. It need not be valid: brackets and quotes are followed, nothing else. A value
 * without either ends before white space, a comma or a closing bracket, or at the end where
 * nothing more follows (`last`). */
size_t json_value_length(const char *bytes, size_t length, bool last);

#endif
