#include "shell/link/kafka_inside.h"

#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"

/* One topic of a producer, opened once. */
struct topic {
    char name[KAFKA_TOPIC_MAX + 1];
    rd_kafka_topic_t *handle;
};

struct kafka_producer {
    rd_kafka_t *client;
    char place[KAFKA_PLACE_MAX];
    struct kafka_weather weather;
    bool is_transactional, is_open, is_lost;
    uint64_t sent, failed;
    char failure[KAFKA_WHY_MAX]; /* of the first record that was not delivered */
    struct topic topic[KAFKA_TOPICS_MAX];
    uint32_t topics;
    rd_kafka_message_t message[KAFKA_BATCH_MAX];
};

/* ---- producer ---- */

static void producer_weather(rd_kafka_t *client, int code, const char *words, void *opaque)
{
    kafka_note_weather(&((struct kafka_producer *)opaque)->weather, code, words);
}

/* Only of what failed: delivery.report.only.error. */
static void on_failed(rd_kafka_t *client, const rd_kafka_message_t *m, void *opaque)
{
    struct kafka_producer *p = opaque;

    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (p->failed++ == 0)
        snprintf(p->failure, sizeof p->failure, "%s", rd_kafka_err2str(m->err));
}

/* What a call of the transactional interface said; false and `e`, or true. */
static bool transact(struct kafka_producer *p, const char *what, rd_kafka_error_t *failure,
                     struct error *e)
{
    if (failure == NULL)
        return true;
    p->is_lost |= rd_kafka_error_is_fatal(failure) != 0;
    kafka_fail(e, p->place, what, rd_kafka_error_code(failure), rd_kafka_error_string(failure));
    rd_kafka_error_destroy(failure);
    return false;
}

/* Whether to call again; keeps the failure else. */
static bool again(rd_kafka_error_t *failure, int64_t until_us)
{
    if (failure == NULL || !rd_kafka_error_is_retriable(failure) ||
        clock_monotonic_us() >= until_us)
        return false;
    rd_kafka_error_destroy(failure);
    clock_sleep_us(KAFKA_POLL_MS * 100);
    return true;
}

static int64_t patience(void)
{
    return clock_monotonic_us() + KAFKA_WAIT_MS * INT64_C(1000);
}

bool kafka_producer_open(const struct kafka_options *o, const char *transaction,
                         struct kafka_producer **out, struct error *e)
{
    static const struct kafka_property ours[] = {
        {"linger.ms", "5"},
        {"queue.buffering.max.messages", "1000000"},
        {"queue.buffering.max.kbytes", "262144"},
        {"batch.num.messages", "20000"},
        {"transaction.timeout.ms", "15000"},
        {"message.timeout.ms", "15000"},
        {"partitioner", "murmur2_random"}, /* as Java's clients */
    };
    const struct kafka_property must[] = {
        {"enable.idempotence", o->acks == NULL ? "true" : "false"},
        {"acks", o->acks != NULL ? o->acks : "all"},
        {"delivery.report.only.error", "true"},
        {"transactional.id", transaction},
    };
    struct kafka_producer *p;
    rd_kafka_error_t *failure;
    int64_t until_us = patience();
    rd_kafka_conf_t *conf =
        kafka_conf_of(o, ours, sizeof ours / sizeof *ours, must,
                      sizeof must / sizeof *must - (transaction == NULL ? 1 : 0), e);

    if (conf == NULL)
        return false;
    p = mem_alloc(sizeof *p);
    kafka_place_of(o, p->place);
    p->is_transactional = transaction != NULL;
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_error_cb(conf, producer_weather);
    rd_kafka_conf_set_dr_msg_cb(conf, on_failed);
    p->client = kafka_client_new(RD_KAFKA_PRODUCER, conf, p->place, e);
    if (p->client == NULL) {
        mem_free(p);
        return false;
    }
    if (transaction != NULL) {
        do {
            failure = rd_kafka_init_transactions(p->client, KAFKA_WAIT_MS);
        } while (again(failure, until_us));
        if (!transact(p, "init transactions", failure, e)) {
            if (p->weather.is_away)
                error_set(e, ERROR_WORLD, "%s: no broker can be reached: %s", p->place,
                          p->weather.why);
            kafka_producer_close(p);
            return false;
        }
    }
    *out = p;
    return true;
}

void kafka_producer_close(struct kafka_producer *p)
{
    struct error e;

    if (p == NULL)
        return;
    if (p->is_open && !p->is_lost && !kafka_abort(p, &e))
        p->is_lost = true; /* the brokers abort it when its time is over */
    (void)rd_kafka_purge(p->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    for (uint32_t i = 0; i < p->topics; i++)
        rd_kafka_topic_destroy(p->topic[i].handle);
    rd_kafka_destroy(p->client);
    mem_free(p);
}

static rd_kafka_topic_t *topic_of(struct kafka_producer *p, const char *name, struct error *e)
{
    struct topic *t = &p->topic[p->topics];

    for (uint32_t i = 0; i < p->topics; i++) {
        if (strcmp(p->topic[i].name, name) == 0)
            return p->topic[i].handle;
    }
    if (p->topics == KAFKA_TOPICS_MAX || strlen(name) > KAFKA_TOPIC_MAX) {
        error_set(e, ERROR_INVALID,
                  "%s: topic \"%.100s\": at most %d topics, names of at most %d bytes", p->place,
                  name, KAFKA_TOPICS_MAX, KAFKA_TOPIC_MAX);
        return NULL;
    }
    t->handle = rd_kafka_topic_new(p->client, name, NULL);
    if (t->handle == NULL) {
        kafka_fail_code(e, p->place, name, rd_kafka_last_error());
        return NULL;
    }
    snprintf(t->name, sizeof t->name, "%s", name);
    p->topics++;
    return t->handle;
}

static rd_kafka_resp_err_t send_once(struct kafka_producer *p, rd_kafka_topic_t *topic,
                                     int32_t partition, const struct kafka_record *r)
{
    rd_kafka_vu_t v[5 + KAFKA_HEADERS_MAX] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {.ptr = (void *)r->value.bytes, .size = r->value.length}},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {.ptr = (void *)r->key.bytes, .size = r->key.length}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = r->time_us / 1000},
    };
    rd_kafka_error_t *failure;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

    for (uint32_t i = 0; i < r->headers; i++)
        v[5 + i] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADER,
                                   .u.header = {.name = r->header[i].name,
                                                .val = r->header[i].value.bytes,
                                                .size = (ssize_t)r->header[i].value.length}};
    failure = rd_kafka_produceva(p->client, v, 5 + r->headers);
    if (failure != NULL) {
        code = rd_kafka_error_code(failure);
        rd_kafka_error_destroy(failure);
    }
    return code;
}

bool kafka_send(struct kafka_producer *p, const char *topic, int32_t partition,
                const struct kafka_record *r, struct error *e)
{
    rd_kafka_topic_t *handle = topic_of(p, topic, e);
    rd_kafka_resp_err_t code;
    int64_t until_us = patience();

    ASSERT(r->headers <= KAFKA_HEADERS_MAX);
    if (handle == NULL)
        return false;
    while ((code = send_once(p, handle, partition, r)) == RD_KAFKA_RESP_ERR__QUEUE_FULL &&
           clock_monotonic_us() < until_us)
        (void)rd_kafka_poll(p->client, KAFKA_POLL_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail_code(e, p->place, topic, code);
    p->sent++;
    (void)rd_kafka_poll(p->client, 0);
    return true;
}

/* Send again, one by one, those for which the queue had no room. */
static bool send_rest(struct kafka_producer *p, const char *topic, int32_t partition,
                      const struct kafka_record *r, uint32_t count, struct error *e)
{
    for (uint32_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = p->message[i].err;

        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return kafka_fail_code(e, p->place, topic, code);
        if (!kafka_send(p, topic, partition, &r[i], e))
            return false;
    }
    return true;
}

bool kafka_send_all(struct kafka_producer *p, const char *topic, int32_t partition,
                    const struct kafka_record *r, uint32_t count, struct error *e)
{
    rd_kafka_topic_t *handle = topic_of(p, topic, e);
    int queued;

    ASSERT(count <= KAFKA_BATCH_MAX);
    if (handle == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++)
        p->message[i] = (rd_kafka_message_t){.payload = (void *)r[i].value.bytes,
                                             .len = r[i].value.length,
                                             .key = (void *)r[i].key.bytes,
                                             .key_len = r[i].key.length};
    queued = rd_kafka_produce_batch(handle, partition, 0, p->message, (int)count);
    p->sent += (uint64_t)queued;
    (void)rd_kafka_poll(p->client, 0);
    return queued == (int)count || send_rest(p, topic, partition, r, count, e);
}

bool kafka_flush(struct kafka_producer *p, int timeout_ms, struct error *e)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(p->client, timeout_ms);
    uint64_t failed = p->failed;

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(e, p->place, "flush", code,
                          p->weather.is_away ? p->weather.why : rd_kafka_err2str(code));
    p->weather.is_away = false;
    if (failed > 0)
        return error_set(e, ERROR_WORLD, "%s: %lu records were not delivered; the first: %s",
                         p->place, (unsigned long)failed, p->failure);
    return true;
}

void kafka_sent(const struct kafka_producer *p, uint64_t *sent, uint64_t *failed, uint64_t *waiting)
{
    *sent = p->sent;
    *failed = p->failed;
    *waiting = (uint64_t)rd_kafka_outq_len(p->client);
}

/* ---- transactions ---- */

bool kafka_begin(struct kafka_producer *p, struct error *e)
{
    ASSERT(p->is_transactional && !p->is_open);
    p->is_open = transact(p, "begin a transaction", rd_kafka_begin_transaction(p->client), e);
    p->failed = 0;
    return p->is_open;
}

bool kafka_send_offsets(struct kafka_producer *p, struct kafka_consumer *c,
                        const struct kafka_partition *at, uint32_t count, struct error *e)
{
    rd_kafka_topic_partition_list_t *list = kafka_list_of(at, count);
    rd_kafka_error_t *failure;
    int64_t until_us = patience();

    ASSERT(c->member != NULL);
    do {
        failure = rd_kafka_send_offsets_to_transaction(p->client, list, c->member, KAFKA_WAIT_MS);
    } while (again(failure, until_us));
    rd_kafka_topic_partition_list_destroy(list);
    return transact(p, "offsets of the transaction", failure, e);
}

bool kafka_commit(struct kafka_producer *p, struct error *e)
{
    rd_kafka_error_t *failure;
    int64_t until_us = patience();

    do {
        failure = rd_kafka_commit_transaction(p->client, KAFKA_WAIT_MS);
    } while (again(failure, until_us));
    if (!transact(p, "commit", failure, e))
        return false;
    p->is_open = false;
    p->weather.is_away = false;
    return true;
}

bool kafka_abort(struct kafka_producer *p, struct error *e)
{
    rd_kafka_error_t *failure;
    int64_t until_us = patience();

    do {
        failure = rd_kafka_abort_transaction(p->client, KAFKA_WAIT_MS);
    } while (again(failure, until_us));
    p->is_open = false;
    if (failure == NULL)
        return true;
    p->is_lost = true; /* its memory is free only when it is closed */
    return transact(p, "abort", failure, e);
}

bool kafka_is_lost(const struct kafka_producer *p)
{
    return p->is_lost;
}
