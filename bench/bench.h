/* What the programs in bench/ share. A line "= name value" is a figure for bench/run.py, with the
 * unit last in its name; other lines are for people. */
#ifndef ASSAY_BENCH_BENCH_H
#define ASSAY_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/error.h"

static inline double bench_now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline void bench_put(const char *name, double value)
{
    printf("= %s %.9g\n", name, value);
}

/* The figure "subject_what". */
static inline void bench_put_of(const char *subject, const char *what, double value)
{
    printf("= %s_%s %.9g\n", subject, what, value);
}

__attribute__((noreturn)) static inline void bench_fail(const struct error *e)
{
    fprintf(stderr, "bench: %s\n", e->text);
    exit(error_exit_code(e->kind));
}

#endif
