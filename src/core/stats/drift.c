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
