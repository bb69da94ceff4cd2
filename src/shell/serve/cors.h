/* Pages of other origins (the CORS part of the Fetch standard): only those that server.cors names.
 * Nothing is ever allowed with credentials: a page sends its key itself, in a header. */
#ifndef ASSAY_SERVE_CORS_H
#define ASSAY_SERVE_CORS_H

#include "shell/serve/http.h"
#include "shell/settings/settings.h"

/* The headers of an answer to a page of an allowed origin; nothing for others. */
void cors_answer(const struct server_setting *setting, struct exchange *x);
/* OPTIONS on a path with these methods ("GET, HEAD, POST"): 204. */
void cors_preflight(const struct server_setting *setting, struct exchange *x, const char *methods);

#endif
