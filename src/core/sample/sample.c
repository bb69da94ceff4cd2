#include "core/sample/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/number.h"
#include "core/base/panic.h"
#include "core/sample/scenario.h"

static const struct scenario *const scenarios[SAMPLE_SCENARIOS] = {
    [SAMPLE_CARDS] = &scenario_cards,
    [SAMPLE_WALLET] = &scenario_wallet,
    [SAMPLE_PREDICT_API] = &scenario_predict_api,
};

struct sampler {
    struct sample_options o;
    const struct scenario *scenario;
    struct schema *schema;
    void *population;
    struct random random;
    struct sample_day day;
    uint32_t next_row; /* of the day */
    uint32_t next_day;
    uint64_t made;
};

const char *sample_scenario_name(enum sample_scenario s)
{
    return scenarios[s]->name;
}

const char *sample_scenario_words(enum sample_scenario s)
{
    return scenarios[s]->words;
}

bool sample_scenario_find(struct text name, enum sample_scenario *s)
{
    for (int i = 0; i < SAMPLE_SCENARIOS; i++) {
        if (text_is(name, scenarios[i]->name)) {
            *s = (enum sample_scenario)i;
            return true;
        }
    }
    return false;
}

struct sample_row *sample_day_add(struct sample_day *d, int64_t time_us)
{
    struct sample_row *row;

    if (d->rows == d->capacity) {
        d->capacity = d->capacity > 0 ? d->capacity * 2 : 1024;
        d->row = mem_resize(d->row, d->capacity, sizeof *d->row);
    }
    row = &d->row[d->rows];
    *row = (struct sample_row){.time_us = time_us, .made = d->rows++};
    return row;
}

int64_t sample_money(double amount)
{
    double cents = rint(amount * 100);

    return (int64_t)(cents < 1 ? 1 : cents) * (DECIMAL_ONE / 100);
}

/* Normal around noon with a deviation of 20,000 s (Handbook, 3.2). */
bool sample_daytime(struct random *r, int64_t day_us, int64_t *time_us)
{
    double second = floor(43200 + 20000 * random_normal(r));

    if (second <= 0 || second >= 86400)
        return false;
    *time_us = day_us + (int64_t)second * US_PER_SECOND;
    return true;
}

struct sampler *sampler_new(const struct sample_options *o)
{
    struct sampler *s = mem_alloc(sizeof *s);
    struct error e;

    ASSERT(o->days > 0 && o->days <= SAMPLE_DAYS_MAX && o->rows <= (uint64_t)SAMPLE_ROWS_MAX);
    s->o = *o;
    s->scenario = scenarios[o->scenario];
    s->schema = schema_new();
    for (uint32_t i = 0; i < s->scenario->fields; i++)
        ASSERT(schema_add(s->schema, text_of(s->scenario->field[i].name),
                          s->scenario->field[i].type, &e));
    s->schema->id = 0;
    s->schema->time = 1;
    s->schema->label = (int)s->scenario->fields - 1;
    random_init(&s->random, o->seed);
    s->population = s->scenario->open(o, &s->random);
    return s;
}

void sampler_free(struct sampler *s)
{
    if (s == NULL)
        return;
    s->scenario->close(s->population);
    schema_free(s->schema);
    mem_free(s->day.row);
    mem_free(s);
}

const struct schema *sampler_schema(const struct sampler *s)
{
    return s->schema;
}

static int in_time_order(const void *a, const void *b)
{
    const struct sample_row *x = a, *y = b;

    if (x->time_us != y->time_us)
        return x->time_us < y->time_us ? -1 : 1;
    return x->made < y->made ? -1 : 1;
}

static void make_day(struct sampler *s)
{
    int64_t start = s->o.start_us + (int64_t)s->next_day * US_PER_DAY;

    s->day.rows = 0;
    s->next_row = 0;
    s->scenario->day(s->population, s->next_day++, start, &s->random, &s->day);
    qsort(s->day.row, s->day.rows, sizeof *s->day.row, in_time_order);
}

static void put_cell(struct frame *f, uint32_t column, const struct sample_row *row)
{
    struct column *c = &f->column[column];
    const char *text = row->cell[column].text;
    size_t length;

    c->null[f->rows] = 0;
    if (c->type != TYPE_TEXT) {
        c->integer[f->rows] = row->cell[column].integer;
        return;
    }
    length = strnlen(text, SAMPLE_TEXT_CELL);
    c->text[f->rows].bytes = arena_text(&f->text, text, length);
    c->text[f->rows].length = length;
    ASSERT(c->text[f->rows].bytes != NULL);
}

uint32_t sampler_next(struct sampler *s, struct frame *f)
{
    uint32_t before = f->rows;

    while (f->rows < f->capacity && s->made < s->o.rows) {
        const struct sample_row *row;

        while (s->next_row == s->day.rows)
            make_day(s);
        row = &s->day.row[s->next_row++];
        f->column[0].null[f->rows] = 0;
        f->column[0].integer[f->rows] = (int64_t)++s->made;
        f->column[1].null[f->rows] = 0;
        f->column[1].integer[f->rows] = row->time_us;
        for (uint32_t i = 2; i < f->columns; i++)
            put_cell(f, i, row);
        f->rows++;
    }
    return f->rows - before;
}
