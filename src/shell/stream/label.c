#include "shell/stream/label.h"

#include "core/base/memory.h"
#include "core/velocity/velocity.h"

enum { WORDS_MAX = 4096 };

struct labels {
    const struct plan *plan;
    const char *topic;
    struct lookback *back;
    struct intake *intake; /* of one event: the labelled one */
    struct json_reader *json;
    struct json_document *document; /* of the label that was read last; what `said` points into */
    struct label_said said;
    struct problems problems;
    struct buffer words;
};

struct labels *labels_new(const struct kafka_options *kafka, const char *topic,
                          const struct plan *p, const struct lookups *lookups)
{
    struct labels *l = mem_alloc(sizeof *l);

    l->plan = p;
    l->topic = topic;
    l->back = lookback_new(kafka, topic);
    l->intake = intake_new(p, lookups, JSON_UNKNOWN_SKIP);
    l->json = json_reader_new();
    buffer_init(&l->words, WORDS_MAX);
    return l;
}

void labels_free(struct labels *l)
{
    if (l == NULL)
        return;
    lookback_free(l->back);
    intake_free(l->intake);
    json_free(l->document);
    json_reader_free(l->json);
    buffer_fini(&l->words);
    mem_free(l);
}

bool label_is(const struct kafka_message *m)
{
    struct kafka_header header[KAFKA_HEADERS_MAX];
    uint32_t n = kafka_headers(m, header, KAFKA_HEADERS_MAX);

    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(header[i].name, KAFKA_RECORD_HEADER) == 0)
            return text_is(header[i].value, LABEL_RECORD);
    }
    return false;
}

static struct text said_words(struct labels *l)
{
    return (struct text){l->words.bytes, l->words.length};
}

bool labels_read(struct labels *l, const struct kafka_message *m, struct text *words)
{
    struct error e;

    buffer_clear(&l->words);
    json_free(l->document);
    l->document = NULL;
    l->problems.count = 0;
    l->problems.more = 0;
    if (!m->has_value) {
        buffer_add_text(&l->words, "the message has no value");
    } else {
        l->document = json_parse(l->json, m->value.bytes, m->value.length, &e);
        if (l->document == NULL)
            buffer_add_text(&l->words, e.text);
        else
            label_said_read(&l->document->root, JSON_UNKNOWN_SKIP, &l->said, &l->problems);
    }
    for (uint32_t i = 0; i < l->problems.count; i++) {
        const struct problem *p = &l->problems.items[i];

        buffer_format(&l->words, "%s%s%s%s", i > 0 ? "; " : "", p->pointer,
                      p->pointer[0] != 0 ? ": " : "", p->detail);
    }
    *words = said_words(l);
    return l->words.length == 0;
}

/* Where the labelled event is; 0: it is not known. */
static uint64_t seq_of(const struct labels *l, const struct partition *p)
{
    const struct engine *n = p->state.engine;
    const struct id_entry *known = engine_id_find(n, engine_id_token(n, l->said.id));

    return known != NULL ? known->seq : l->said.seq;
}

static enum label_end end_with(struct labels *l, enum label_end end, struct text *words,
                               const char *what)
{
    buffer_clear(&l->words);
    buffer_add_text(&l->words, what);
    *words = said_words(l);
    return end;
}

/* The event as it was when it was decided, in row 0 of the intake. */
static bool read_event(struct labels *l, const struct kafka_message *event, uint64_t seq)
{
    const struct intake_message message = {.value =
                                               event->has_value ? event->value : (struct text){0},
                                           .key = event->has_key ? event->key : (struct text){0},
                                           .seq = seq,
                                           .received_us = event->time_us,
                                           .topic = l->topic,
                                           .partition = event->partition};

    intake_clear(l->intake);
    return kafka_is_event(event) && intake_read(l->intake, &message) &&
           text_equal(intake_id(l->intake, 0), l->said.id);
}

enum label_end labels_apply(struct labels *l, struct partition *p, const struct kafka_message *m,
                            struct text *words, struct error *e)
{
    const struct kafka_message *event;
    uint64_t seq;

    if (!labels_read(l, m, words))
        return LABEL_WRONG;
    seq = seq_of(l, p);
    if (seq == 0)
        return end_with(l, LABEL_WRONG, words,
                        "no event of this id is remembered in this partition (`ids`); name the "
                        "`seq` of its decision");
    if (seq > (uint64_t)m->offset)
        return end_with(l, LABEL_WRONG, words, "the event is not before its label");
    if (!lookback_get(l->back, p->number, (int64_t)seq - 1, &event, e))
        return e->kind == ERROR_NOT_FOUND
                   ? end_with(l, LABEL_GONE, words, "the topic no longer has the event")
                   : LABEL_FAILED;
    if (!read_event(l, event, seq))
        return end_with(l, LABEL_WRONG, words, "`seq` is not that of an event of this id");
    engine_label(p->state.engine, &l->intake->frame, 0, seq, l->said.label,
                 l->intake->row[0].received_us, l->said.has_time ? l->said.time_us : m->time_us);
    return LABEL_APPLIED;
}
