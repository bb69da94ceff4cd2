/* Labels in a partition: messages with the header assay.record = label, among the events.
 *
 *   stream.labels --(a worker, in its transaction)--> the input, same partition --> the state
 *
 * A label acts from its place in the input on, and what it says there is all that is known of it:
 * the order of events and labels is that of one log, whoever reads it again. The labelled event is
 * the message at the offset that the partition's state knows for its id, or that `seq` names. One
 * thread.
 */
#ifndef ASSAY_STREAM_LABEL_H
#define ASSAY_STREAM_LABEL_H

#include "shell/run/label_said.h"
#include "shell/stream/lookback.h"
#include "shell/stream/partition.h"

#define LABEL_RECORD "label"

struct labels;

/* All outlive it. */
struct labels *labels_new(const struct kafka_options *kafka, const char *topic,
                          const struct plan *p, const struct lookups *l);
void labels_free(struct labels *l); /* takes NULL */

bool label_is(const struct kafka_message *m);
/* What the message says, for who passes it on. False: it is no label, and *words says why; they
 * live until the next call. */
bool labels_read(struct labels *l, const struct kafka_message *m, struct text *words) MUST_USE;

enum label_end {
    LABEL_APPLIED,
    LABEL_GONE,  /* the topic no longer has its event */
    LABEL_WRONG, /* no label, or of no event that is known */
    LABEL_FAILED /* with the error: the broker does not answer */
};

/* For labels that follow one another without an event between: their events are fetched in order
 * of the topic, so that labels in any order cost a pass over it at most. */
bool labels_prepare(struct labels *l, const struct partition *p, const struct kafka_message *m,
                    uint32_t count, struct error *e) MUST_USE;
/* Into the partition's state. LABEL_GONE and LABEL_WRONG have *words. */
enum label_end labels_apply(struct labels *l, struct partition *p, const struct kafka_message *m,
                            struct text *words, struct error *e) MUST_USE;

#endif
