/* What a value takes from outside the file: ${NAME}, ${NAME:-default}, and file:PATH for secrets.
 * "$${" stands for a plain "${". */
#ifndef ASSAY_SETTINGS_INTERPOLATE_H
#define ASSAY_SETTINGS_INTERPOLATE_H

#include "core/base/buffer.h"
#include "shell/settings/settings.h"

enum {
    INTERPOLATED_MAX = 64 << 10, /* bytes of one value */
    SECRET_BYTES_MAX = 64 << 10, /* of a secret's file */
};

/* Appends the value of `raw` to out, and to `origin` where it came from ("environment PORT";
 * nothing if it is all in the text). */
bool interpolate(struct text raw, const struct settings_options *o, struct buffer *out,
                 struct buffer *origin, struct error *e) MUST_USE;
/* As interpolate; then file:PATH (relative to `directory`) gives the file's bytes without the last
 * line end. */
bool interpolate_secret(struct text raw, const struct settings_options *o, const char *directory,
                        struct buffer *out, struct buffer *origin, struct error *e) MUST_USE;

#endif
