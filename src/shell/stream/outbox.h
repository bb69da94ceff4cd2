/* What transactions say: records for topics, kept until they are committed.
 *
 * There are two at most: one that is filled, and one that is sealed, all sent, while the brokers
 * commit it. Their bytes lie in chunks that never move, because the producer borrows them. One
 * thread; who commits looks at nothing here.
 */
#ifndef ASSAY_STREAM_OUTBOX_H
#define ASSAY_STREAM_OUTBOX_H

#include "shell/link/kafka.h"

enum {
    OUTBOX_RECORD_MAX = 4 << 20,  /* bytes of a record, its headers included */
    OUTBOX_BYTES_MAX = 512 << 20, /* of a transaction */
};

struct outbox;

struct outbox *outbox_new(void);
void outbox_free(struct outbox *o); /* takes NULL */

/* Bytes that stay where they are: copied, or an empty text where there is no more room. */
struct text outbox_keep(struct outbox *o, struct text t);
/* Topic and bytes are the outbox's or outlive it; headers are copied, their texts are not. False:
 * no room. */
bool outbox_add(struct outbox *o, const char *topic, int32_t partition,
                const struct kafka_record *r, struct error *e) MUST_USE;
uint32_t outbox_count(const struct outbox *o); /* records of the one that is filled */
/* What was added since the last call goes to the producer, in order. */
bool outbox_send(struct outbox *o, struct kafka_producer *p, struct error *e) MUST_USE;
void outbox_again(struct outbox *o); /* the transaction was aborted: all is to be sent once more */
void outbox_seal(struct outbox *o);  /* all is sent, none is sealed: the next one is filled */
void outbox_committed(struct outbox *o); /* the sealed one */
void outbox_clear(struct outbox *o);     /* both are given up, by the producer too */

#endif
