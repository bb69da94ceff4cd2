#!/usr/bin/env python3
"""Golden values of tests/unit/learn_golden.c: what scikit-learn's and imbalanced-learn's models reach on shared data.

The data is made by whole-number arithmetic that the test repeats. Written with scikit-learn 1.9.1 and
imbalanced-learn 0.14.2:
    make_trainers.py > trainers.h

A trainer draws its own lots, so its score is not the same to the digit: the test wants an average precision on
the test rows within the reference's 95 % bootstrap interval.
"""
import numpy as np
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROWS, INPUTS = 8000, 6
MASK = (1 << 64) - 1


def lot(i, k):
    """SplitMix64's output function at a counter: 20 bits."""
    z = ((i * 16 + k + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return (z ^ (z >> 31)) >> 44


def row(i):
    u = [lot(i, k) for k in range(8)]
    score = (u[0] > 900000) * 40 + (u[1] < 150000) * 30 + (u[0] > 500000 and u[2] > 700000) * 25 + u[3] * 20 // 1048576
    fraud = u[7] % 1000 < 4 + score * score // 20
    # The last two are what an outlier detector can see: a sum of lots, twice as far out where it is fraud.
    for k in (4, 5):
        far = sum(lot(i, 8 * (k - 3) + n) for n in range(4)) - 2 * 1048576
        u[k] = far * (2 if fraud else 1)
    return u[:INPUTS], fraud


rows = [row(i) for i in range(2 * ROWS)]
x = np.array([r[0] for r in rows], dtype=float)
y = np.array([r[1] for r in rows], dtype=int)
train, test = slice(0, ROWS), slice(ROWS, 2 * ROWS)
random = np.random.default_rng(7)
bootstrap = [random.integers(0, ROWS, ROWS) for _ in range(1000)]


def tell(name, score):
    ap = average_precision_score(y[test], score)
    drawn = [average_precision_score(y[test][b], score[b]) for b in bootstrap]
    low, high = np.percentile(drawn, [2.5, 97.5])
    print('static const struct reference golden_%s = {%.6f, %.6f, %.6f};' % (name, ap, low, high))


def probability(model):
    return model.fit(x[train], y[train]).predict_proba(x[test])[:, 1]


print('/* Made by make_trainers.py. */')
print('struct reference {\n    double average_precision, low, high;\n};\n')
print('static const uint32_t golden_frauds[] = {%d, %d}; /* of the training and of the test rows */' % (y[train].sum(), y[test].sum()))
forest = dict(n_estimators=300, max_depth=12, min_samples_leaf=5, random_state=1)
tell('forest', probability(RandomForestClassifier(**forest)))
tell('balanced_forest', probability(RandomForestClassifier(class_weight='balanced', **forest)))
tell('isolation', -IsolationForest(n_estimators=200, max_samples=256, random_state=1).fit(x[train][:, 4:]).score_samples(x[test][:, 4:]))
tell('boost', probability(HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=8, max_depth=4, learning_rate=0.1,
                                                         l2_regularization=1, min_samples_leaf=5, early_stopping=False)))
tell('balanced_boost', probability(HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=8, max_depth=4, learning_rate=0.1,
                                                                  l2_regularization=1, min_samples_leaf=5, early_stopping=False,
                                                                  class_weight='balanced')))
tell('logistic', probability(make_pipeline(StandardScaler(), LogisticRegression(C=1 / (1e-3 * ROWS)))))
tell('net', probability(make_pipeline(StandardScaler(), MLPClassifier((32, 16), alpha=1e-5, batch_size=128, max_iter=30, random_state=1))))

# Isotonic regression: scores with ties, asked at and between them and outside.
print()
scores, labels = [lot(i, 9) % 200 / 8 for i in range(600)], []
labels = [int(lot(i, 10) % 250 < lot(i, 9) % 200) for i in range(600)]
asked = [-1.0, 0.0] + [k * 0.77 for k in range(33)] + [24.875, 30.0]
fitted = IsotonicRegression(out_of_bounds='clip').fit(scores, labels)
print('enum { ISOTONIC_ROWS = %d, ISOTONIC_ASKED = %d };' % (len(scores), len(asked)))
print('static const double golden_isotonic_asked[] = {%s};' % ', '.join('%.17g' % v for v in asked))
print('static const double golden_isotonic[] = {%s};' % ', '.join('%.17g' % v for v in fitted.predict(asked)))

# Rows by class after resampling.
print('\nstruct counted {\n    const char *kind;\n    double under_ratio, ratio;\n    uint32_t before[2], after[2];\n};\n')
print('static const struct counted golden_counts[] = {')
for legit, fraud, under, ratio in ((980, 20, 0.05, 0.1), (997, 13, 0.02, 0.25), (1513, 37, 1 / 3, 1), (5000, 23, 0.1, 0.3), (701, 99, 0.33, 0.8)):
    n = np.concatenate([np.zeros(legit, int), np.ones(fraud, int)])
    v = np.arange(legit + fraud, dtype=float).reshape(-1, 1)
    halved = RandomUnderSampler(sampling_strategy=under, random_state=0).fit_resample(v, n)
    for kind, result in (('under', RandomUnderSampler(sampling_strategy=ratio, random_state=0).fit_resample(v, n)),
                         ('over', RandomOverSampler(sampling_strategy=ratio, random_state=0).fit_resample(v, n)),
                         ('smote', SMOTE(sampling_strategy=ratio, random_state=0).fit_resample(v, n)),
                         ('hybrid', SMOTE(sampling_strategy=ratio, random_state=0).fit_resample(*halved))):
        after = np.bincount(result[1])
        print('    {"%s", %.17g, %.17g, {%d, %d}, {%d, %d}},' % (kind, under, ratio, legit, fraud, after[0], after[1]))
print('};')
