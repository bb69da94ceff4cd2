/* Base64url without padding (RFC 4648, section 5), as tokens and their keys have it. */
#ifndef ASSAY_ACCESS_BASE64_H
#define ASSAY_ACCESS_BASE64_H

#include "core/base/buffer.h"

/* Appends the bytes; false: this is none, or has bits over at its end. */
bool base64url_decode(struct text t, struct buffer *out) MUST_USE;
void base64url_encode(const void *bytes, size_t length, struct buffer *out);

#endif
