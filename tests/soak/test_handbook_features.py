"""The fifteen features of the Fraud Detection Handbook on all 1,754,155 rows, equal to the bit to a computation made
here by the Handbook's own definitions, with nothing of the engine.

Its windows are pandas' rolling(w), that is (t - w, t] up to the row itself; what is known of a terminal is the
difference of two of them, rolling(delay + w) - rolling(delay), and a risk without transactions is 0. Amounts are
decimals of six digits, summed as integers, and a division of two integers is rounded once: nothing here is
approximate."""

import array
import bisect
import collections
import csv
import datetime
import decimal
import io
import json
import os
import pathlib
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = 1_754_155
DAY = 86_400
MILLION = 1_000_000
DAYS = (1, 7, 30)
DELAY = 7 * DAY


class Entity:
    """Its rows so far, in order of time: when, and running totals before each of them."""

    def __init__(self):
        self.times = array.array("q")
        self.totals = array.array("q", [0])

    def add(self, at, value):
        assert not self.times or self.times[-1] <= at, "the file is in order of time"
        self.times.append(at)
        self.totals.append(self.totals[-1] + value)

    def rolling(self, at, width):
        """(count, total) of (at - width, at]."""
        first = bisect.bisect_right(self.times, at - width)
        return len(self.times) - first, self.totals[-1] - self.totals[first]


def handbook(rows):
    customers, terminals = collections.defaultdict(Entity), collections.defaultdict(Entity)
    for row in rows:
        at, amount, is_fraud = row["at"], row["amount"], row["fraud"]
        customer, terminal = customers[row["customer"]], terminals[row["terminal"]]
        customer.add(at, amount)
        terminal.add(at, is_fraud)
        made = [amount / MILLION, row["weekday"] >= 5, row["hour"] <= 6]
        for days in DAYS:
            count, total = customer.rolling(at, days * DAY)
            made += [count, total / (MILLION * count)]
        known_count, known_frauds = terminal.rolling(at, DELAY)
        for days in DAYS:
            count, frauds = terminal.rolling(at, DELAY + days * DAY)
            count, frauds = count - known_count, frauds - known_frauds
            made += [count, frauds / count if count > 0 else 0.0]
        yield row["id"], made


def millionths(cell):
    """1,214 amounts have more digits than six: 85.64999999999999."""
    return int(decimal.Decimal(cell).scaleb(6).to_integral_value(decimal.ROUND_HALF_EVEN))


def rows_of(data):
    unpack = subprocess.Popen(["zstd", "-dc", data / "handbook" / "transactions.csv.zst"], stdout=subprocess.PIPE)
    epoch = datetime.datetime(1970, 1, 1)
    for r in csv.DictReader(io.TextIOWrapper(unpack.stdout, encoding="utf-8")):
        at = datetime.datetime.fromisoformat(r["TX_DATETIME"])
        yield {
            "id": r["TRANSACTION_ID"], "at": (at - epoch) // datetime.timedelta(seconds=1), "weekday": at.weekday(),
            "hour": at.hour, "amount": millionths(r["TX_AMOUNT"]), "customer": r["CUSTOMER_ID"],
            "terminal": r["TERMINAL_ID"], "fraud": int(r["TX_FRAUD"]),
        }
    assert unpack.wait() == 0


def value(cell):
    return {"true": True, "false": False}.get(cell, None) if cell in ("true", "false") else float(cell)


def test_all_features_of_all_rows(binary, data, tmp_path):
    if not (data / "handbook" / "transactions.csv.zst").exists():
        pytest.skip(f"no Handbook data in {data}")
    out = tmp_path / "features.csv"
    environment = {**os.environ, "ASSAY_DATA": str(data), "ASSAY_DATA_DIRECTORY": str(tmp_path / "data")}
    subprocess.run(
        [binary, "features", "-c", ROOT / "examples" / "handbook" / "assay.yaml", "-o", out], env=environment, check=True
    )
    begun = time.monotonic()
    compared = 0
    with open(out, newline="", encoding="utf-8") as f:
        found = csv.reader(f)
        names = next(found)
        assert len(names) == 1 + 15
        for (id, wanted), row in zip(handbook(rows_of(data)), found, strict=True):
            assert row[0] == id
            cells = [value(cell) for cell in row[1:]]
            assert cells == wanted, (id, [x for x in zip(names[1:], cells, wanted) if x[1] != x[2]])
            compared += len(cells)
    assert compared == ROWS * 15
    told = {"rows": ROWS, "values_equal": compared, "seconds": round(time.monotonic() - begun, 1)}
    (ROOT / "build" / "soak-handbook-features.json").write_text(json.dumps(told, indent=1) + "\n")
    print(f"\n{told}", flush=True)
