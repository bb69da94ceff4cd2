/* Elementary functions that give the same bits on every processor and C library.
 *
 * glibc picks other code for exp, log, pow, sin, cos and atan2 on other processors, and the last
 * bit differs. These use only + - * / sqrt and exact bit operations in a fixed order (built with
 * -ffp-contract=off), within 2 units in the last place. Exact at the easy points: exp(0),
 * pow(x, 1), pow(10, 3), log(1), sin(0). Domain errors give NaN, which the callers turn into null;
 * overflow gives an infinity; NaN in, NaN out.
 */
#ifndef ASSAY_BASE_ELEMENTARY_H
#define ASSAY_BASE_ELEMENTARY_H

#include <stdint.h>

#include "core/base/simd.h"

double em_exp(double x);
double em_expm1(double x);
double em_log(double x);
double em_log1p(double x);
double em_pow(double x, double y);
/* Radians. Past |x| = 1e9 they are NaN: a double's spacing there leaves no angle to speak of. */
double em_sin(double x);
double em_cos(double x);
double em_tan(double x);
double em_asin(double x);
double em_atan(double x);
double em_atan2(double y, double x);
double em_sigmoid(double x); /* 1 / (1 + exp(-x)), without overflow */
/* p[i] = em_sigmoid(x[i]), the same bits at every level; the arrays are apart. */
void em_sigmoids(const double *x, uint32_t count, double *p, enum simd level);
double em_logit(double p); /* log(p / (1 - p)) */

#endif
