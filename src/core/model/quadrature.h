/* Gauss-Legendre quadrature over [0, 1]: exact for polynomials of degree 2n - 1. */
#ifndef ASSAY_MODEL_QUADRATURE_H
#define ASSAY_MODEL_QUADRATURE_H

#include <stdint.h>

/* n points t in (0, 1), and their weights, which sum to 1. */
void gauss_legendre(uint32_t n, double *t, double *weight);

#endif
