"""The usual clients beside Assay: kcat and psql fill what it reads and read what it writes."""

import csv
import json
import pathlib
import subprocess
import sys

import pytest

import streaming

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import postgres_server  # noqa: E402


@pytest.fixture(scope="module")
def server():
    yield from postgres_server.running()


def psql(server, text, stdin=None):
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", server.url(), "-c", text], input=stdin,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kcat(kafka, *words, stdin=""):
    done = subprocess.run(["kcat", "-q", "-b", kafka.brokers, *words], input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kcat_fills_a_topic_and_reads_the_decisions(kafka, run, topic, tmp_path, server):
    name = topic(partitions=2)
    path = streaming.settings(tmp_path, kafka.brokers, name)
    path.write_text(path.read_text().replace("stream: {", f'stream: {{sinks: {{all: {{table: analytics.by_kcat, postgres: "{server.url()}"}}}}, '))
    events = streaming.events(300)
    kcat(kafka, "-P", "-t", name, "-K", "|", "-X", "partitioner=murmur2_random", stdin="".join(f"{k}|{e}\n" for k, e in events))
    kcat(kafka, "-P", "-t", name, "-p", "0", stdin="this is no event\n")
    done = run("-c", path, "stream", "--once", "--json")
    assert done.exit == 0, done

    lines = kcat(kafka, "-C", "-t", f"{name}.decisions", "-e", "-o", "beginning", "-X", "isolation.level=read_committed",
                 "-f", "%k|%s\\n").splitlines()
    decided = {json.loads(value)["id"]: (key, json.loads(value)) for key, value in (line.split("|", 1) for line in lines)}
    assert len(lines) == 300 and {i: key for i, (key, _) in decided.items()} == {json.loads(e)["id"]: k for k, e in events}
    dead = kcat(kafka, "-C", "-t", f"{name}.dead", "-e", "-o", "beginning", "-f", "%h %s\\n")
    assert dead.count("\n") == 1 and "this is no event" in dead and "assay.error=" in dead
    found = dict(line.split("|") for line in psql(server, "SELECT event_id, outcome FROM analytics.by_kcat").splitlines())
    assert found == {i: d["outcome"] for i, (_, d) in decided.items()} and len(set(found.values())) > 1


SETTINGS = """
name: filled-by-psql
sources: {{transactions: {source}}}
event: {{id: transaction_id, time: timestamp, amount: amount, label: is_fraud}}
entities: {{account: account_id}}
features:
  amount: amount
  kind: transaction_type
  left: amount / balance
  new_device: is_new(device_id) by account
  n_1d: count() by account over 1d
model: {{kind: logistic, seed: 1}}
data_directory: {folder}
"""


def test_psql_fills_a_table_and_reads_scores(run, write, tmp_path, server):
    assert run("generate", "--scenario", "wallet", "--rows", "20000", "--days", "40", "-o", "tx.csv").exit == 0
    psql(server, """CREATE SCHEMA raw; CREATE TABLE raw.wallet (transaction_id bigint, timestamp timestamptz, account_id text,
        counterparty_id text, transaction_type text, amount numeric(18,6), balance numeric(18,6), device_id text, is_fraud boolean)""")
    psql(server, "COPY raw.wallet FROM STDIN WITH (FORMAT csv, HEADER)", stdin=(tmp_path / "tx.csv").read_text())
    of_table = write("table.yaml", SETTINGS.format(source="{table: raw.wallet}", folder="of-table"))
    of_file = write("file.yaml", SETTINGS.format(source="tx.csv", folder="of-file"))
    env = {"DATABASE_URL": server.url()}
    models = []
    for path in (of_table, of_file):
        done = run("-c", path, "train", "--quiet", env=env)
        assert done.exit == 0 and "Clearly better than chance" in done.stdout, done
        done = run("-c", path, "score", "-o", path.stem + ".csv", env=env)
        assert done.exit == 0, done
        with open(tmp_path / f"{path.stem}.csv") as f:
            models.append({r["id"]: r["probability"] for r in csv.DictReader(f)})
    assert models[0] == models[1] and len(models[0]) == 20000  # a table that psql filled is the file, to the bit

    done = run("load", "table.csv", "--table", "raw.scores", "--create", "--map", "id=id", "--map", "probability=probability", env=env)
    assert done.exit == 0, done
    rows = csv.DictReader(psql(server, "COPY (SELECT id, probability FROM raw.scores) TO STDOUT WITH (FORMAT csv, HEADER)").splitlines())
    assert {r["id"]: float(r["probability"]) for r in rows} == {i: float(p) for i, p in models[0].items()}
