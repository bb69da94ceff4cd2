"""examples/payments, its run.sh from training and a polled API to files and PostgreSQL, on a real Kafka and a real
PostgreSQL; decisions of the stream beside those of the file."""

import csv
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
sys.path.insert(0, str(ROOT / "tests" / "tools"))
import s3 as s3_server  # noqa: E402

SINCE = "2019-06-01"


@pytest.fixture
def database():
    yield from postgres_server.running()


@pytest.fixture
def s3():
    with s3_server.S3() as server:
        yield server
        assert not {"SignatureDoesNotMatch", "XAmzContentSHA256Mismatch"} & set(server.problems), server.problems


def test_an_endpoint_becomes_decisions_in_files_and_postgresql(binary, kafka, database, s3, tmp_path):
    folder = tmp_path / "payments"
    shutil.copytree(ROOT / "examples" / "payments", folder, ignore=shutil.ignore_patterns("made-up", "assay-data", "decided"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "assay").symlink_to(binary)
    env = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
    env |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "KAFKA_BROKERS": kafka.brokers, "DATABASE_URL": database.url(),
            "CARDS": "30", "POLLS": "4", "MODELS": "s3://models/payments",
            "AWS_ENDPOINT_URL": s3.endpoint, "AWS_ACCESS_KEY_ID": s3_server.ACCESS, "AWS_SECRET_ACCESS_KEY": s3_server.SECRET,
            "AWS_REGION": "eu-west-1", "ASSAY_MODEL_BOOST_TREES": "60"}
    done = subprocess.run([folder / "run.sh"], capture_output=True, text=True, timeout=240, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Clearly better than chance" in done.stdout

    with open(folder / "made-up" / "sparkov" / "transactions_2019.csv") as f:
        rows = list(csv.DictReader(f))
    time = {r["trans_num"]: r["trans_date_trans_time"] for r in rows}
    sent = [json.loads(m.value) for m in kafka.read("payments")]
    polled = [r["trans_num"] for r in rows if r["trans_date_trans_time"] >= SINCE][:2000]  # 4 answers of 500
    assert [r["trans_num"] for r in sent] == [r["trans_num"] for r in rows if r["trans_date_trans_time"] < SINCE] + polled
    assert len(polled) > 1000 and all("is_fraud" not in r for r in sent[-len(polled):])  # what comes again is sent once

    # The worker's model is that of the bucket.
    model = ("models", "model", "1.0.0", "model")
    assert (folder / "worker").joinpath(*model).read_bytes() == (folder / "assay-data").joinpath(*model).read_bytes()
    assert not (folder / "models").exists()

    # Every payment is decided once, as over the file to the bit.
    decisions = {d["id"]: d for d in (json.loads(m.value) for m in kafka.read("payments.decisions"))}
    assert set(decisions) == {r["trans_num"] for r in sent} and kafka.read("payments.dead") == []
    done = subprocess.run([binary, "score", "-o", "scores.csv"], cwd=folder, capture_output=True, text=True,
                          env=env | {"ASSAY_DATA": str(folder / "made-up")})
    assert done.returncode == 0, done.stderr
    with open(folder / "scores.csv") as f:
        scores = {r["id"]: r for r in csv.DictReader(f)}
    wrong = [i for i, d in decisions.items() if (d["outcome"], d["probability"]) != (scores[i]["outcome"], float(scores[i]["probability"]))]
    assert wrong == []

    # Files have all new ones, PostgreSQL those that were stopped, the topic those that were declined.
    written = []
    for path in sorted(folder.glob("decided/payments-*.csv")):
        with open(path) as f:
            written += [r["id"] for r in csv.DictReader(f)]
    assert written == polled
    stopped = {i: d["outcome"] for i, d in decisions.items() if d["outcome"] != "approve" and time[i] >= SINCE}
    found = database.psql("SELECT event_id, outcome FROM payments_stopped").stdout.split()
    assert len(stopped) > 10 and dict(r.split("|") for r in found) == stopped
    told = [json.loads(m.value)["id"] for m in kafka.read("payments.declined")]
    assert sorted(told) == sorted(i for i, outcome in stopped.items() if outcome == "decline")
    right = database.psql("SELECT count(*) FROM payments_stopped JOIN raw.truth ON event_id = trans_num WHERE is_fraud = 1").stdout
    assert int(right) > 0.5 * len(stopped)
