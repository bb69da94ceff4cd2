/* The console's files of this binary, made when it is built (scripts/console.py). */
#ifndef ASSAY_CMD_CONSOLE_H
#define ASSAY_CMD_CONSOLE_H

#include "shell/serve/console.h"

extern const struct console console_built;

#endif
