/* The first argument of a command that has actions: `assay key create NAME`. */
#ifndef ASSAY_CMD_ACTION_H
#define ASSAY_CMD_ACTION_H

#include "shell/cmd/cmd.h"

struct action {
    const char *name;
    uint32_t least, most; /* arguments, the name included */
    const char *wants;    /* what stands behind the name: "a NAME" */
};

/* The row of the action that was asked for, of `count` rows of `bytes` each that begin with a
 * struct action. NULL, ERROR_USAGE: there is none of this name, or its arguments are others. */
const void *action_find(const struct invocation *v, const void *rows, size_t bytes, size_t count,
                        struct error *e);

#define ACTION_FIND(v, rows, e)                                                                    \
    action_find(v, rows, sizeof *(rows), sizeof(rows) / sizeof *(rows), e)

#endif
