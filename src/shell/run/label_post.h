/* Labels on their way: to a shard that this process has open, or to a running service. Both fill
 * the rows' fates. */
#ifndef ASSAY_RUN_LABEL_POST_H
#define ASSAY_RUN_LABEL_POST_H

#include "core/base/progress.h"
#include "shell/link/http_client.h"
#include "shell/run/label_rows.h"
#include "shell/run/shard.h"

/* The open rows, in their order; the shard is started. ERROR_WORLD, ERROR_FULL where it stopped:
 * what was taken before stays taken, and a second import repeats nothing. */
bool label_post_shard(struct shard *s, struct label_rows *r, int64_t now_us,
                      const struct progress *progress, struct error *e) MUST_USE;

/* By POST /v1/labels in batches. A service does not tell who said what, so there a repetition is:
 * the event already has the label that the file ends with. */
bool label_post_http(const struct http_peer *peer, struct label_rows *r,
                     const struct progress *progress, struct error *e) MUST_USE;

#endif
