/* The certificate that HTTPS shows (GnuTLS behind this header; libmicrohttpd speaks it). A newer
 * one is in force from the next handshake on; connections that are open go on with theirs.
 *
 * One for the process: the library asks for it with no more than the session in its hand. */
#ifndef ASSAY_SERVE_TLS_H
#define ASSAY_SERVE_TLS_H

#include <stdint.h>

#include "core/base/error.h"

enum { TLS_CHAIN_MAX = 16, TLS_FILE_BYTES_MAX = 1 << 20 };

/* PEM files: the certificate with those between it and the root, and its private key. Nothing
 * changes where they cannot be read or do not belong together. Any thread; one at a time. */
bool tls_load(const char *certificate, const char *key, struct error *e) MUST_USE;
/* Until when the first certificate of the file holds, and that its key belongs to it. */
bool tls_expires(const char *certificate, const char *key, int64_t *until_us,
                 struct error *e) MUST_USE;
/* For MHD_OPTION_HTTPS_CERT_CALLBACK. */
void *tls_callback(void);
/* TLS 1.2 and 1.3; for MHD_OPTION_HTTPS_PRIORITIES. */
extern char tls_priorities[];

#endif
