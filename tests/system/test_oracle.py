"""Random features over random events of several kinds, against a naive computation: for each row and each aggregate
of the language all events before are gone through.

Settings, parsing, types, `where`, composite keys and kinds are on the way here. Late events and labels that are
posted, to the bit, are in tests/unit/velocity.c, over two thousand streams."""

import collections
import csv
import decimal
import fractions
import math
import os
import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import hyperloglog  # noqa: E402
from adversarial import DAY, FILES, HOUR, KINDS, START, one_event, write_files  # noqa: E402

SEEDS = int(os.environ.get("ASSAY_ORACLE_SEEDS", "5"))
FEATURES, EVENTS, DAYS = 66, 240, 7
KEYS = {
    "customer": ["customer_id"], "terminal": ["terminal_id"], "(customer, terminal)": ["customer_id", "terminal_id"],
    "(customer, category)": ["customer_id", "category"], "country": ["country"],
}
WIDTHS = {"15m": 900, "7h": 7 * HOUR, "1d": DAY, "5d": 5 * DAY, "1w": 7 * DAY}
DELAYS = {"30m": 1800, "5h": 5 * HOUR, "2d": 2 * DAY}
STEPS = {"6h": 6 * HOUR, "1d": DAY}
WHERE = {
    "kind = 'payment'": lambda e: e["kind"] == "payment",
    "not success": lambda e: e.get("success") == "false",
    "amount > 60 and country in ('PT', 'ES')": lambda e: number(e, "amount", 0) > 60 and e.get("country") in ("PT", "ES"),
    "category = 'grocery' or code is null": lambda e: e.get("category") == "grocery" or "code" not in e,
}
NUMBERS, WHOLE, ANY = ["amount", "code", "lat"], ["amount", "code", "category", "success"], ["amount", "code", "lat", "category", "channel"]
OPERANDS = {
    "count": [None, None, *ANY, "login", "payment"], "sum": NUMBERS, "mean": NUMBERS, "std": NUMBERS, "min": NUMBERS, "max": NUMBERS,
    "prev": ANY, "last": ANY, "is_new": WHOLE, "distinct": WHOLE, "approx_distinct": WHOLE, "mode": WHOLE, "entropy": WHOLE, "share": ["category"],
    "quantile": NUMBERS, "rank": NUMBERS, "zscore": NUMBERS, "ratio": NUMBERS, "decayed_count": [None], "decayed_sum": NUMBERS,
    "mean(label)": [None], "sum(label)": [None], "count(label)": [None],
}  # fmt: skip
CAN_STEP = ("count", "sum", "mean", "std", "min", "max", "zscore", "ratio", "share")
ALWAYS_PRIOR = ("prev", "is_new", "rank", "zscore", "ratio")
NEEDS_OVER = ("mode", "entropy", "quantile", "rank")
HALF_LIVES = {"3h": 3 * HOUR, "2d": 2 * DAY}


def number(e, field, absent=None):
    """Decimals have six digits; other numbers are as they are."""
    if e.get(field) is None:
        return absent
    if field == "amount":
        return decimal.Decimal(e[field]).quantize(decimal.Decimal("1e-6"), decimal.ROUND_HALF_EVEN)
    return float(e[field]) if field == "lat" else int(e[field])


def of(e, field):
    if field == "success":
        return {"true": True, "false": False}.get(e.get(field))
    return number(e, field) if field in NUMBERS else e.get(field)


def summed(x):
    """As sums take it: a real is rounded to millionths first."""
    return fractions.Fraction(round(fractions.Fraction(x) * 10**6), 10**6)


class Feature:
    """A random aggregate: its text, and its value by definition."""

    def __init__(self, rng, kind):
        self.kind, self.operand, self.delay, self.step, self.over = kind, rng.choice(OPERANDS[kind]), 0, 0, None
        self.key = rng.choice(list(KEYS))
        self.where = rng.choice(list(WHERE)) if rng.random() < 0.4 else None
        self.prior = kind in ALWAYS_PRIOR
        self.half_life = self.p = None
        words = [self.call(rng), f"by {self.key}"]
        if kind in CAN_STEP and rng.random() < 0.3:
            step = rng.choice(list(STEPS))
            self.step = STEPS[step]
            self.over = self.step * rng.randrange(1, 9)
            words.append(f"over {self.over // HOUR}h step {step}")
            if rng.random() < 0.4:
                self.delay = self.step * rng.randrange(1, 4)
                words.append(f"delay {self.delay // HOUR}h")
        else:
            if not kind.startswith(("decayed", "approx")) and (kind in NEEDS_OVER or rng.random() < 0.8):
                over = rng.choice(list(WIDTHS))
                self.over = WIDTHS[over]
                words.append(f"over {over}")
            if rng.random() < 0.3:
                delay = rng.choice(list(DELAYS))
                self.delay = DELAYS[delay]
                words.append(f"delay {delay}")
        if not self.prior and kind != "share" and rng.random() < 0.3:
            self.prior = True
            words.append("prior")
        if self.where:
            words.append(f"where ({self.where})")
        self.text = " ".join(words)

    def call(self, rng):
        if self.kind.endswith("(label)"):
            return self.kind
        literal = ""
        if self.kind == "share":
            literal = ", 'fuel'"
        elif self.kind == "quantile":
            self.p = rng.choice(["0", "0.25", "0.5", "0.9", "1"])
            literal = f", {self.p}"
        elif self.kind.startswith("decayed"):
            half_life = rng.choice(list(HALF_LIVES))
            self.half_life = HALF_LIVES[half_life]
            literal = f", {half_life}" if self.operand else half_life
        return f"{self.kind}({self.operand or ''}{literal})"

    def sees(self, now, then):
        t = now - self.delay
        if self.step:
            edge = t - t % self.step
            return edge - self.over <= then < edge or (self.delay == 0 and edge <= then <= now)
        return then <= t and (self.over is None or then > t - self.over)

    def value(self, events, i, label_delay, absent):
        e, fields = events[i], KEYS[self.key]
        key = [e.get(f) for f in fields]
        seen = []
        if None not in key:
            seen = [
                x for x in events[: i if self.prior else i + 1]
                if [x.get(f) for f in fields] == key
                and self.sees(e["at"], x["at"])
                and (self.where is None or WHERE[self.where](x))
            ]  # fmt: skip
        if self.kind.endswith("(label)"):
            return self.of_labels([x for x in seen if x["kind"] == "payment" and x["at"] + label_delay <= e["at"]], absent)
        if self.kind == "count" and self.operand in KINDS:
            return sum(x["kind"] == self.operand for x in seen)
        if self.kind.startswith("decayed"):
            return self.decayed(seen, e["at"] - self.delay)
        if self.operand is None:
            return len(seen)
        if self.kind == "prev":
            return of(seen[-1], self.operand) if seen else None
        values = [v for v in (of(x, self.operand) for x in seen) if v is not None]
        return getattr(self, self.kind)(values, of(e, self.operand))

    def of_labels(self, seen, absent):
        known = [x.get("is_fraud", 0) for x in seen if "is_fraud" in x or absent == "legit"]
        if self.kind == "mean(label)":
            return sum(known) / len(known) if known else None
        return sum(known) if self.kind == "sum(label)" else len(known)

    def decayed(self, seen, t):
        values = [(x["at"], 1 if self.operand is None else of(x, self.operand)) for x in seen]
        epoch = 64 * self.half_life
        return math.fsum(
            float(summed(v)) * 2.0 ** ((at - t) / self.half_life)
            for at, v in values if v is not None and at >= t - t % epoch - epoch
        )  # fmt: skip

    def count(self, values, _):
        return len(values)

    def sum(self, values, _):
        return float(sum(map(summed, values)))

    def mean(self, values, _):
        return float(sum(map(summed, values)) / len(values)) if values else None

    def std(self, values, _):
        if len(values) < 2:
            return None
        mean = sum(map(summed, values)) / len(values)
        return math.sqrt(sum((summed(v) - mean) ** 2 for v in values) / (len(values) - 1))

    def min(self, values, _):
        return min(values, default=None)

    def max(self, values, _):
        return max(values, default=None)

    def last(self, values, _):
        return values[-1] if values else None

    def is_new(self, values, own):
        return None if own is None else own not in values

    def distinct(self, values, _):
        return len(set(values))

    def approx_distinct(self, values, _):
        return hyperloglog.count(values)

    def mode(self, values, _):
        counts = collections.Counter(values)
        most = max(counts.values(), default=0)
        return next((v for v in reversed(values) if counts[v] == most), None)

    def entropy(self, values, _):
        shares = [n / len(values) for n in collections.Counter(values).values()]
        return -math.fsum(p * math.log2(p) for p in shares) if values else None

    def share(self, values, _):
        return values.count("fuel") / len(values) if values else None

    def quantile(self, values, _):
        if not values:
            return None
        values = sorted(map(fractions.Fraction, values))
        place = fractions.Fraction(self.p) * (len(values) - 1)
        low = math.floor(place)
        high = min(low + 1, len(values) - 1)
        return float(values[low] + (values[high] - values[low]) * (place - low))

    def rank(self, values, own):
        if own is None or not values:
            return None
        return (sum(v < own for v in values) + values.count(own) / 2) / len(values)

    def zscore(self, values, own):
        std = self.std(values, own)
        return (float(own) - self.mean(values, own)) / std if own is not None and std else None

    def ratio(self, values, own):
        mean = self.mean(values, own)
        return float(own) / mean if own is not None and mean else None


def is_same(cell, wanted):
    if wanted is None or cell == "":
        return wanted is None and cell == ""
    if isinstance(wanted, bool):
        return cell in ((("0", "false"), ("1", "true"))[wanted])
    if isinstance(wanted, str):
        return cell == wanted
    if isinstance(wanted, (int, decimal.Decimal)):
        return decimal.Decimal(cell) == wanted
    return math.isclose(float(cell), wanted, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_each_aggregate_is_the_naive_one(run, tmp_path, seed):
    rng = random.Random(seed)
    events = [one_event(rng, i, rng.randrange(DAYS * DAY // 1800) * 1800) for i in range(EVENTS)]
    events.sort(key=lambda e: (e["time"], KINDS.index(e["kind"])))
    for e in events:
        e["at"] = int(START.timestamp()) + e["time"]
        if int(e.get("customer_id", "c0")[1:]) >= 20:
            e["customer_id"] = "c7"
    write_files(tmp_path / "events", events)
    kinds = list(OPERANDS)
    features = [Feature(rng, kinds[i % len(kinds)]) for i in range(FEATURES)]
    delay, absent = rng.choice([("1h", "legit"), ("1d", "legit"), ("1d", "unknown")])
    lines = [
        "sources:",
        "  payments: {file: events/payments.csv, fields: {amount: decimal, code: int, lat: real, terminal_id: int}}",
        "  logins: {file: events/logins.csv, fields: {success: bool}}",
        "  refunds: {file: events/refunds.csv, fields: {amount: decimal}}",
        "events:",
        "  payment: {source: payments, id: payment_id, time: paid_at}",
        "  login: {source: logins, id: login_id, time: at, layout: unix_s, decide: true}",
        "  refund: {source: refunds, id: refund_id, time: when}",
        f"event: {{label: {{field: is_fraud, delay: {delay}, absent: {absent}}}, lateness: 1m}}",
        "entities: {customer: customer_id, terminal: terminal_id}",
        "model: none",
        "features:",
        *(f'  f{i}: "{f.text}"' for i, f in enumerate(features)),
    ]
    (tmp_path / "assay.yaml").write_text("\n".join(lines) + "\n")
    r = run("features", "events", "-o", "features.csv")
    assert r.exit == 0, r
    assert set(FILES) == {e["kind"] for e in events}
    decided = [i for i, e in enumerate(events) if e["kind"] != "refund"]
    with open(tmp_path / "features.csv", newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    assert [row["id"] for row in rows] == [events[i]["id"] for i in decided]
    label_delay = {"1h": HOUR, "1d": DAY}[delay]
    told = 0
    for n, feature in enumerate(features):
        for row, i in zip(rows, decided):
            wanted = feature.value(events, i, label_delay, absent)
            told += wanted is not None
            assert is_same(row[f"f{n}"], wanted), (feature.text, events[i], row[f"f{n}"], wanted)
    assert told > FEATURES * len(rows) // 3
