"""examples/activity-log, its run.sh from the file to PostgreSQL, on a real Kafka and a real PostgreSQL."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import postgres_server  # noqa: E402
from test_notify import Receiver  # noqa: E402


@pytest.fixture
def database():
    yield from postgres_server.running()


@pytest.fixture
def receiver():
    r = Receiver(answer=lambda n, event: 503 if 1 <= n < 4 else 204)  # away when the first come
    yield r
    r.close()


def test_an_array_becomes_decisions_in_postgresql(binary, kafka, database, receiver, data, tmp_path):
    folder = tmp_path / "activity-log"
    shutil.copytree(ROOT / "examples" / "activity-log", folder)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "assay").symlink_to(binary)
    done = subprocess.run([folder / "run.sh"], capture_output=True, text=True, timeout=120, env={
        **os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "ASSAY_DATA": str(data),
        "KAFKA_BROKERS": kafka.brokers, "DATABASE_URL": database.url(), "NOTIFY_URL": receiver.url})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Clearly better than chance" in done.stdout

    log = json.loads((data / "activity-log" / "logFraud.json").read_text())
    sent = kafka.read("p6")
    assert [json.loads(m.value) for m in sent] == log
    assert [m.key for m in sent] == [str(r["Id"]) for r in log]
    decisions = [json.loads(m.value) for m in kafka.read("p6.decisions")]
    assert len(decisions) == len(log) and kafka.read("p6.dead") == []

    fraud = {d["id"]: d["outcome"] for d in decisions if d["outcome"] != "approve"}
    rows = database.psql("SELECT event_id, outcome FROM activity_fraud").stdout.split()
    assert fraud and dict(r.split("|") for r in rows) == fraud
    assert len(receiver.requests) == len(receiver.taken) + 3
    told = {event["id"]: event["data"] for event in receiver.taken[1:]}  # the first is of `assay notify test`
    assert len(told) == len(receiver.taken) - 1
    assert sorted(d["id"] for d in told.values()) == sorted(i for i, outcome in fraud.items() if outcome == "decline")
    assert all(d["fields"].keys() == {"Id", "devideId", "logActivity"} and d["fields"]["logActivity"] == "Payment" for d in told.values())
    # What the demonstration rule calls a fraud is a payment, and the model says so of nothing else.
    payments = {d["seq"] - 1 for d in decisions if d["id"] in fraud}
    assert all(log[offset]["logActivity"] == "Payment" for offset in payments)
