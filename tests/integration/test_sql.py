"""`assay sql` against PostgreSQL: the printed query gives what `assay features` gives.

Everything must be equal, reals to the bit. ASSAY_SQL_SEEDS says how many random settings are tried.
"""

import csv
import datetime
import itertools
import json
import os
import pathlib
import random
import subprocess

import pytest
import sql_random

SEEDS = int(os.environ.get("ASSAY_SQL_SEEDS", "12"))
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def assay(binary, folder, *arguments):
    done = subprocess.run([binary, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def microseconds(text):
    whole, _, fraction = text[:-1].partition(".")
    sign = -1 if whole.startswith("-") else 1
    size = int(whole.lstrip("-")) * 10**6 + int((fraction + "000000")[:6])
    return sign * size * UNITS[text[-1]]


def from_assay(kind, value):
    if value is None:
        return None
    if kind == "time":
        return datetime.datetime.fromisoformat(value.removesuffix("Z"))
    if kind == "duration":
        return microseconds(value)
    return float(value).hex() if kind == "real" else value


def from_postgres(kind, value):
    if value is not None and kind == "time":
        return datetime.datetime.fromisoformat(value)
    return float(value).hex() if value is not None and kind == "real" else value


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


def compare(ours, theirs, features):
    assert [r["id"] for r in ours] == [r["id"] for r in theirs]
    for name, kind, text in features:
        for i, (a, b) in enumerate(zip(ours, theirs)):
            left, right = from_assay(kind, a[name]), from_postgres(kind, b[name])
            assert left == right, f"row {i} {a['id']}: {name}: {text}: {a[name]} is not {b[name]}"


def json_rows(query):
    return "SELECT row_to_json(q) FROM (\n" + query.rstrip().rstrip(";") + "\n) AS q;\n"


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_random_settings(binary, postgres, tmp_path, seed):
    rng = random.Random(seed)
    sql_random.write_events(rng, 600, tmp_path)
    features = sql_random.Features(rng).make(40)
    sql_random.write_settings(rng, features, tmp_path)
    columns = [(name, kind) for name, _, kind in sql_random.FIELDS] + [("arrival", "bigint")]
    postgres.load("transactions", columns, tmp_path / "postgres.csv")
    query = assay(binary, tmp_path, "sql", "--dialect", "postgres")
    theirs = rows_of(postgres.psql(json_rows(query)).stdout)
    assay(binary, tmp_path, "features", "-o", "out.ndjson")
    compare(rows_of((tmp_path / "out.ndjson").read_text()), theirs, features)


HANDBOOK = [
    ("TRANSACTION_ID", "bigint"), ("TX_DATETIME", "timestamp"), ("CUSTOMER_ID", "bigint"),
    ("TERMINAL_ID", "bigint"), ("TX_AMOUNT", "numeric"), ("TX_TIME_SECONDS", "bigint"),
    ("TX_TIME_DAYS", "bigint"), ("TX_FRAUD", "int"), ("TX_FRAUD_SCENARIO", "int"),
]


def first_rows(source, count, path):
    """The first rows of a compressed CSV file, and the same with their number as a column."""
    with subprocess.Popen(["zstd", "-dc", source], stdout=subprocess.PIPE, text=True) as unpack:
        lines = list(itertools.islice(unpack.stdout, count + 1))
        unpack.kill()
    (path / "events.csv").write_text("".join(lines))
    numbered = [f"{line.rstrip()},{i}\n" for i, line in enumerate(lines)]
    numbered[0] = lines[0].rstrip() + ",arrival\n"
    (path / "postgres.csv").write_text("".join(numbered))
    return lines[0].strip().split(",")


def test_handbook(binary, postgres, data, tmp_path):
    names = first_rows(data / "handbook" / "transactions.csv.zst", 200000, tmp_path)
    kinds = dict(HANDBOOK)
    columns = [(name, kinds[name]) for name in names] + [("arrival", "bigint")]
    postgres.load("transactions", columns, tmp_path / "postgres.csv")
    settings = pathlib.Path(__file__).parents[2] / "examples" / "handbook" / "assay.yaml"
    where = ["-c", settings, "--set", f"sources.transactions.file={tmp_path / 'events.csv'}"]
    query = assay(binary, tmp_path, "sql", *where)
    theirs = postgres.psql(json_rows(query)).stdout
    assay(binary, tmp_path, "features", *where, "-o", "out.ndjson")
    ours = rows_of((tmp_path / "out.ndjson").read_text())
    assert len(ours) == 200000
    for a, b in zip(ours, rows_of(theirs), strict=True):
        assert a == b  # ints, bools and shortest texts of reals, that read back as the same bits


@pytest.mark.parametrize("text", ["entropy(name) by customer over 1d", "decayed_count(1d) by customer",
                                  "decayed_sum(amount, 1d) by customer", "approx_distinct(name) by customer"])
def test_refused_by_name(binary, tmp_path, text):
    rng = random.Random(1)
    sql_random.write_events(rng, 10, tmp_path)
    sql_random.write_settings(rng, [("f0", "real", text)], tmp_path)
    done = subprocess.run([binary, "sql"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and "f0" in done.stderr
    assert text.split("(")[0] in done.stderr and "has no exact form in postgres" in done.stderr
