#include "shell/stream/label.h"

#include <stdlib.h>

#include "core/base/memory.h"
#include "core/velocity/velocity.h"

enum { WORDS_MAX = 4096, PAST_BYTES_MAX = 64 << 20, PAST_FIRST = 256 };

/* A message of before. */
struct past_event {
    int64_t offset, time_us;
    struct text value; /* bytes NULL: none */
    size_t at;         /* of those kept: where it lies */
    bool is_event;
};

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
    struct past_event *past; /* prepared, by offset */
    uint32_t pasts, past_capacity;
    struct buffer past_bytes;
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
    buffer_init(&l->past_bytes, PAST_BYTES_MAX);
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
    buffer_fini(&l->past_bytes);
    mem_free(l->past);
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

/* ---- the labelled events ---- */

static int by_offset(const void *a, const void *b)
{
    int64_t x = ((const struct past_event *)a)->offset, y = ((const struct past_event *)b)->offset;

    return (x > y) - (x < y);
}

static bool fetch(struct labels *l, int32_t partition, int64_t offset, struct past_event *event,
                  struct error *e)
{
    const struct kafka_message *m;

    if (!lookback_get(l->back, partition, offset, &m, e))
        return false;
    *event = (struct past_event){.offset = offset,
                                 .time_us = m->time_us,
                                 .value = m->has_value ? m->value : (struct text){0},
                                 .is_event = kafka_is_event(m)};
    return true;
}

static void want(struct labels *l, int64_t offset)
{
    if (l->pasts == l->past_capacity) {
        l->past_capacity = l->past_capacity > 0 ? 2 * l->past_capacity : PAST_FIRST;
        l->past = mem_resize(l->past, l->past_capacity, sizeof *l->past);
    }
    l->past[l->pasts++] = (struct past_event){.offset = offset};
}

/* Those that are gone, and what there is no room for, are left to labels_apply. */
static bool fetch_wanted(struct labels *l, int32_t partition, struct error *e)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < l->pasts; i++) {
        int64_t offset = l->past[i].offset;
        struct past_event event;

        if (kept > 0 && l->past[kept - 1].offset == offset)
            continue;
        if (!fetch(l, partition, offset, &event, e)) {
            if (e->kind != ERROR_NOT_FOUND)
                return false;
            e->kind = ERROR_NONE;
            continue;
        }
        event.at = l->past_bytes.length;
        if (event.at + event.value.length > PAST_BYTES_MAX)
            break;
        buffer_add(&l->past_bytes, event.value.bytes, event.value.length);
        l->past[kept++] = event;
    }
    l->pasts = kept;
    for (uint32_t i = 0; i < kept; i++) {
        if (l->past[i].value.bytes != NULL)
            l->past[i].value.bytes = l->past_bytes.bytes + l->past[i].at;
    }
    return true;
}

bool labels_prepare(struct labels *l, const struct partition *p, const struct kafka_message *m,
                    uint32_t count, struct error *e)
{
    struct text words;
    bool ok;

    l->pasts = 0;
    buffer_clear(&l->past_bytes);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t seq = label_is(&m[i]) && labels_read(l, &m[i], &words) ? seq_of(l, p) : 0;

        if (seq > 0 && seq <= (uint64_t)m[i].offset)
            want(l, (int64_t)seq - 1);
    }
    if (l->pasts > 0)
        qsort(l->past, l->pasts, sizeof *l->past, by_offset);
    ok = fetch_wanted(l, p->number, e);
    if (!ok)
        l->pasts = 0;
    return ok;
}

static bool find_event(struct labels *l, const struct partition *p, int64_t offset,
                       struct past_event *event, struct error *e)
{
    const struct past_event key = {.offset = offset};
    const struct past_event *there =
        l->pasts > 0 ? bsearch(&key, l->past, l->pasts, sizeof key, by_offset) : NULL;

    if (there == NULL)
        return fetch(l, p->number, offset, event, e);
    *event = *there;
    return true;
}

/* The event as it was when it was decided, in row 0 of the intake. */
static bool read_event(struct labels *l, const struct partition *p, const struct past_event *event)
{
    const struct intake_message message = {.value = event->value,
                                           .seq = (uint64_t)event->offset + 1,
                                           .received_us = event->time_us,
                                           .topic = l->topic,
                                           .partition = p->number};

    intake_clear(l->intake);
    return event->is_event && intake_read(l->intake, &message) &&
           text_equal(intake_id(l->intake, 0), l->said.id);
}

/* ---- applying ---- */

enum label_end labels_apply(struct labels *l, struct partition *p, const struct kafka_message *m,
                            struct text *words, struct error *e)
{
    struct past_event event;
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
    if (!find_event(l, p, (int64_t)seq - 1, &event, e))
        return e->kind == ERROR_NOT_FOUND
                   ? end_with(l, LABEL_GONE, words, "the topic no longer has the event")
                   : LABEL_FAILED;
    if (!read_event(l, p, &event))
        return end_with(l, LABEL_WRONG, words, "`seq` is not that of an event of this id");
    engine_label(p->state.engine, &l->intake->frame, 0, seq, l->said.label,
                 l->intake->row[0].received_us, l->said.has_time ? l->said.time_us : m->time_us);
    return LABEL_APPLIED;
}
