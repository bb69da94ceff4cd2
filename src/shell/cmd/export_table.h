/* `assay export TABLE|QUERY`: rows of PostgreSQL as a file, streamed. */
#ifndef ASSAY_CMD_EXPORT_TABLE_H
#define ASSAY_CMD_EXPORT_TABLE_H

#include "shell/cmd/cmd.h"

bool export_table(struct invocation *v, struct error *e) MUST_USE;

#endif
