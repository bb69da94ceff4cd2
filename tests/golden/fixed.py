#!/usr/bin/env python3
"""Golden values of tests/unit/base_fixed.c: exact rational arithmetic, rounded once.

    python3 tests/golden/fixed.py > tests/golden/fixed.h
"""
import math
import random
from fractions import Fraction

random.seed(1)


def words(v, n):
    return ", ".join(f"0x{(v >> 64 * i) & (2**64 - 1):x}u" for i in range(n))


print("/* Made by tests/golden/fixed.py. */")
print("static const struct {\n    uint64_t numerator[2], denominator[2];\n    double ratio;\n} ratios[] = {")
for _ in range(400):
    n = random.getrandbits(random.randint(1, 127)) * random.choice((1, -1))
    d = random.getrandbits(random.randint(1, 128)) or 1
    if random.random() < 0.3:  # near a tie: 54 bits, then zeros or almost
        n = (random.getrandbits(53) << 1 | 1) << random.randint(0, 70)
        d = 1 << random.randint(0, 20)
        n += random.choice((0, 0, 1, -1))
    r = n / d  # Python's integer division is correctly rounded
    print(f"    {{{{{words(n, 2)}}}, {{{words(d, 2)}}}, {float(r).hex()}}},")
print("};")

print("static const struct {\n    uint32_t count;\n    int64_t x[6];\n    double std;\n} spreads[] = {")
for i in range(300):
    bits = random.choice((3, 20, 40, 62, 63))
    x = [random.getrandbits(bits) * random.choice((1, -1)) for _ in range(random.randint(2, 6))]
    if i % 5 == 0:  # large and nearly equal: what floating sums get wrong
        base = random.getrandbits(63) - 2**62
        x = [base + random.randint(-2, 2) for _ in x]
    if i == 0:
        x = [-2**63 + 1, 2**63 - 1]
    n, s, q = len(x), sum(x), sum(v * v for v in x)
    variance = Fraction(n * q - s * s, n * (n - 1))
    std = math.sqrt(variance.numerator / variance.denominator)
    print(f"    {{{n}, {{{', '.join(f'INT64_C({v})' for v in x)}}}, {std.hex()}}},")
print("};")
