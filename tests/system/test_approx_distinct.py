"""approx_distinct: the estimate to the digit, near the truth, within a bounded memory; and where distinct ends."""

import csv
import math
import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
import hyperloglog  # noqa: E402

SETTINGS = """\
sources: {{transactions: {{file: t.csv, fields: {{at: {{type: time, layout: unix_s}}, shop: text, code: int, paid: decimal}}}}}}
event: {{id: id, time: at, lateness: {lateness}}}
entities: {{card: card}}
features:
{features}
model: none
memory: {memory}
"""


def settings(*features, lateness="1h", memory="1MiB"):
    lines = "\n".join("  " + f for f in features)
    return SETTINGS.format(features=lines, lateness=lateness, memory=memory)


def write_rows(write, rows):
    lines = [f"e{i},{1700000000 + at},{card},{shop},{code},{paid}" for i, (at, card, shop, code, paid) in enumerate(rows)]
    write("t.csv", "\n".join(["id,at,card,shop,code,paid", *lines]) + "\n")


def read_features(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def test_the_estimate_is_the_naive_one(run, write, tmp_path):
    """Three kinds of value, from few to many, with delay, filter and prior."""
    rng = random.Random(3)
    rows = [
        (i * 60, rng.choice("aab"), rng.choice(["", "x"]) or f"a shop {rng.randrange(400)}", rng.randrange(-300, 900), rng.randrange(10**5) / 100)
        for i in range(1500)
    ]  # fmt: skip
    write_rows(write, rows)
    write("assay.yaml", settings(
        "shops: approx_distinct(shop) by card", "codes: approx_distinct(code) by card delay 2h",
        "sums: approx_distinct(paid) by card prior where (code > 100)", memory="16MiB"))  # fmt: skip
    assert run("features", "-o", "f.csv").exit == 0
    found = read_features(tmp_path / "f.csv")
    for i in [*range(0, 700, 37), *range(700, 1500, 211), 1499]:
        at, card = rows[i][:2]
        mine = [r for r in rows[: i + 1] if r[1] == card]
        earlier = [r for r in mine if r[0] <= at - 7200]
        assert int(found[i]["shops"]) == hyperloglog.count(r[2] for r in mine)
        assert int(found[i]["codes"]) == hyperloglog.count(r[3] for r in earlier)
        paid = [round(r[4] * 100) * 10**4 for r in rows[:i] if r[1] == card and r[3] > 100]
        assert int(found[i]["sums"]) == hyperloglog.count(paid)
    assert max(int(row["shops"]) for row in found) > 300 and max(int(row["sums"]) for row in found) > 300


def test_the_error_is_what_is_said(run, write, tmp_path):
    """Sixty cards, each with thousands of values of its own: relative errors of mean 0 and deviation 3.3 %."""
    cards, most = 60, 3000
    rows = [(n * 60 + card, card, f"{card}/{n}", n * cards + card, n) for n in range(most) for card in range(cards)]
    write_rows(write, rows)
    write("assay.yaml", settings("shops: approx_distinct(shop) by card", "codes: approx_distinct(code) by card", lateness="0s"))
    r = run("features", "-o", "f.csv", "--json")
    assert r.exit == 0 and r.json()["state"][0]["evicted"] == 0 and r.json()["state"][0]["dropped"] == 0
    assert r.json()["state"][0]["bytes"] < cards * (2 * 1024 + 512)
    found = read_features(tmp_path / "f.csv")
    for field in ("shops", "codes"):
        values = [int(row[field]) for row in found]
        assert values[: cards * 150] == [n + 1 for n in range(150) for _ in range(cards)]
        for n in (250, 400, 1000, 2000, most):
            errors = [v / n - 1 for v in values[(n - 1) * cards : n * cards]]
            deviation = math.sqrt(sum(e * e for e in errors) / cards)
            assert abs(sum(errors) / cards) < 3 * 0.033 / math.sqrt(cards), (field, n)
            assert deviation < 0.033 * 1.3 and max(map(abs, errors)) < 4 * 0.033, (field, n, deviation)


def test_it_takes_no_window(run, write):
    for clause in ("over 7d", "over 7d step 1d"):
        write("assay.yaml", settings(f"n: approx_distinct(shop) by card {clause}"))
        write_rows(write, [(0, "a", "b", 1, 1)])
        r = run("check")
        assert r.exit == 1 and "expected no over in approx_distinct(...)" in r.stderr and "distinct(...), which is exact" in r.stderr, r


def test_sql_and_the_dictionary_name_it(run, write):
    write("assay.yaml", settings("n: approx_distinct(shop) by card", "m: distinct(shop) by card"))
    write_rows(write, [(0, "a", "b", 1, 1)])
    r = run("sql", "--dialect", "postgres")
    assert r.exit != 0 and "approx_distinct" in r.stderr and "distinct(...) is exact" in r.stderr, r
    told = {f["name"]: f for f in run("features", "--describe", "--json").json()["features"]}
    assert told["n"]["windows"][0]["approximate"] is True and "approximate" in told["n"]["unit"]
    assert told["m"]["windows"][0]["approximate"] is False
    assert "approximate, from a sketch" in run("features", "--describe").stdout


@pytest.mark.parametrize(
    "feature, limit", [("distinct(shop) by card", "exact_values"), ("count() by card over 1000d", "exact_events")]
)
def test_what_is_exact_is_said(run, write, feature, limit):
    """Up to the limit that `check --rate` says nothing is lost; well beyond it, it is told."""
    write("assay.yaml", settings(f"n: {feature}", lateness="0s"))
    write_rows(write, [(0, "a", "b", 1, 1)])
    told = run("check", "--rate", "1", "--entities", "card=1", "--json").stdout
    most = int(told.split(f'"{limit}":')[1].split(",")[0])
    assert 2000 < most < 20000
    for rows, is_lost in ((most, False), (2 * most + 10, True)):
        write_rows(write, [(i, "a", f"shop {i}", i, i) for i in range(rows)])
        r = run("features", "-o", "f.csv", "--json")
        assert r.exit == 0 and (r.json()["state"][0]["dropped"] > 0) == is_lost, (rows, r)
