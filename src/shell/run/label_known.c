#include "shell/run/label_known.h"

#include "core/base/buffer.h"
#include "core/base/hash.h"
#include "core/base/memory.h"
#include "core/velocity/velocity.h"
#include "shell/log/log.h"
#include "shell/run/body.h"
#include "shell/run/label_index.h"

enum { FIRST_CAPACITY = 1024, SAID_LEGIT = 1, SAID_FRAUD = 2, SAID_BACK = 4 };

struct said {
    struct hash128 key; /* of event, source and date */
    uint8_t labels;     /* bits SAID_*; 0: free */
};

struct label_known {
    struct said *said;
    uint64_t capacity, used;
    struct buffer bytes;
};

struct label_known *label_known_new(void)
{
    struct label_known *k = mem_alloc(sizeof *k);

    k->capacity = FIRST_CAPACITY;
    k->said = mem_array(k->capacity, sizeof *k->said);
    buffer_init(&k->bytes, 4 * (LABEL_ID_MAX + LABEL_SOURCE_MAX));
    return k;
}

void label_known_free(struct label_known *k)
{
    if (k == NULL)
        return;
    mem_free(k->said);
    buffer_fini(&k->bytes);
    mem_free(k);
}

static struct said *place(const struct label_known *k, struct hash128 key)
{
    uint64_t at = key.low & (k->capacity - 1);

    while (k->said[at].labels != 0 &&
           (k->said[at].key.low != key.low || k->said[at].key.high != key.high))
        at = (at + 1) & (k->capacity - 1);
    return &k->said[at];
}

static void grow(struct label_known *k)
{
    struct said *old = k->said;
    uint64_t capacity = k->capacity;

    k->capacity *= 2;
    k->said = mem_array(k->capacity, sizeof *k->said);
    for (uint64_t i = 0; i < capacity; i++) {
        if (old[i].labels != 0)
            *place(k, old[i].key) = old[i];
    }
    mem_free(old);
}

/* Lengths stand before the texts: no two statements have the same bytes. */
static struct said *find(struct label_known *k, struct text id, struct text source, bool has_time,
                         int64_t time_us)
{
    static const struct hash_key unkeyed = {0};
    struct said *s;
    struct hash128 key;

    buffer_clear(&k->bytes);
    buffer_add_bytes32(&k->bytes, id);
    buffer_add_bytes32(&k->bytes, source);
    buffer_add_u8(&k->bytes, has_time);
    buffer_add_u64(&k->bytes, has_time ? (uint64_t)time_us : 0);
    key = hash_token(k->bytes.bytes, k->bytes.length, &unkeyed);
    if (2 * k->used >= k->capacity)
        grow(k);
    s = place(k, key);
    s->key = key;
    return s;
}

static uint8_t bit_of(uint8_t label)
{
    return label == LABEL_UNKNOWN ? SAID_BACK : label == 1 ? SAID_FRAUD : SAID_LEGIT;
}

static void say(struct label_known *k, struct text id, struct text source, bool has_time,
                int64_t time_us, uint8_t label)
{
    struct said *s = find(k, id, source, has_time, time_us);

    k->used += s->labels == 0;
    s->labels |= bit_of(label);
}

/* Under its date, and once more under none. */
static void say_both(struct label_known *k, struct text id, struct text source, int64_t time_us,
                     uint8_t label)
{
    say(k, id, source, true, time_us, label);
    say(k, id, source, false, 0, label);
}

static bool take_label(struct label_known *k, const struct record *r, struct error *e)
{
    struct label_body body;

    if (!label_body_parse(r->body, &body, e))
        return false;
    say_both(k, body.id, body.source, body.effective_us, body.label);
    return true;
}

/* Of two events of one id, which only a short horizon allows, the newer one is meant. */
static bool take_event(const struct label_index *x, const struct record *r, struct error *e)
{
    struct event_body body;
    struct label_row *row;

    if (!event_body_parse(r->body, &body, e))
        return false;
    row = label_index_find(x, body.id);
    if (row != NULL)
        row->event_seq = r->seq;
    return true;
}

static bool read_all(struct label_known *k, const struct label_index *x, struct log_cursor *c,
                     struct error *e)
{
    struct record r;
    int more;

    while ((more = log_cursor_next(c, &r, e)) == 1) {
        bool is_event = r.kind == RECORD_OBSERVE || r.kind == RECORD_DECISION;

        if ((r.kind == RECORD_LABEL && !take_label(k, &r, e)) ||
            (is_event && !take_event(x, &r, e)))
            return false;
    }
    return more == 0;
}

bool label_known_read(struct label_known *k, const char *log_directory, struct label_rows *rows,
                      struct error *e)
{
    struct label_index x;
    struct log_cursor *c;
    bool ok;

    if (!log_cursor_open(log_directory, 1, &c, e))
        return false;
    label_index_init(&x, rows);
    ok = read_all(k, &x, c, e);
    for (uint32_t i = 0; i < rows->count; i++)
        rows->row[i].event_seq = label_index_find(&x, text_of(rows->row[i].id))->event_seq;
    label_index_fini(&x);
    log_cursor_close(c);
    return ok;
}

enum label_fate label_known_add(struct label_known *k, const struct label_row *row)
{
    struct text id = text_of(row->id), source = text_of(row->source);
    uint8_t said = find(k, id, source, row->has_time, row->effective_us)->labels;
    uint8_t bit = bit_of(row->label);

    if (said & bit)
        return LABEL_REPEATED;
    /* Without a date a later word replaces an earlier one. */
    if (row->has_time && bit != SAID_BACK && (said & (SAID_FRAUD | SAID_LEGIT)))
        return LABEL_CONTRADICTING;
    if (row->has_time)
        say_both(k, id, source, row->effective_us, row->label);
    else
        say(k, id, source, false, 0, row->label);
    return LABEL_OPEN;
}
