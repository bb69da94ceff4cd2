#!/usr/bin/env python3
"""Writes metrics.h: small data sets and what scikit-learn and SciPy say of them.

Needs python3-sklearn, python3-numpy and python3-scipy of Debian 12 (1.2.1, 1.24.2, 1.10.1):
    /usr/bin/python3 make_metrics.py > metrics.h
Card precision is the Fraud Detection Handbook's, written out in plain Python.
"""
import numpy as np
import sklearn
from scipy.stats import binomtest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

random = np.random.default_rng(20180808)


def recall_at(y, p, most):
    fpr, tpr, _ = sk.roc_curve(y, p, drop_intermediate=False)
    return tpr[fpr <= most].max()


def calibration_error(y, p):
    observed, predicted = calibration_curve(y, p, n_bins=10, strategy="quantile")
    edges = np.percentile(p, np.linspace(0, 1, 11) * 100)
    rows = np.bincount(np.searchsorted(edges[1:-1], p), minlength=10)
    return np.sum(rows[rows > 0] / len(p) * np.abs(observed - predicted))


def card_precision(y, p, day, entity, k):
    found, shares = set(), []
    for d in sorted(set(day)):
        cards = {}
        for i in range(len(y)):
            if day[i] == d and entity[i] not in found:
                score, fraud = cards.get(entity[i], (-1.0, 0))
                cards[entity[i]] = (max(score, p[i]), max(fraud, y[i]))
        top = sorted(cards.items(), key=lambda c: -c[1][0])[:k]
        hits = [card for card, (_, fraud) in top if fraud]
        shares.append(len(hits) / k)
        found.update(hits)
    return np.mean(shares)


def savings(y, said, amount, alert_cost=2):
    """Bahnsen, Aouada and Ottersten (2016), section 2.3: an alert costs its handling, a missed
    fraud its amount."""
    cost = sum(alert_cost if s else a * f for f, s, a in zip(y, said, amount))
    return 1 - cost / amount[y == 1].sum()


def numbers(values):
    text = ", ".join(repr(v) for v in values)
    lines, line = [], "   "
    for word in text.split(" "):
        if len(line) + 1 + len(word) > 96:
            lines.append(line)
            line = "   "
        line += " " + word
    return "\n".join(lines + [line])


def write(name, y, p, threshold):
    rows = len(y)
    day = np.sort(random.integers(0, 4, rows))
    entity = random.integers(0, 60, rows)
    amount = np.round(random.gamma(2, 30, rows), 2)
    said = (p >= threshold).astype(int)
    tn, fp, fn, tp = sk.confusion_matrix(y, said, labels=[0, 1]).ravel()
    caught = amount[(said == 1) & (y == 1)].sum() / amount[y == 1].sum()
    quantiles = [float(np.quantile(amount, q)) for q in (0.01, 0.25, 0.5, 0.75, 0.99)]
    print(f"static const double {name}_probability[] = {{\n{numbers(p.tolist())},\n}};")
    for what, kind, values in (("label", "uint8_t", y), ("day", "int32_t", day),
                               ("entity", "uint32_t", entity), ("amount", "double", amount)):
        print(f"static const {kind} {name}_{what}[] = {{\n{numbers(values.tolist())},\n}};")
    print(f"""static const struct golden {name} = {{
    .rows = {rows},
    .probability = {name}_probability,
    .label = {name}_label,
    .day = {name}_day,
    .entity = {name}_entity,
    .amount = {name}_amount,
    .auc_roc = {sk.roc_auc_score(y, p)!r},
    .average_precision = {sk.average_precision_score(y, p)!r},
    .recall_at_1pct = {recall_at(y, p, 0.01)!r},
    .recall_at_20pct = {recall_at(y, p, 0.2)!r},
    .brier = {sk.brier_score_loss(y, p)!r},
    .log_loss = {sk.log_loss(y, p)!r},
    .calibration_error = {calibration_error(y, p)!r},
    .card_precision_5 = {card_precision(y, p, day, entity, 5)!r},
    .card_precision_100 = {card_precision(y, p, day, entity, 100)!r},
    .threshold = {threshold!r},
    .tp = {tp}, .fp = {fp}, .fn = {fn}, .tn = {tn},
    .precision = {sk.precision_score(y, said)!r},
    .recall = {sk.recall_score(y, said)!r},
    .value_caught = {caught!r},
    .f1 = {sk.f1_score(y, said)!r}, .f2 = {sk.fbeta_score(y, said, beta=2)!r},
    .f_half = {sk.fbeta_score(y, said, beta=0.5)!r},
    .savings = {savings(y, said, amount)!r},
    .amount_mean = {amount.mean()!r},
    .amount_std = {amount.std(ddof=1)!r},
    .amount_quantile = {{{", ".join(map(repr, quantiles))}}},
}};
""")


def scores(rows, share):
    y = (random.random(rows) < share).astype(int)
    return y, 1 / (1 + np.exp(-(random.normal(size=rows) + 2 * y - 2)))


print(f"""/* Written by make_metrics.py with scikit-learn {sklearn.__version__}, numpy {np.__version__}. */
#include <stdint.h>

struct golden {{
    uint32_t rows;
    const double *probability, *amount;
    const uint8_t *label;
    const int32_t *day;
    const uint32_t *entity;
    double auc_roc, average_precision, recall_at_1pct, recall_at_20pct;
    double brier, log_loss, calibration_error, card_precision_5, card_precision_100;
    double threshold, precision, recall, value_caught, f1, f2, f_half, savings;
    uint32_t tp, fp, fn, tn;
    double amount_mean, amount_std, amount_quantile[5];
}};
""")
y, p = scores(250, 0.15)
write("golden_plain", y, p, 0.3)
y, p = scores(250, 0.2)
write("golden_ties", y, np.round(p * 10) / 10, 0.4)  # 0 and 1 among them: log loss is clipped
y, p = scores(40, 0.5)
write("golden_few", y, p, 0.25)

print("""static const struct golden_share {
    double hits, rows, low, high;
} golden_wilson[] = {""")
for hits, rows in ((56, 56), (0, 20), (3, 10), (2, 2), (385, 58264)):
    ci = binomtest(hits, rows).proportion_ci(0.95, method="wilson")
    print(f"    {{{hits}, {rows}, {float(ci.low)!r}, {float(ci.high)!r}}},")
print("};")
