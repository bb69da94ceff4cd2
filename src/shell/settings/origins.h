/* Where each value of the settings came from, by its path ("server.port"). */
#ifndef ASSAY_SETTINGS_ORIGINS_H
#define ASSAY_SETTINGS_ORIGINS_H

#include <stdbool.h>
#include <stdint.h>

struct origin {
    const char *path;
    const char *words; /* "environment PORT", "default"; NULL: the file, as it stands there */
    uint32_t line, column;
    uint32_t text_column; /* where the text itself begins; 0: it is not on this line as it is */
};

struct origins;

struct origins *origins_new(void);
void origins_free(struct origins *o);
void origins_add(struct origins *o, const struct origin *origin); /* copies */
void origins_sort(struct origins *o);                             /* once, before the first find */
const struct origin *origins_find(const struct origins *o, const char *path);
/* The first in the file of those below a path, which itself has none; or NULL. */
const struct origin *origins_first_below(const struct origins *o, const char *path); /* or NULL */

#endif
