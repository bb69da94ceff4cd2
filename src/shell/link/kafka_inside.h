/* What the files of the Kafka pipe share; the only one that includes librdkafka's header. Private
 * to link/. */
#ifndef ASSAY_LINK_KAFKA_INSIDE_H
#define ASSAY_LINK_KAFKA_INSIDE_H

#include <librdkafka/rdkafka.h>

#include "shell/link/kafka.h"

enum { KAFKA_PLACE_MAX = 200, KAFKA_WHY_MAX = 300, KAFKA_POLL_MS = 100, KAFKA_ASK_MS = 300 };

/* What librdkafka said last of its connections. */
struct kafka_weather {
    char why[KAFKA_WHY_MAX];
    bool is_away;
};

struct kafka_consumer {
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    char place[KAFKA_PLACE_MAX];
    struct kafka_weather weather;
    struct kafka_rebalance rebalance;
    struct error failure;                      /* of a callback, for the next kafka_consume */
    rd_kafka_topic_partition_list_t *assigned; /* by the last rebalance; NULL: nothing */
    bool is_rebalanced;                        /* within this kafka_consume */
    /* Who we are in the group since partitions were last given, kept until they are taken: what
     * librdkafka knows when it is asked may be a membership that is over, or of nobody, with which
     * a broker would take offsets from a member that others have replaced. NULL: no partitions. */
    rd_kafka_consumer_group_metadata_t *member;
    rd_kafka_message_t *message[KAFKA_BATCH_MAX];
};

void kafka_place_of(const struct kafka_options *o, char out[KAFKA_PLACE_MAX]);

/* Errors by librdkafka's code; both return false. */
bool kafka_fail(struct error *e, const char *place, const char *what, rd_kafka_resp_err_t code,
                const char *words);
bool kafka_fail_code(struct error *e, const char *place, const char *what,
                     rd_kafka_resp_err_t code);

/* Defaults of ours, then the caller's properties, then what must be so; NULL with the error. */
rd_kafka_conf_t *kafka_conf_of(const struct kafka_options *o, const struct kafka_property *ours,
                               size_t our_count, const struct kafka_property *must,
                               size_t must_count, struct error *e);
/* Takes conf; NULL with the error. */
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *place,
                             struct error *e);
void kafka_note_weather(struct kafka_weather *w, int code, const char *words);

/* The caller's. */
rd_kafka_topic_partition_list_t *kafka_list_of(const struct kafka_partition *p, uint32_t count);

#endif
