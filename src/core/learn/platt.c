/* Platt scaling: probability = sigmoid(slope * margin + offset).
 *
 * Targets are drawn in from 0 and 1 (Platt 1999, section 2.2), so the optimum exists even where the
 * margins separate the classes. Newton's method with a ridge and backtracking, after Lin, Lin and
 * Weng, "A note on Platt's probabilistic outputs for support vector machines" (2007), algorithm 1.
 */
#include "core/learn/learn.h"

#include <math.h>

#include "core/base/elementary.h"

enum { ROUNDS_MAX = 100 };

static const double ridge = 1e-12;
static const double gradient_small = 1e-5; /* of a sum over the rows, as in the note */
static const double step_least = 1e-10;
static const double descent_share = 1e-4; /* Armijo's condition */

struct platt {
    const double *margin;
    const uint8_t *label;
    uint32_t rows;
    double target[2]; /* by class */
};

static double loss_at(const struct platt *p, double slope, double offset)
{
    double sum = 0;

    for (uint32_t i = 0; i < p->rows; i++) {
        double f = slope * p->margin[i] + offset, t = p->target[p->label[i] != 0];

        /* -t log(q) - (1 - t) log(1 - q), q = sigmoid(f), without overflow */
        sum += (f > 0 ? f : 0) - t * f + em_log1p(em_exp(-fabs(f)));
    }
    return sum;
}

struct slopes {
    double g1, g2, h11, h12, h22;
};

static struct slopes slopes_at(const struct platt *p, double slope, double offset)
{
    struct slopes s = {.h11 = ridge, .h22 = ridge};

    for (uint32_t i = 0; i < p->rows; i++) {
        double x = p->margin[i], q = em_sigmoid(slope * x + offset);
        double d = q - p->target[p->label[i] != 0], h = q * (1 - q);

        s.g1 += d * x;
        s.g2 += d;
        s.h11 += h * x * x;
        s.h12 += h * x;
        s.h22 += h;
    }
    return s;
}

bool platt_fit(const double *margin, const uint8_t *label, uint32_t rows, double *slope,
               double *offset)
{
    struct platt p = {margin, label, rows, {0, 0}};
    double frauds = 0, a = 0, b, loss;

    for (uint32_t i = 0; i < rows; i++)
        frauds += label[i] != 0;
    if (frauds == 0 || frauds == rows)
        return false;
    p.target[0] = 1 / (rows - frauds + 2);
    p.target[1] = (frauds + 1) / (frauds + 2);
    b = em_log((frauds + 1) / (rows - frauds + 1));
    loss = loss_at(&p, a, b);
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        struct slopes s = slopes_at(&p, a, b);
        double det = s.h11 * s.h22 - s.h12 * s.h12, length = 1;
        double da = -(s.h22 * s.g1 - s.h12 * s.g2) / det;
        double db = -(s.h11 * s.g2 - s.h12 * s.g1) / det;
        double down = s.g1 * da + s.g2 * db, next = loss;

        if ((fabs(s.g1) < gradient_small && fabs(s.g2) < gradient_small) || !(down < 0))
            break;
        for (; length >= step_least; length /= 2) {
            next = loss_at(&p, a + length * da, b + length * db);
            if (next < loss + descent_share * length * down)
                break;
        }
        if (length < step_least)
            break;
        a += length * da;
        b += length * db;
        loss = next;
    }
    *slope = a;
    *offset = b;
    return true;
}
