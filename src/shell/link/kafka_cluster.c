#include "shell/link/kafka_inside.h"

#include <stdio.h>

#include "core/base/memory.h"
#include "shell/os/clock.h"

static void asker_weather(rd_kafka_t *client, int code, const char *words, void *opaque)
{
    if (opaque != NULL)
        kafka_note_weather(opaque, code, words);
}

/* A client for questions; `w`, which may be NULL, lives as long. */
static rd_kafka_t *asker(const struct kafka_options *o, const char *place, struct kafka_weather *w,
                         struct error *e)
{
    rd_kafka_conf_t *conf = kafka_conf_of(o, NULL, 0, NULL, 0, e);

    if (conf != NULL) {
        rd_kafka_conf_set_opaque(conf, w);
        rd_kafka_conf_set_error_cb(conf, asker_weather);
    }
    return conf != NULL ? kafka_client_new(RD_KAFKA_PRODUCER, conf, place, e) : NULL;
}

/* All topics; gives up as soon as no broker can be reached. Takes nothing; *m is the caller's. */
static bool ask_topics(rd_kafka_t *client, const struct kafka_weather *w, const char *place,
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
    return kafka_fail_code(e, place, "topics", code);
}

bool kafka_topic_list(const struct kafka_options *o, struct kafka_topic **topics, uint32_t *count,
                      struct error *e)
{
    const struct rd_kafka_metadata *m;
    struct kafka_weather weather = {0};
    char place[KAFKA_PLACE_MAX];
    rd_kafka_t *client;
    bool ok;

    kafka_place_of(o, place);
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
    ok = code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_fail_code(e, place, topic, code);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    return ok;
}

bool kafka_topic_create(const struct kafka_options *o, const char *topic, uint32_t partitions,
                        uint32_t replicas, struct error *e)
{
    char place[KAFKA_PLACE_MAX], words[KAFKA_WHY_MAX];
    rd_kafka_NewTopic_t *wanted;
    rd_kafka_queue_t *queue;
    rd_kafka_t *client;
    bool ok;

    kafka_place_of(o, place);
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
    char place[KAFKA_PLACE_MAX];
    rd_kafka_DeleteTopic_t *unwanted = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_queue_t *queue;
    rd_kafka_t *client;
    bool ok;

    kafka_place_of(o, place);
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
