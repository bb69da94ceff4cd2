#include "shell/link/kafka_inside.h"

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"

/* ---- lists of partitions ---- */

rd_kafka_topic_partition_list_t *kafka_list_of(const struct kafka_partition *p, uint32_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);

    for (uint32_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, p[i].topic, p[i].partition)->offset = p[i].offset;
    return list;
}

static struct kafka_partition *partitions_of(const rd_kafka_topic_partition_list_t *list)
{
    struct kafka_partition *p = mem_array((size_t)list->cnt + 1, sizeof *p);

    for (int i = 0; i < list->cnt; i++)
        p[i] = (struct kafka_partition){list->elems[i].topic, list->elems[i].partition,
                                        list->elems[i].offset};
    return p;
}

static bool committed_into(struct kafka_consumer *c, rd_kafka_topic_partition_list_t *list,
                           struct error *e)
{
    rd_kafka_resp_err_t code;
    int64_t until_us = clock_monotonic_us() + 4 * KAFKA_WAIT_MS * INT64_C(1000);

    /* A transaction of a dead member holds the offsets until it times out. */
    do {
        code = rd_kafka_committed(c->client, list, KAFKA_WAIT_MS);
    } while ((code == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT ||
              code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__WAIT_COORD ||
              code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR) &&
             clock_monotonic_us() < until_us);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        code = list->elems[i].err;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail_code(e, c->place, "committed offsets", code);
    return true;
}

/* ---- the group's partitions ---- */

static void keep_assigned(struct kafka_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    if (c->assigned != NULL)
        rd_kafka_topic_partition_list_destroy(c->assigned);
    c->assigned = list != NULL ? rd_kafka_topic_partition_list_copy(list) : NULL;
}

static void keep_member(struct kafka_consumer *c, bool is_given)
{
    if (c->member != NULL)
        rd_kafka_consumer_group_metadata_destroy(c->member);
    c->member = is_given ? rd_kafka_consumer_group_metadata(c->client) : NULL;
}

static void assigned(struct kafka_consumer *c, rd_kafka_topic_partition_list_t *list)
{
    struct kafka_partition *p;
    rd_kafka_resp_err_t code;

    if (!committed_into(c, list, &c->failure)) {
        (void)rd_kafka_assign(c->client, NULL);
        return;
    }
    p = partitions_of(list);
    if (c->rebalance.assigned != NULL &&
        !c->rebalance.assigned(c->rebalance.context, p, (uint32_t)list->cnt, &c->failure)) {
        (void)rd_kafka_assign(c->client, NULL);
        mem_free(p);
        return;
    }
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset =
            p[i].offset == KAFKA_NO_OFFSET ? RD_KAFKA_OFFSET_BEGINNING : p[i].offset;
    code = rd_kafka_assign(c->client, list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        kafka_fail_code(&c->failure, c->place, "assign", code);
    keep_assigned(c, list);
    mem_free(p);
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct kafka_consumer *c = opaque;
    struct kafka_partition *p;

    c->is_rebalanced = true;
    keep_assigned(c, NULL);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        keep_member(c, true);
        assigned(c, list);
        return;
    }
    p = partitions_of(list);
    if (c->rebalance.revoked != NULL)
        c->rebalance.revoked(c->rebalance.context, p, (uint32_t)list->cnt,
                             rd_kafka_assignment_lost(client) != 0);
    keep_member(c, false);
    (void)rd_kafka_assign(client, NULL);
    mem_free(p);
}

/* ---- consumer ---- */

static void consumer_weather(rd_kafka_t *client, int code, const char *words, void *opaque)
{
    kafka_note_weather(&((struct kafka_consumer *)opaque)->weather, code, words);
}

bool kafka_consumer_open(const struct kafka_options *o, const char *group,
                         const struct kafka_rebalance *rebalance, struct kafka_consumer **out,
                         struct error *e)
{
    static const struct kafka_property ours[] = {
        {"auto.offset.reset", "earliest"},
        {"session.timeout.ms", "10000"},
        /* When its queue is full, librdkafka 2.0 looks again only a second later: the queue must
         * last so long. */
        {"queued.min.messages", "300000"},
        {"queued.max.messages.kbytes", "131072"},
        {"fetch.wait.max.ms", "50"},
    };
    const struct kafka_property must[] = {
        {"group.id", group != NULL ? group : "assay"}, /* librdkafka wants one */
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"isolation.level", "read_committed"},
        {"enable.partition.eof", "true"},
        {"partition.assignment.strategy", "range"},
    };
    struct kafka_consumer *c;
    rd_kafka_conf_t *conf =
        kafka_conf_of(o, ours, sizeof ours / sizeof *ours, must, sizeof must / sizeof *must, e);

    if (conf == NULL)
        return false;
    c = mem_alloc(sizeof *c);
    kafka_place_of(o, c->place);
    if (rebalance != NULL)
        c->rebalance = *rebalance;
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_error_cb(conf, consumer_weather);
    if (group != NULL)
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    c->client = kafka_client_new(RD_KAFKA_CONSUMER, conf, c->place, e);
    if (c->client == NULL) {
        mem_free(c);
        return false;
    }
    rd_kafka_poll_set_consumer(c->client);
    c->queue = rd_kafka_queue_get_consumer(c->client);
    *out = c;
    return true;
}

void kafka_consumer_close(struct kafka_consumer *c)
{
    if (c == NULL)
        return;
    (void)rd_kafka_consumer_close(c->client);
    keep_assigned(c, NULL);
    keep_member(c, false);
    rd_kafka_queue_destroy(c->queue);
    rd_kafka_destroy(c->client);
    mem_free(c);
}

bool kafka_subscribe(struct kafka_consumer *c, const char *const *topic, uint32_t count,
                     struct error *e)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    rd_kafka_resp_err_t code;

    for (uint32_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topic[i], RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(c->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_fail_code(e, c->place, "subscribe", code);
}

bool kafka_assign(struct kafka_consumer *c, const struct kafka_partition *p, uint32_t count,
                  struct error *e)
{
    rd_kafka_topic_partition_list_t *list = kafka_list_of(p, count);
    rd_kafka_resp_err_t code = rd_kafka_assign(c->client, list);

    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_fail_code(e, c->place, "assign", code);
}

/* What came in place of a message; false: it is to be told. */
static bool take_event(struct kafka_consumer *c, const rd_kafka_message_t *m, struct error *e)
{
    switch (m->err) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        return kafka_fail(e, c->place, m->rkt != NULL ? rd_kafka_topic_name(m->rkt) : "consume",
                          m->err, rd_kafka_message_errstr(m));
    default: /* librdkafka tries again by itself */
        kafka_note_weather(&c->weather, m->err, rd_kafka_message_errstr(m));
        return true;
    }
}

static void message_of(rd_kafka_message_t *m, struct kafka_message *out)
{
    rd_kafka_timestamp_type_t type;
    int64_t time_ms =
        m->err == RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_message_timestamp(m, &type) : -1;

    *out = (struct kafka_message){
        .topic = text_of(rd_kafka_topic_name(m->rkt)),
        .partition = m->partition,
        .is_end = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF,
        .has_key = m->key != NULL,
        .has_value = m->payload != NULL,
        .offset = m->offset,
        .time_us = time_ms > 0 && time_ms < INT64_MAX / 1000 ? time_ms * 1000 : 0,
        .key = {m->key, m->key_len},
        .handle = m,
    };
    if (!out->is_end)
        out->value = (struct text){m->payload, m->len};
}

/* What was taken in the same call may be of the partitions as they were before: all of it is given
 * back, and the new ones begin again where they were told to. */
static bool begin_again(struct kafka_consumer *c, struct kafka_message *m, uint32_t *count,
                        struct error *e)
{
    kafka_release(m, *count);
    *count = 0;
    return c->assigned == NULL ||
           rd_kafka_assign(c->client, c->assigned) == RD_KAFKA_RESP_ERR_NO_ERROR ||
           error_set(e, ERROR_WORLD, "%s: assign failed", c->place);
}

bool kafka_consume(struct kafka_consumer *c, struct kafka_message *m, uint32_t max, int timeout_ms,
                   uint32_t *count, struct error *e)
{
    ssize_t got;
    bool ok = true;
    uint32_t n = 0;

    ASSERT(max <= KAFKA_BATCH_MAX);
    c->is_rebalanced = false;
    got = rd_kafka_consume_batch_queue(c->queue, timeout_ms, c->message, max);
    if (got > 0)
        c->weather.is_away = false;
    for (ssize_t i = 0; i < got; i++) {
        rd_kafka_message_t *one = c->message[i];

        if (one->err == RD_KAFKA_RESP_ERR_NO_ERROR ||
            one->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            message_of(one, &m[n++]);
        } else {
            ok = take_event(c, one, e) && ok;
            rd_kafka_message_destroy(one);
        }
    }
    if (c->failure.kind != ERROR_NONE) {
        *e = c->failure;
        c->failure.kind = ERROR_NONE;
        ok = false;
    }
    if (ok && c->is_rebalanced && n > 0)
        ok = begin_again(c, m, &n, e);
    if (!ok) {
        kafka_release(m, n);
        return false;
    }
    *count = n;
    return true;
}

void kafka_release(struct kafka_message *m, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        rd_kafka_message_destroy(m[i].handle);
}

uint32_t kafka_headers(const struct kafka_message *m, struct kafka_header *out, uint32_t max)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t length;
    uint32_t n = 0;

    if (rd_kafka_message_headers(m->handle, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    while (n < max && rd_kafka_header_get_all(headers, n, &name, &value, &length) ==
                          RD_KAFKA_RESP_ERR_NO_ERROR) {
        out[n++] = (struct kafka_header){name, {value, length}};
    }
    return n;
}

bool kafka_is_event(const struct kafka_message *m)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t length;

    return rd_kafka_message_headers(m->handle, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
           rd_kafka_header_get_last(headers, KAFKA_RECORD_HEADER, &value, &length) !=
               RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool kafka_pause(struct kafka_consumer *c, bool pauses, struct error *e)
{
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t code = rd_kafka_assignment(c->client, &list);

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = pauses ? rd_kafka_pause_partitions(c->client, list)
                      : rd_kafka_resume_partitions(c->client, list);
        rd_kafka_topic_partition_list_destroy(list);
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
           kafka_fail_code(e, c->place, pauses ? "pause" : "resume", code);
}

bool kafka_seek(struct kafka_consumer *c, const struct kafka_partition *p, struct error *e)
{
    rd_kafka_topic_partition_list_t *list = kafka_list_of(p, 1);
    rd_kafka_error_t *failure = rd_kafka_seek_partitions(c->client, list, KAFKA_WAIT_MS);
    rd_kafka_resp_err_t code = failure != NULL ? rd_kafka_error_code(failure) : list->elems[0].err;

    if (failure != NULL)
        rd_kafka_error_destroy(failure);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_fail_code(e, c->place, "seek", code);
}

bool kafka_commit_offsets(struct kafka_consumer *c, const struct kafka_partition *p, uint32_t count,
                          struct error *e)
{
    rd_kafka_topic_partition_list_t *list = kafka_list_of(p, count);
    rd_kafka_resp_err_t code = rd_kafka_commit(c->client, list, 0);

    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        code = list->elems[i].err;
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
           kafka_fail_code(e, c->place, "commit offsets", code);
}

bool kafka_committed(struct kafka_consumer *c, struct kafka_partition *p, uint32_t count,
                     struct error *e)
{
    rd_kafka_topic_partition_list_t *list = kafka_list_of(p, count);
    bool ok = committed_into(c, list, e);

    for (uint32_t i = 0; ok && i < count; i++)
        p[i].offset = list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return ok;
}

bool kafka_range(struct kafka_consumer *c, const char *topic, int32_t partition, int64_t *first,
                 int64_t *end, struct error *e)
{
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(c->client, topic, partition, first, end, KAFKA_WAIT_MS);

    return code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_fail_code(e, c->place, topic, code);
}

int64_t kafka_end_known(struct kafka_consumer *c, const char *topic, int32_t partition)
{
    int64_t first = KAFKA_NO_OFFSET, end = KAFKA_NO_OFFSET;

    if (rd_kafka_get_watermark_offsets(c->client, topic, partition, &first, &end) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return KAFKA_NO_OFFSET;
    return end;
}

bool kafka_is_away(const struct kafka_consumer *c, struct text *why)
{
    *why = text_of(c->weather.why);
    return c->weather.is_away;
}
