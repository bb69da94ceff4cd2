/* Where the settings put the store. */
#ifndef ASSAY_STORE_PLACE_H
#define ASSAY_STORE_PLACE_H

#include "shell/settings/settings.h"
#include "shell/store/store.h"

enum { STORE_PATH_MAX = 512 };

/* <data directory>/store.sqlite, of which `path` then holds the name, or the database of
 * `store.url`. The settings and the path must outlive the place. */
bool store_place_find(const struct settings *s, char path[STORE_PATH_MAX],
                      struct store_place *place, struct error *e) MUST_USE;

#endif
