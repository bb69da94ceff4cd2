/* `assay doctor` on Kafka. The trap that it is for: a topic that is read by a name that nobody
 * writes to, while another, named almost so, fills up. Only topics that events are read from count:
 * the others are made by who writes them. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/base/memory.h"
#include "core/base/text.h"
#include "shell/cmd/doctor.h"
#include "shell/cmd/kafka_peer.h"

enum { TOPICS_READ_MAX = SETTINGS_SOURCES_MAX + 1, NEAR_EDITS = 2, LAG_MUCH = 100000 };

struct cluster {
    struct kafka_peer peer;
    struct kafka_topic *topic;
    uint32_t topics;
    struct kafka_consumer *consumer;
};

/* The topics that events are read from, each once. */
static uint32_t topics_read(const struct settings *s, const char *name[TOPICS_READ_MAX])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i <= s->source_count; i++) {
        const char *one = i < s->source_count ? s->sources[i].kafka : settings_stream_topic(s);
        bool is_new = one != NULL && count < TOPICS_READ_MAX;

        for (uint32_t k = 0; is_new && k < count; k++)
            is_new = strcmp(name[k], one) != 0;
        if (is_new)
            name[count++] = one;
    }
    return count;
}

static bool cluster_open(const struct settings *s, const char *group, struct cluster *c,
                         struct error *e)
{
    *c = (struct cluster){0};
    kafka_peer_of(s, &c->peer);
    return kafka_topic_list(&c->peer.options, &c->topic, &c->topics, e) &&
           kafka_consumer_open(&c->peer.options, group, NULL, &c->consumer, e);
}

static void cluster_close(struct cluster *c)
{
    kafka_consumer_close(c->consumer);
    mem_free(c->topic);
}

static const struct kafka_topic *topic_of(const struct cluster *c, const char *name)
{
    for (uint32_t i = 0; i < c->topics; i++) {
        if (strcmp(c->topic[i].name, name) == 0 && c->topic[i].partitions > 0)
            return &c->topic[i];
    }
    return NULL;
}

/* What can be read of it now; 0 where the broker does not say. */
static uint64_t messages_of(struct cluster *c, const struct kafka_topic *t)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < t->partitions; i++) {
        int64_t first, end;
        struct error ignored;

        if (kafka_range(c->consumer, t->name, (int32_t)i, &first, &end, &ignored))
            all += (uint64_t)(end - first);
    }
    return all;
}

/* Letters and digits, small: Pay_ments and pay.ments are the same. */
static struct text plain_of(const char *name, char out[KAFKA_TOPIC_MAX + 1])
{
    size_t n = 0;

    for (; *name != 0 && n < KAFKA_TOPIC_MAX; name++) {
        if (isalnum((unsigned char)*name))
            out[n++] = (char)tolower((unsigned char)*name);
    }
    return (struct text){out, n};
}

static bool has_within(struct text whole, struct text part)
{
    for (size_t i = 0; part.length > 0 && i + part.length <= whole.length; i++) {
        if (memcmp(whole.bytes + i, part.bytes, part.length) == 0)
            return true;
    }
    return false;
}

static bool is_near(const char *a, const char *b)
{
    char plain_a[KAFKA_TOPIC_MAX + 1], plain_b[KAFKA_TOPIC_MAX + 1];
    struct text x = plain_of(a, plain_a), y = plain_of(b, plain_b);

    return has_within(x, y) || has_within(y, x) || text_distance(x, y) <= NEAR_EDITS;
}

/* What Assay itself writes, and the cluster's own. */
static bool is_no_input(const struct settings *s, const char *read, const char *name)
{
    const char *dot = strrchr(name, '.');

    if (strncmp(name, "__", 2) == 0 || strcmp(name, read) == 0)
        return true;
    for (uint32_t i = 0; i < s->stream.sink_count; i++) {
        if (s->stream.sinks[i].topic != NULL && strcmp(s->stream.sinks[i].topic, name) == 0)
            return true;
    }
    return (dot != NULL && (strcmp(dot, ".decisions") == 0 || strcmp(dot, ".dead") == 0)) ||
           (s->stream.decisions != NULL && strcmp(s->stream.decisions, name) == 0) ||
           (s->stream.dead_letters != NULL && strcmp(s->stream.dead_letters, name) == 0);
}

/* Of the topics with messages that are named almost so, the fullest; NULL: none. */
static const struct kafka_topic *near_of(const struct settings *s, struct cluster *c,
                                         const char *name, uint64_t *messages)
{
    const struct kafka_topic *best = NULL;

    *messages = 0;
    for (uint32_t i = 0; i < c->topics; i++) {
        uint64_t there;

        if (is_no_input(s, name, c->topic[i].name) || !is_near(name, c->topic[i].name))
            continue;
        there = messages_of(c, &c->topic[i]);
        if (there > *messages) {
            *messages = there;
            best = &c->topic[i];
        }
    }
    return best;
}

static void look_at_topic(const struct settings *s, struct cluster *c, const char *name,
                          struct finding *f)
{
    const struct kafka_topic *there = topic_of(c, name), *near;
    uint64_t messages = there != NULL ? messages_of(c, there) : 0, near_messages;

    if (messages > 0) {
        finding_say(f->found, "; \"%s\": %" PRIu64 " messages in %u partitions", name, messages,
                    there->partitions);
        return;
    }
    near = near_of(s, c, name, &near_messages);
    finding_say(f->found, "; topic \"%s\" %s", name, there != NULL ? "is empty" : "is not there");
    finding_worsen(f, there != NULL ? HEALTH_WARN : HEALTH_FAIL);
    finding_say(f->remedy, "%s", f->remedy[0] != 0 ? "; " : "");
    if (near != NULL) {
        finding_say(f->found, ", but \"%s\" has %" PRIu64 " messages", near->name, near_messages);
        finding_say(f->remedy, "if \"%s\" is meant, write it instead of \"%s\"", near->name, name);
    } else if (there != NULL) {
        finding_say(f->remedy, "see that somebody writes to \"%s\": assay produce FILE --topic %s",
                    name, name);
    } else {
        finding_say(f->remedy,
                    "make \"%s\", or correct its name: assay produce FILE --topic %s "
                    "--partitions N makes and fills it",
                    name, name);
    }
}

void doctor_kafka(const struct settings *s, struct finding *f)
{
    const char *name[TOPICS_READ_MAX];
    uint32_t count = topics_read(s, name);
    struct cluster c;
    struct error e;

    if (count == 0)
        return;
    if (!cluster_open(s, NULL, &c, &e)) {
        finding_say(f->found, "%s", e.text);
        finding_say(f->remedy, "start the brokers, or correct kafka.brokers and kafka.properties");
        finding_worsen(f, HEALTH_FAIL);
    } else {
        finding_say(f->found, "%s answers", s->kafka.brokers);
        for (uint32_t i = 0; i < count; i++)
            look_at_topic(s, &c, name[i], f);
    }
    cluster_close(&c);
}

/* ---- how far the group is ---- */

struct progress_of_group {
    uint64_t behind, read_partitions;
};

static bool measure(struct cluster *c, const struct kafka_topic *t, struct progress_of_group *g,
                    struct error *e)
{
    struct kafka_partition *p = mem_array(t->partitions, sizeof *p);
    bool ok;

    *g = (struct progress_of_group){0};
    for (uint32_t i = 0; i < t->partitions; i++)
        p[i] = (struct kafka_partition){t->name, (int32_t)i, KAFKA_NO_OFFSET};
    ok = kafka_committed(c->consumer, p, t->partitions, e);
    for (uint32_t i = 0; ok && i < t->partitions; i++) {
        int64_t first, end;

        ok = kafka_range(c->consumer, t->name, (int32_t)i, &first, &end, e);
        if (!ok)
            break;
        g->read_partitions += p[i].offset >= 0;
        if (p[i].offset > first)
            first = p[i].offset;
        g->behind += end > first ? (uint64_t)(end - first) : 0;
    }
    mem_free(p);
    return ok;
}

void doctor_lag(const struct settings *s, struct finding *f)
{
    const char *topic = settings_stream_topic(s), *group = settings_kafka_group(s);
    const struct kafka_topic *there = NULL;
    struct progress_of_group g;
    struct cluster c;
    struct error e;

    if (topic == NULL)
        return;
    if (cluster_open(s, group, &c, &e))
        there = topic_of(&c, topic);
    if (there == NULL) { /* the row before says so */
        cluster_close(&c);
        return;
    }
    if (!measure(&c, there, &g, &e)) {
        finding_say(f->found, "%s", e.text);
        finding_say(f->remedy,
                    "see that the brokers are well, and that this user may read the group");
        finding_worsen(f, HEALTH_FAIL);
    } else if (g.read_partitions == 0) {
        finding_say(f->found, "group \"%s\" has read nothing of \"%s\" yet", group, topic);
        if (g.behind > 0) {
            finding_say(f->remedy, "start assay stream, or correct kafka.group");
            finding_worsen(f, HEALTH_WARN);
        }
    } else {
        finding_say(f->found, "group \"%s\" is %" PRIu64 " messages behind the end of \"%s\"",
                    group, g.behind, topic);
        if (g.behind > LAG_MUCH) {
            finding_say(f->remedy,
                        "see that workers run and decide; more of them help up to %u, the "
                        "number of partitions",
                        there->partitions);
            finding_worsen(f, HEALTH_WARN);
        }
    }
    cluster_close(&c);
}
