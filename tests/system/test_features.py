"""assay features against a computation of its own in plain Python: counts equal, means to 1e-9.

The Handbook's fourteen windows and flags are computed here anew for one customer in sixteen and one terminal in
sixteen, with all of their events; without the Handbook's data the same settings run on generated data.
"""

import bisect
import csv
import datetime
import os
import pathlib
import subprocess
import warnings

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "handbook" / "assay.yaml"
NAMES = "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,CATEGORY,TX_FRAUD"
DAY = 86400
ONE_IN = 16

SETTINGS = """\
sources: {transactions: {file: t.csv, rejects: 1}}
event: {id: "the id", time: at, amount: amount}
entities: {customer: customer}
features:
  amount: amount
  n_1d: count() by customer over 1d
  mean_1d: mean(amount) by customer over 1d
"""


def unpacked(path):
    with open(path, "rb") as f:
        packed = f.read(4) == b"\x28\xb5\x2f\xfd"
    if not packed:
        yield from open(path)
        return
    with subprocess.Popen(["zstd", "-dc", path], stdout=subprocess.PIPE, text=True) as p:
        yield from p.stdout


@pytest.fixture(scope="module")
def handbook(binary, tmp_path_factory):
    real = pathlib.Path(os.environ.get("ASSAY_DATA", ROOT.parent / "shared" / "data"))
    if (real / "handbook" / "transactions.csv.zst").exists():
        return real, 1754155
    warnings.warn(f"no Handbook data at {real}: its settings are tried on generated data", stacklevel=1)
    folder = tmp_path_factory.mktemp("data")
    (folder / "handbook").mkdir()
    options = ["--rows", "100000", "--days", "120", "--start", "2018-04-01"]
    subprocess.run([binary, "generate", *options, "-o", folder / "made.csv"], check=True)
    rest = (folder / "made.csv").read_text().split("\n", 1)[1]
    (folder / "handbook" / "transactions.csv.zst").write_text(NAMES + "\n" + rest)
    return folder, 100000


class History:
    """The events of one customer or terminal in order: times, and running sums of a whole number."""

    def __init__(self):
        self.time, self.sum = [], [0]

    def add(self, at, value):
        self.time.append(at)
        self.sum.append(self.sum[-1] + value)

    def window(self, after, until):
        """Events and their sum with after < time <= until, among those added so far."""
        low = bisect.bisect_right(self.time, after)
        high = bisect.bisect_right(self.time, until)
        return high - low, self.sum[high] - self.sum[low]


def read_events(path):
    """(id, time, customer, terminal, cents, fraud) of the rows whose customer or terminal is looked at."""
    rows = csv.reader(unpacked(path))
    names = next(rows)
    at = [names.index(n) for n in NAMES.split(",") if n != "CATEGORY"]
    days = {}
    for row in rows:
        identity, when, customer, terminal, amount, fraud = (row[i] for i in at)
        if int(customer) % ONE_IN and int(terminal) % ONE_IN:
            continue
        day = when[:10]
        if day not in days:
            days[day] = datetime.date.fromisoformat(day).toordinal() * DAY
        second = days[day] + int(when[11:13]) * 3600 + int(when[14:16]) * 60 + int(when[17:19])
        yield identity, second, int(customer), int(terminal), round(float(amount) * 100), int(fraud)


def expected(events):
    customers, terminals = {}, {}
    for identity, at, customer, terminal, cents, fraud in events:
        want = {
            "amount": cents / 100,
            "weekend": int((at // DAY + 6) % 7 >= 5),
            "night": int(at % DAY < 7 * 3600),
        }
        if customer % ONE_IN == 0:
            h = customers.setdefault(customer, History())
            h.add(at, cents)
            for days in (1, 7, 30):
                count, total = h.window(at - days * DAY, at)
                want[f"customer_count_{days}d"] = count
                want[f"customer_mean_{days}d"] = total / 100 / count
        if terminal % ONE_IN == 0:
            h = terminals.setdefault(terminal, History())
            h.add(at, fraud)
            for days in (1, 7, 30):
                count, frauds = h.window(at - (7 + days) * DAY, at - 7 * DAY)
                want[f"terminal_count_{days}d"] = count
                want[f"terminal_risk_{days}d"] = frauds / count if count else 0
        yield identity, want


def test_the_handbooks_features_are_those_of_plain_python(run, handbook, tmp_path):
    folder, count = handbook
    env = {"ASSAY_DATA": str(folder), "ASSAY_DATA_DIRECTORY": str(tmp_path / "data")}
    r = run("-c", EXAMPLE, "features", "-o", "features.csv", "--json", env=env)
    assert r.exit == 0, r
    assert r.json()["rows"] == count
    wanted = dict(expected(read_events(folder / "handbook" / "transactions.csv.zst")))
    assert len(wanted) > count // 10
    with open(tmp_path / "features.csv") as f:
        names = next(f).rstrip("\n").split(",")
        assert names[0] == "TRANSACTION_ID" and len(names) == 16
        seen = rows = 0
        for line in f:
            rows += 1
            want = wanted.get(line[: line.index(",")])
            if want is None:
                continue
            seen += 1
            got = dict(zip(names, line.rstrip("\n").split(","), strict=True))
            for name, value in want.items():
                if "mean" in name or "risk" in name:
                    assert abs(float(got[name]) - value) <= 1e-9 * abs(value), (got, name, value)
                else:
                    assert float(got[name]) == value, (got, name, value)
    assert rows == count and seen == len(wanted)


def test_rows_come_in_order_of_arrival_under_their_own_name(run, write, tmp_path):
    write("assay.yaml", SETTINGS)
    write(
        "t.csv",
        '"the id",at,customer,amount\n'
        '"b,1",2024-01-02 10:00:00,c,2.5\n'
        "a,2024-01-01 10:00:00,c,1\n"
        "d,2024-01-02 10:00:00,c,\n"
        "e,2024-01-03 10:00:00,c,4\n",
    )
    r = run("features")
    assert r.exit == 0, r
    assert r.stdout == (
        'the id,amount,n_1d,mean_1d\na,1,1,1\n"b,1",2.5,1,2.5\nd,,2,2.5\ne,4,1,4\n'
    ), r  # (t - 1d, t]: the event one day before is out
    assert run("features", "-o", "out.ndjson").exit == 0
    lines = (tmp_path / "out.ndjson").read_text().splitlines()
    assert lines[2] == '{"the id":"d","amount":null,"n_1d":2,"mean_1d":2.5}'


def test_what_came_before_is_observed_and_not_written(run, write):
    write("assay.yaml", SETTINGS)
    write("t.csv", "the id,at,customer,amount\nb,2024-01-01 11:00:00,c,3\n")
    write("before.csv", "the id,at,customer,amount\na,2024-01-01 10:00:00,c,1\n")
    r = run("features", "--after", "before.csv", "t.csv")
    assert r.exit == 0, r
    assert r.stdout.splitlines()[1:] == ["b,3,2,2"]


def test_a_full_disk_is_told(binary, write, tmp_path):
    write("assay.yaml", SETTINGS)
    write("t.csv", "the id,at,customer,amount\nb,2024-01-01 11:00:00,c,3\n")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [binary, "features"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 3
    assert "No space left" in done.stderr


def test_a_pipe_stays_a_pipe(binary, run, write, tmp_path):
    write("assay.yaml", SETTINGS)
    write("t.csv", "the id,at,customer,amount\nb,2024-01-01 11:00:00,c,3\n")
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE, text=True) as reader:
        assert run("features", "-o", "pipe").exit == 0
        assert reader.stdout.read().splitlines()[1:] == ["b,3,1,3"]
    assert (tmp_path / "pipe").is_fifo()
    r = run("init", "t.csv", "-o", "pipe", "--force")
    assert r.exit == 1 and "no regular file" in r.stderr, r
    assert (tmp_path / "pipe").is_fifo()
