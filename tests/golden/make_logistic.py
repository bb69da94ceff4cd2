#!/usr/bin/python3
"""Golden values of tests/unit/learn_logistic.c from scikit-learn (written with 1.9.1).

The data is made by whole-number arithmetic that the test repeats. Run: make_logistic.py > logistic.h
"""
import numpy as np
from sklearn.calibration import _sigmoid_calibration
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

ROWS = 2000


def mix(i, k):
    return (i * 7919 + k * 104729 + (i * i % 1009) * (k + 3) * 31) % 1000


x = np.array([[mix(i, 0) / 10, mix(i, 1) ** 2 / 1e4, mix(i, 0) / 20 + mix(i, 2) / 100] for i in range(ROWS)])
y = np.array([1 if mix(i, 0) + mix(i, 1) + 2 * mix(i, 3) > 2900 else 0 for i in range(ROWS)])
z = StandardScaler().fit(x)


def fit(l2, weights):
    m = LogisticRegression(C=1 / (l2 * ROWS), class_weight=weights, tol=1e-13, max_iter=100000, solver='newton-cg')
    m.fit(z.transform(x), y)
    raw = m.coef_[0] / z.scale_
    return raw, m.intercept_[0], m.decision_function(z.transform(x))


print('/* Made by make_logistic.py. */')
print('static const uint32_t golden_frauds = %d;' % y.sum())
for name, l2, weights in (('plain', 1e-3, None), ('balanced', 1e-3, 'balanced'), ('strong', 0.1, None)):
    raw, at_means, margin = fit(l2, weights)
    print('static const double golden_%s[] = {%s, %.12g};' % (name, ', '.join('%.12g' % v for v in raw), at_means))
for name, l1, l2 in (('lasso', 1e-3, 0), ('sparse', 0.03, 0), ('elastic', 4e-3, 6e-3)):
    m = LogisticRegression(penalty='elasticnet', C=1 / ((l1 + l2) * ROWS), l1_ratio=l1 / (l1 + l2), tol=1e-14,
                           max_iter=1000000, solver='saga', random_state=0)
    m.fit(z.transform(x), y)
    raw = m.coef_[0] / z.scale_
    print('static const double golden_%s[] = {%s, %.12g};' % (name, ', '.join('%.12g' % v for v in raw), m.intercept_[0]))
a, b = _sigmoid_calibration(fit(0.1, None)[2], y)
print('static const double golden_platt[] = {%.9g, %.9g};' % (-a, -b))
