#include "core/stats/drift.h"

#include <math.h>

#include "core/base/elementary.h"

static const double least_share = 1e-4;

static double share_of(double share)
{
    return share > least_share ? share : least_share;
}

double drift_psi(const double *before, const double *now, uint32_t bins)
{
    double sum = 0;

    for (uint32_t i = 0; i < bins; i++) {
        double b = share_of(before[i]), n = share_of(now[i]);

        sum += (n - b) * em_log(n / b);
    }
    return sum;
}

/* By the cube root transformation of Wilson and Hilferty; within half a percent from two degrees
 * on. */
static double chi_square_once_in_a_thousand(uint32_t degrees)
{
    const double normal = 3.0902323061678132, part = 2.0 / (9.0 * degrees);
    double root = 1 - part + normal * sqrt(part);

    return degrees * root * root * root;
}

uint32_t drift_least(uint32_t bins, double rows_before)
{
    double share, least;

    if (!(rows_before > 0))
        return UINT32_MAX;
    share = DRIFT_MOVING / chi_square_once_in_a_thousand(bins > 2 ? bins - 1 : 1) - 1 / rows_before;
    if (share * UINT32_MAX <= 1)
        return UINT32_MAX;
    least = ceil(1 / share);
    return least > DRIFT_LEAST ? (uint32_t)least : DRIFT_LEAST;
}

double drift_ks(const double *before, const double *now, uint32_t bins)
{
    double all_before = 0, all_now = 0, most = 0;

    for (uint32_t i = 0; i < bins; i++) {
        all_before += before[i];
        all_now += now[i];
        most = fmax(most, fabs(all_now - all_before));
    }
    return most;
}
