"""approx_distinct by its definition (docs/language.md), from nothing of the engine's: hashes, tokens, registers and the
estimate over exact fractions. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017)."""

import collections
import decimal
import fractions
import math

WORD = 2**64 - 1
ODD1, ODD2, ODD3 = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93
EXACT_MAX, REGISTERS = 192, 1024


def mix(x):
    for _ in range(2):
        x ^= x >> 32
        x = x * ODD3 & WORD
    return x ^ x >> 32


def fold(a, b):
    product = a * b
    return product & WORD ^ product >> 64


def hash_of(value):
    """Of the bytes of a text, or of 8 bytes of a whole number: decimals in millionths, times in microseconds."""
    if isinstance(value, str):
        data = value.encode()
    elif isinstance(value, decimal.Decimal):
        data = int(value.scaleb(6)).to_bytes(8, "little", signed=True)
    else:
        data = int(value).to_bytes(8, "little", signed=True)
    h, at = ODD1 ^ len(data), 0
    while len(data) - at >= 16:
        words = int.from_bytes(data[at : at + 8], "little"), int.from_bytes(data[at + 8 : at + 16], "little")
        h = fold(words[0] ^ h, words[1] ^ ODD2)
        at += 16
    if len(data) - at >= 8:
        h = fold(int.from_bytes(data[at : at + 8], "little") ^ h, ODD2)
        at += 8
    if at < len(data):
        h = fold(int.from_bytes(data[at:], "little") ^ h, ODD1)
    return mix(h ^ ODD2)


def first_one(bits):
    """The place of the first 1 of a string of bits, from 1 on; its length where there is none."""
    return bits.find("1") + 1 or len(bits)


def count(values):
    hashes = {f"{hash_of(v):064b}" for v in values}
    tokens = {(h[:26], first_one(h[26:])) for h in hashes}
    if len(tokens) <= EXACT_MAX:
        return len(tokens)
    place = collections.defaultdict(int)
    for h in hashes:
        place[h[:10]] = max(place[h[:10]], first_one(h[10:]))
    z = float(sum(fractions.Fraction(1, 2**p) for p in place.values()))
    x, power, zeros, before = (REGISTERS - len(place)) / REGISTERS, 1.0, None, None
    zeros = x
    while zeros != before:
        before = zeros
        x *= x
        zeros += x * power
        power += power
    return round(REGISTERS * REGISTERS / (2 * math.log(2)) / (z + REGISTERS * zeros))
