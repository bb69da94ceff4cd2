/* What a request is called in answers, problems and other systems' logs: X-Request-Id, taken where
 * the caller gave a usable one (1 to 128 of A-Z a-z 0-9 . _ : / + = @ -) or made here, and the W3C
 * traceparent, which is given back as it came where it is well formed. */
#ifndef ASSAY_SERVE_REQUEST_NAME_H
#define ASSAY_SERVE_REQUEST_NAME_H

#include <stdatomic.h>

#include "shell/serve/http.h"

/* Names made here: 64 random bits of this start, and a number. Any thread. */
struct request_names {
    uint64_t start;
    _Atomic uint64_t next;
};

void request_names_init(struct request_names *n);
void request_name(struct request_names *n, struct exchange *x);

#endif
