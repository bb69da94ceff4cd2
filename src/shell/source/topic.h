/* A topic of Kafka as one object a line: what is in it now, from the first message that is kept to
 * the last one that is committed, one partition after the other, so that the same topic gives the
 * same bytes. */
#ifndef ASSAY_SOURCE_TOPIC_H
#define ASSAY_SOURCE_TOPIC_H

#include "shell/link/kafka.h"

struct topic_reader; /* one thread */

/* ERROR_NOT_FOUND: there is no such topic. */
bool topic_open(const struct kafka_options *o, const char *topic, struct topic_reader **t,
                struct error *e) MUST_USE;
void topic_close(struct topic_reader *t); /* takes NULL */
/* More lines, until the next call; none at the end, or when `wake` can be read. */
bool topic_next(struct topic_reader *t, int wake, struct text *lines, struct error *e) MUST_USE;

#endif
