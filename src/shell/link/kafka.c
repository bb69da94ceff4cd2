#include "shell/link/kafka.h"

#include <stdio.h>

#include "shell/link/kafka_inside.h"

/* ---- words ---- */

void kafka_place_of(const struct kafka_options *o, char out[KAFKA_PLACE_MAX])
{
    snprintf(out, KAFKA_PLACE_MAX, "kafka %s", o->brokers);
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

bool kafka_fail(struct error *e, const char *place, const char *what, rd_kafka_resp_err_t code,
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

bool kafka_fail_code(struct error *e, const char *place, const char *what, rd_kafka_resp_err_t code)
{
    return kafka_fail(e, place, what, code, rd_kafka_err2str(code));
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
    char words[KAFKA_WHY_MAX];

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

void kafka_note_weather(struct kafka_weather *w, int code, const char *words)
{
    w->is_away |= code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    snprintf(w->why, sizeof w->why, "%s", words);
}

/* Defaults of ours, then the caller's properties, then what must be so. */
rd_kafka_conf_t *kafka_conf_of(const struct kafka_options *o, const struct kafka_property *ours,
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
rd_kafka_t *kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *place,
                             struct error *e)
{
    char words[KAFKA_WHY_MAX];
    rd_kafka_t *client = rd_kafka_new(type, conf, words, sizeof words);

    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        error_set(e, ERROR_INVALID, "%s: %s", place, words);
    }
    return client;
}
