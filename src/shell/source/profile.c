#include "shell/source/profile.h"

#include <math.h>
#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/number.h"
#include "shell/source/profile_guess.h"

enum { SPREAD_LEVELS = 16 /* that a sketch is taken to have: 2^31 values at 2^16 a level */ };

static void show_value(const struct column *c, uint32_t row, char out[PROFILE_VALUE_MAX])
{
    char text[NUMBER_TEXT_MAX];
    struct value v = column_get(c, row);

    switch (v.type) {
    case TYPE_TEXT:
        if (v.text.length >= PROFILE_VALUE_MAX) {
            v.text.length = PROFILE_VALUE_MAX - 1;
            while (v.text.length > 0 && !text_is_utf8(v.text))
                v.text.length--;
        }
        memcpy(out, v.text.bytes, v.text.length);
        out[v.text.length] = 0;
        return;
    case TYPE_BOOL:
        snprintf(text, sizeof text, "%s", v.integer ? "true" : "false");
        break;
    case TYPE_DECIMAL:
        number_format_decimal(v.integer, text);
        break;
    case TYPE_REAL:
        number_format_real(v.real, text);
        break;
    case TYPE_TIME:
        time_format(v.integer, text);
        break;
    case TYPE_DURATION:
        duration_format(v.integer, text);
        break;
    case TYPE_INT:
    case TYPES:
        number_format_int(v.integer, text);
        break;
    }
    snprintf(out, PROFILE_VALUE_MAX, "%s", text);
}

static double number_of(const struct column *c, uint32_t row)
{
    if (c->type == TYPE_REAL)
        return c->real[row];
    if (c->type == TYPE_DECIMAL || c->type == TYPE_DURATION)
        return (double)c->integer[row] / 1e6;
    return (double)c->integer[row];
}

static void add_range(struct profile_field *f, struct evidence *ev, const struct column *c,
                      uint32_t row)
{
    if (c->type == TYPE_TEXT)
        return;
    if (c->type == TYPE_TIME) {
        int64_t us = c->integer[row];

        f->earliest_us = !f->has_range || us < f->earliest_us ? us : f->earliest_us;
        f->latest_us = !f->has_range || us > f->latest_us ? us : f->latest_us;
        if (ev->has_sketch)
            sketch_add(&ev->sketch, (double)us);
    } else {
        double v = number_of(c, row);

        if (ev->has_sketch)
            sketch_add(&ev->sketch, v);
        f->least = !f->has_range || v < f->least ? v : f->least;
        f->most = !f->has_range || v > f->most ? v : f->most;
        ev->sum += v;
    }
    f->has_range = true;
}

static void add_word(struct evidence *ev, uint64_t hash, const struct column *c, uint32_t row)
{
    if (ev->words == PROFILE_WORDS_MAX)
        return;
    if ((ev->words & (ev->words - 1)) == 0)
        ev->word = mem_resize(ev->word, ev->words ? 2 * ev->words : 1, sizeof *ev->word);
    ev->word[ev->words].hash = hash;
    show_value(c, row, ev->word[ev->words].text);
    ev->words++;
}

/* What the label says of each row of a frame. */
struct labels {
    uint8_t *known, *positive;
};

static void add_column(struct profile_field *f, struct evidence *ev, const struct column *c,
                       uint32_t rows, const struct labels *labels)
{
    const uint8_t *positive = labels->positive;

    for (uint32_t i = 0; i < rows; i++) {
        uint64_t hash;

        if (c->null[i]) {
            f->nulls++;
            continue;
        }
        ev->positive += positive[i];
        add_range(f, ev, c, i);
        if (ev->has_daily)
            daily_add(&ev->daily, c->integer[i], labels->known[i], positive[i]);
        hash = c->type == TYPE_TEXT ? hash_bytes(c->text[i].bytes, c->text[i].length, 1)
                                    : hash_mix((uint64_t)c->integer[i] ^ 0x9e3779b97f4a7c15u);
        if (tally_add(&ev->tally, hash, positive[i]))
            add_word(ev, hash, c, i);
    }
}

/* Insertion into the few most frequent, by count, then by the order of first appearance. */
static void add_top(struct profile_field *f, const char *text, uint64_t count)
{
    uint32_t at = f->top_count;

    while (at > 0 && f->top[at - 1].count < count)
        at--;
    if (at == PROFILE_TOP)
        return;
    if (f->top_count < PROFILE_TOP)
        f->top_count++;
    for (uint32_t i = f->top_count - 1; i > at; i--)
        f->top[i] = f->top[i - 1];
    memcpy(f->top[at].text, text, sizeof f->top[at].text);
    f->top[at].count = count;
}

static void finish_field(struct profile_field *f, struct evidence *ev, uint64_t rows)
{
    uint64_t cells = rows - f->nulls;

    f->distinct = tally_distinct(&ev->tally);
    f->distinct = f->distinct < cells ? f->distinct : cells;
    f->is_distinct_exact = ev->tally.level == 0;
    f->is_unique = cells > 0 && tally_is_unique(&ev->tally);
    if (f->is_unique)
        f->distinct = cells;
    f->mean = cells > 0 ? ev->sum / (double)cells : 0;
    for (uint32_t i = 0; i < ev->words && f->is_distinct_exact && f->distinct <= ev->words; i++)
        add_top(f, ev->word[i].text, tally_find(&ev->tally, ev->word[i].hash)->count);
}

static struct profile *profile_new(const struct source *s)
{
    struct profile *p = mem_alloc(sizeof *p);
    uint32_t budget;

    p->schema = schema_dup(source_schema(s));
    p->count = p->schema->count;
    p->fields = mem_array(p->count, sizeof *p->fields);
    p->notes = mem_array(p->count, sizeof *p->notes);
    for (uint32_t i = 0; i < p->count; i++) {
        snprintf(p->notes[i], sizeof p->notes[i], "%s", source_note(s, i));
        p->fields[i].name = p->schema->fields[i].name;
        p->fields[i].type = p->schema->fields[i].type;
        p->fields[i].layout = p->schema->fields[i].layout;
        p->fields[i].note = p->notes[i];
    }
    budget = PROFILE_MEMORY_BYTES / p->count / (4 * (uint32_t)sizeof(struct tally_item));
    p->distinct_exact = 64;
    while (p->distinct_exact < PROFILE_DISTINCT_EXACT && 2 * p->distinct_exact <= budget)
        p->distinct_exact *= 2;
    budget = PROFILE_MEMORY_BYTES / p->count / (SPREAD_LEVELS * (uint32_t)sizeof(double));
    p->spread_exact = SKETCH_CAPACITY_MIN;
    while (p->spread_exact < PROFILE_SPREAD_EXACT && 2 * p->spread_exact <= budget)
        p->spread_exact *= 2;
    return p;
}

void profile_free(struct profile *p)
{
    if (p == NULL)
        return;
    mem_free(p->fields);
    mem_free(p->notes);
    mem_free(p->guesses);
    mem_free(p->day);
    schema_free(p->schema);
    mem_free(p);
}

const struct profile_guesses *profile_guess(const struct profile *p)
{
    return p->guesses;
}

static double done_share(const struct source *s)
{
    struct source_counts c;

    source_counts(s, &c);
    return c.bytes_total > 0 ? (double)c.bytes_done / (double)c.bytes_total : 0;
}

static bool collect(struct profile *p, struct source *s, struct evidence *ev, int label,
                    const struct progress *progress, struct error *e)
{
    struct labels labels = {mem_array(SOURCE_FRAME_ROWS, 1), mem_array(SOURCE_FRAME_ROWS, 1)};
    struct frame f;
    bool good;

    frame_init(&f, p->schema, SOURCE_FRAME_ROWS, SOURCE_TEXT_BYTES);
    while ((good = source_read(s, &f, e)) && f.rows > 0) {
        for (uint32_t i = 0; label != FIELD_NONE && i < f.rows; i++) {
            labels.known[i] = !f.column[label].null[i];
            labels.positive[i] = label_is_positive(&f.column[label], i);
        }
        for (uint32_t i = 0; i < p->count; i++)
            add_column(&p->fields[i], &ev[i], &f.column[i], f.rows, &labels);
        p->rows += f.rows;
        if (!progress_report(progress, "look at the data", done_share(s))) {
            good = error_set(e, ERROR_CANCELLED, "stopped while looking at the data");
            break;
        }
    }
    frame_fini(&f);
    mem_free(labels.known);
    mem_free(labels.positive);
    return good;
}

/* Sketches take what fits; they grow only as far as there are values. */
static void evidence_init(struct evidence *ev, const struct profile *p, bool is_deep)
{
    for (uint32_t i = 0; i < p->count; i++) {
        enum type type = p->fields[i].type;

        tally_init(&ev[i].tally, p->distinct_exact);
        ev[i].has_sketch = is_deep && type != TYPE_TEXT && type != TYPE_BOOL;
        ev[i].has_daily = is_deep && type == TYPE_TIME;
        if (ev[i].has_sketch)
            sketch_init(&ev[i].sketch, p->spread_exact);
        if (ev[i].has_daily)
            daily_init(&ev[i].daily);
    }
}

static void evidence_free(struct evidence *ev, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        tally_fini(&ev[i].tally);
        sketch_fini(&ev[i].sketch);
        daily_fini(&ev[i].daily);
        mem_free(ev[i].word);
    }
    mem_free(ev);
}

static bool find_role(const struct profile *p, const char *name, int *field, struct error *e)
{
    const char *nearest;

    *field = name != NULL ? schema_find(p->schema, text_of(name)) : FIELD_NONE;
    if (name == NULL || *field != FIELD_NONE)
        return true;
    nearest = schema_nearest(p->schema, text_of(name));
    return error_set(e, ERROR_NOT_FOUND, "the data have no field \"%s\"%s%s%s", name,
                     nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                     nearest != NULL ? "\"?" : "");
}

static bool find_roles(const struct profile *p, const struct profile_options *o, int *label,
                       int *time, struct error *e)
{
    if (!find_role(p, o->label, label, e) || !find_role(p, o->time, time, e))
        return false;
    if (*time != FIELD_NONE && p->fields[*time].type != TYPE_TIME)
        return error_set(e, ERROR_INVALID, "field \"%s\" is no time: it was read as %s", o->time,
                         type_name(p->fields[*time].type));
    if (o->label == NULL)
        *label = label_by_name(p->schema);
    return true;
}

static void finish_deep(struct profile *p, struct evidence *ev)
{
    int time = p->guesses->time.field;

    for (uint32_t i = 0; i < p->count; i++) {
        if (ev[i].has_sketch && p->rows > p->fields[i].nulls)
            make_spread(&p->fields[i], &ev[i]);
        if ((int)i != p->guesses->label.field)
            make_suspects(&p->fields[i], &ev[i], p->rows);
    }
    if (time == FIELD_NONE)
        return;
    p->day = daily_sorted(&ev[time].daily, &p->days);
    p->undated = p->fields[time].nulls + ev[time].daily.left_out;
}

bool profile_source(struct source *s, const struct profile_options *o, struct profile **profile,
                    struct error *e)
{
    struct profile *p = profile_new(s);
    struct evidence *ev = mem_array(p->count, sizeof *ev);
    struct source_counts counts;
    int label, time;
    bool good;

    evidence_init(ev, p, o->is_deep);
    good = find_roles(p, o, &label, &time, e) && collect(p, s, ev, label, o->progress, e);
    for (uint32_t i = 0; i < p->count && good; i++)
        finish_field(&p->fields[i], &ev[i], p->rows);
    if (good) {
        source_counts(s, &counts);
        p->rejects = counts.rejects;
        p->guesses = mem_alloc(sizeof *p->guesses);
        make_guesses(p, ev, label, o->label != NULL, time, p->guesses);
        if (o->is_deep)
            finish_deep(p, ev);
        *profile = p;
    }
    evidence_free(ev, p->count);
    if (!good)
        profile_free(p);
    return good;
}
