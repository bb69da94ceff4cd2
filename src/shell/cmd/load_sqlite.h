/* `assay load` into an SQLite file (URL sqlite:PATH): what load_table.h does in PostgreSQL. */
#ifndef ASSAY_CMD_LOAD_SQLITE_H
#define ASSAY_CMD_LOAD_SQLITE_H

#include "shell/cmd/load_table.h"
#include "shell/source/source.h"

/* All rows of the source in one transaction; `at` is the load's time. */
bool load_sqlite(struct invocation *v, const char *url, struct source *source,
                 struct load_table *table, const char *at, uint64_t *loaded,
                 struct error *e) MUST_USE;

#endif
