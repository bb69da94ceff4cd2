"""PostgreSQL, the real server: the store's conformance suite, a restart of the server under load, roles, sources and
reference tables with parity to the bit, assay load and assay export."""

import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from test_serve import HISTORY, SETTINGS, Server

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import postgres_server  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECRET = "hunter2"


@pytest.fixture(scope="session")
def postgres():
    yield from postgres_server.running()


@pytest.fixture
def database(postgres, request):
    """An empty database; its name."""
    name = "t_" + str(abs(hash(request.node.name)) % 10**9)
    postgres.psql(f"CREATE DATABASE {name}")
    return name


def rows(postgres, database, query):
    return postgres.psql(query, database=database).stdout.splitlines()


def decisions(postgres, database):
    """How many there are; the tables may not be there yet."""
    return int(postgres.psql("SELECT count(*) FROM score.decision", check=False, database=database).stdout or 0)


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def test_store_conformance(binary, postgres, database):
    program = binary.parent / "tests" / "unit" / "test_store"
    if not program.exists():
        pytest.skip(f"no {program}: it is built by make test")
    done = subprocess.run([program], env={**os.environ, "ASSAY_TEST_POSTGRES": postgres.url(database)},
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SKIP" not in done.stdout


# ---- the store of a service ----


def serve_settings(write, url):
    write("tx.csv", HISTORY)
    write("assay.yaml", SETTINGS + f"store: {{kind: postgres, url: \"{url}\"}}\n")


def event(i):
    return {"id": f"e{i}", "at": f"2018-04-{2 + i // 1000:02}T10:00:00Z", "customer": f"c{i % 7}", "amount": i * 37 % 900}


def lag(server):
    return server.ask("GET", "/readyz")[1]["store_lag"]


def test_restart_of_the_server(binary, write, tmp_path, postgres, database):
    serve_settings(write, postgres.url(database))
    server = Server(binary, tmp_path)
    total = 0
    try:
        for how in ("crash", "while it is away"):
            for _ in range(20):
                assert server.decide(event(total))[0] == 200
                total += 1
            postgres.halt(signal.SIGQUIT if how == "crash" else signal.SIGINT)
            for _ in range(20):  # decisions go on
                assert server.decide(event(total))[0] == 200
                total += 1
            assert server.ask("POST", "/v1/labels", {"id": f"e{total - 1}", "label": 1})[0] < 300
            if how == "while it is away":  # ours ends and begins again without it
                server.stop()
                server = Server(binary, tmp_path)
                assert server.decide(event(total))[0] == 200
                total += 1
                assert lag(server) > 0
            postgres.launch()
        wait_for(lambda: decisions(postgres, database) == total)
        wait_for(lambda: lag(server) == 0)
        assert rows(postgres, database, "SELECT count(DISTINCT event_id), sum(label) FROM score.decision") == [f"{total}|2"]
        assert rows(postgres, database, "SELECT count(*) FROM label.label") == ["2"]
        status, body, _ = server.ask("GET", "/v1/decisions?sort=time&limit=1000")
        assert status == 200 and sorted(d["id"] for d in body["decisions"]) == sorted(f"e{i}" for i in range(total))
    finally:
        server.stop()
    before = rows(postgres, database, "SELECT d::text FROM score.decision d ORDER BY seq")
    done = subprocess.run([binary, "rebuild", "--json"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["decisions"] == total
    assert rows(postgres, database, "SELECT d::text FROM score.decision d ORDER BY seq") == before


def test_equal_to_sqlite(binary, write, tmp_path, postgres, database, run):
    """The same log into both: the same answers."""
    serve_settings(write, postgres.url(database))
    server = Server(binary, tmp_path)
    queries = ["", "?sort=-score", "?outcome=decline&sort=time", "?rule=BIG&limit=3", "?label=true", "?entity=customer:c1",
               "?from=2018-04-02T00:00:00Z&max_score=900"]
    try:
        for i in range(60):
            server.decide(event(i))
        server.ask("POST", "/v1/labels", {"id": "e7", "label": 1})
        wait_for(lambda: lag(server) == 0)
        ours = [server.ask("GET", "/v1/decisions" + q)[1] for q in queries]
        assert all(len(a["decisions"]) > 0 for a in ours)
    finally:
        server.stop()
    write("assay.yaml", SETTINGS)
    server = Server(binary, tmp_path)
    try:
        wait_for(lambda: lag(server) == 0)
        assert [server.ask("GET", "/v1/decisions" + q)[1] for q in queries] == ours
    finally:
        server.stop()


def test_roles(binary, write, tmp_path, postgres, database):
    """The owner makes the tables; a writer that may do little projects; a reader changes nothing."""
    serve_settings(write, "${ASSAY_TEST_URL}")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}

    def assay(url, *words):
        return subprocess.run([binary, *words], cwd=tmp_path, env={**clean, "ASSAY_TEST_URL": url}, capture_output=True, text=True)

    assert assay(postgres.url(database), "rebuild", "--tables").returncode == 0
    postgres.psql((ROOT / "deploy" / "postgres" / "roles.sql").read_text(), database=database)
    postgres.psql("DROP ROLE IF EXISTS w; DROP ROLE IF EXISTS r; CREATE ROLE w LOGIN IN ROLE assay_writer; CREATE ROLE r LOGIN IN ROLE assay_reader")
    write("assay.yaml", SETTINGS + f"store: {{kind: postgres, url: \"{postgres.url(database, 'w')}\"}}\n")
    server = Server(binary, tmp_path)
    try:
        for i in range(10):
            server.decide(event(i))
        server.ask("POST", "/v1/labels", {"id": "e3", "label": 1})
        wait_for(lambda: lag(server) == 0)
        assert rows(postgres, database, "SELECT count(*), sum(label) FROM score.decision") == ["10|1"]
    finally:
        server.stop()
    done = assay("", "rebuild")
    assert done.returncode == 0, done.stderr
    done = assay("", "export", "score.decision", "--url", postgres.url(database, "r"))
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 11
    for words in ("DELETE FROM score.decision", "UPDATE score.decision SET score = 1", "TRUNCATE label.label",
                  "SELECT score.make_month('2030-01-01')"):
        done = subprocess.run(["psql", "-X", "-v", "ON_ERROR_STOP=1", "-c", words, postgres.url(database, "r")], capture_output=True, text=True)
        assert "permission denied" in done.stderr
    done = assay("", "rebuild", "--set", "store.url=" + postgres.url(database, "r"))
    assert done.returncode == 1 and "permission denied" in done.stderr and "roles.sql" in done.stderr


def test_rollups_by_a_role_of_little_rights(run, write, postgres, database):
    """It loads a table, rolls it up, again and anew; the reader reads it; what is not its own it cannot change."""
    write("assay.yaml", SETTINGS + f"store: {{kind: postgres, url: \"{postgres.url(database)}\"}}\n")
    assert run("rebuild", "--tables").exit == 0
    roles = (ROOT / "deploy" / "postgres" / "roles.sql").read_text()
    for _ in range(2):
        postgres.psql(roles, database=database)
    postgres.psql("DROP ROLE IF EXISTS n1; DROP ROLE IF EXISTS n2; DROP ROLE IF EXISTS r2; CREATE ROLE r2 LOGIN IN ROLE assay_reader",
                  database=database)
    for name in ("n1", "n2"):
        postgres.psql(f"CREATE ROLE {name} LOGIN IN ROLE assay_rollup; ALTER ROLE {name} SET role = 'assay_rollup'", database=database)
    write("tx.csv", HISTORY)
    write("daily.yaml", """name: shop
sources: {transactions: {table: raw.tx, fields: {at: time}}}
event: {id: id, time: at}
model: {kind: none}
rollups:
  daily: {source: transactions, every: day, measures: {n: count()}, table: feature.shop_daily}
""")
    loaded = run("load", "tx.csv", "--table", "raw.tx", "--create", env={"DATABASE_URL": postgres.url(database, "n1")})
    assert loaded.exit == 0, loaded.stderr
    for login, words in (("n1", []), ("n2", []), ("n2", ["--rebuild"])):
        done = run("-c", "daily.yaml", "rollup", *words, env={"DATABASE_URL": postgres.url(database, login)})
        assert done.exit == 0, done.stderr
    count = [str(len(HISTORY.splitlines()) - 1)]
    assert rows(postgres, database, "SELECT sum(n) FROM feature.shop_daily") == count
    read = run("export", "SELECT sum(n) AS n FROM feature.shop_daily", "--url", postgres.url(database, "r2"))
    assert read.exit == 0 and read.stdout.split() == ["n", *count], read
    for words in ("DELETE FROM score.decision", "CREATE SCHEMA other", "UPDATE feature.shop_daily SET n = 0"):
        login = "r2" if "shop_daily" in words else "n1"
        done = subprocess.run(["psql", "-X", "-c", words, postgres.url(database, login)], capture_output=True, text=True)
        assert "permission denied" in done.stderr, (words, done)


def test_no_secret_is_told(run, write, postgres):
    write("tx.csv", HISTORY)
    url = f"postgresql://someone:{SECRET}@127.0.0.1:1/shop"
    write("assay.yaml", SETTINGS + f"store: {{kind: postgres, url: \"{url}\"}}\n")
    done = run("check", "--resolved")
    assert done.exit == 0 and SECRET not in done.stdout + done.stderr
    done = run("rebuild")
    assert done.exit == 3 and SECRET not in repr(done)
    assert "postgresql://127.0.0.1:1/shop" in done.stderr and "cannot connect" in done.stderr
    for bad in (f"postgresql://u:{SECRET}@h:port/x?y", f"host=h {SECRET}", f"postgres//{SECRET}"):
        done = run("export", "raw.x", "--url", bad)
        assert done.exit != 0 and SECRET not in repr(done)
    done = run("export", "raw.x", env={"DATABASE_URL": ""})
    assert done.exit == 1 and "DATABASE_URL" in done.stderr


# ---- sources ----

FEATURES = """
event: {id: id, time: at, label: {field: fraud, delay: 1h}}
entities: {customer: customer}
features:
  n: count() by customer over 1d
  total: sum(amount) by customer over 7d
  mean: mean(amount) by customer over 7d prior
  late: hour(at) > 20
  risk: mean(label) by customer over 7d delay 1h
  weight: weight
  online: online
  limit: customers.limit
  name: length(customers.name)
model: none
"""


def make_rows(count=3000):
    names = ["c'1", 'c"2', "c,3", "ç\\4", "c\n5"]
    for i in range(count):
        yield {"id": f"t{i}", "at": f"2024-02-{1 + i // 200:02}T{i // 60 % 24:02}:{i % 60:02}:{i * 7 % 60:02}{'.25' if i % 3 else ''}Z",
               "customer": names[i % 5], "amount": "" if i % 11 == 0 else f"{i % 97}.{i % 100:02}",
               "weight": repr(i / 7), "online": "true" if i % 4 else "false", "fraud": int(i % 50 == 0)}


@pytest.fixture
def in_both(postgres, database, write, tmp_path):
    """Transactions and customers as files, and as tables made by psql alone."""
    with open(tmp_path / "tx.csv", "w", newline="") as f:
        out = csv.DictWriter(f, next(make_rows(1)).keys())
        out.writeheader()
        out.writerows(make_rows())
    customers = "customer,since,limit,name\n" + "".join(
        f'"{c}",2024-02-0{1 + i}T00:00:00Z,{i * 100}.5,n{"x" * i}\n' for i, c in enumerate(["c'1", 'c""2', "c,3", "ç\\4"]))
    write("customers.csv", customers)
    postgres.psql(
        'CREATE SCHEMA raw; CREATE TABLE raw.tx(id text, at timestamptz, customer text, amount numeric, weight float8, online bool, fraud int);'
        'CREATE TABLE customers(customer text, since timestamptz, "limit" numeric, name text);'
        f"\n\\copy raw.tx FROM '{tmp_path / 'tx.csv'}' (FORMAT csv, HEADER)\n\\copy customers FROM '{tmp_path / 'customers.csv'}' (FORMAT csv, HEADER)\n",
        database=database)
    return postgres.url(database)


def features(run, write, tmp_path, sources, name, env=None):
    write("assay.yaml", "name: t\nsources:\n" + sources + FEATURES)
    done = run("features", "-o", name, env=env)
    assert done.exit == 0, done
    return (tmp_path / name).read_bytes(), done


def test_source_parity(run, write, tmp_path, in_both):
    files, _ = features(run, write, tmp_path, "  transactions: tx.csv\n  customers: {file: customers.csv, key: customer, valid_from: since}\n", "a.csv")
    assert files.count(b"\n") > 3000
    tables, _ = features(run, write, tmp_path,
                         f"  transactions: {{postgres: \"{in_both}\", table: raw.tx}}\n"
                         f"  customers: {{postgres: \"{in_both}\", table: customers, key: customer, valid_from: since}}\n", "b.csv")
    assert tables == files
    query, _ = features(run, write, tmp_path,
                        "  transactions: {query: \"SELECT * FROM raw.tx WHERE amount >= 0 OR amount IS NULL; -- all\"}\n".replace("; -- all", " -- all")
                        + "  customers: {query: SELECT * FROM customers ORDER BY name DESC;, key: customer, valid_from: since}\n",
                        "c.csv", env={"DATABASE_URL": in_both})
    assert query == files
    small, _ = features(run, write, tmp_path,  # sorted on disk, of a source that is read once
                        f"  transactions: {{postgres: \"{in_both}\", query: SELECT * FROM raw.tx ORDER BY id}}\n"
                        f"  customers: {{postgres: \"{in_both}\", table: customers, key: customer, valid_from: since}}\nbatch: {{memory: 1MiB}}\n", "d.csv")
    assert small == files


def test_source_refusals(run, write, postgres, database, in_both):
    def told(source):
        write("assay.yaml", "name: t\nsources:\n  transactions: " + source + FEATURES.replace("customers.limit", "1").replace("length(customers.name)", "1"))
        done = run("features", "-o", "x.csv", env={"DATABASE_URL": in_both})
        assert done.exit != 0
        return done.stderr

    assert "expected one of file, table and query" in told("{file: tx.csv, table: raw.tx}")
    assert "raw.none" in told("{table: raw.none}") and "does not exist" in told("{table: raw.none}")
    assert "syntax error" in told("{query: SELEKT 1}")
    assert "no rows" in told("{query: SELECT * FROM raw.tx WHERE false}")
    assert "is no file" in told("postgresql://u@h/d")
    postgres.psql("CREATE FUNCTION bad() RETURNS int LANGUAGE sql AS 'DELETE FROM raw.tx; SELECT 1'", database=database)
    done = run("export", "SELECT bad()", "--url", in_both)
    assert done.exit == 1 and "read-only" in done.stderr
    assert rows(postgres, database, "SELECT count(*) FROM raw.tx") == ["3000"]


# ---- load and export ----

FINANCE = "Total Loan,LCY Deposit,note\n100.50,7,a\n,8.25,\"tab\tand \\\\N\"\n3,9,\"two\nlines\"\n"


def test_load(run, write, tmp_path, postgres, database):
    write("finance.csv", FINANCE)
    env = {"DATABASE_URL": postgres.url(database)}
    load = ["load", "finance.csv", "--table", "raw.finance", "--map", "transaction_amount=Total Loan",
            "--map", "account_balance=LCY Deposit", "--map", "note=note", "--id", "customer_id", "--at", "2026-01-31T08:00:00Z"]
    done = run(*load, env=env)
    assert done.exit == 1 and "--create" in done.stderr
    done = run(*load, "--create", "--json", env=env)
    assert done.json() == {"table": "raw.finance", "read": 3, "loaded": 3, "rejected": 0, "at": "2026-01-31T08:00:00Z"}
    query = "SELECT transaction_amount, account_balance, to_json(note), customer_id, created_at FROM raw.finance ORDER BY customer_id"
    expected = ["100.5|7|\"a\"|AA001|2026-01-31 08:00:00+00", '|8.25|"tab\\tand \\\\\\\\N"|AA002|2026-01-31 08:00:00+00',
                '3|9|"two\\nlines"|AA003|2026-01-31 08:00:00+00']
    utc = "SET timezone = 'UTC'; "
    assert rows(postgres, database, utc + query) == expected
    assert run(*load, "--replace", env=env).exit == 0  # idempotent
    assert rows(postgres, database, utc + query) == expected
    assert run(*load, env=env).exit == 0  # goes on where the ids ended
    assert rows(postgres, database, "SELECT count(*), max(customer_id) FROM raw.finance") == ["6|AA006"]
    done = run("load", "finance.csv", "--table", "raw.finance", "--map", "nothing=note", env=env)
    assert done.exit == 1 and "nothing" in done.stderr
    assert rows(postgres, database, "SELECT count(*) FROM raw.finance") == ["6"]


def test_load_many(run, write, postgres, database):
    """Past AA999, rejects counted, all or nothing, one time."""
    env = {"DATABASE_URL": postgres.url(database)}
    lines = ["n,word"] + [f"{i},w{i}" for i in range(12000)]
    lines[11500] = "1,2,3"
    write("many.csv", "\n".join(lines) + "\n")
    done = run("load", "many.csv", "--table", "many", "--create", "--id", "who", "--rejects", "bad.csv", "--json", env=env)
    counts = done.json()
    assert (counts["read"], counts["loaded"], counts["rejected"]) == (12000, 11999, 1)
    assert rows(postgres, database, "SELECT who FROM many WHERE n IN (998, 999, 1000, 11998) ORDER BY n") == ["AA999", "AA1000", "AA1001", "AA11998"]
    assert rows(postgres, database, "SELECT count(DISTINCT created_at) FROM many") == ["1"]
    lines[11000:11800] = ["x,y,z"] * 800
    write("many.csv", "\n".join(lines) + "\n")
    done = run("load", "many.csv", "--table", "many", "--replace", env=env)
    assert done.exit == 1 and "could not be read" in done.stderr
    assert rows(postgres, database, "SELECT count(*) FROM many") == ["11999"]


def test_loads_at_once(binary, run, tmp_path, postgres, database):
    """Of a schema and a table that none has made yet: one makes them, the others wait; ids are given once."""
    assert run("generate", "--rows", "20000", "-o", "tx.csv").exit == 0
    env = {**os.environ, "DATABASE_URL": postgres.url(database)}

    def at_once(*words):
        started = [subprocess.Popen([binary, "load", "tx.csv", "--create", *words], cwd=tmp_path, env=env, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True) for _ in range(4)]
        assert [(p.communicate()[1], p.returncode) for p in started] == [("", 0)] * 4

    at_once("--table", "fresh.ids", "--id", "row_id")
    assert rows(postgres, database, "SELECT count(*), count(DISTINCT row_id) FROM fresh.ids") == ["80000|80000"]
    at_once("--table", "fresh.same", "--replace")
    assert rows(postgres, database, "SELECT count(*) FROM fresh.same") == ["20000"]


def test_a_load_that_is_cut_off(binary, run, tmp_path, postgres, database):
    """By Ctrl-C, or by a server that goes: nothing of it is there, and the exit code says which it was."""
    assert run("generate", "--rows", "300000", "-o", "tx.csv").exit == 0
    assert run("load", "tx.csv", "--table", "raw.tx", "--create", env={"DATABASE_URL": postgres.url(database)}).exit == 0
    copying = f"pid <> pg_backend_pid() AND datname = '{database}' AND query LIKE 'COPY%' AND state = 'active'"

    def cut(how):
        load = subprocess.Popen([binary, "load", "tx.csv", "--table", "raw.tx", "--replace", "--url", postgres.url(database)],
                                cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: rows(postgres, database, f"SELECT count(*) FROM pg_stat_activity WHERE {copying}") == ["1"])
        how(load)
        return load.communicate()[1], load.returncode

    words, code = cut(lambda load: load.send_signal(signal.SIGINT))
    assert code == 130 and "nothing is loaded" in words
    words, code = cut(lambda load: postgres.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {copying}"))
    assert code == 3 and "the connection is lost" in words
    assert rows(postgres, database, "SELECT count(*) FROM raw.tx") == ["300000"]


def test_export(run, tmp_path, postgres, database):
    env = {"DATABASE_URL": postgres.url(database)}
    postgres.psql("CREATE TABLE x(a int, b text, c bool); INSERT INTO x VALUES (1, E'q\"uo\\\\te\\n, \\t', true), (2, NULL, false)", database=database)
    assert run("export", "x", "-o", "x.csv", env=env).exit == 0
    assert list(csv.DictReader(open(tmp_path / "x.csv", newline=""))) == [{"a": "1", "b": 'q"uo\\te\n, \t', "c": "true"}, {"a": "2", "b": "", "c": "false"}]
    assert run("export", "SELECT * FROM x ORDER BY a;", "-o", "x.ndjson", env=env).exit == 0
    assert [json.loads(line) for line in open(tmp_path / "x.ndjson")] == [{"a": 1, "b": 'q"uo\\te\n, \t', "c": True}, {"a": 2, "b": None, "c": False}]
    assert run("export", "x", "--ndjson", env=env).stdout == (tmp_path / "x.ndjson").read_text()
    done = run("export", "SELECT 1 / (a - 2) FROM x ORDER BY a", "-o", "bad.csv", env=env)
    assert done.exit == 1 and "division by zero" in done.stderr and not (tmp_path / "bad.csv").exists()


def test_file_and_back(run, tmp_path, postgres, database):
    """What is loaded and exported has the same cells."""
    env = {"DATABASE_URL": postgres.url(database)}
    assert run("generate", "--rows", "5000", "-o", "a.csv").exit == 0
    assert run("load", "a.csv", "--table", "raw.a", "--create", env=env).exit == 0
    columns = next(csv.reader(open(tmp_path / "a.csv")))
    names = ", ".join(f'"{c}"' for c in columns)
    assert run("export", f"SELECT {names} FROM raw.a", "-o", "b.csv", env=env).exit == 0
    a, b = (list(csv.DictReader(open(tmp_path / n))) for n in ("a.csv", "b.csv"))
    assert len(a) == len(b) == 5000

    def cell(text):
        return text.replace(" ", "T").replace("+00", "Z")

    assert [[cell(v) for v in r.values()] for r in a] == [[cell(v) for v in r.values()] for r in b]
