#!/usr/bin/python3
"""Golden values of tests/unit/learn_logistic.c for a logistic model with knots, from scikit-learn
(written with 1.2.1) on the same terms: each input, and max(x - knot, 0) at its quantiles.

The data is that of make_logistic.py. Run: make_hinges.py > hinges.h
"""
import numpy as np
from sklearn.linear_model import LogisticRegression

ROWS, L2 = 2000, 1e-3
QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995]


def mix(i, k):
    return (i * 7919 + k * 104729 + (i * i % 1009) * (k + 3) * 31) % 1000


x = np.array([[mix(i, 0) / 10, mix(i, 1) ** 2 / 1e4, mix(i, 0) / 20 + mix(i, 2) / 100] for i in range(ROWS)])
y = np.array([1 if mix(i, 0) + mix(i, 1) + 2 * mix(i, 3) > 2900 else 0 for i in range(ROWS)])
terms, owner, knots = [], [], []
for j in range(x.shape[1]):
    v = np.sort(x[:, j])
    terms.append(x[:, j])
    owner.append((j, None))
    for knot in sorted({v[int(q * (ROWS - 1))] for q in QUANTILES}):
        if v[0] < knot < v[-1]:
            terms.append(np.maximum(x[:, j] - knot, 0))
            owner.append((j, knot))
z = np.array(terms).T
mean, scale = z.mean(axis=0), z.std(axis=0)
m = LogisticRegression(C=1 / (L2 * ROWS), tol=1e-12, max_iter=1000, solver='newton-cholesky').fit((z - mean) / scale, y)
raw = m.coef_[0] / scale

print('/* Made by make_hinges.py. */')
print('static const double golden_bent[] = {%s, %.12g};'
      % (', '.join('%.12g' % w for w, o in zip(raw, owner) if o[1] is None), m.intercept_[0]))
print('static const uint32_t golden_hinges[] = {%s};'
      % ', '.join(str(sum(o[0] == j and o[1] is not None for o in owner)) for j in range(x.shape[1])))
print('static const double golden_hinge[][2] = {')
for w, o in zip(raw, owner):
    if o[1] is not None:
        print('    {%.12g, %.12g},' % (o[1], w))
print('};')
