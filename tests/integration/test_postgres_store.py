"""The store in PostgreSQL while the server crashes again and again under load; features of a large table."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import postgres_server
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
from test_serve import HISTORY, SETTINGS, Server  # noqa: E402

CRASHES = int(os.environ.get("ASSAY_CRASHES", "15"))


@pytest.fixture
def own():
    """A server of the test's own: others need not see it crash."""
    server = postgres_server.Postgres(postgres_server.programs()).start()
    yield server
    server.stop()


def test_crashes_under_load(binary, tmp_path, own):
    """Neither side's end loses a decision or has one twice."""
    (tmp_path / "tx.csv").write_text(HISTORY)
    (tmp_path / "assay.yaml").write_text(SETTINGS + f"store: {{kind: postgres, url: \"{own.url()}\"}}\n")
    rng = random.Random(1)
    server = Server(binary, tmp_path)
    done = threading.Event()
    answered = []

    def play():
        i, is_open = 0, False
        while is_open or not done.is_set():
            is_open = True
            try:
                status, _, _ = server.ask("POST", "/v1/decisions", {
                    "id": f"e{i}", "at": "2018-04-02T10:00:00Z", "customer": f"c{i % 50}", "amount": i % 900})
                if i % 10 == 0:
                    server.ask("POST", "/v1/labels", {"id": f"e{i}", "label": i % 20 // 10})
            except OSError:
                time.sleep(0.01)
                continue  # ours is down: the same event again
            assert status == 200
            answered.append(f"e{i}")
            is_open = False
            i += 1

    player = threading.Thread(target=play)
    player.start()
    try:
        for crash in range(CRASHES):
            time.sleep(rng.random())
            if crash % 5 == 4:
                server.process.kill()
                server.process.wait()
                server = Server(binary, tmp_path)
            else:
                own.halt(signal.SIGQUIT)
                time.sleep(rng.random() / 4)
                own.launch()
    finally:
        done.set()
        player.join()
    server.wait_projected()
    ids = own.psql("SELECT event_id FROM score.decision ORDER BY seq").stdout.split()
    assert sorted(ids) == sorted(answered) and len(ids) > 100
    server.stop()
    tables = ("SELECT d::text FROM score.decision d ORDER BY seq; SELECT l::text FROM label.label l ORDER BY seq; "
              "SELECT e::text FROM score.entity e ORDER BY seq, entity; SELECT projected_seq FROM audit.projection")
    before = own.psql(tables).stdout
    subprocess.run([binary, "rebuild"], cwd=tmp_path, check=True, capture_output=True)
    assert own.psql(tables).stdout == before


def test_handbook_from_a_table(binary, postgres, data, tmp_path):
    """1.75 million rows by load, then features of the table and of the file: one byte string."""
    source = data / "handbook" / "transactions.csv.zst"
    env = {**os.environ, "DATABASE_URL": postgres.url()}
    settings = ROOT / "examples" / "handbook" / "assay.yaml"

    def assay(*words):
        done = subprocess.run([binary, *map(str, words)], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    assay("load", source, "--table", "handbook", "--create", "--replace")
    query = "  transactions: {query: 'SELECT * FROM handbook ORDER BY ctid'}"  # as they were loaded
    lines = [query if line.startswith("  transactions:") else line for line in settings.read_text().splitlines()]
    (tmp_path / "assay.yaml").write_text("\n".join(lines) + "\n")
    assay("features", "-o", "table.csv")
    assay("features", "-c", settings, "--set", f"sources.transactions.file={source}", "-o", "file.csv")
    assert (tmp_path / "table.csv").read_bytes() == (tmp_path / "file.csv").read_bytes()
