#include "shell/run/truth.h"

#include "core/base/hash.h"
#include "core/base/memory.h"
#include "shell/log/log.h"
#include "shell/run/body.h"

enum { FIRST_PLACES = 1024 };

struct known {
    uint64_t seq; /* 0: a free place */
    uint8_t label;
};

struct truth {
    struct known *place; /* open addressing, a power of two, at most half full */
    uint64_t places, count;
    int64_t newest_us;
};

static struct known *place_of(const struct truth *t, uint64_t seq)
{
    uint64_t i = seq * UINT64_C(0x9E3779B97F4A7C15) >> 32;

    while (t->place[i & (t->places - 1)].seq != 0 && t->place[i & (t->places - 1)].seq != seq)
        i++;
    return &t->place[i & (t->places - 1)];
}

static void grow(struct truth *t)
{
    struct known *old = t->place;
    uint64_t places = t->places;

    t->places = 2 * places;
    t->place = mem_array(t->places, sizeof *t->place);
    for (uint64_t i = 0; i < places; i++) {
        if (old[i].seq != 0)
            *place_of(t, old[i].seq) = old[i];
    }
    mem_free(old);
}

static void put(struct truth *t, uint64_t seq, uint8_t label)
{
    struct known *k;

    if (2 * t->count == t->places)
        grow(t);
    k = place_of(t, seq);
    t->count += k->seq == 0;
    *k = (struct known){seq, label};
}

static bool read_all(struct truth *t, struct log_cursor *c, uint64_t last, const struct progress *p,
                     struct error *e)
{
    struct record r;
    struct label_body body;
    int found;

    while ((found = log_cursor_next(c, &r, e)) == 1) {
        if (r.received_us > t->newest_us)
            t->newest_us = r.received_us;
        if (r.kind == RECORD_LABEL) {
            if (!label_body_parse(r.body, &body, e))
                return false;
            put(t, body.seq, body.label);
        }
        if ((r.seq & 0x3fff) == 0 &&
            !progress_report(p, "reading labels", (double)r.seq / (double)(last + 1)))
            return error_set(e, ERROR_CANCELLED, "stopped");
    }
    return found == 0;
}

bool truth_read(const char *log_directory, const struct progress *p, struct truth **truth,
                struct error *e)
{
    struct truth *t;
    struct log_cursor *c;
    uint64_t last;
    bool ok;

    if (!log_last_seq(log_directory, &last, e) || !log_cursor_open(log_directory, 1, &c, e))
        return false;
    t = mem_alloc(sizeof *t);
    t->places = FIRST_PLACES;
    t->newest_us = INT64_MIN;
    t->place = mem_array(t->places, sizeof *t->place);
    ok = read_all(t, c, last, p, e);
    log_cursor_close(c);
    if (ok)
        *truth = t;
    else
        truth_free(t);
    return ok;
}

void truth_free(struct truth *t)
{
    if (t == NULL)
        return;
    mem_free(t->place);
    mem_free(t);
}

bool truth_find(const struct truth *t, uint64_t seq, uint8_t *label)
{
    const struct known *k = place_of(t, seq);

    *label = k->label;
    return k->seq != 0;
}

int64_t truth_newest_us(const struct truth *t)
{
    return t->newest_us;
}

uint8_t truth_label(const struct truth *t, uint64_t seq, const struct plan *p,
                    const struct frame *f, uint32_t row, int64_t time_us)
{
    const struct schema *schema = plan_schema(p);
    const struct velocity_options *v = plan_velocity_options(p);
    uint8_t label = LABEL_UNKNOWN;

    if (truth_find(t, seq, &label))
        return label;
    if (schema->label != FIELD_NONE)
        label = engine_label_of(&f->column[schema->label], row);
    if (label == LABEL_UNKNOWN && v->absent == LABEL_ABSENT_LEGIT &&
        time_us <= t->newest_us - v->label_delay_us)
        label = 0;
    return label;
}
