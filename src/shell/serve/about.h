/* What the server says of itself, as of the plan in force: made once for each plan, under the
 * server's lock. */
#ifndef ASSAY_SERVE_ABOUT_H
#define ASSAY_SERVE_ABOUT_H

#include "core/decide/plan.h"
#include "shell/settings/settings.h"

struct about {
    struct buffer features, settings, openapi, page;
};

/* Settings may be NULL: then there is nothing to tell. */
void about_init(struct about *a, const struct settings *s, const struct plan *p, uint64_t plan_seq,
                const char *shard_directory);
void about_fini(struct about *a);

#endif
