"""kill -9 under load, and a disk that fills up: what was answered stays, and the state goes on as if nothing
had happened."""

import http.client
import json
import pathlib
import random
import subprocess
import sys
import time
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from playing import PLAYER_DIED, PLAYER_REFUSED, Home, Server, ndjson_of, same_as_answered  # noqa: E402

SETTINGS = """
name: crash
event: {id: transaction_id, time: timestamp, amount: amount}
sources: {transactions: {file: all.csv}}
entities: {customer: customer_id, terminal: terminal_id}
features:
  n_1d: count() by customer over 1d
  mean_7d: mean(amount) by customer over 7d
  spread: std(amount) by terminal over 7d
rules:
  MANY: {when: n_1d > 4, then: review}
  HIGH: {when: amount > 2 * mean_7d, then: challenge}
  ODD: {when: amount > 3 * spread, then: decline}
model: {kind: none}
log: {segment: 1MiB}
server: {threads: 2}
"""
EVENTS, KILLED = 40000, 12000


@pytest.fixture(scope="module")
def events(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    subprocess.run(
        [binary, "generate", "--rows", str(EVENTS), "--days", "30", "--start", "2018-04-01", "-o", folder / "all.csv"],
        check=True,
        capture_output=True,
    )
    ndjson_of(folder / "all.csv", folder / "all.ndjson")
    (folder / "assay.yaml").write_text(SETTINGS)
    return folder


def unfinished(player):
    out, err = player.communicate()
    assert player.returncode in (0, PLAYER_DIED), err
    return json.loads(out)["answered"]


def test_killed_under_load(binary, events, tmp_path):
    """Six connections at once; each goes on where its own answers end."""
    h = Home(binary, events / "assay.yaml", tmp_path / "data", "snapshot.every=1s")
    lines, share, rng = events / "all.ndjson", KILLED // 6, random.Random(5)
    at = [i * share for i in range(6)]
    for life in range(9):
        server = Server(h, "--no-history")
        players = [
            server.player(
                lines, at[i], (i + 1) * share - at[i], [0, 0, 0, 0, 1, 64][i], answers=tmp_path / f"answers-{i}"
            )
            for i in range(6)
        ]
        if life == 8:
            played = [unfinished(p) for p in players]
            server.stop()
        else:
            time.sleep(rng.random() * 0.5)
            server.kill()
            played = [unfinished(p) for p in players]
        at = [a + n for a, n in zip(at, played)]
    assert at == [(i + 1) * share for i in range(6)]
    assert sum(same_as_answered(h, tmp_path / f"answers-{i}") for i in range(6)) >= KILLED
    assert h.verify()["whole"]
    assert h.replay()["decisions"] == KILLED


# ---- a full disk


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 32 MiB. Without the right to mount one these tests are skipped."""
    at = tmp_path / "disk"
    at.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", at], capture_output=True).returncode != 0:
        pytest.skip("no right to mount a small file system")
    yield at
    subprocess.run(["umount", "-l", at], check=True)


def fill(directory):
    """Leaves nothing free."""
    with open(directory / "filler", "wb", buffering=0) as f:
        try:
            while f.write(b"x" * 4096):
                pass
        except OSError:
            pass


def wait_for_store(server):
    """The projection goes on by itself when there is room again."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
            figures = dict(x.rsplit(" ", 1) for x in answer.read().decode().splitlines() if x[0] != "#")
        if figures["assay_store_lag"] == "0":
            return
        time.sleep(0.1)
    pytest.fail(f"the store lags {figures['assay_store_lag']} records: {server.words()}")


def play_until_refused(server, lines, at, answers, batch):
    player = server.player(lines, at, batch=batch, answers=answers)
    out, err = player.communicate()
    assert player.returncode == PLAYER_REFUSED, (player.returncode, err, server.words())
    assert '"status":503' in err, err
    return at + json.loads(out)["answered"]


def refused_one_by_one(server, lines, at, answers):
    """What is left of the log's room takes a few single events where a group found none; then no more."""
    refused = 0
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with open(answers, "a", encoding="utf-8") as kept:
        while refused < 3:
            line = lines.read_text().splitlines()[at]
            c.request("POST", "/v1/decisions", line, {"Content-Type": "application/json"})
            answer = c.getresponse()
            words = answer.read().decode()
            if answer.status == 200:
                assert refused == 0
                kept.write(words)
                at += 1
                continue
            assert answer.status == 503, words
            assert int(answer.headers["Retry-After"]) > 0
            assert "nothing was recorded" in json.loads(words)["detail"]
            refused += 1
    c.close()
    return at


@pytest.mark.parametrize("batch", [0, 200])
def test_full_disk(binary, events, small_disk, tmp_path, batch):
    lines, answers = events / "all.ndjson", tmp_path / "answers"
    h = Home(binary, events / "assay.yaml", small_disk / "data", "snapshot.every=1s")
    with Server(h, "--no-history") as server:
        server.play(lines, 0, 500, batch, answers)
        fill(small_disk)
        at = play_until_refused(server, lines, 500, answers, batch)
        assert at < EVENTS

        at = refused_one_by_one(server, lines, at, answers)
        (small_disk / "filler").unlink()
        server.play(lines, at, 1000, batch, answers)
        at += 1000
        wait_for_store(server)
    fill(small_disk)
    words = json.loads(h.run("serve", "--port", "0", "--json", code=3))["error"]["text"]
    assert str(small_disk) in words  # it says where there is no room
    (small_disk / "filler").unlink()
    with Server(h) as server:
        fill(small_disk)
        at = play_until_refused(server, lines, at, answers, batch)
        (small_disk / "filler").unlink()
        server.play(lines, at, 1000, batch, answers)
        at += 1000
        fill(small_disk)
        play_until_refused(server, lines, at, answers, batch)
        server.kill()
    (small_disk / "filler").unlink()
    with Server(h) as server:
        server.play(lines, at, 500, batch, answers)
    assert h.verify()["whole"]
    wanted = [json.loads(x)["transaction_id"] for x in lines.read_text().splitlines()]
    logged = [int(r["id"]) for r in h.decisions()]
    if batch:  # lines behind a refused one may have found room, also in a batch that was not sent again
        assert len(set(logged)) == len(logged) and set(wanted[: at + 500]) <= set(logged) <= set(wanted)
    else:
        assert logged == wanted[: len(logged)] and len(logged) >= at + 500
    assert same_as_answered(h, answers) >= at + 500
    assert h.replay()["decisions"] == len(logged)
