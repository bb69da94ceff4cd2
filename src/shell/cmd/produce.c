/* `assay produce`: records of a file, of standard input or of an HTTP endpoint into a topic of
 * Kafka, as JSON objects. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/calendar.h"
#include "core/base/number.h"
#include "core/data/json.h"
#include "shell/cmd/kafka_peer.h"
#include "shell/os/clock.h"
#include "shell/os/file.h"
#include "shell/produce/payload.h"
#include "shell/produce/poll.h"
#include "shell/source/source.h"

enum {
    DRAW_US = 200000,
    PATIENCE_MAX = 64,
    PLACE_MAX = 300,
    PARTITIONS_MAX = 100000,
    BEARER_MAX = 16 << 10,
    INTERVAL_MAX_MS = 1000000000
};

struct producing {
    struct invocation *v;
    struct kafka_peer peer;
    struct sender_options options;
    struct kafka_header header[KAFKA_HEADERS_MAX];
    char *header_name[KAFKA_HEADERS_MAX]; /* "NAME\0VALUE" */
    struct sender *sender;
    struct source *source;
    char key_place[PLACE_MAX]; /* what said the key */
    struct poll_options poll;
    struct poll_counts polled;
    struct buffer bearer;
    int64_t begin_us, drawn_us;
    uint64_t read, rejected;
};

static bool is_url(const char *name)
{
    return strncmp(name, "http://", 7) == 0 || strncmp(name, "https://", 8) == 0;
}

/* ---- options ---- */

static bool add_header(struct producing *p, const char *given, struct error *e)
{
    const char *equals = strchr(given, '=');
    uint32_t i = p->options.headers;
    char *name;

    if (equals == NULL || equals == given)
        return error_set(e, ERROR_USAGE, "--header: expected NAME=VALUE, found \"%.80s\"", given);
    if (i == KAFKA_HEADERS_MAX)
        return error_set(e, ERROR_USAGE, "--header: over %d headers", KAFKA_HEADERS_MAX);
    name = mem_text(given, strlen(given));
    name[equals - given] = 0;
    p->header_name[i] = name;
    p->header[i] = (struct kafka_header){name, text_of(name + (equals - given) + 1)};
    p->options.headers++;
    return true;
}

static bool take_headers(struct producing *p, struct error *e)
{
    const struct invocation *v = p->v;

    p->options.header = p->header;
    for (uint32_t i = 0; i < v->given_count; i++) {
        if (strcmp(v->given[i].option->name, "header") == 0 && !add_header(p, v->given[i].value, e))
            return false;
    }
    return true;
}

/* "500" or "500/s". */
static bool take_rate(struct producing *p, struct error *e)
{
    const char *given = option_get(p->v, "rate");
    struct text t;

    if (given == NULL)
        return true;
    t = text_of(given);
    if (t.length > 2 && memcmp(t.bytes + t.length - 2, "/s", 2) == 0)
        t.length -= 2;
    if (number_parse_real(t, '.', &p->options.rate) && p->options.rate > 0 &&
        p->options.rate <= 1e9)
        return true;
    return error_set(e, ERROR_USAGE,
                     "--rate: expected records a second such as 500/s, found "
                     "\"%.40s\"",
                     given);
}

static bool take_acks(struct producing *p, struct error *e)
{
    const char *acks = option_get(p->v, "acks");

    if (acks == NULL || strcmp(acks, "all") == 0)
        return true;
    p->options.kafka.acks = acks;
    return strcmp(acks, "0") == 0 || strcmp(acks, "1") == 0 ||
           error_set(e, ERROR_USAGE, "--acks: expected all, 1 or 0, found \"%.40s\"", acks);
}

static bool check_field(const char *option, const char *name, struct error *e)
{
    if (name == NULL || (name[0] != 0 && strlen(name) <= SENDER_FIELD_MAX))
        return true;
    return error_set(e, ERROR_USAGE, "--%s: expected the name of a field, 1 to %d bytes", option,
                     SENDER_FIELD_MAX);
}

/* `stream.topic`, or that of the events' source. */
static bool take_topic(struct producing *p, struct error *e)
{
    p->options.topic = option_get(p->v, "topic");
    if (p->options.topic == NULL && p->peer.settings != NULL)
        p->options.topic = settings_stream_topic(p->peer.settings);
    if (p->options.topic == NULL)
        return error_set(e, ERROR_USAGE, "expected --topic NAME, or stream.topic in the settings");
    if (p->options.topic[0] != 0 && strlen(p->options.topic) <= KAFKA_TOPIC_MAX)
        return true;
    return error_set(e, ERROR_USAGE, "--topic: a name has 1 to %d bytes", KAFKA_TOPIC_MAX);
}

/* A field, and no expression of fields. */
static bool is_field(const char *key)
{
    size_t length = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

    return length > 0 && key[length] == 0;
}

/* Events, sent to where the settings read them from, are keyed as `assay stream` needs them: by the
 * entity of stream.key, or by the only one. */
static void take_key(struct producing *p)
{
    const struct settings *s = p->peer.settings;
    const char *topic = s != NULL ? settings_stream_topic(s) : NULL;

    p->options.key = option_get(p->v, "key");
    snprintf(p->key_place, sizeof p->key_place, "--key");
    if (p->options.key != NULL || topic == NULL || strcmp(topic, p->options.topic) != 0)
        return;
    for (uint32_t i = 0; i < s->entity_count; i++) {
        const struct entity_setting *entity = &s->entities[i];
        bool is_it =
            s->stream.key != NULL ? strcmp(s->stream.key, entity->name) == 0 : s->entity_count == 1;

        if (!is_it || !is_field(entity->key))
            continue;
        p->options.key = entity->key;
        snprintf(p->key_place, sizeof p->key_place, "entities.%.200s (--key says another)",
                 entity->name);
    }
}

/* "5s", as of the settings, or "200ms". */
static bool take_interval(struct text t, int64_t *us)
{
    int64_t ms;

    if (t.length > 2 && memcmp(t.bytes + t.length - 2, "ms", 2) == 0) {
        if (!number_parse_int((struct text){t.bytes, t.length - 2}, &ms) || ms > INTERVAL_MAX_MS)
            return false;
        *us = ms * 1000;
        return ms > 0;
    }
    return duration_parse(t, us) && *us > 0;
}

/* What polling alone understands. */
static bool take_poll(struct producing *p, struct error *e)
{
    static const char *const only[] = {"records", "every", "polls", "tries", "bearer"};
    const char *every = option_get(p->v, "every"), *bearer = option_get(p->v, "bearer");
    int64_t tries = every != NULL ? 0 : POLL_TRIES, polls = 0;

    p->poll.url = p->v->argument[0];
    p->poll.pointer = option_get(p->v, "records");
    for (size_t i = 0; !is_url(p->poll.url) && i < sizeof only / sizeof *only; i++) {
        if (option_has(p->v, only[i]))
            return error_set(e, ERROR_USAGE, "--%s belongs to a URL, and \"%.80s\" is none",
                             only[i], p->poll.url);
    }
    if (strlen(p->poll.url) > POLL_URL_MAX)
        return error_set(e, ERROR_USAGE, "the URL is over %d bytes", POLL_URL_MAX);
    if (p->poll.pointer != NULL && !payload_pointer_check(p->poll.pointer, e))
        return error_prefix(e, "--records");
    if (every != NULL && !take_interval(text_of(every), &p->poll.every_us))
        return error_set(e, ERROR_USAGE,
                         "--every: expected a time such as 5s or 200ms, found \"%.40s\"", every);
    if (!option_whole(p->v, "tries", 0, UINT32_MAX, &tries, e) ||
        !option_whole(p->v, "polls", 0, INT64_MAX, &polls, e))
        return false;
    p->poll.tries = (uint32_t)tries;
    p->poll.polls = (uint64_t)polls;
    if (bearer != NULL && !file_read(bearer, &p->bearer, e))
        return false;
    if (bearer != NULL) {
        while (p->bearer.length > 0 && p->bearer.bytes[p->bearer.length - 1] <= ' ')
            p->bearer.length--;
        p->poll.bearer = buffer_text(&p->bearer);
    }
    return true;
}

static bool take_options(struct producing *p, struct error *e)
{
    const char *partitioner = option_get(p->v, "partitioner");

    p->options.id = option_get(p->v, "id");
    p->options.is_stopped = is_interrupted;
    if (!check_field("key", option_get(p->v, "key"), e) || !check_field("id", p->options.id, e) ||
        !take_headers(p, e) || !take_rate(p, e) || !take_poll(p, e) || !take_topic(p, e))
        return false;
    take_key(p);
    if (partitioner != NULL)
        kafka_peer_default(&p->peer, "partitioner", partitioner);
    p->options.kafka = p->peer.options;
    return take_acks(p, e);
}

/* ---- the topic ---- */

static bool see_topic(struct producing *p, struct error *e)
{
    const char *topic = p->options.topic;
    int64_t partitions = 0;
    struct kafka_topic found;
    struct error why;

    if (!option_whole(p->v, "partitions", 1, PARTITIONS_MAX, &partitions, e) ||
        !kafka_topics(&p->options.kafka, &topic, 1, &found, e))
        return false;
    if (found.partitions > 0)
        return true;
    if (partitions == 0)
        return error_set(e, ERROR_NOT_FOUND,
                         "kafka %s has no topic \"%s\": --partitions N makes it",
                         p->options.kafka.brokers, topic);
    if (kafka_topic_create(&p->options.kafka, topic, (uint32_t)partitions, 1, &why) ||
        why.kind == ERROR_CONFLICT)
        return true;
    *e = why;
    return false;
}

/* ---- progress ---- */

static double rate_of(const struct producing *p, uint64_t count)
{
    int64_t spent_us = clock_monotonic_us() - p->begin_us;

    return spent_us > 0 ? (double)count * 1e6 / (double)spent_us : 0;
}

static void draw(struct producing *p, double share)
{
    char words[TERM_STAGE_MAX];
    struct sender_counts c;

    if (clock_monotonic_us() - p->drawn_us < DRAW_US)
        return;
    p->drawn_us = clock_monotonic_us();
    sender_counts(p->sender, &c);
    snprintf(words, sizeof words, "%" PRIu64 " sent, %.0f/s", c.sent, rate_of(p, c.sent));
    (void)progress_report(term_progress(&p->v->term), words, share);
}

static void on_poll(void *context, const char *failure)
{
    struct producing *p = context;

    if (failure != NULL) {
        term_clear(&p->v->term);
        fprintf(stderr, "assay: %s; it is tried again\n", failure);
    } else {
        draw(p, -1);
    }
}

static bool print_counts(struct producing *p, struct error *e)
{
    struct sender_counts c;
    struct buffer out;
    bool ok;

    sender_counts(p->sender, &c);
    buffer_init(&out, OUTPUT_MAX);
    if (p->v->json) {
        buffer_add_text(&out, "{\"topic\":");
        json_add_text(&out, text_of(p->options.topic));
        buffer_format(&out,
                      ",\"read\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"failed\":%" PRIu64
                      ",\"rejected\":%" PRIu64 ",\"repeated\":%" PRIu64 ",\"without_key\":%" PRIu64
                      ",\"bytes\":%" PRIu64 ",\"polls\":%" PRIu64 ",\"poll_failures\":%" PRIu64
                      ",\"seconds\":%.3f,\"rate\":%.1f}\n",
                      p->read, c.sent, c.failed, p->rejected, c.repeated, c.without_key, c.bytes,
                      p->polled.polls, p->polled.failures,
                      (double)(clock_monotonic_us() - p->begin_us) / 1e6, rate_of(p, c.sent));
    } else {
        buffer_format(&out, "%s: %" PRIu64 " records read, %" PRIu64 " sent (%.0f/s)",
                      p->options.topic, p->read, c.sent, rate_of(p, c.sent));
        if (p->rejected > 0)
            buffer_format(&out, ", %" PRIu64 " rejected", p->rejected);
        if (c.repeated > 0)
            buffer_format(&out, ", %" PRIu64 " left out that came before", c.repeated);
        if (p->options.key != NULL)
            buffer_format(&out, ", keyed by %s", p->options.key);
        if (c.without_key > 0)
            buffer_format(&out, ", %" PRIu64 " without a key", c.without_key);
        if (c.failed > 0)
            buffer_format(&out, ", %" PRIu64 " not delivered", c.failed);
        if (p->polled.failures > 0)
            buffer_format(&out, ", %" PRIu64 " requests failed", p->polled.failures);
        buffer_add_char(&out, '\n');
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

/* ---- the ways in ---- */

static bool send_file(struct producing *p, struct error *e)
{
    struct source_counts c;
    struct buffer row;
    struct error also;
    bool ok = true, end = false;

    buffer_init(&row, SOURCE_ROW_TEXT_MAX);
    while (ok && !end && !is_interrupted()) {
        buffer_clear(&row);
        if (source_is_idle(p->source) && !sender_flush(p->sender, e)) {
            ok = false;
            break;
        }
        ok = source_next(p->source, &row, &end, e);
        if (ok && row.overflow)
            ok =
                error_set(e, ERROR_FULL, "a row is over %d MiB as JSON", SOURCE_ROW_TEXT_MAX >> 20);
        if (ok && !end)
            ok = sender_add(p->sender, (struct text){row.bytes, row.length}, e);
        if ((p->read++ & 255) == 0) {
            source_counts(p->source, &c);
            draw(p, c.bytes_total > 0 ? (double)c.bytes_done / (double)c.bytes_total : -1);
        }
    }
    buffer_fini(&row);
    return sender_flush(p->sender, ok ? e : &also) && ok; /* what was read is sent all the same */
}

static bool send_polled(struct producing *p, struct error *e)
{
    p->poll.is_stopped = is_interrupted;
    p->poll.on_event = on_poll;
    p->poll.context = p;
    return poll_run(&p->poll, p->sender, &p->polled, e);
}

static void note_read(struct producing *p)
{
    struct source_counts c;

    if (p->source == NULL) {
        p->read = p->polled.records + p->polled.rejected;
        p->rejected = p->polled.rejected;
        return;
    }
    source_counts(p->source, &c);
    p->read = c.rows + c.rejects;
    p->rejected = c.rejects;
}

static bool send_all(struct producing *p, struct error *e)
{
    struct sender_counts c;
    struct error why;
    bool ok;

    p->begin_us = clock_monotonic_us();
    ok = p->source != NULL ? send_file(p, e) : send_polled(p, e);
    term_clear(&p->v->term);
    note_read(p);
    sender_counts(p->sender, &c);
    if (!print_counts(p, ok ? e : &why) || !ok)
        return false;
    if (c.failed > 0)
        return error_set(e, ERROR_WORLD,
                         "%" PRIu64 " of %" PRIu64 " records were not delivered: %s", c.failed,
                         c.failed + c.sent, sender_failure(p->sender));
    if (p->source == NULL && p->polled.records == 0 && p->rejected > 0)
        return error_set(e, ERROR_INVALID, "no record could be read: %s", p->polled.rejection);
    if (is_interrupted() && p->poll.every_us == 0)
        return error_set(e, ERROR_CANCELLED, "stopped after %" PRIu64 " records", c.sent);
    return true;
}

/* Of CSV the columns are known before anything is sent. */
static bool check_column(const struct producing *p, const char *place, const char *name,
                         struct error *e)
{
    const struct schema *schema = source_schema(p->source);
    const char *nearest;

    if (name == NULL || source_format(p->source) != SOURCE_CSV ||
        schema_find(schema, text_of(name)) != FIELD_NONE)
        return true;
    nearest = schema_nearest(schema, text_of(name));
    return error_set(e, ERROR_INVALID, "%s: %s has no column \"%s\"%s%s%s", place,
                     p->v->argument[0], name, nearest != NULL ? "; did you mean \"" : "",
                     nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
}

static bool open_source(struct producing *p, struct error *e)
{
    const char *format = option_get(p->v, "format");
    struct source_options o;

    source_options_init(&o, p->v->argument[0]);
    o.as_text = true;
    o.rejects_path = option_get(p->v, "rejects");
    if (format != NULL && !source_format_find(text_of(format), &o.format))
        return error_set(e, ERROR_USAGE,
                         "--format: expected auto, csv, ndjson or json, found \"%.40s\"", format);
    if (is_url(p->v->argument[0]))
        return true;
    return source_open(&o, &p->source, e) && check_column(p, p->key_place, p->options.key, e) &&
           check_column(p, "--id", p->options.id, e);
}

static bool produce_run(struct invocation *v, struct error *e)
{
    struct producing p = {.v = v};
    bool ok;

    if (!kafka_peer_init(v, &p.peer, e))
        return false;
    kafka_peer_default(&p.peer, "message.timeout.ms", "60000");
    kafka_peer_default(&p.peer, "reconnect.backoff.max.ms", "1000");
    buffer_init(&p.bearer, BEARER_MAX);
    ok = take_options(&p, e) && see_topic(&p, e) && open_source(&p, e) &&
         sender_open(&p.options, &p.sender, e) && send_all(&p, e);
    sender_close(p.sender);
    source_close(p.source);
    for (uint32_t i = 0; i < p.options.headers; i++)
        mem_free(p.header_name[i]);
    buffer_fini(&p.bearer);
    kafka_peer_fini(&p.peer);
    return ok;
}

static const struct option options[] = {
    {"topic", 't', "NAME", "the topic (default: stream.topic of the settings)"},
    {"key", 0, "FIELD",
     "the field whose value is the key: records of one key stay in order, in one partition "
     "(default, for stream.topic: the entity of stream.key, or the only one)"},
    {"partitions", 0, "N", "make the topic, with so many partitions, where there is none"},
    {"partitioner", 0, "NAME",
     "murmur2_random (default, as Java's clients), consistent_random, fnv1a_random, random ..."},
    {"acks", 0, "WHO", "all (default: no record twice, none lost), 1 or 0: faster, and neither"},
    {"rate", 0, "N/s", "records a second (default: as fast as it goes)"},
    {"header", 0, "NAME=VALUE", "a header of each message; may be repeated"},
    {"id", 0, "FIELD",
     "the field by which a record that comes again is left out (of some 262,144 ids at least)"},
    {"format", 0, "NAME", "csv, ndjson or json (default: found by looking)"},
    {"rejects", 0, "FILE", "keep the rows that could not be read, with line and reason"},
    {"every", 0, "TIME", "ask the URL again and again, such as 5s"},
    {"records", 0, "POINTER", "where the records are in the answer, such as /data/items"},
    {"polls", 0, "N", "end after so many answers"},
    {"tries", 0, "N", "of one request (default: 5; with --every any number, which is 0)"},
    {"bearer", 0, "FILE", "a token for the URL: Authorization: Bearer ..."},
    OPTIONS_KAFKA,
    {0},
};

const struct command command_produce = {
    .name = "produce",
    .group = GROUP_DECIDE,
    .summary = "sends records into a topic of Kafka",
    .arguments = "FILE|URL|-",
    .least = 1,
    .most = 1,
    .words =
        "From a file or standard input: CSV, NDJSON or an array of JSON, plain, .gz or .zst. From a\n"
        "URL: JSON, also inside of JSON text, and {\"columns\": [...], \"data\": [[...]]}. Each record\n"
        "goes out as one JSON object with its numbers digit for digit. Ctrl-C sends what was read.\n"
        "Exit code 3 where a record was not delivered.",
    .options = options,
    .examples =
        "  assay produce payments.csv.gz --topic payments --key card --partitions 8\n"
        "  assay generate --rows 100000 -o - | assay produce - --topic payments --rate 2000/s\n"
        "  assay produce http://127.0.0.1:8000/feed --every 5s --records /data --id id -t feed\n",
    .run = produce_run,
};
