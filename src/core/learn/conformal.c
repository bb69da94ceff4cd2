/* The tables of struct conformal (core/model/model.h), from margins held out from training.
 *
 * p-values are (rows at least as strange + 1) / (rows of the class + 1), without smoothing by
 * chance: with rows exchangeable with those to come and a model that saw neither, a class is left
 * out of a set wrongly at most so often as the level allows. The rows here were scored by models
 * that learned from the other folds, the new ones are by a model that learned from all: the promise
 * is met nearly, not by proof (cross-conformal prediction: Vovk 2015), so training measures it.
 *
 * The bounds of Venn-Abers are isotonic regressions with one more row, at every margin. All of them
 * come in one sweep over the convex minorant (Vovk, Petej and Fedorova 2015, algorithms 1 and 2).
 *
 * A table with more steps than a model keeps is made coarser to the safe side: p-values and the
 * upper bound up, the lower bound down.
 */
#include "core/learn/learn.h"

#include <stdlib.h>

#include "core/base/memory.h"
#include "core/base/panic.h"

/* Rows of one margin; points of the cumulative sums. */
struct group {
    double margin;
    uint32_t rows[2];
};

struct point {
    int64_t rows, frauds;
};

struct labelled {
    double margin;
    uint8_t label;
};

uint32_t conformal_rows_needed(double level)
{
    double rows = 1 / (1 - level);

    return rows > CONFORMAL_ROWS_MIN ? (uint32_t)rows + 1 : CONFORMAL_ROWS_MIN;
}

static int compare_margins(const void *a, const void *b)
{
    double x = ((const struct labelled *)a)->margin, y = ((const struct labelled *)b)->margin;

    return (x > y) - (x < y);
}

/* Equal margins are one group. Returns how many. */
static uint32_t group_rows(const double *margin, const uint8_t *label, uint32_t rows,
                           struct group *group)
{
    struct labelled *row = mem_array((size_t)rows + 1, sizeof *row);
    uint32_t count = 0;

    for (uint32_t i = 0; i < rows; i++)
        row[i] = (struct labelled){margin[i], label[i] != 0};
    qsort(row, rows, sizeof *row, compare_margins);
    for (uint32_t i = 0; i < rows;) {
        struct group g = {.margin = row[i].margin};

        for (; i < rows && row[i].margin == g.margin; i++)
            g.rows[row[i].label]++;
        group[count++] = g;
    }
    mem_free(row);
    return count;
}

/* ---- Venn-Abers ---- */

/* Whether c lies to the right of the way from a to b, or on it. */
static bool is_no_left_turn(const struct point *a, const struct point *b, const struct point *c)
{
    return (b->rows - a->rows) * (c->frauds - b->frauds) -
               (b->frauds - a->frauds) * (c->rows - b->rows) <=
           0;
}

/* Group i's isotonic share with one more fraud in it, for all i: the slope of the first side of the
 * convex minorant of (-1, -1), the origin and the sums of the groups behind it. `class_of_fraud` is
 * the class counted as fraud, and the groups are taken from the last one where it is 0: so that the
 * other bound is this one seen from the other end. */
static void slopes(const struct group *group, uint32_t count, int class_of_fraud,
                   struct point *slope)
{
    struct point *at = mem_array((size_t)count + 2, sizeof *at); /* at[i + 1]: after i groups */
    struct point *corner = mem_array((size_t)count + 2, sizeof *corner); /* copies: `at` changes */
    uint32_t corners = 0;

    at[0] = (struct point){-1, -1};
    for (uint32_t i = 0; i < count; i++) {
        const struct group *g = &group[class_of_fraud == 1 ? i : count - 1 - i];

        at[i + 2] = (struct point){at[i + 1].rows + g->rows[0] + g->rows[1],
                                   at[i + 1].frauds + g->rows[class_of_fraud]};
    }
    /* The minorant from the right, so that its left end is the top of the stack. */
    for (uint32_t i = count + 2; i-- > 0;) {
        while (corners > 1 && is_no_left_turn(&at[i], &corner[corners - 1], &corner[corners - 2]))
            corners--;
        corner[corners++] = at[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        struct point a = corner[corners - 1], b = corner[corners - 2];
        struct point *moved = &at[i + 1];

        slope[i] = (struct point){b.rows - a.rows, b.frauds - a.frauds};
        /* The new row now comes after this group. */
        moved->rows = at[i].rows + at[i + 2].rows - moved->rows;
        moved->frauds = at[i].frauds + at[i + 2].frauds - moved->frauds;
        if (!is_no_left_turn(&a, &b, moved))
            continue;
        corners--;
        while (corners > 1 && is_no_left_turn(moved, &corner[corners - 1], &corner[corners - 2]))
            corners--;
        corner[corners++] = *moved;
    }
    mem_free(at);
    mem_free(corner);
}

/* ---- steps ---- */

/* What a table holds, before it is thinned: value[i] is of group i. */
struct table {
    const struct group *group;
    double *value;
    uint32_t count;
    bool holds_from; /* a step holds from its margin upwards; otherwise up to it */
    bool is_upper;   /* coarser means higher */
};

static bool is_kept(const struct table *t, uint32_t i)
{
    if (t->holds_from)
        return i == 0 || t->value[i] != t->value[i - 1];
    return i + 1 == t->count || t->value[i] != t->value[i + 1];
}

/* `joined` neighbours become one: of the margins the one that covers them all, of the values the
 * safe one. */
static void join_steps(const struct table *t, struct margin_steps *s, uint32_t joined)
{
    uint32_t kept = 0;

    for (uint32_t from = 0; from < s->count; from += joined) {
        uint32_t last = s->count - from < joined ? s->count - 1 : from + joined - 1;
        double a = s->value[from], b = s->value[last];

        s->margin[kept] = s->margin[t->holds_from ? from : last];
        s->value[kept++] = (a > b) == t->is_upper ? a : b;
    }
    s->count = kept;
}

static struct margin_steps steps_of(const struct table *t)
{
    struct margin_steps s = {.margin = mem_array((size_t)t->count + 1, sizeof *s.margin),
                             .value = mem_array((size_t)t->count + 1, sizeof *s.value)};

    for (uint32_t i = 0; i < t->count; i++) {
        if (!is_kept(t, i))
            continue;
        s.margin[s.count] = t->group[i].margin;
        s.value[s.count++] = t->value[i];
    }
    if (s.count > CONFORMAL_STEPS_MAX)
        join_steps(t, &s, (s.count - 1) / CONFORMAL_STEPS_MAX + 1);
    return s;
}

static struct margin_steps lower_bound(struct table *t, struct point *slope)
{
    slopes(t->group, t->count, 0, slope);
    for (uint32_t i = 0; i < t->count; i++) {
        const struct point *p = &slope[t->count - 1 - i];

        t->value[i] = (double)(p->rows - p->frauds) / (double)p->rows;
    }
    t->holds_from = true;
    t->is_upper = false;
    return steps_of(t);
}

static struct margin_steps upper_bound(struct table *t, struct point *slope)
{
    slopes(t->group, t->count, 1, slope);
    for (uint32_t i = 0; i < t->count; i++)
        t->value[i] = (double)slope[i].frauds / (double)slope[i].rows;
    t->holds_from = false;
    t->is_upper = true;
    return steps_of(t);
}

/* Strange for a fraud: a low margin; for a legitimate row: a high one. */
static struct margin_steps p_values(struct table *t, int label, uint32_t rows)
{
    uint64_t as_strange = 0;

    for (uint32_t k = 0; k < t->count; k++) {
        uint32_t i = label == 1 ? k : t->count - 1 - k;

        as_strange += t->group[i].rows[label];
        t->value[i] = ((double)as_strange + 1) / ((double)rows + 1);
    }
    t->holds_from = label == 1;
    t->is_upper = true;
    return steps_of(t);
}

bool conformal_fit(const double *margin, const uint8_t *label, uint32_t rows, double level,
                   struct conformal *c)
{
    struct table t = {0};
    struct group *group;
    struct point *slope;

    ASSERT(level > 0 && level < 1 && rows <= INT32_MAX); /* products of sums fit 64 bits */
    *c = (struct conformal){.level = level};
    for (uint32_t i = 0; i < rows; i++)
        c->rows[label[i] != 0]++;
    for (int k = 0; k < 2; k++) {
        if (c->rows[k] < conformal_rows_needed(level))
            return false;
    }
    t.group = group = mem_array(rows, sizeof *group);
    t.value = mem_array(rows, sizeof *t.value);
    slope = mem_array(rows, sizeof *slope);
    t.count = group_rows(margin, label, rows, group);
    c->bound[0] = lower_bound(&t, slope);
    c->bound[1] = upper_bound(&t, slope);
    for (int k = 0; k < 2; k++)
        c->p_value[k] = p_values(&t, k, c->rows[k]);
    mem_free(group);
    mem_free(t.value);
    mem_free(slope);
    return true;
}
