"""Runs of `assay rollup` that read only what is new, beside runs from nothing: the same tables to the byte, whatever was added,
late, repeated, changed or taken away between them; on both kinds of database; killed; two at once."""

import gzip
import json
import random
import signal
import sqlite3
import subprocess
import time

import pytest
from test_daily_risk import asked
from test_postgres import database, postgres  # noqa: F401 (fixtures)

SETTINGS = """name: again
sources: {transactions: %s}
event: {id: id, time: at}
model: {kind: none}
time_zone: Asia/Jakarta
rollups:
  hours:
    source: transactions
    every: hour
    by: [channel]
    where: amount is not null
    measures: {n: count(), x: sum(amount), s: std(amount), lo: min(amount), hi: max(at), k: distinct(customer)}
  days:
    source: transactions
    measures: {n: count(), m: mean(amount), who: distinct(customer), big: count() where (amount > 300)}
  all_hours: {source: transactions, every: hour, measures: {n_all: count()}}
  joined: {source: hours, every: row, join: [all_hours], columns: {share: n / n_all}, score: share, label: {percentile: 80}}
  months: {source: hours, every: month, measures: {hours: count(), x: sum(x)}}
"""
NAMES = ["hours", "days", "all_hours", "joined", "months"]


def rows_of(r, first, count, day):
    """Rows from a day on, one in six of them late by days, some without an amount."""
    out = []
    for i in range(count):
        at = day - (r.randrange(1, 9) if r.random() < 1 / 6 else 0) + r.random()
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1767225600 + int(at * 86400)))
        amount = "" if r.random() < 0.05 else f"{r.expovariate(1 / 120):.2f}"
        out.append(f"t{first + i},{when},c{r.randrange(60)},{r.choice(['web', 'pos', 'é'])},{amount}")
    return out


HEADER = "id,at,customer,channel,amount"


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """Two databases, for runs that go on and for runs from nothing, and what is in them."""
    if request.param == "postgres":
        server, name = request.getfixturevalue("postgres"), request.getfixturevalue("database")
        other = name + "_anew"
        server.psql(f"CREATE DATABASE {other}", database=name)
        query = "; ".join(f"SELECT json_build_object('{t}', row_to_json(whole)) FROM {t} AS whole" for t in NAMES)

        def dump_all(which):
            rows = asked(server, name if which == "on" else other, query)
            return {t: keyed_all(row for row in rows if t in row) for t in NAMES}

        yield {"on": server.url(name), "anew": server.url(other)}, dump_all
        server.psql(f"DROP DATABASE {other}", database=name)
        return

    def dump(which):
        db = sqlite3.connect(tmp_path / f"{which}.sqlite")
        db.row_factory = sqlite3.Row
        return {t: keyed_all(dict(row) for row in db.execute(f"SELECT * FROM {t}")) for t in NAMES}

    yield {"on": f"sqlite:{tmp_path}/on.sqlite", "anew": f"sqlite:{tmp_path}/anew.sqlite"}, dump


def keyed_all(rows):
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def go_on(run, place, read, rows=None):
    """A run that goes on, and a second one that finds nothing; beside them one from nothing with the same tables."""
    urls, dump = place
    done = run("rollup", "--json", "--url", urls["on"])
    assert done.exit == 0, done.stderr
    made = {r["name"]: r for r in done.json()["rollups"]}
    assert {made[n]["read"] for n in ("hours", "days")} == {read}, made
    if rows is not None:
        assert made["days"]["rows_read"] == rows
    anew = run("rollup", "--rebuild", "--json", "--url", urls["anew"])
    assert anew.exit == 0, anew.stderr
    assert dump("on") == dump("anew")
    for r in anew.json()["rollups"]:
        assert {k: made[r["name"]].get(k) for k in ("rows", "source_rows", "without_time", "positives", "threshold")} == \
            {k: r.get(k) for k in ("rows", "source_rows", "without_time", "positives", "threshold")}
    again = {r["name"]: r for r in run("rollup", "--json", "--url", urls["on"]).json()["rollups"]}
    assert all(r["changed"] == 0 for r in again.values()) and again["days"]["rows_read"] == 0, again
    return made


def test_files_that_grow(run, write, tmp_path, place):
    r = random.Random(11)
    write("assay.yaml", SETTINGS % "in/*.csv*")
    (tmp_path / "in").mkdir()
    first = tmp_path / "in" / "a.csv"
    first.write_text("\n".join([HEADER] + rows_of(r, 0, 400, 10)) + "\n")
    go_on(run, place, "all", 400)
    for i in range(3):  # rows behind the others, late ones among them
        count = r.randrange(1, 200)
        with open(first, "a") as f:
            f.write("\n".join(rows_of(r, 1000 + 1000 * i, count, 11 + i)) + "\n")
        made = go_on(run, place, "new", count)
    assert 0 < made["hours"]["changed"] < made["hours"]["periods"]
    (tmp_path / "in" / "b.csv").write_text("\n".join([HEADER] + rows_of(r, 5000, 50, 20)) + "\n")
    with gzip.open(tmp_path / "in" / "0.csv.gz", "wt") as f:  # before the others, packed
        f.write("\n".join([HEADER] + rows_of(r, 6000, 70, 19)) + "\n")
    go_on(run, place, "new", 120)
    first.touch()  # the same bytes
    with open(tmp_path / "in" / "b.csv", "a") as f:
        f.write("\n".join(rows_of(r, 7000, 9, 21)))  # a last line without its end
    go_on(run, place, "new", 9)
    with open(tmp_path / "in" / "b.csv", "a") as f:
        f.write("9\nlast,2026-01-20T10:00:00Z,c1,web,5\n")  # the line goes on: what was taken of it is not true
    go_on(run, place, "all")
    first.write_text(first.read_text().replace(",web,", ",pos,", 1))  # as long as before
    go_on(run, place, "all")
    (tmp_path / "in" / "0.csv.gz").unlink()
    go_on(run, place, "all")
    write("assay.yaml", (SETTINGS % "in/*.csv*").replace("amount > 300", "amount > 200"))  # another form
    done = {x["name"]: x for x in run("rollup", "--json", "--url", place[0]["on"]).json()["rollups"]}
    assert done["days"]["read"] == "all" and done["days"]["changed"] > 0
    go_on(run, place, "new", 0)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_quoted_cell_that_is_not_yet_whole(run, write, tmp_path, place):
    write("assay.yaml", SETTINGS % "tx.csv")
    file = tmp_path / "tx.csv"
    file.write_text(HEADER + "\n" + "\n".join(f'q{i},2026-01-03T10:00:00Z,"c\n{i}",web,5' for i in range(300)) + "\n")
    go_on(run, place, "all", 300)
    with open(file, "a") as f:
        f.write('x,2026-01-04T10:00:00Z,"c\n1",web,7\ny,2026-01-04T11:00:00Z,"c""\n2",web,8\n')
    go_on(run, place, "new", 2)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_lines_of_json_that_grow(run, write, tmp_path, place):
    r = random.Random(12)
    write("assay.yaml", SETTINGS % "tx.ndjson")

    def lines(first, count, day):
        keys = HEADER.split(",")
        for row in rows_of(r, first, count, day):
            cells = dict(zip(keys, row.split(",")))
            yield json.dumps({**cells, "amount": float(cells["amount"]) if cells["amount"] else None}) + "\n"

    file = tmp_path / "tx.ndjson"
    file.write_text("".join(lines(0, 300, 5)))
    go_on(run, place, "all", 300)
    with open(file, "a") as f:
        f.writelines(lines(300, 40, 6))
    go_on(run, place, "new", 40)
    file.write_text(json.dumps([json.loads(x) for x in file.read_text().splitlines()]))  # now an array
    go_on(run, place, "all", 340)


def test_a_table_that_grows(run, write, tmp_path, place):
    r = random.Random(13)
    urls, _ = place
    write("assay.yaml", SETTINGS % ("{table: raw.tx, grows: n, postgres: '%s'}" % urls["on"]))
    key = [0]

    def load(count, day, *more, keys=None):
        numbered = []
        for row in rows_of(r, key[0], count, day):
            key[0] += 1
            numbered.append(f"{row},{keys.pop(0) if keys else key[0]}")
        write("part.csv", "\n".join([HEADER + ",n"] + numbered) + "\n")
        done = run("load", "part.csv", "--table", "raw.tx", "--url", urls["on"], *more)
        assert done.exit == 0, done.stderr

    load(300, 10, "--create")
    go_on(run, place, "all", 300)
    for i in range(3):
        count = r.randrange(1, 90)
        load(count, 11 + i)
        go_on(run, place, "new", count)
    key[0] += 5
    load(4, 15)
    go_on(run, place, "new", 4)
    load(2, 15, keys=[key[0] - 6, key[0] - 7])  # numbers that others had passed: a transaction that ended late
    go_on(run, place, "all", key[0] - 5)
    if urls["on"].startswith("sqlite:"):
        db = sqlite3.connect(tmp_path / "on.sqlite")
        db.execute("DELETE FROM raw_tx WHERE n = 7")
        db.commit()
    else:
        subprocess.run(["psql", "-qX", urls["on"], "-c", "DELETE FROM raw.tx WHERE n = 7"], check=True)
    go_on(run, place, "all", key[0] - 6)


def test_a_table_whose_times_grow(run, write, place):
    urls, _ = place
    write("assay.yaml", SETTINGS % ("{query: 'SELECT * FROM %s WHERE amount < 9000 OR amount IS NULL', grows: created_at, postgres: '%s'}" % (
        "raw_tx" if urls["on"].startswith("sqlite:") else "raw.tx", urls["on"])))
    r = random.Random(14)
    for i, count in enumerate([200, 30, 1]):
        write("part.csv", "\n".join([HEADER] + rows_of(r, 1000 * i, count, 10 + i)) + "\n")
        done = run("load", "part.csv", "--table", "raw.tx", "--create", "--at", f"2026-02-0{1 + i}T08:00:00.123456Z", "--url", urls["on"])
        assert done.exit == 0, done.stderr
        go_on(run, place, "new" if i else "all", count)


@pytest.mark.parametrize("source, words", [
    ("{file: tx.csv, grows: id}", "of files it is seen by itself"),
    ("{table: raw.tx, grows: channel_2, postgres: 'sqlite:t.sqlite'}", "channel_2"),
    ("{table: raw.tx, grows: amount, postgres: 'sqlite:t.sqlite'}", "has a value in each"),
])
def test_what_cannot_grow(run, write, source, words):
    write("tx.csv", HEADER + "\nt1,2026-01-03T10:00:00Z,c,web,\nt2,2026-01-03T10:00:00Z,c,web,3\n")
    assert run("load", "tx.csv", "--table", "raw.tx", "--create", "--url", "sqlite:t.sqlite").exit == 0
    write("assay.yaml", SETTINGS % source)
    done = run("rollup")
    assert done.exit == 1 and words in done.stderr, done.stderr


def test_what_is_read_whole_is_said(run, write):
    write("tx.csv", HEADER + "\nt1,2026-01-03T10:00:00Z,c,web,1\n")
    write("assay.yaml", SETTINGS % "tx.csv" + "  plain: {source: transactions, every: row}\n")
    for _ in range(2):
        done = run("rollup")
        assert done.exit == 0 and "transactions was read whole, as each time: its rows as they are" in done.stdout
    done = run("rollup", "days")  # alone it goes on
    assert "read whole" not in done.stdout
    assert "0 of them new" in run("rollup", "days").stdout


def test_killed_at_any_moment(binary, run, write, tmp_path, place):
    """Rows are added, and the run that takes them is killed: the next one has them once."""
    urls, dump = place
    r = random.Random(15)
    write("assay.yaml", SETTINGS % "tx.csv")
    file = tmp_path / "tx.csv"
    file.write_text("\n".join([HEADER] + rows_of(r, 0, 20000, 10)) + "\n")
    began = time.monotonic()
    assert run("rollup", "--url", urls["on"]).exit == 0
    whole = time.monotonic() - began
    for i in range(5):
        with open(file, "a") as f:
            f.write("\n".join(rows_of(r, 100000 * (i + 1), 300, 11 + i % 3)) + "\n")
        process = subprocess.Popen([binary, "rollup", "--url", urls["on"]], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(r.random() * whole)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = run("rollup", "--url", urls["on"])
    assert done.exit == 0, done.stderr
    assert run("rollup", "--url", urls["anew"]).exit == 0
    assert dump("on") == dump("anew")


def test_two_at_once(binary, run, write, tmp_path, place):
    urls, dump = place
    r = random.Random(16)
    write("assay.yaml", SETTINGS % "tx.csv")
    file = tmp_path / "tx.csv"
    file.write_text("\n".join([HEADER] + rows_of(r, 0, 2000, 10)) + "\n")
    assert run("rollup", "--url", urls["on"]).exit == 0
    for i in range(1):
        running = []
        for k in range(4):
            with open(file, "a") as f:
                f.write("\n".join(rows_of(r, 10000 * (i * 4 + k + 1), 50, 11)) + "\n")
            running.append(subprocess.Popen([binary, "rollup", "--url", urls["on"]], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
        for process in running:
            words = process.communicate()[1]
            assert process.returncode == 0, words
    assert run("rollup", "--url", urls["on"]).exit == 0 and run("rollup", "--url", urls["anew"]).exit == 0
    assert dump("on") == dump("anew")


def test_decisions_that_come(binary, run, write, tmp_path):
    from test_daily_risk import SERVED
    from test_serve import Server

    write("tx.csv", "id,at,customer,amount\nh1,2026-01-01T00:00:00Z,a,5\n")
    write("assay.yaml", SERVED)
    url = f"sqlite:{tmp_path}/mine.sqlite"
    for i in range(3):
        server = Server(binary, tmp_path)
        for k in range(10):
            server.decide({"id": f"e{i}-{k}", "at": f"2026-01-0{2 + (i + k) % 3}T10:00:00Z", "customer": f"c{k}", "amount": 900 * (k % 2)})
        assert server.stop() == 0
        made = run("rollup", "by_day", "--json", "--url", url).json()["rollups"][0]
        assert (made["read"], made["rows_read"], made["source_rows"]) == ("new" if i else "all", 10, 10 * (i + 1)), made
        assert run("rollup", "by_day", "--rebuild", "--url", f"sqlite:{tmp_path}/anew.sqlite").exit == 0
        tables = [sqlite3.connect(tmp_path / f"{x}.sqlite").execute("SELECT * FROM by_day ORDER BY 1").fetchall() for x in ("mine", "anew")]
        assert tables[0] == tables[1] and len(tables[0]) == 3
    write("assay.yaml", SERVED.replace("mean(amount)", "max(amount)"))  # another form
    made = run("rollup", "by_day", "--rebuild", "--json", "--url", url).json()["rollups"][0]
    assert (made["read"], made["rows_read"]) == ("all", 30)
    assert run("rollup", "by_day", "--json", "--url", url).json()["rollups"][0]["rows_read"] == 0
