#include "core/model/quadrature.h"

#include "core/base/elementary.h"

static const double pi = 3.14159265358979323846;

/* Roots of the Legendre polynomial by Newton's method from Tricomi's estimate. */
void gauss_legendre(uint32_t n, double *t, double *weight)
{
    for (uint32_t i = 0; i < n; i++) {
        double x = em_cos(pi * (i + 0.75) / (n + 0.5)), slope = 1;

        for (unsigned round = 0; round < 10; round++) {
            double p0 = 1, p1 = x;

            for (uint32_t k = 2; k <= n; k++) {
                double p2 = ((2 * k - 1) * x * p1 - (k - 1) * p0) / k;

                p0 = p1;
                p1 = p2;
            }
            slope = n * (x * p1 - p0) / (x * x - 1);
            x -= p1 / slope;
        }
        t[i] = (1 + x) / 2;
        weight[i] = 1 / ((1 - x * x) * slope * slope);
    }
}
