/* From margin to probability. */
#include "core/model/kind.h"

#include <string.h>

#include "core/base/elementary.h"
#include "core/base/panic.h"

double margin_probability(enum margin_unit unit, double margin)
{
    if (unit == MARGIN_LOG_ODDS)
        return em_sigmoid(margin);
    return margin < 0 ? 0 : margin > 1 ? 1 : margin;
}

/* The points are found by halving; between two of them the line, outside the nearest one. */
static double interpolate(const struct calibration *c, double margin)
{
    uint32_t low = 0, high = c->points - 1;
    double share;

    if (margin <= c->margin[low])
        return c->probability[low];
    if (margin >= c->margin[high])
        return c->probability[high];
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (c->margin[middle] <= margin)
            low = middle;
        else
            high = middle;
    }
    share = (margin - c->margin[low]) / (c->margin[high] - c->margin[low]);
    return c->probability[low] + share * (c->probability[high] - c->probability[low]);
}

/* By odds rather than log-odds, so that 0 and 1 stay what they are. */
static double move_share(double p, double factor)
{
    return p * factor / (1 - p + p * factor);
}

double calibration_apply(const struct calibration *c, enum margin_unit unit, double margin)
{
    switch (c->kind) {
    case CALIBRATION_PRIOR:
        if (unit == MARGIN_LOG_ODDS)
            return em_sigmoid(margin + c->offset);
        return move_share(margin_probability(unit, margin), em_exp(c->offset));
    case CALIBRATION_PLATT:
        return em_sigmoid(c->slope * margin + c->offset);
    case CALIBRATION_ISOTONIC:
        return interpolate(c, margin);
    default:
        return margin_probability(unit, margin);
    }
}

void calibration_free(struct calibration *c)
{
    mem_free((double *)c->margin);
    mem_free((double *)c->probability);
    *c = (struct calibration){0};
}

void model_calibrate(struct model *m, const struct calibration *c)
{
    size_t bytes = c->points * sizeof(double);
    struct calibration copy = *c;
    double *margin = NULL, *probability = NULL;

    ASSERT(__builtin_isfinite(c->slope) && __builtin_isfinite(c->offset));
    ASSERT(c->kind != CALIBRATION_ISOTONIC ||
           (c->points > 0 && c->points <= MODEL_CALIBRATION_POINTS_MAX));
    if (c->kind == CALIBRATION_ISOTONIC) {
        margin = mem_array(c->points, sizeof *margin);
        probability = mem_array(c->points, sizeof *probability);
        memcpy(margin, c->margin, bytes);
        memcpy(probability, c->probability, bytes);
    } else {
        copy.points = 0;
    }
    copy.margin = margin;
    copy.probability = probability;
    calibration_free(&m->calibration);
    m->calibration = copy;
}

const struct calibration *model_calibration(const struct model *m)
{
    return &m->calibration;
}

double model_probability(const struct model *m, double margin)
{
    return calibration_apply(&m->calibration, model_operations(m)->unit, margin);
}
