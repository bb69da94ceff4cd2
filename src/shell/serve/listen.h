/* The socket that a server listens on. */
#ifndef ASSAY_SERVE_LISTEN_H
#define ASSAY_SERVE_LISTEN_H

#include <stdint.h>

#include "core/base/error.h"

struct listening {
    int fd;
    uint16_t port; /* that it has: asked for 0, one that was free */
    bool is_loopback;
};

/* ERROR_INVALID: no address of this machine; ERROR_WORLD: the port is taken, or not allowed. */
bool listen_open(const char *host, uint16_t port, struct listening *l, struct error *e) MUST_USE;

#endif
