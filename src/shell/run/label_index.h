/* The rows of a label file by their event: the last row of each, which is what the file says of the
 * event in the end. Borrows the rows; they may not change their ids. */
#ifndef ASSAY_RUN_LABEL_INDEX_H
#define ASSAY_RUN_LABEL_INDEX_H

#include "shell/run/label_rows.h"

struct label_index {
    struct label_rows *rows;
    uint32_t *last; /* hash table of row numbers plus 1; 0: free */
    uint32_t capacity;
};

void label_index_init(struct label_index *x, struct label_rows *rows);
void label_index_fini(struct label_index *x);
struct label_row *label_index_find(const struct label_index *x, struct text id); /* or NULL */

#endif
