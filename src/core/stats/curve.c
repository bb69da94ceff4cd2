/* Thinning keeps the two ends and then, again and again, adds the point that is farthest from the
 * line between its kept neighbours (Douglas and Peucker, 1973, with a number of points in place of
 * a tolerance), so corners stay and straight runs go. Kept points are true points of the curve. */
#include "core/stats/curve.h"

#include <math.h>

#include "core/base/memory.h"

struct path {
    uint32_t points;
    double *x, *y;
};

/* Between two kept points: the one farthest off their chord. */
struct chord {
    uint32_t first, last;
    uint32_t farthest;
    double distance; /* 0 where nothing lies between or off it */
};

static struct chord chord_of(const struct path *p, uint32_t first, uint32_t last)
{
    struct chord c = {first, last, first, 0};
    double dx = p->x[last] - p->x[first], dy = p->y[last] - p->y[first];
    double length = sqrt(dx * dx + dy * dy);

    for (uint32_t i = first + 1; i < last; i++) {
        double ax = p->x[i] - p->x[first], ay = p->y[i] - p->y[first];
        double distance = length > 0 ? fabs(ax * dy - ay * dx) / length : sqrt(ax * ax + ay * ay);

        if (distance > c.distance) {
            c.distance = distance;
            c.farthest = i;
        }
    }
    return c;
}

static void path_thin(const struct path *p, struct curve *c)
{
    struct chord chord[METRICS_CURVE_POINTS];
    uint32_t chords = 1;

    chord[0] = chord_of(p, 0, p->points - 1);
    while (chords + 1 < METRICS_CURVE_POINTS) {
        uint32_t worst = 0;
        struct chord split;

        for (uint32_t i = 1; i < chords; i++)
            if (chord[i].distance > chord[worst].distance)
                worst = i;
        if (chord[worst].distance <= 0)
            break;
        split = chord[worst];
        for (uint32_t i = chords; i > worst + 1; i--)
            chord[i] = chord[i - 1];
        chord[worst] = chord_of(p, split.first, split.farthest);
        chord[worst + 1] = chord_of(p, split.farthest, split.last);
        chords++;
    }
    c->points = chords + 1;
    for (uint32_t i = 0; i <= chords; i++) {
        uint32_t at = i < chords ? chord[i].first : chord[chords - 1].last;

        c->x[i] = p->x[at];
        c->y[i] = p->y[at];
    }
}

static void path_add(struct path *p, double x, double y)
{
    p->x[p->points] = x;
    p->y[p->points++] = y;
}

/* One point a tie, after the point that the curve begins with. */
static void curve_trace(const struct ranking *r, bool is_roc, struct curve *c)
{
    struct path p = {0};
    uint32_t tp = 0, legit = r->rows - r->frauds;

    *c = (struct curve){0};
    if (r->frauds == 0 || legit == 0)
        return;
    p.x = mem_array((size_t)r->rows + 1, sizeof *p.x);
    p.y = mem_array((size_t)r->rows + 1, sizeof *p.y);
    if (is_roc)
        path_add(&p, 0, 0);
    for (uint32_t i = 0; i < r->rows; i++) {
        double recall, precision;

        tp += (r->flags[i] & RANK_FRAUD) != 0;
        if (!(r->flags[i] & RANK_LAST))
            continue;
        recall = (double)tp / r->frauds;
        precision = (double)tp / (i + 1.0);
        if (!is_roc && p.points == 0)
            path_add(&p, 0, precision);
        if (is_roc)
            path_add(&p, (i + 1.0 - tp) / legit, recall);
        else
            path_add(&p, recall, precision);
        if (!is_roc && tp == r->frauds)
            break; /* recall stays 1 and precision only falls */
    }
    path_thin(&p, c);
    mem_free(p.x);
    mem_free(p.y);
}

void curve_roc(const struct ranking *r, struct curve *c)
{
    curve_trace(r, true, c);
}

void curve_pr(const struct ranking *r, struct curve *c)
{
    curve_trace(r, false, c);
}
