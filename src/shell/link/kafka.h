/* Apache Kafka (librdkafka behind this header): a consumer, a producer, transactions, and what a
 * cluster has.
 *
 * A thin pipe without words of the domain. Properties are passed through by librdkafka's names
 * (security.protocol, sasl.username ...), but for those that this file must set itself; the value
 * of a property stands in no text. librdkafka's own threads never call back: what it has to say is
 * said by the functions here, on the caller's thread.
 *
 * Bytes that are sent are borrowed, not copied: they live until kafka_flush, kafka_commit or
 * kafka_abort has returned.
 *
 * Errors: ERROR_WORLD where the brokers cannot be reached or a retry may help, ERROR_NOT_FOUND for
 * a topic that does not exist, ERROR_CONFLICT where another worker has taken this one's place
 * (fenced), ERROR_FULL for what is too large, else ERROR_INVALID. A handle belongs to one thread
 * at a time.
 */
#ifndef ASSAY_LINK_KAFKA_H
#define ASSAY_LINK_KAFKA_H

#include <stdint.h>

#include "core/base/buffer.h"

enum {
    KAFKA_TOPIC_MAX = 249, /* bytes of a topic's name: the broker's own limit */
    KAFKA_PROPERTIES_MAX = 64,
    KAFKA_TOPICS_MAX = 64,  /* of one handle */
    KAFKA_HEADERS_MAX = 16, /* of a message */
    KAFKA_BATCH_MAX = 8192, /* messages of one kafka_consume or kafka_send_all */
    KAFKA_WAIT_MS = 30000,  /* for an answer of the brokers, at most */
};

/* A header that says what a message among others is; without it, it is an event. */
#define KAFKA_RECORD_HEADER "assay.record"

enum { KAFKA_ANY_PARTITION = -1 };
enum { KAFKA_NEWEST = -1, KAFKA_OLDEST = -2, KAFKA_NO_OFFSET = -1001 };

struct kafka_property {
    const char *name, *value;
};

struct kafka_options {
    const char *brokers;   /* host:port,host:port */
    const char *client_id; /* NULL: assay */
    const char *acks; /* of a producer: "1" or "0", not idempotent; NULL: of all in-sync replicas */
    const struct kafka_property *property;
    uint32_t properties;
};

/* Whether a property may be given at all; false says why not. */
bool kafka_property_check(const char *name, struct error *e) MUST_USE;

struct kafka_partition {
    const char *topic;
    int32_t partition;
    int64_t offset;
};

struct kafka_header {
    const char *name;
    struct text value;
};

/* ---- consumer ---- */

struct kafka_message {
    struct text topic;
    int32_t partition;
    bool is_end;  /* no message: the end of the partition as it is now, `offset` is the next one */
    bool has_key; /* against one of no bytes */
    bool has_value; /* false: a tombstone */
    int64_t offset;
    int64_t time_us; /* of the message, as its producer or the broker set it; 0: none */
    struct text key, value;
    void *handle; /* this file's */
};

/* Called within kafka_consume and kafka_consumer_close, on the caller's thread, when the group's
 * coordinator gives partitions or takes all of them away (eager). To those given, `offset` is the
 * group's committed one (KAFKA_NO_OFFSET: none); the callback may set another to begin from. When
 * `lost`, another member may have them already: nothing of them can be committed. */
struct kafka_rebalance {
    bool (*assigned)(void *context, struct kafka_partition *p, uint32_t count, struct error *e);
    void (*revoked)(void *context, const struct kafka_partition *p, uint32_t count, bool lost);
    void *context;
};

struct kafka_consumer;

/* Reads what is committed, commits nothing by itself. `group` NULL: no group, and partitions are
 * given by kafka_assign. */
bool kafka_consumer_open(const struct kafka_options *o, const char *group,
                         const struct kafka_rebalance *rebalance, struct kafka_consumer **c,
                         struct error *e) MUST_USE;
/* Leaves the group. Takes NULL. */
void kafka_consumer_close(struct kafka_consumer *c);
bool kafka_subscribe(struct kafka_consumer *c, const char *const *topic, uint32_t count,
                     struct error *e) MUST_USE;
bool kafka_assign(struct kafka_consumer *c, const struct kafka_partition *p, uint32_t count,
                  struct error *e) MUST_USE;
/* Up to `max` messages; *count 0: none within the time. They live until kafka_release. An error of
 * a rebalance callback comes out here. */
bool kafka_consume(struct kafka_consumer *c, struct kafka_message *m, uint32_t max, int timeout_ms,
                   uint32_t *count, struct error *e) MUST_USE;
void kafka_release(struct kafka_message *m, uint32_t count);
/* Up to `max` headers of a message; borrowed from it. */
uint32_t kafka_headers(const struct kafka_message *m, struct kafka_header *out, uint32_t max);
bool kafka_is_event(const struct kafka_message *m); /* without KAFKA_RECORD_HEADER */
/* All assigned partitions; kafka_consume goes on to be called, so that the group keeps its member.
 */
bool kafka_pause(struct kafka_consumer *c, bool pauses, struct error *e) MUST_USE;
bool kafka_seek(struct kafka_consumer *c, const struct kafka_partition *p,
                struct error *e) MUST_USE;
/* Without a transaction; waits for the answer. */
bool kafka_commit_offsets(struct kafka_consumer *c, const struct kafka_partition *p, uint32_t count,
                          struct error *e) MUST_USE;
/* The group's committed offsets of these into `offset`; waits while a transaction has them open. */
bool kafka_committed(struct kafka_consumer *c, struct kafka_partition *p, uint32_t count,
                     struct error *e) MUST_USE;
/* First offset and the one after the last that is committed; asks the broker. */
bool kafka_range(struct kafka_consumer *c, const char *topic, int32_t partition, int64_t *first,
                 int64_t *end, struct error *e) MUST_USE;
/* The end as the last answer of the broker said; KAFKA_NO_OFFSET: none yet. */
int64_t kafka_end_known(struct kafka_consumer *c, const char *topic, int32_t partition);
/* What the brokers' connections last failed with, and whether no broker can be reached now; "" and
 * false where all is well. */
bool kafka_is_away(const struct kafka_consumer *c, struct text *why);

/* ---- producer ---- */

struct kafka_record {
    struct text key; /* bytes NULL: none */
    struct text value;
    const struct kafka_header *header;
    uint32_t headers;
    int64_t time_us; /* 0: now */
};

struct kafka_producer;

/* Idempotent; with a `transaction` id transactional: what a dead owner of that id left open is
 * aborted before this returns, and a living one is fenced. */
bool kafka_producer_open(const struct kafka_options *o, const char *transaction,
                         struct kafka_producer **p, struct error *e) MUST_USE;
/* What has not been delivered is gone; an open transaction is aborted. Takes NULL. */
void kafka_producer_close(struct kafka_producer *p);
/* Waits while the queue is full. */
bool kafka_send(struct kafka_producer *p, const char *topic, int32_t partition,
                const struct kafka_record *r, struct error *e) MUST_USE;
/* Many without headers, into one partition (or KAFKA_ANY_PARTITION), at most KAFKA_BATCH_MAX. */
bool kafka_send_all(struct kafka_producer *p, const char *topic, int32_t partition,
                    const struct kafka_record *r, uint32_t count, struct error *e) MUST_USE;
/* Waits until all is delivered; false: some was not. */
bool kafka_flush(struct kafka_producer *p, int timeout_ms, struct error *e) MUST_USE;
/* So far: given to kafka_send, and of them failed; those that wait to be delivered. */
void kafka_sent(const struct kafka_producer *p, uint64_t *sent, uint64_t *failed,
                uint64_t *waiting);

/* A transaction holds what is sent from begin to commit, and the positions of a group's consumer:
 * all or nothing. After a failure of any of these, or of a send: kafka_abort, and the caller's own
 * work since begin is undone. Where that fails or kafka_is_lost, only another producer helps.
 * Offsets go by the membership under which the partitions were given, and are refused when that is
 * over. So kafka_send_offsets and kafka_commit may run on a thread of their own beside
 * kafka_consume, if `revoked` of the rebalance waits for them. */
bool kafka_begin(struct kafka_producer *p, struct error *e) MUST_USE;
bool kafka_send_offsets(struct kafka_producer *p, struct kafka_consumer *c,
                        const struct kafka_partition *at, uint32_t count, struct error *e) MUST_USE;
bool kafka_commit(struct kafka_producer *p, struct error *e) MUST_USE;
bool kafka_abort(struct kafka_producer *p, struct error *e) MUST_USE;
bool kafka_is_lost(const struct kafka_producer *p);

/* ---- the cluster ---- */

struct kafka_topic {
    char name[KAFKA_TOPIC_MAX + 1];
    uint32_t partitions; /* 0: the topic does not exist */
};

/* Of these topics; none is made by being asked for. */
bool kafka_topics(const struct kafka_options *o, const char *const *topic, uint32_t count,
                  struct kafka_topic *out, struct error *e) MUST_USE;
/* Of all that there are, the cluster's own (`__consumer_offsets`) too; the caller frees *topics. */
bool kafka_topic_list(const struct kafka_options *o, struct kafka_topic **topics, uint32_t *count,
                      struct error *e) MUST_USE;
/* ERROR_CONFLICT: it exists. */
bool kafka_topic_create(const struct kafka_options *o, const char *topic, uint32_t partitions,
                        uint32_t replicas, struct error *e) MUST_USE;
bool kafka_topic_delete(const struct kafka_options *o, const char *topic, struct error *e) MUST_USE;

#endif
