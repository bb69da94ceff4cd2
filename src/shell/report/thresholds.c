#include "shell/report/thresholds.h"

uint32_t thresholds_order(const struct metrics *m, uint32_t order[METRICS_THRESHOLDS_MAX])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < m->thresholds; i++) {
        double threshold = m->threshold[i].threshold;
        uint32_t at = count;

        while (at > 0 && m->threshold[order[at - 1]].threshold > threshold)
            at--;
        if (at > 0 && m->threshold[order[at - 1]].threshold == threshold)
            continue;
        for (uint32_t k = count++; k > at; k--)
            order[k] = order[k - 1];
        order[at] = i;
    }
    return count;
}

bool thresholds_is_chosen(const struct report_model *model, uint32_t choice, uint32_t row)
{
    const struct threshold_row *t = model->metrics->threshold;

    return t[model->choice[choice].row].threshold == t[row].threshold;
}
