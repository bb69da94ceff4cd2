#include "shell/link/kafka.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/panic.h"
#include "shell/os/clock.h"

enum { PLACE_MAX = 200, WHY_MAX = 300, POLL_MS = 100, KAFKA_ASK_MS = 300 };

/* One topic of a producer, opened once. */
struct topic {
    char name[KAFKA_TOPIC_MAX + 1];
    rd_kafka_topic_t *handle;
};

/* What librdkafka said last of its connections. */
struct weather {
    char why[WHY_MAX];
    bool is_away;
};

struct kafka_consumer {
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    char place[PLACE_MAX];
    struct weather weather;
    struct kafka_rebalance rebalance;
    struct error failure;                      /* of a callback, for the next kafka_consume */
    rd_kafka_topic_partition_list_t *assigned; /* by the last rebalance; NULL: nothing */
    bool is_rebalanced;                        /* within this kafka_consume */
    rd_kafka_message_t *message[KAFKA_BATCH_MAX];
};

struct kafka_producer {
    rd_kafka_t *client;
    char place[PLACE_MAX];
    struct weather weather;
    bool is_transactional, is_open, is_lost;
    uint64_t sent, failed;
    char failure[WHY_MAX]; /* of the first record that was not delivered */
    struct topic topic[KAFKA_TOPICS_MAX];
    uint32_t topics;
    rd_kafka_message_t message[KAFKA_BATCH_MAX];
};

/* ---- words ---- */

static void place_of(const struct kafka_options *o, char out[PLACE_MAX])
{
    snprintf(out, PLACE_MAX, "kafka %s", o->brokers);
}

static bool is_fence(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
           code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID ||
           code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
           code == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
}

/* The first that fits. */
static const struct {
    rd_kafka_resp_err_t code;
    enum error_kind kind;
    const char *hint;
} codes[] = {
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ERROR_NOT_FOUND, "; make it, or correct its name"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, ERROR_NOT_FOUND, "; make it, or correct its name"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, ERROR_NOT_FOUND, "; the topic has fewer partitions"},
    {RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, ERROR_CONFLICT, ""},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERROR_FULL,
     "; raise message.max.bytes, here and at the broker"},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, ERROR_INVALID, "; see kafka.properties, sasl.*"},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, ERROR_INVALID, "; see kafka.properties, sasl.*"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERROR_INVALID, "; allow it at the broker"},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ERROR_INVALID, "; allow it at the broker"},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, ERROR_INVALID,
     "; allow it at the broker"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, ERROR_INVALID, "; allow it at the broker"},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, ERROR_INVALID, ""},
    {RD_KAFKA_RESP_ERR__STATE, ERROR_INVALID, ""},
};

static bool fail(struct error *e, const char *place, const char *what, rd_kafka_resp_err_t code,
                 const char *words)
{
    if (is_fence(code))
        return error_set(e, ERROR_CONFLICT, "%s: %s: another member has taken over (%s)", place,
                         what, words);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].code == code)
            return error_set(e, codes[i].kind, "%s: %s: %s%s", place, what, words, codes[i].hint);
    }
    return error_set(e, ERROR_WORLD, "%s: %s: %s", place, what, words);
}

static bool fail_code(struct error *e, const char *place, const char *what,
                      rd_kafka_resp_err_t code)
{
    return fail(e, place, what, code, rd_kafka_err2str(code));
}

/* ---- options ---- */

/* Set by this file, because what it promises depends on them; or they run what they name. */
static const struct {
    const char *name, *why;
} kept[] = {
    {"bootstrap.servers", "say it as brokers"},
    {"metadata.broker.list", "say it as brokers"},
    {"group.id", "say it as group"},
    {"group.instance.id", "members are told apart by their transactions"},
    {"transactional.id", "it is made of the group and the data directory"},
    {"enable.idempotence", "it is always on"},
    {"acks", "say it as acks"},
    {"request.required.acks", "say it as acks"},
    {"isolation.level", "it is always read_committed"},
    {"enable.auto.commit", "offsets are committed with the decisions"},
    {"enable.auto.offset.store", "offsets are committed with the decisions"},
    {"enable.partition.eof", "it is always on"},
    {"partition.assignment.strategy", "it is range, so that topics go together"},
    {"plugin.library.paths", "no code is loaded"},
    {"delivery.report.only.error", "it is set by use"},
};

bool kafka_property_check(const char *name, struct error *e)
{
    rd_kafka_conf_t *conf;
    rd_kafka_topic_conf_t *of_topic;
    size_t size = 0;
    bool known;

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (strcmp(kept[i].name, name) == 0)
            return error_set(e, ERROR_INVALID, "kafka property \"%s\" cannot be set: %s", name,
                             kept[i].why);
    }
    conf = rd_kafka_conf_new();
    of_topic = rd_kafka_topic_conf_new();
    known = rd_kafka_conf_get(conf, name, NULL, &size) == RD_KAFKA_CONF_OK ||
            rd_kafka_topic_conf_get(of_topic, name, NULL, &size) == RD_KAFKA_CONF_OK;
    rd_kafka_topic_conf_destroy(of_topic);
    rd_kafka_conf_destroy(conf);
    if (known)
        return true;
    return error_set(e, ERROR_INVALID,
                     "librdkafka has no property \"%s\"; see its CONFIGURATION.md for the names",
                     name);
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *e)
{
    char words[WHY_MAX];

    if (rd_kafka_conf_set(conf, name, value, words, sizeof words) == RD_KAFKA_CONF_OK)
        return true;
    /* librdkafka's words have the value in them */
    return error_set(e, ERROR_INVALID,
                     "kafka property \"%s\": librdkafka does not take its value; see its "
                     "CONFIGURATION.md",
                     name);
}

static bool set_all(rd_kafka_conf_t *conf, const struct kafka_property *p, size_t count,
                    struct error *e)
{
    for (size_t i = 0; i < count; i++) {
        if (!set(conf, p[i].name, p[i].value, e))
            return false;
    }
    return true;
}

static void ignore_log(const rd_kafka_t *client, int level, const char *facility, const char *words)
{
}

static void note_weather(struct weather *w, int code, const char *words)
{
    w->is_away |= code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    snprintf(w->why, sizeof w->why, "%s", words);
}

static void consumer_weather(rd_kafka_t *client, int code, const char *words, void *opaque)
{
    note_weather(&((struct kafka_consumer *)opaque)->weather, code, words);
}

static void producer_weather(rd_kafka_t *client, int code, const char *words, void *opaque)
{
    note_weather(&((struct kafka_producer *)opaque)->weather, code, words);
}

/* Defaults of ours, then the caller's properties, then what must be so. */
static rd_kafka_conf_t *conf_of(const struct kafka_options *o, const struct kafka_property *ours,
                                size_t our_count, const struct kafka_property *must,
                                size_t must_count, struct error *e)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool ok = set(conf, "client.id", o->client_id != NULL ? o->client_id : "assay", e) &&
              set_all(conf, ours, our_count, e);

    for (uint32_t i = 0; ok && i < o->properties; i++)
        ok = kafka_property_check(o->property[i].name, e) &&
             set(conf, o->property[i].name, o->property[i].value, e);
    ok = ok && set(conf, "bootstrap.servers", o->brokers, e) && set_all(conf, must, must_count, e);
    rd_kafka_conf_set_log_cb(conf, ignore_log);
    if (ok)
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

/* Takes conf. */
static rd_kafka_t *client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *place,
                              struct error *e)
{
    char words[WHY_MAX];
    rd_kafka_t *client = rd_kafka_new(type, conf, words, sizeof words);

    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        error_set(e, ERROR_INVALID, "%s: %s", place, words);
    }
    return client;
}

/* ---- lists of partitions ---- */

static rd_kafka_topic_partition_list_t *list_of(const struct kafka_partition *p, uint32_t count)
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
        return fail_code(e, c->place, "committed offsets", code);
    return true;
}

/* ---- the group's partitions ---- */

static void keep_assigned(struct kafka_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
    if (c->assigned != NULL)
        rd_kafka_topic_partition_list_destroy(c->assigned);
    c->assigned = list != NULL ? rd_kafka_topic_partition_list_copy(list) : NULL;
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
        fail_code(&c->failure, c->place, "assign", code);
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
        assigned(c, list);
        return;
    }
    p = partitions_of(list);
    if (c->rebalance.revoked != NULL)
        c->rebalance.revoked(c->rebalance.context, p, (uint32_t)list->cnt,
                             rd_kafka_assignment_lost(client) != 0);
    (void)rd_kafka_assign(client, NULL);
    mem_free(p);
}

/* ---- consumer ---- */

bool kafka_consumer_open(const struct kafka_options *o, const char *group,
                         const struct kafka_rebalance *rebalance, struct kafka_consumer **out,
                         struct error *e)
{
    static const struct kafka_property ours[] = {
        {"auto.offset.reset", "earliest"},
        {"session.timeout.ms", "10000"},
        {"queued.max.messages.kbytes", "65536"},
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
        conf_of(o, ours, sizeof ours / sizeof *ours, must, sizeof must / sizeof *must, e);

    if (conf == NULL)
        return false;
    c = mem_alloc(sizeof *c);
    place_of(o, c->place);
    if (rebalance != NULL)
        c->rebalance = *rebalance;
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_error_cb(conf, consumer_weather);
    if (group != NULL)
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    c->client = client_new(RD_KAFKA_CONSUMER, conf, c->place, e);
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
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || fail_code(e, c->place, "subscribe", code);
}

bool kafka_assign(struct kafka_consumer *c, const struct kafka_partition *p, uint32_t count,
                  struct error *e)
{
    rd_kafka_topic_partition_list_t *list = list_of(p, count);
    rd_kafka_resp_err_t code = rd_kafka_assign(c->client, list);

    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || fail_code(e, c->place, "assign", code);
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
        return fail(e, c->place, m->rkt != NULL ? rd_kafka_topic_name(m->rkt) : "consume", m->err,
                    rd_kafka_message_errstr(m));
    default: /* librdkafka tries again by itself */
        note_weather(&c->weather, m->err, rd_kafka_message_errstr(m));
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
           fail_code(e, c->place, pauses ? "pause" : "resume", code);
}

bool kafka_seek(struct kafka_consumer *c, const struct kafka_partition *p, struct error *e)
{
    rd_kafka_topic_partition_list_t *list = list_of(p, 1);
    rd_kafka_error_t *failure = rd_kafka_seek_partitions(c->client, list, KAFKA_WAIT_MS);
    rd_kafka_resp_err_t code = failure != NULL ? rd_kafka_error_code(failure) : list->elems[0].err;

    if (failure != NULL)
        rd_kafka_error_destroy(failure);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || fail_code(e, c->place, "seek", code);
}

bool kafka_commit_offsets(struct kafka_consumer *c, const struct kafka_partition *p, uint32_t count,
                          struct error *e)
{
    rd_kafka_topic_partition_list_t *list = list_of(p, count);
    rd_kafka_resp_err_t code = rd_kafka_commit(c->client, list, 0);

    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        code = list->elems[i].err;
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || fail_code(e, c->place, "commit offsets", code);
}

bool kafka_committed(struct kafka_consumer *c, struct kafka_partition *p, uint32_t count,
                     struct error *e)
{
    rd_kafka_topic_partition_list_t *list = list_of(p, count);
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

    return code == RD_KAFKA_RESP_ERR_NO_ERROR || fail_code(e, c->place, topic, code);
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

/* ---- producer ---- */

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
    fail(e, p->place, what, rd_kafka_error_code(failure), rd_kafka_error_string(failure));
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
    clock_sleep_us(POLL_MS * 100);
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
    rd_kafka_conf_t *conf = conf_of(o, ours, sizeof ours / sizeof *ours, must,
                                    sizeof must / sizeof *must - (transaction == NULL ? 1 : 0), e);

    if (conf == NULL)
        return false;
    p = mem_alloc(sizeof *p);
    place_of(o, p->place);
    p->is_transactional = transaction != NULL;
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_error_cb(conf, producer_weather);
    rd_kafka_conf_set_dr_msg_cb(conf, on_failed);
    p->client = client_new(RD_KAFKA_PRODUCER, conf, p->place, e);
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
        fail_code(e, p->place, name, rd_kafka_last_error());
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
        (void)rd_kafka_poll(p->client, POLL_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail_code(e, p->place, topic, code);
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
            return fail_code(e, p->place, topic, code);
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
        return fail(e, p->place, "flush", code,
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
    rd_kafka_topic_partition_list_t *list = list_of(at, count);
    rd_kafka_consumer_group_metadata_t *member = rd_kafka_consumer_group_metadata(c->client);
    rd_kafka_error_t *failure;
    int64_t until_us = patience();

    do {
        failure = rd_kafka_send_offsets_to_transaction(p->client, list, member, KAFKA_WAIT_MS);
    } while (again(failure, until_us));
    rd_kafka_consumer_group_metadata_destroy(member);
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

/* ---- the cluster ---- */

static void asker_weather(rd_kafka_t *client, int code, const char *words, void *opaque)
{
    if (opaque != NULL)
        note_weather(opaque, code, words);
}

/* A client for questions; `w`, which may be NULL, lives as long. */
static rd_kafka_t *asker(const struct kafka_options *o, const char *place, struct weather *w,
                         struct error *e)
{
    rd_kafka_conf_t *conf = conf_of(o, NULL, 0, NULL, 0, e);

    if (conf != NULL) {
        rd_kafka_conf_set_opaque(conf, w);
        rd_kafka_conf_set_error_cb(conf, asker_weather);
    }
    return conf != NULL ? client_new(RD_KAFKA_PRODUCER, conf, place, e) : NULL;
}

/* All topics; gives up as soon as no broker can be reached. Takes nothing; *m is the caller's. */
static bool ask_topics(rd_kafka_t *client, const struct weather *w, const char *place,
                       const struct rd_kafka_metadata **m, struct error *e)
{
    int64_t until_us = clock_monotonic_us() + KAFKA_WAIT_MS / 3 * INT64_C(1000);
    rd_kafka_resp_err_t code;

    do {
        code = rd_kafka_metadata(client, 1, NULL, m, KAFKA_ASK_MS);
        (void)rd_kafka_poll(client, 0);
    } while ((code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT) &&
             !w->is_away && clock_monotonic_us() < until_us);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return error_set(e, ERROR_WORLD, "%s: no broker can be reached; is one running there?%s%s",
                         place, w->why[0] != 0 ? " " : "", w->why);
    return fail_code(e, place, "topics", code);
}

bool kafka_topic_list(const struct kafka_options *o, struct kafka_topic **topics, uint32_t *count,
                      struct error *e)
{
    const struct rd_kafka_metadata *m;
    struct weather weather = {0};
    char place[PLACE_MAX];
    rd_kafka_t *client;
    bool ok;

    place_of(o, place);
    client = asker(o, place, &weather, e);
    if (client == NULL)
        return false;
    ok = ask_topics(client, &weather, place, &m, e);
    if (ok) {
        *count = (uint32_t)m->topic_cnt;
        *topics = mem_array((size_t)m->topic_cnt + 1, sizeof **topics);
        for (uint32_t i = 0; i < *count; i++) {
            struct kafka_topic *t = &(*topics)[i];

            snprintf(t->name, sizeof t->name, "%s", m->topics[i].topic);
            t->partitions = (uint32_t)m->topics[i].partition_cnt;
        }
        rd_kafka_metadata_destroy(m);
    }
    rd_kafka_destroy(client);
    return ok;
}

bool kafka_topics(const struct kafka_options *o, const char *const *topic, uint32_t count,
                  struct kafka_topic *out, struct error *e)
{
    struct kafka_topic *all;
    uint32_t there;

    if (!kafka_topic_list(o, &all, &there, e))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (struct kafka_topic){0};
        snprintf(out[i].name, sizeof out[i].name, "%s", topic[i]);
        for (uint32_t t = 0; t < there; t++) {
            if (strcmp(all[t].name, topic[i]) == 0)
                out[i].partitions = all[t].partitions;
        }
    }
    mem_free(all);
    return true;
}

/* The one result of an administrative request; takes the event. */
static bool admin_result(rd_kafka_event_t *event, const char *place, const char *topic,
                         struct error *e)
{
    const rd_kafka_topic_result_t **results = NULL;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    size_t count = 0;
    bool ok;

    if (event != NULL) {
        code = rd_kafka_event_error(event);
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
            results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event),
                                                          &count);
        else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DELETETOPICS_RESULT)
            results = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event),
                                                          &count);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && count > 0)
            code = rd_kafka_topic_result_error(results[0]);
    }
    ok = code == RD_KAFKA_RESP_ERR_NO_ERROR || fail_code(e, place, topic, code);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    return ok;
}

bool kafka_topic_create(const struct kafka_options *o, const char *topic, uint32_t partitions,
                        uint32_t replicas, struct error *e)
{
    char place[PLACE_MAX], words[WHY_MAX];
    rd_kafka_NewTopic_t *wanted;
    rd_kafka_queue_t *queue;
    rd_kafka_t *client;
    bool ok;

    place_of(o, place);
    wanted = rd_kafka_NewTopic_new(topic, (int)partitions, (int)replicas, words, sizeof words);
    if (wanted == NULL)
        return error_set(e, ERROR_INVALID, "%s: topic \"%s\": %s", place, topic, words);
    client = asker(o, place, NULL, e);
    if (client == NULL) {
        rd_kafka_NewTopic_destroy(wanted);
        return false;
    }
    queue = rd_kafka_queue_new(client);
    rd_kafka_CreateTopics(client, &wanted, 1, NULL, queue);
    ok = admin_result(rd_kafka_queue_poll(queue, KAFKA_WAIT_MS), place, topic, e);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    rd_kafka_destroy(client);
    return ok;
}

bool kafka_topic_delete(const struct kafka_options *o, const char *topic, struct error *e)
{
    char place[PLACE_MAX];
    rd_kafka_DeleteTopic_t *unwanted = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_queue_t *queue;
    rd_kafka_t *client;
    bool ok;

    place_of(o, place);
    client = asker(o, place, NULL, e);
    if (client == NULL) {
        rd_kafka_DeleteTopic_destroy(unwanted);
        return false;
    }
    queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteTopics(client, &unwanted, 1, NULL, queue);
    ok = admin_result(rd_kafka_queue_poll(queue, KAFKA_WAIT_MS), place, topic, e);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy(unwanted);
    rd_kafka_destroy(client);
    return ok;
}
