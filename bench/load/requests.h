/* The requests that are sent: each line of a file is a JSON body; `{id}` in it becomes an id that
 * was never sent before, `{time}` the time of sending. Everything else is written ahead, so that
 * the generator only copies. */
#ifndef ASSAY_BENCH_REQUESTS_H
#define ASSAY_BENCH_REQUESTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

enum {
    REQUEST_BYTES_MAX = 8192,
    REQUEST_ID_BYTES = 20,   /* run, "-", number: fixed, so that nothing moves */
    REQUEST_TIME_BYTES = 27, /* 2026-01-02T03:04:05.678901Z */
};

struct request {
    char *bytes;
    uint32_t length, id_at, time_at; /* 0: has none */
};

struct requests {
    struct request *item;
    uint32_t count;
    uint64_t sent;   /* also the number in the next id */
    char run[8 + 1]; /* of the ids */
    int64_t second;  /* whose text is kept */
    char time[REQUEST_TIME_BYTES + 1];
};

struct request_head {
    const char *host, *path;
    unsigned port;
    const char *header; /* "Name: value", or NULL */
    const char *run;    /* eight characters */
};

bool requests_read(struct requests *r, const char *file, const struct request_head *head,
                   struct error *e) MUST_USE;
/* The next request; out has REQUEST_BYTES_MAX. Its length. */
size_t requests_next(struct requests *r, char *out);
void requests_fini(struct requests *r);

#endif
