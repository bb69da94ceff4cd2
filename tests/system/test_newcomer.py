"""What somebody meets who follows the README: words that add up, and commands that do what they seem to."""

import json
from pathlib import Path
import re
import socket
import subprocess
import time
import urllib.request

import pytest

SETTINGS = """
name: newcomer
sources:
  transactions: {file: tx.csv}
event: {id: transaction_id, time: timestamp, amount: amount, label: {field: is_fraud}}
entities: {customer: customer_id}
features:
  amount: amount
  n: count() by customer over 30d
model: {kind: none}
outcomes: [approve, review, decline]
decision: {review: 300, decline: 800}
"""


@pytest.fixture
def run(binary, tmp_path):
    def call(*arguments, code=0):
        done = subprocess.run([binary, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, done.stderr

    return call


def in_mib(words):
    units = {"B": 2**-20, "KiB": 2**-10, "MiB": 1, "GiB": 2**10, "TiB": 2**20}
    return [float(n) * units[unit] for n, unit in re.findall(r"([\d.]+) ([KMGT]?i?B)\b", words)]


def test_what_memory_is_needed_adds_up(run, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    run("generate", "--rows", "2000", "-o", "tx.csv")
    out, err = run("check", "--rate", "5000", "--entities", "customer=5000000", code=3)
    needed = in_mib(next(line for line in out.splitlines() if line.startswith("  needed")))
    assert len(needed) == 4 and needed[3] == pytest.approx(sum(needed[:3]), rel=0.01)
    assert needed[3] == pytest.approx(in_mib(err)[0], rel=0.01)  # what the error asks for
    out, _ = run("check", "--rate", "1", "--entities", "customer=500")
    assert "  needed" not in out


def test_rows_that_do_not_fill_the_days_say_so(run, tmp_path):
    _, err = run("generate", "--rows", "1000", "--days", "400", "-o", "few.csv")
    days = len({line.split(",")[1][:10] for line in (tmp_path / "few.csv").read_text().splitlines()[1:]})
    said = re.search(r"1000 rows fill (\d+) of 400 days \(to (\S+)\)", err)
    assert said and int(said[1]) >= days and said[2] == (tmp_path / "few.csv").read_text().splitlines()[-1].split(",")[1][:10]


def test_a_condition_is_tried_without_a_name(run, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    run("generate", "--rows", "2000", "-o", "tx.csv")
    _, err = run("backtest", "amount > 100", code=2)
    assert "assay backtest --when 'amount > 500'" in err
    _, err = run("backtest", "--then", "review", code=2)
    assert "--when" in err


def test_an_example_of_now_is_not_late(binary, run, tmp_path):
    """The README's request has the time of now: it is not late whenever the history ended."""
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    run("generate", "--rows", "2000", "--start", time.strftime("%Y-%m-%d", time.gmtime(time.time() - 80 * 86400)), "--days", "60", "-o", "tx.csv")
    readme = Path(__file__).parents[2].joinpath("README.md").read_text()
    body = re.search(r"localhost:8080/v1/decisions -d '(\{.*?\})'\n```", readme, re.S)[1]
    now = "'$(date -u +%FT%TZ)'"
    assert now in body
    body = body.replace(now, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen([binary, "serve", "--set", f"server.port={port}"], cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz")
                break
            except OSError:
                time.sleep(0.05)
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/decisions", body.encode(), {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(request))
        assert "too_late" not in answer["flags"] and "late" not in answer["flags"]
        done = subprocess.run([binary, "backtest", "--when", "amount > 100", "--json"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "DRAFT" in done.stdout
        done = subprocess.run([binary, "explain", answer["id"], "--url", f"http://127.0.0.1:{port}"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0 and "earlier decisions" in done.stdout, done.stdout
    finally:
        server.terminate()
        server.wait(timeout=20)
