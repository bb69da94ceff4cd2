#include "core/base/panic.h"

#include <stdio.h>
#include <stdlib.h>

void panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "assay: our mistake at %s:%d: %s\n", file, line, what);
    abort();
}
