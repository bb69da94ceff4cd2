#include "shell/store/own.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/decide/values.h"
#include "shell/run/body.h"
#include "shell/run/unseal.h"

enum { LOG_OVERHEAD = 4096 };

struct own_past {
    const struct plan *plan;
    struct frame frame; /* rows: earlier decisions; null where a value is not known or was null */
};

/* The features of ours in a plan that decided earlier. */
struct earlier {
    uint32_t number; /* of its PLAN record; 0: none yet */
    struct plan *plan;
    struct frame values; /* one row */
    struct unseal unseal;
    int map[LANG_FEATURES_MAX];
};

static void earlier_drop(struct earlier *a)
{
    if (a->plan != NULL)
        frame_fini(&a->values);
    plan_unref(a->plan);
    a->plan = NULL;
}

static void earlier_fini(struct earlier *a)
{
    earlier_drop(a);
    unseal_fini(&a->unseal);
}

void own_map_features(const struct plan *ours, const struct plan *theirs,
                      int map[LANG_FEATURES_MAX])
{
    for (uint32_t i = 0; i < plan_feature_count(ours); i++) {
        int at = plan_feature_find(theirs, text_of(plan_feature_name(ours, i)));
        bool is_same =
            at >= 0 &&
            program_fingerprint(plan_program(theirs), plan_feature_node(theirs, (uint32_t)at)) ==
                program_fingerprint(plan_program(ours), plan_feature_node(ours, i));

        map[i] = is_same ? at : -1;
    }
}

static bool earlier_load(struct earlier *a, const struct explanation_sources *s,
                         const struct plan *ours, uint32_t number, struct error *e)
{
    struct plan *plan;

    if (a->plan != NULL && a->number == number)
        return true;
    if (!plans_get(s->plans, number, &plan, e))
        return false;
    earlier_drop(a);
    a->number = number;
    a->plan = plan;
    frame_init(&a->values, plan_values_schema(plan), 1, LOG_BODY_MAX);
    own_map_features(ours, plan, a->map);
    return true;
}

/* Room for the row is there. */
static bool add_row(struct own_past *past, const struct earlier *a, struct error *e)
{
    struct frame *f = &past->frame;

    for (uint32_t i = 0; i < plan_feature_count(past->plan); i++) {
        struct value v = {.type = f->column[i].type, .is_null = true};

        if (a->map[i] >= 0)
            v = column_get(&a->values.column[a->map[i]], 0);
        if (!v.is_null && v.type == TYPE_TEXT) {
            v.text.bytes = arena_text(&f->text, v.text.bytes, v.text.length);
            if (v.text.bytes == NULL)
                return error_set(e, ERROR_FULL, "no room for an entity's earlier values");
        }
        column_set(&f->column[i], f->rows, &v);
    }
    f->rows++;
    return true;
}

/* A decision whose values were not kept adds nothing. */
static bool add_decision(struct own_past *past, struct earlier *a,
                         const struct explanation_sources *s, uint64_t seq, struct buffer *bytes,
                         struct error *e)
{
    struct event_body body;
    struct decision d;
    struct reader in;
    struct record r;

    if (!log_read(s->log, seq, bytes, &r, e) || !event_body_parse(r.body, &body, e) ||
        !earlier_load(a, s, past->plan, r.plan, e) || !unseal_values(&a->unseal, &r, &body, e))
        return false;
    if (body.values.length == 0)
        return true;
    frame_clear(&a->values);
    reader_init(&in, body.decision.bytes, body.decision.length);
    return decision_parse(&in, a->plan, &d, e) &&
           values_parse(a->plan, body.values, &d, &a->values, e) && add_row(past, a, e);
}

bool own_past_read(const struct explanation_sources *s, const struct plan *p, int64_t entity,
                   uint64_t seq, struct own_past **past, struct error *e)
{
    uint64_t before[OWN_DECISIONS_MAX];
    struct own_past *read;
    struct earlier a = {0};
    struct buffer bytes;
    uint32_t found;
    bool ok = true;

    if (!store_entity_decisions(s->store, entity, seq, before, OWN_DECISIONS_MAX, &found, e))
        return false;
    read = mem_alloc(sizeof *read);
    read->plan = p;
    frame_init(&read->frame, plan_values_schema(p), found + 1,
               (size_t)OWN_DECISIONS_MAX * LOG_BODY_MAX / 8);
    buffer_init(&bytes, LOG_BODY_MAX + LOG_OVERHEAD);
    unseal_init(&a.unseal, s->plans);
    for (uint32_t i = 0; i < found && ok; i++)
        ok = add_decision(read, &a, s, before[i], &bytes, e);
    buffer_fini(&bytes);
    earlier_fini(&a);
    if (!ok) {
        own_past_free(read);
        return false;
    }
    *past = read;
    return true;
}

void own_past_free(struct own_past *past)
{
    if (past == NULL)
        return;
    frame_fini(&past->frame);
    mem_free(past);
}

/* ---- what was normal ---- */

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void normal_number(const struct own_past *past, const struct column *c,
                          const struct value *now, struct own_normal *normal)
{
    double value[OWN_DECISIONS_MAX], x = reason_number(now);
    uint32_t n = 0, less = 0;

    for (uint32_t i = 0; i < past->frame.rows; i++) {
        struct value v = column_get(c, i);

        if (v.is_null)
            continue;
        value[n++] = reason_number(&v);
        less += value[n - 1] < x;
    }
    normal->n = n;
    normal->is_number = true;
    if (n == 0)
        return;
    qsort(value, n, sizeof *value, by_value);
    normal->median = n % 2 == 1 ? value[n / 2] : value[n / 2 - 1] / 2 + value[n / 2] / 2;
    normal->least = value[0];
    normal->most = value[n - 1];
    normal->below = (double)less / n;
}

/* The most frequent; of equally frequent ones that seen last (rows are the newest first). */
static void normal_text(const struct own_past *past, const struct column *c,
                        const struct value *now, struct own_normal *normal)
{
    for (uint32_t i = 0; i < past->frame.rows; i++) {
        uint32_t same = 0;

        if (c->null[i])
            continue;
        normal->n++;
        normal->same_n += !now->is_null && text_equal(c->text[i], now->text);
        for (uint32_t k = 0; k < past->frame.rows; k++)
            same += !c->null[k] && text_equal(c->text[i], c->text[k]);
        if (same > normal->usual_n) {
            normal->usual = &c->text[i];
            normal->usual_n = same;
        }
    }
}

void own_past_normal(struct own_past *past, uint32_t feature, const struct value *now,
                     struct own_normal *normal)
{
    const struct column *c = &past->frame.column[feature];

    *normal = (struct own_normal){0};
    if (c->type == TYPE_TEXT)
        normal_text(past, c, now, normal);
    else if (c->type != TYPE_TIME)
        normal_number(past, c, now, normal);
}
