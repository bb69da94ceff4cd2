#include "shell/stream/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "shell/os/clock.h"
#include "shell/os/digest.h"
#include "shell/os/file.h"
#include "shell/run/shard_key.h"
#include "shell/stream/looked_up.h"
#include "shell/stream/worker.h"

enum {
    TRANSACTION_MAX = 512,
    WORKER_BYTES = 8,
    PLACE_MAX = 300,
    WAIT_LEAST_MS = 200,
    WAIT_MOST_MS = 5000,
    WAIT_SLICE_US = 50000,
};

struct streaming {
    struct streaming_options o;
    struct current current;
    struct lookups *lookups;
    struct worker_shared shared;
    struct kafka_property property[SETTINGS_PROPERTIES_MAX];
    char directory[DATA_PATH_MAX];
    char decisions[KAFKA_TOPIC_MAX + 1], dead_letters[KAFKA_TOPIC_MAX + 1];
    char transaction[TRANSACTION_MAX];
    int lock_file;
};

/* ---- the directory ---- */

/* One worker has a data directory: its snapshots, and the id of its transactions. */
static bool lock(struct streaming *s, struct error *e)
{
    char path[DATA_PATH_MAX + 16];

    snprintf(path, sizeof path, "%s/lock", s->directory);
    s->lock_file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->lock_file < 0)
        return error_set(e, ERROR_WORLD, "%s: %s", path, strerror(errno));
    if (flock(s->lock_file, LOCK_EX | LOCK_NB) == 0)
        return true;
    return error_set(e, ERROR_CONFLICT,
                     "%s: another `assay stream` has this data directory; give each worker its own "
                     "(--set data_directory=...)",
                     path);
}

/* The same at every start, so that a start ends what a killed worker of this directory left open.
 */
static bool name_transaction(struct streaming *s, struct error *e)
{
    char path[DATA_PATH_MAX + 16], hex[2 * WORKER_BYTES + 1];
    uint8_t made[WORKER_BYTES];
    struct buffer bytes;
    struct text id;
    bool ok = true;

    snprintf(path, sizeof path, "%s/worker", s->directory);
    buffer_init(&bytes, 4096);
    if (file_exists(path)) {
        ok = file_read(path, &bytes, e);
    } else {
        random_bytes(made, sizeof made);
        for (int i = 0; i < WORKER_BYTES; i++)
            snprintf(hex + 2 * i, 3, "%02x", made[i]);
        buffer_add_text(&bytes, hex);
        ok = file_write(path, bytes.bytes, bytes.length, 0666, e);
    }
    id = text_trim((struct text){bytes.bytes, bytes.length});
    if (ok)
        snprintf(s->transaction, sizeof s->transaction, "assay-%.200s-%.*s",
                 settings_kafka_group(s->o.settings), (int)(id.length < 64 ? id.length : 64),
                 id.bytes);
    buffer_fini(&bytes);
    return ok;
}

static bool take_directory(struct streaming *s, struct error *e)
{
    char data[DATA_PATH_MAX];

    if (!data_directory(s->o.settings, data, e))
        return false;
    if (snprintf(s->directory, sizeof s->directory, "%s/stream", data) >= (int)sizeof s->directory)
        return error_set(e, ERROR_INVALID, "path of the data directory is over %d bytes",
                         DATA_PATH_MAX);
    return file_make_directories(s->directory, 0777, e) && lock(s, e) && name_transaction(s, e);
}

/* ---- topics ---- */

static bool name_topics(struct streaming *s, struct error *e)
{
    const struct stream_setting *t = &s->o.settings->stream;
    const char *from = settings_stream_topic(s->o.settings);
    size_t longest = KAFKA_TOPIC_MAX - strlen(".decisions");

    if (from == NULL)
        return error_set(e, ERROR_INVALID,
                         "no topic to read: write `stream: {topic: NAME}`, or `kafka: NAME` at the "
                         "source of the events");
    if (strlen(from) > longest)
        return error_set(e, ERROR_INVALID, "topic \"%.80s...\": over %zu bytes", from, longest);
    snprintf(s->decisions, sizeof s->decisions, "%s%s", t->decisions != NULL ? t->decisions : from,
             t->decisions != NULL ? "" : ".decisions");
    snprintf(s->dead_letters, sizeof s->dead_letters, "%s%s",
             t->dead_letters != NULL ? t->dead_letters : from,
             t->dead_letters != NULL ? "" : ".dead");
    s->shared.topic = from;
    s->shared.decisions = s->decisions;
    s->shared.dead_letters = s->dead_letters;
    s->shared.labels_topic = t->labels;
    return true;
}

/* The brokers' own number of replicas. */
enum { REPLICAS_OF_BROKER = -1 };

static bool make_topic(struct streaming *s, const char *topic, struct error *e)
{
    if (kafka_topic_create(&s->shared.kafka, topic, s->shared.partitions, REPLICAS_OF_BROKER, e) ||
        e->kind == ERROR_CONFLICT) { /* another worker was faster */
        e->kind = ERROR_NONE;
        return true;
    }
    return error_prefix(e, "topic \"%s\" is not there and cannot be made", topic);
}

static bool find_labels(struct streaming *s, struct error *e)
{
    const char *name = s->shared.labels_topic;
    struct kafka_topic found;

    if (name == NULL)
        return true;
    if (!kafka_topics(&s->shared.kafka, &name, 1, &found, e))
        return false;
    if (found.partitions == 0)
        return error_set(e, ERROR_NOT_FOUND,
                         "kafka %s has no topic \"%s\": make it, or correct stream.labels",
                         s->shared.kafka.brokers, name);
    return found.partitions == s->shared.partitions ||
           error_set(e, ERROR_INVALID,
                     "topic \"%s\" of labels has %u partitions, but \"%s\" has %u: a label goes to "
                     "the partition of its event; give it as many, and key it alike",
                     name, found.partitions, s->shared.topic, s->shared.partitions);
}

static bool find_topics(struct streaming *s, struct error *e)
{
    const char *names[2 + SETTINGS_SINKS_MAX + 1] = {s->shared.topic, s->decisions,
                                                     s->dead_letters};
    struct kafka_topic found[2 + SETTINGS_SINKS_MAX + 1];
    uint32_t n = 3;

    for (uint32_t i = 0; i < s->o.settings->stream.sink_count; i++) {
        if (s->o.settings->stream.sinks[i].topic != NULL)
            names[n++] = s->o.settings->stream.sinks[i].topic;
    }
    if (!kafka_topics(&s->shared.kafka, names, n, found, e))
        return false;
    if (found[0].partitions == 0)
        return error_set(e, ERROR_NOT_FOUND,
                         "kafka %s has no topic \"%s\": make it, or correct stream.topic",
                         s->shared.kafka.brokers, s->shared.topic);
    if (found[0].partitions > STREAM_PARTITIONS_MAX)
        return error_set(e, ERROR_INVALID, "topic \"%s\" has %u partitions; at most %d are read",
                         s->shared.topic, found[0].partitions, STREAM_PARTITIONS_MAX);
    s->shared.partitions = found[0].partitions;
    if (found[1].partitions > 0 && found[1].partitions < s->shared.partitions)
        return error_set(e, ERROR_INVALID,
                         "topic \"%s\" has %u partitions, but \"%s\" has %u: a decision goes to "
                         "the partition of its event; give it as many",
                         s->decisions, found[1].partitions, s->shared.topic, s->shared.partitions);
    for (uint32_t i = 1; i < n; i++) {
        if (found[i].partitions == 0 && !make_topic(s, names[i], e))
            return false;
    }
    return find_labels(s, e);
}

/* ---- opening ---- */

static void kafka_options_of(struct streaming *s)
{
    const struct kafka_setting *k = &s->o.settings->kafka;

    for (uint32_t i = 0; i < k->property_count; i++)
        s->property[i] = (struct kafka_property){k->properties[i].name, k->properties[i].source};
    s->shared.kafka = (struct kafka_options){
        .brokers = k->brokers, .property = s->property, .properties = k->property_count};
}

static bool open_sinks(struct streaming *s, struct error *e)
{
    struct worker_shared *w = &s->shared;
    struct sink_context context = {s->o.settings, w->topic, w->outbox};

    for (uint32_t i = 0; i < s->o.settings->stream.sink_count; i++) {
        const struct sink_setting *sink = &s->o.settings->stream.sinks[i];
        char place[PLACE_MAX];
        uint32_t number;

        w->filter_of[i] = -1;
        snprintf(place, sizeof place, "stream.sinks.%.200s.where", sink->name);
        if (sink->where != NULL) {
            if (!filter_add(w->filter, place, sink->where, &number, e))
                return false;
            w->filter_of[i] = (int)number;
        }
        if (!sink_open(sink, &context, &w->sink[i], e))
            return false;
        w->sinks++;
    }
    filter_finish(w->filter);
    return true;
}

static bool open_plan(struct streaming *s, struct error *e)
{
    struct worker_shared *w = &s->shared;
    const struct schema *schema;

    if (!current_open(s->o.settings, NULL, CURRENT_SERVED, &s->current, e))
        return false;
    w->plan = s->current.made.plan;
    schema = plan_schema(w->plan);
    if (!lookups_open(s->o.settings, schema, schema, &s->lookups, e) ||
        !lookups_match(s->lookups, schema, e))
        return false;
    w->partition = (struct partition_options){
        .settings = s->o.settings,
        .plan = w->plan,
        .state = data_state_options(s->o.settings, s->o.simd, INTAKE_ROWS),
        .directory = s->directory,
        .topic = w->topic,
    };
    w->intake =
        intake_new(w->plan, s->lookups,
                   s->o.settings->stream.refuses_unknown ? JSON_UNKNOWN_REFUSE : JSON_UNKNOWN_SKIP);
    if (!shared_open(s->o.settings, &w->shared, e))
        return false;
    w->labels = labels_new(&w->kafka, w->topic, w->plan, s->lookups);
    w->outbox = outbox_new();
    w->filter = filter_new(w->plan, INTAKE_ROWS, e);
    return w->filter != NULL;
}

bool streaming_open(const struct streaming_options *o, struct streaming **out, struct error *e)
{
    struct streaming *s = mem_alloc(sizeof *s);

    s->o = *o;
    s->lock_file = -1;
    s->shared.o = &s->o;
    s->shared.transaction = s->transaction;
    stream_status_init(&s->shared.status);
    kafka_options_of(s);
    if (!name_topics(s, e) || !take_directory(s, e) || !open_plan(s, e) || !find_topics(s, e) ||
        !shard_key_check_topic(o->settings, s->shared.plan, s->shared.partitions, e) ||
        !looked_up_check(o->settings, s->lookups, s->shared.plan, e) || !open_sinks(s, e)) {
        streaming_close(s);
        return false;
    }
    if (o->once) {
        s->shared.end = mem_array(s->shared.partitions, sizeof *s->shared.end);
        s->shared.labels_end = mem_array(s->shared.partitions, sizeof *s->shared.labels_end);
        for (uint32_t i = 0; i < s->shared.partitions; i++)
            s->shared.end[i] = s->shared.labels_end[i] = -1;
    }
    *out = s;
    return true;
}

void streaming_close(struct streaming *s)
{
    struct worker_shared *w;

    if (s == NULL)
        return;
    w = &s->shared;
    for (uint32_t i = 0; i < w->sinks; i++)
        w->sink[i]->ops->close(w->sink[i]);
    filter_free(w->filter);
    outbox_free(w->outbox);
    intake_free(w->intake);
    shared_close(w->shared);
    labels_free(w->labels);
    mem_free(w->end);
    mem_free(w->labels_end);
    lookups_free(s->lookups);
    if (s->current.made.plan != NULL)
        current_close(&s->current);
    if (s->lock_file >= 0)
        close(s->lock_file);
    mem_free(s);
}

/* ---- running ---- */

static bool is_passing(const struct error *e)
{
    return e->kind == ERROR_WORLD || e->kind == ERROR_CONFLICT || e->kind == ERROR_FULL;
}

/* False: told to stop meanwhile. */
static bool wait_before_next(struct streaming *s, int wait_ms)
{
    int64_t until_us = clock_monotonic_us() + wait_ms * INT64_C(1000);

    while (clock_monotonic_us() < until_us) {
        if (s->o.stops(s->o.context))
            return false;
        if (s->o.tick != NULL)
            s->o.tick(s->o.context);
        clock_sleep_us(WAIT_SLICE_US);
    }
    return true;
}

bool streaming_run(struct streaming *s, struct error *e)
{
    int wait_ms = WAIT_LEAST_MS;
    uint64_t done = 0;

    for (;;) {
        uint64_t now;

        e->kind = ERROR_NONE;
        if (worker_run(&s->shared, e))
            return true;
        if (!is_passing(e))
            return false;
        stream_count(&s->shared.status, STREAM_RESTARTS, 1);
        stream_status_trouble(&s->shared.status, e->text);
        now = atomic_load(&s->shared.status.count[STREAM_TRANSACTIONS]);
        wait_ms = now != done                  ? WAIT_LEAST_MS
                  : wait_ms * 2 < WAIT_MOST_MS ? wait_ms * 2
                                               : WAIT_MOST_MS;
        done = now;
        if (!wait_before_next(s, wait_ms))
            return true;
    }
}

const char *streaming_warning(const struct streaming *s)
{
    return s->current.warning;
}

struct stream_status *streaming_status(struct streaming *s)
{
    return &s->shared.status;
}

const struct plan *streaming_plan(const struct streaming *s)
{
    return s->shared.plan;
}
