/* The API's description: OpenAPI 3.1 from the table of routes, the shapes and a plan (the fields of
 * its events by kind, its outcomes, levels, rules and features); and the same as a page to read. */
#ifndef ASSAY_SERVE_OPENAPI_H
#define ASSAY_SERVE_OPENAPI_H

#include "core/decide/plan.h"

enum { OPENAPI_BYTES_MAX = 16 << 20 };

void openapi_format(const struct plan *p, const char *name, struct buffer *out);
/* HTML without scripts; its style is openapi_page_style, at /docs/style.css. */
void openapi_page(const struct plan *p, const char *name, struct buffer *out);
extern const char openapi_page_style[];

#endif
