/* Counts stay whole numbers to the end, so no order of additions can show: with rows < 2^31 and
 * few copies, 2 * frauds * legitimate fits 64 bits. */
#include "core/stats/ranking.h"

#include <math.h>

#include "core/base/memory.h"
#include "core/stats/order.h"

void ranking_init(struct ranking *r, const double *score, const uint8_t *label, uint32_t rows)
{
    *r = (struct ranking){.rows = rows};
    r->row = mem_array(rows, sizeof *r->row);
    r->flags = mem_array(rows, sizeof *r->flags);
    order_descending(score, rows, r->row);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t at = r->row[i];

        if (label[at]) {
            r->flags[i] |= RANK_FRAUD;
            r->frauds++;
        }
        if (i + 1 == rows || score[r->row[i + 1]] != score[at])
            r->flags[i] |= RANK_LAST;
    }
}

void ranking_fini(struct ranking *r)
{
    mem_free(r->row);
    mem_free(r->flags);
    *r = (struct ranking){0};
}

static void count_classes(const struct ranking *r, const uint8_t *copies, uint64_t *frauds,
                          uint64_t *legit)
{
    uint64_t all = 0;

    *frauds = 0;
    for (uint32_t i = 0; i < r->rows; i++) {
        all += copies[i];
        *frauds += r->flags[i] & RANK_FRAUD ? copies[i] : 0;
    }
    *legit = all - *frauds;
}

/* The largest count with count / all <= share, as a division of doubles would say. */
static uint64_t most_within(double share, uint64_t all)
{
    uint64_t count = share >= 1 ? all : (uint64_t)(share * (double)all);

    while (count < all && (double)(count + 1) / (double)all <= share)
        count++;
    while (count > 0 && (double)count / (double)all > share)
        count--;
    return count;
}

void ranking_figures(const struct ranking *r, const uint8_t *copies, double max_fpr,
                     struct rank_figures *f)
{
    uint64_t frauds, legit, most_fp, tp = 0, fp = 0, tie_tp = 0, tie_fp = 0, recalled = 0;
    uint64_t twice_area = 0; /* in cells of one fraud by one legitimate row */
    double precisions = 0;

    count_classes(r, copies, &frauds, &legit);
    *f = (struct rank_figures){NAN, NAN, NAN};
    if (frauds == 0 || legit == 0)
        return;
    most_fp = most_within(max_fpr, legit);
    for (uint32_t i = 0; i < r->rows; i++) {
        if (r->flags[i] & RANK_FRAUD)
            tie_tp += copies[i];
        else
            tie_fp += copies[i];
        if (!(r->flags[i] & RANK_LAST))
            continue;
        twice_area += tie_fp * (2 * tp + tie_tp);
        tp += tie_tp;
        fp += tie_fp;
        if (tie_tp > 0)
            precisions += (double)tie_tp * ((double)tp / (double)(tp + fp));
        if (fp <= most_fp)
            recalled = tp;
        tie_tp = tie_fp = 0;
    }
    f->auc_roc = (double)twice_area / (2 * (double)frauds * (double)legit);
    f->average_precision = precisions / (double)frauds;
    f->recall = (double)recalled / (double)frauds;
}

double ranking_average_precision(const struct ranking *r, const uint8_t *fraud)
{
    uint32_t tp = 0, tie_tp = 0;
    double precisions = 0;

    for (uint32_t i = 0; i < r->rows; i++) {
        tie_tp += fraud[i];
        if (!(r->flags[i] & RANK_LAST) || tie_tp == 0)
            continue;
        tp += tie_tp;
        precisions += (double)tie_tp * ((double)tp / (double)(i + 1));
        tie_tp = 0;
    }
    return tp > 0 ? precisions / tp : NAN;
}
