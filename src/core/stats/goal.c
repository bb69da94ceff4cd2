#include "core/stats/goal.h"

#include <math.h>

#include "core/base/memory.h"
#include "core/stats/metrics.h"

/* Rows by score, then summed from the highest score down. */
struct by_score {
    uint64_t rows[GOAL_SCORES], frauds[GOAL_SCORES];
    double amount[GOAL_SCORES]; /* of the frauds */
};

static uint32_t count_days(const struct outcomes *o)
{
    int32_t least = INT32_MAX, most = INT32_MIN;
    uint32_t days = 0;
    uint8_t *seen;

    if (o->day == NULL || o->rows == 0)
        return 0;
    for (uint32_t i = 0; i < o->rows; i++) {
        least = o->day[i] < least ? o->day[i] : least;
        most = o->day[i] > most ? o->day[i] : most;
    }
    seen = mem_array((size_t)((int64_t)most - least + 1), 1);
    for (uint32_t i = 0; i < o->rows; i++) {
        days += seen[o->day[i] - least] == 0;
        seen[o->day[i] - least] = 1;
    }
    mem_free(seen);
    return days;
}

static void sum_by_score(const struct outcomes *o, struct by_score *b)
{
    for (uint32_t i = 0; i < o->rows; i++) {
        uint32_t score = (uint32_t)floor(o->probability[i] * (GOAL_SCORES - 1) + 0.5);

        b->rows[score]++;
        b->frauds[score] += o->label[i];
        if (o->label[i])
            b->amount[score] += o->amount != NULL ? o->amount[i] : 1;
    }
    for (int s = GOAL_SCORES - 2; s >= 0; s--) {
        b->rows[s] += b->rows[s + 1];
        b->frauds[s] += b->frauds[s + 1];
        b->amount[s] += b->amount[s + 1];
    }
}

/* How well a threshold does; the highest value wins, -inf: it does not reach the goal. */
static double merit(const struct by_score *b, const struct goal *g, uint32_t days, int s)
{
    double alerts = (double)b->rows[s], found = (double)b->frauds[s], all = (double)b->frauds[0];
    double beta2 = g->value * g->value;

    switch (g->kind) {
    case GOAL_F_BETA: /* (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP) */
        return (1 + beta2) * found / (beta2 * all + alerts);
    case GOAL_COST:
        return b->amount[s] - g->value * alerts;
    case GOAL_RECALL:
        return found >= g->value * all ? s : -INFINITY;
    case GOAL_ALERTS:
        return alerts <= g->value * days ? -s : -INFINITY;
    default:
        return -INFINITY;
    }
}

int goal_threshold(const struct outcomes *o, const struct goal *g)
{
    struct by_score *b = mem_alloc(sizeof *b);
    uint32_t days = count_days(o);
    double most = -INFINITY;
    int best = -1;

    sum_by_score(o, b);
    for (int s = GOAL_SCORES - 1; s >= 0; s--) {
        double m = merit(b, g, days, s);

        if (m > most) {
            most = m;
            best = s;
        }
    }
    if (b->frauds[0] == 0 || (g->kind == GOAL_ALERTS && days == 0))
        best = -1;
    else if (best < 0 && g->kind == GOAL_ALERTS)
        best = GOAL_SCORES - 1; /* even the surest are too many */
    mem_free(b);
    return best;
}
