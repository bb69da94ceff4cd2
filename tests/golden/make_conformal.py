#!/usr/bin/env python3
"""Writes conformal.h: margins, and what conformal p-values and Venn-Abers intervals of others are.

    /usr/bin/python3 make_conformal.py > conformal.h
Plain Python by the definitions, in fractions: p-values by counting; for each margin asked about, isotonic
regression of the calibration rows and the one more, once as legitimate and once as fraud, by pooling
neighbours until none falls (Vovk and Petej 2012). Nothing is taken over from how the engine does it.
"""
import random
from fractions import Fraction

random.seed(20210)


def isotonic(rows):
    """[(margin, label)] -> {margin: value}; equal margins are one point."""
    pools = []
    for margin in sorted({m for m, _ in rows}):
        labels = [label for m, label in rows if m == margin]
        pools.append([[margin], sum(labels), len(labels)])
    at = 0
    while at + 1 < len(pools):
        (m1, s1, n1), (m2, s2, n2) = pools[at], pools[at + 1]
        if Fraction(s1, n1) > Fraction(s2, n2):
            pools[at:at + 2] = [[m1 + m2, s1 + s2, n1 + n2]]
            at = max(at - 1, 0)
        else:
            at += 1
    return {m: Fraction(s, n) for margins, s, n in pools for m in margins}


def asked(rows, x):
    frauds = [m for m, label in rows if label == 1]
    others = [m for m, label in rows if label == 0]
    return (Fraction(sum(m >= x for m in others) + 1, len(others) + 1),
            Fraction(sum(m <= x for m in frauds) + 1, len(frauds) + 1),
            isotonic(rows + [(x, 0)])[x], isotonic(rows + [(x, 1)])[x])


def write(name, rows):
    margins = sorted({m for m, _ in rows})
    queries = margins + [(a + b) / 2 for a, b in zip(margins, margins[1:])] + [margins[0] - 1, margins[-1] + 1]
    print(f"static const double {name}_margin[] = {{{', '.join(repr(m) for m, _ in rows)}}};")
    print(f"static const uint8_t {name}_label[] = {{{', '.join(str(y) for _, y in rows)}}};")
    print(f"static const struct golden_row {name}_row[] = {{")
    for x in queries:
        values = ", ".join(f"{f.numerator}.0 / {f.denominator}" for f in asked(rows, x))
        print(f"    {{{x!r}, {values}}},")
    print("};")
    print(f"static const struct golden {name} = {{{len(rows)}, {name}_margin, {name}_label, {len(queries)}, {name}_row}};\n")


def rows(count, share, step, spread):
    """Margins are multiples of `step`, so that some are equal."""
    found = []
    for _ in range(count):
        label = int(random.random() < share)
        found.append((round(random.gauss(spread * label, 1.5) / step) * step, label))
    return found


print("""/* Written by make_conformal.py. clang-format off */
#include <stdint.h>

struct golden_row {
    double margin, p_legit, p_fraud, low, high;
};

struct golden {
    uint32_t rows;
    const double *margin;
    const uint8_t *label;
    uint32_t asked;
    const struct golden_row *row;
};
""")
write("mixed", rows(160, 0.3, 0.25, 2))
write("chance", rows(120, 0.4, 0.125, 0))
write("apart", [(-2 - k / 8, 0) for k in range(24)] + [(2 + k / 8, 1) for k in range(21)])
write("upside_down", [(2 + k / 8, 0) for k in range(24)] + [(-2 - k / 8, 1) for k in range(21)])
