"""Disks that fail or are slow, a store that goes away, a clock that is stepped, files that are half written: what was
answered stays, what cannot be kept is not answered, and what is wrong is told by name. The machine's faults are
tests/tools/faults.c. Kills and full disks of the log: test_crash; of the registry: test_registry; the many forms:
tests/soak/test_many_faults."""

import concurrent.futures
import contextlib
import errno
import http.client
import json
import pathlib
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from playing import PLAYER_REFUSED, Faults, Home, Server, ndjson_of, same_as_answered  # noqa: E402

SETTINGS = """
name: faults
event: {{id: transaction_id, time: timestamp, amount: amount}}
sources: {{transactions: {{file: all.csv}}}}
entities: {{customer: customer_id, terminal: terminal_id}}
lists: {{blocked: {{description: told}}}}
features:
  n_1d: count() by customer over 1d
  mean_7d: mean(amount) by customer over 7d
{features}
rules:
  MANY: {{when: n_1d > {many}, then: review}}
  HIGH: {{when: amount > 2 * mean_7d, then: challenge}}
model: {{kind: none}}
log: {{segment: 1MiB}}
server: {{threads: 2}}
{more}
"""
BASE = {"features": "", "many": 4, "more": ""}
EVENTS = 12000


@pytest.fixture(scope="module")
def events(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    subprocess.run(
        [binary, "generate", "--rows", str(EVENTS), "--days", "20", "--start", "2018-04-01", "-o", folder / "all.csv"],
        check=True, capture_output=True,
    )
    return ndjson_of(folder / "all.csv", folder / "all.ndjson")


@pytest.fixture
def faults(tmp_path):
    return Faults(tmp_path / "faults")


@pytest.fixture
def home(binary, events, tmp_path, faults):
    (tmp_path / "all.csv").symlink_to(events.with_suffix(".csv"))
    (tmp_path / "assay.yaml").write_text(SETTINGS.format(**BASE))
    return Home(binary, tmp_path / "assay.yaml", tmp_path / "data", env=faults.env)


def ask(server, method, path, body=None, headers=None, timeout=60):
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        sent = {"Content-Type": "application/json"} if body is not None else {}
        c.request(method, path, body if body is None or isinstance(body, str) else json.dumps(body), {**sent, **(headers or {})})
        answer = c.getresponse()
        text = answer.read().decode()
    finally:
        c.close()
    return answer.status, json.loads(text) if "json" in (answer.headers["Content-Type"] or "") and text else text, answer.headers


def until(what, seconds=30):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
    return found


def metrics(server):
    return dict(x.rsplit(" ", 1) for x in ask(server, "GET", "/metrics")[1].splitlines() if x and x[0] != "#")


def lag(server):
    return int(metrics(server)["assay_store_lag"])


def line(events, i):
    return events.read_text().splitlines()[i]


# ---- a disk that fails


def test_a_failed_sync_stops_the_shard_and_only_recovery_starts_it(home, events, faults, tmp_path, batch=0):
    answers = tmp_path / "answers"
    with Server(home, "--no-history") as server:
        server.play(events, 0, 500, batch, answers)
        faults.set(path="shard-0/log", sync_nth=2, error=errno.EIO)
        p = server.player(events, 500, batch=batch, answers=answers)
        out, err = p.communicate()
        assert p.returncode == PLAYER_REFUSED and '"status":503' in err, err
        at = 500 + json.loads(out)["answered"]
        assert faults.struck == 1
        # The disk is well again. The pages that failed may be lost, so nothing may be built on them.
        for _ in range(3):
            status, problem, headers = ask(server, "POST", "/v1/decisions", line(events, at))
            assert status == 503 and int(headers["Retry-After"]) > 0 and "stopped" in problem["detail"], problem
        assert "Input/output error" in problem["detail"] and "shard-0/log" in problem["detail"]
        assert ask(server, "GET", "/readyz")[0] == 503 and ask(server, "GET", "/healthz")[0] == 200
        assert ask(server, "POST", "/v1/labels", {"id": json.loads(line(events, 1))["transaction_id"], "label": True})[0] == 503
        assert ask(server, "POST", "/v1/lists/blocked/entries", {"value": "x"})[0] == 503
        server.kill()
    with Server(home) as server:
        server.play(events, at, 1000, batch, answers)
    assert same_as_answered(home, answers) == at + 1000
    assert home.verify()["whole"] and home.replay()["different"] == 0


def test_a_shard_that_stopped_ends_well_or_says_why(home, events, faults):
    server = Server(home, "--no-history")
    server.play(events, 0, 50)
    faults.set(path="shard-0/log", sync_nth=1, error=errno.EIO, sync_lasts=1)
    assert ask(server, "POST", "/v1/decisions", line(events, 60))[0] == 503
    server.process.terminate()
    code = server.process.wait(timeout=30)
    assert code in (0, 3), server.words()
    server._ended()
    faults.clear()
    with Server(home) as server:
        server.play(events, 50, 50)
    assert home.verify()["whole"]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_change_that_the_control_log_cannot_keep_is_not_made(home, faults, number):
    faults.set(path="control/log", error=number)
    with Server(home, "--no-history") as server:
        faults.set(**({"write_fails": 1} if number == errno.ENOSPC else {"sync_nth": 1, "sync_lasts": 1}))
        status, problem, headers = ask(server, "POST", "/v1/keys", {"name": "k", "roles": ["admin"]})
        assert status == 503 and int(headers["Retry-After"]) > 0 and "secret" not in problem, problem
        assert ask(server, "GET", "/v1/keys")[1]["items"] == []
        faults.set(write_fails=0, sync_nth=0, sync_lasts=0)
        server.kill()
    faults.clear()
    with Server(home, "--no-history") as server:
        status, answer, _ = ask(server, "GET", "/v1/keys")
        # What was written and could not be synced may be there after all, as with any answer that did not come.
        assert (status == 401 and number == errno.EIO) or answer["items"] == []
        if status == 200:
            assert ask(server, "POST", "/v1/keys", {"name": "k", "roles": ["admin"]})[0] == 201
    home.run("log", "verify", "--control")


FULL, NO_SYNC = {"write_fails": 1, "error": errno.ENOSPC}, {"sync_nth": 1, "sync_lasts": 1, "error": errno.EIO}


@pytest.mark.parametrize("how", [FULL])
def test_snapshots_that_fail_are_told_and_decisions_go_on(home, events, faults, tmp_path, how):
    h = home.with_("snapshot.every=1s")
    answers = tmp_path / "answers"
    with Server(h, "--no-history") as server:
        faults.set(path="shard-0/snapshots", **how)
        server.play(events, 0, 300, 0, answers)
        until(lambda: faults.struck > 0)
        server.play(events, 300, 300, 0, answers)
        server.kill()
    faults.clear()
    with Server(h) as server:
        server.play(events, 600, 100, 0, answers)
    assert same_as_answered(h, answers) == 700 and h.verify()["whole"] and h.replay()["decisions"] == 700


def test_a_slow_disk_bounds_the_queue_and_loses_nothing(home, events, faults):
    """Each sync takes 100 ms; 64 may wait, 200 come."""
    lines = events.read_text().splitlines()[:1200]
    answered, refused = {}, 0
    lock = threading.Lock()
    with Server(home.with_("server.queue=64"), "--no-history") as server:
        before = resident(server)
        faults.set(path="shard-0/log", sync_delay_us=100_000)

        def send(i):
            nonlocal refused
            c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            for body in lines[i::200]:
                c.request("POST", "/v1/decisions", body, {"Content-Type": "application/json"})
                r = c.getresponse()
                a = json.loads(r.read())
                with lock:
                    if r.status == 200:
                        answered[a["id"]] = a
                    else:
                        assert r.status in (429, 503) and int(r.headers["Retry-After"]) > 0, a
                        refused += 1
            c.close()

        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            list(pool.map(send, range(200)))
        assert refused > 0 and len(answered) > 64
        assert resident(server) - before < 64 << 20
        faults.clear()
        assert ask(server, "POST", "/v1/decisions", line(events, 5000))[0] == 200
    logged = {d["id"]: d for d in home.decisions()}
    for name, a in answered.items():
        assert logged[name]["seq"] == a["seq"] and logged[name]["score"] == a["score"]
    assert len(logged) == len(answered) + 1, "what was refused was not decided"
    assert home.replay()["different"] == 0 and home.verify()["whole"]


def resident(server):
    pages = int(pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * 4096


# ---- a store that goes away


def gone(path):
    path.unlink()


def gone_altogether(path):
    for p in path.parent.glob("store.sqlite*"):
        p.unlink()


def moved_and_back(path):
    path.rename(path.with_suffix(".moved"))
    time.sleep(0.1)
    path.with_suffix(".moved").rename(path)


def another(path):
    path.rename(path.with_suffix(".was"))
    path.write_bytes(b"something else entirely\n" * 1000)


def corrupted(path):
    with open(path, "r+b") as f:
        f.write(b"\xff" * path.stat().st_size)
    with contextlib.suppress(OSError):
        with open(path.with_name("store.sqlite-wal"), "r+b") as f:
            f.write(b"\xff" * f.seek(0, 2))


HARMS = [gone, gone_altogether, moved_and_back, another, corrupted]


@pytest.mark.parametrize("harm", [gone_altogether, corrupted])
def test_a_store_that_is_lost_is_made_anew_while_decisions_go_on(home, events, tmp_path, harm, half=1200):
    answers = tmp_path / "answers"
    with Server(home, "--no-history") as server:
        server.play(events, 0, half, 300, answers)
        until(lambda: lag(server) == 0)
        ids = lambda: {d["id"] for d in ask(server, "GET", "/v1/decisions?limit=1000")[1]["decisions"]}
        was = ids()
        harm(home.data / "store.sqlite")
        player = server.player(events, half, half, 0, answers)
        seen = set()
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            status, answer, headers = ask(server, "GET", "/v1/decisions?limit=1000")
            seen.add(status)
            assert status in (200, 503), answer
            if status == 503:
                assert int(headers["Retry-After"]) > 0
            one = json.loads(line(events, 7))["transaction_id"]
            assert ask(server, "GET", f"/v1/decisions/{one}")[0] == 200  # from the log
            if player.poll() is not None and status == 200 and lag(server) == 0:
                with contextlib.suppress(sqlite3.Error), contextlib.closing(
                    sqlite3.connect(f"file:{home.data / 'store.sqlite'}?mode=ro", uri=True)
                ) as db:
                    if db.execute("SELECT count(*) FROM decision").fetchone()[0] == 2 * half:
                        break
            time.sleep(0.02)
        else:
            pytest.fail(f"the store did not come back: {ask(server, 'GET', '/readyz')[1]}")
        out, err = player.communicate()
        assert player.returncode == 0 and json.loads(out)["answered"] == half, err
        assert ask(server, "GET", "/v1/decisions/nobody")[0] == 404
        assert len(was) == 1000 == len(ids())
    assert same_as_answered(home, answers) == 2 * half
    assert home.verify()["whole"] and home.replay()["decisions"] == 2 * half


def test_a_store_that_cannot_be_written_lags_and_catches_up(home, events, faults, tmp_path):
    with Server(home, "--no-history") as server:
        server.play(events, 0, 500)
        until(lambda: lag(server) == 0)
        for i, number in enumerate((errno.EROFS, errno.ENOSPC)):
            faults.set(path="store.sqlite", write_fails=1, error=number)
            server.play(events, 500 + 100 * i, 100)
            until(lambda: "store_failure" in ask(server, "GET", "/readyz")[1])
            status, page, _ = ask(server, "GET", "/v1/decisions?limit=5")
            assert status == 503 or page["store_lag"] > 0
            last = json.loads(line(events, 590 + 100 * i))["transaction_id"]
            assert ask(server, "GET", f"/v1/decisions/{last}")[0] == 200
            faults.clear()
            until(lambda: lag(server) == 0 and "store_failure" not in ask(server, "GET", "/readyz")[1])
    assert home.replay()["decisions"] == 700


def test_a_store_that_another_program_locks(home, events):
    with Server(home, "--no-history") as server:
        server.play(events, 0, 500)
        until(lambda: lag(server) == 0)
        with contextlib.closing(sqlite3.connect(home.data / "store.sqlite", isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            server.play(events, 500, 500)
            status, page, _ = ask(server, "GET", "/v1/decisions?limit=5")
            assert status == 200 and page["store_lag"] == 500
            db.execute("ROLLBACK")
        until(lambda: lag(server) == 0)


def test_a_store_that_is_none_at_the_start_is_made_anew(home, events):
    with Server(home, "--no-history") as server:
        server.play(events, 0, 500)
    for p in home.data.glob("store.sqlite*"):
        p.write_bytes(b"\xff" * 9000)
    with Server(home) as server:
        until(lambda: lag(server) == 0 and "store_rebuilding" not in ask(server, "GET", "/readyz")[1])
        assert len(ask(server, "GET", "/v1/decisions?limit=1000")[1]["decisions"]) == 500


# ---- a clock that is stepped


def test_a_clock_that_is_stepped(home, events, faults, tmp_path):
    """An hour on, two back, one on: decisions go on, in the order of seq; what is received has the clock's time."""
    answers = tmp_path / "answers"
    with Server(home, "--no-history") as server:
        for i, hours in enumerate((0, 1, -1, 0)):
            faults.set(clock_us=hours * 3_600_000_000)
            server.play(events, 300 * i, 300, 50 * (i % 2), answers)
            one = json.loads(line(events, 300 * i))["transaction_id"]
            assert ask(server, "POST", "/v1/labels", {"id": one, "label": True})[0] == 200
            until(lambda: lag(server) == 0)
        server.kill()
    with Server(home) as server:
        server.play(events, 1200, 100, 0, answers)
    found = list(home.decisions())
    assert [d["seq"] for d in found] == sorted(d["seq"] for d in found) and len(found) == 1300
    assert found[0]["received"] < found[700]["received"] or found[700]["received"] < found[0]["received"]
    assert found[400]["received"] > found[700]["received"], "the wall clock's, as documented"
    assert same_as_answered(home, answers) == 1300
    assert home.replay()["decisions"] == 1300 and home.verify()["whole"]


def test_access_under_a_stepped_clock(home, tmp_path, faults):
    """Keys end by the wall clock. Sessions, rates and slowed guesses are of this process, and know no wall clock."""
    password = "correct horse battery"
    (tmp_path / "assay.yaml").write_text(
        SETTINGS.format(**{**BASE, "more": "access: {rate: {per_key: 5/min}}"})
    )
    make = lambda *a: json.loads(home.run("key", "create", *a, "--json"))["secret"]
    admin, short = make("root", "--role", "admin"), make("short", "--role", "viewer", "--expires", "30m")
    bearer = lambda k: {"Authorization": "Bearer " + k}
    with Server(home, "--no-history") as server:
        assert ask(server, "POST", "/v1/users", {"name": "ann", "password": password, "roles": ["viewer"]}, bearer(admin))[0] == 201
        signed = ask(server, "POST", "/v1/sessions", {"name": "ann", "password": password})
        cookie = {"Cookie": signed[2]["Set-Cookie"].split(";")[0]}
        for _ in range(4):
            ask(server, "POST", "/v1/sessions", {"name": "bob", "password": "wrong wrong wrong"})
        faults.set(clock_us=3_600_000_000)
        assert ask(server, "GET", "/v1/lists", None, bearer(short))[0] == 401  # it ended
        assert ask(server, "GET", "/v1/lists", None, cookie)[0] == 200
        faults.set(clock_us=-3_600_000_000)
        assert ask(server, "GET", "/v1/lists", None, bearer(short))[0] == 200
        assert ask(server, "GET", "/v1/lists", None, cookie)[0] == 200
        status, _, headers = ask(server, "POST", "/v1/sessions", {"name": "bob", "password": "wrong wrong wrong"})
        assert status in (401, 429) and int(headers["Retry-After"] or 0) <= 30, "not an hour longer"
        statuses = [ask(server, "GET", "/v1/lists", None, bearer(short)) for _ in range(6)]
        assert statuses[-1][0] == 429 and int(statuses[-1][2]["Retry-After"]) <= 60


# ---- files that are half written


def segments(home):
    return sorted((home.data / "shard-0/log").glob("0*.log"))


def end_of_records(path):
    data, at = path.read_bytes(), 4096
    starts = []
    while at + 8 <= len(data) and (n := int.from_bytes(data[at : at + 4], "little")):
        starts.append(at)
        at += 8 + n
    return starts, at


@pytest.mark.parametrize("harm", ["torn", "noise"])
def test_a_torn_end_of_the_log_is_cut(home, events, tmp_path, harm):
    """What a crash leaves of records that were never answered."""
    answers = tmp_path / "answers"
    server = Server(home, "--no-history")
    server.play(events, 0, 400, 0, answers)
    server.kill()
    last = segments(home)[-1]
    starts, end = end_of_records(last)
    with open(last, "r+b") as f:
        if harm == "torn":  # the first half of a record
            f.seek(starts[-1])
            piece = f.read((end - starts[-1]) // 2)
            f.seek(end)
            f.write(piece)
        elif harm == "cut":
            f.truncate(end)
        else:
            f.seek(end)
            f.write(b"\xa5" * 300)
    with Server(home) as server:
        server.play(events, 400, 100, 0, answers)
    assert same_as_answered(home, answers) == 500 and home.verify()["whole"] and home.replay()["decisions"] == 500


def test_a_broken_record_before_good_ones_is_told_by_its_place(home, events):
    server = Server(home, "--no-history")
    server.play(events, 0, 400)
    server.kill()
    last = segments(home)[-1]
    starts, _ = end_of_records(last)
    whole = last.read_bytes()
    for at in (starts[-200] + 60, starts[-200] + 2, starts[-200] + 10):
        broken = bytearray(whole)
        broken[at] ^= 0x40
        last.write_bytes(broken)
        words = json.loads(home.run("serve", "--port", "0", "--json", code=1))["error"]["text"]
        assert last.name in words, words
        home.run("log", "verify", code=1)
        assert last.read_bytes() == bytes(broken), "nothing was cut"
    last.write_bytes(whole)
    with Server(home) as server:
        server.play(events, 400, 100)
    assert home.verify()["whole"]


@pytest.mark.parametrize("harm", ["half", "flipped"])
def test_half_written_snapshots_are_passed_over(home, events, harm):
    with Server(home, "--no-history") as server:
        server.play(events, 0, 1000, 100)
    for path in home.snapshots:
        if not path.is_file():
            continue
        whole = path.read_bytes()
        path.write_bytes(
            whole[: len(whole) // 2] if harm == "half" else b"" if harm == "empty"
            else whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :]
        )
    with Server(home) as server:
        server.play(events, 1000, 200)
    assert home.replay()["decisions"] == 1200 and home.verify()["whole"]


def test_a_half_written_end_of_the_control_log(home):
    made = json.loads(home.run("key", "create", "one", "--role", "admin", "--json"))["secret"]
    log = sorted((home.data / "control/log").glob("0*.log"))[-1]
    starts, end = end_of_records(log)
    whole = log.read_bytes()
    with open(log, "r+b") as f:  # half of one more
        f.seek(end)
        f.write(whole[starts[-1] : (starts[-1] + end) // 2])
    with Server(home, "--no-history") as server:
        assert ask(server, "GET", "/v1/keys", None, {"Authorization": "Bearer " + made})[0] == 200
        assert ask(server, "GET", "/v1/keys")[0] == 401
    home.run("log", "verify", "--control")
    broken = bytearray(log.read_bytes())
    broken[starts[0] + 60] ^= 1
    log.write_bytes(broken)
    words = json.loads(home.run("serve", "--port", "0", "--json", code=1))["error"]["text"]
    assert "control" in words and log.name in words, words  # and nobody is let in without their key


def test_a_half_written_model_is_told_by_name(home, events, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS.format(**BASE).replace("kind: none", "kind: logistic").replace(
        "amount: amount}", "amount: amount, label: {field: is_fraud, delay: 1d}}"))
    home.run("train")
    home.run("model", "promote", "model", "--force")
    with Server(home, "--no-history") as server:
        server.play(events, 0, 200)
    models = home.data / "models"
    aliases = models / "aliases.json"
    champion = next(p for p in models.rglob("*") if p.is_file() and p.suffix in (".model", "") and p.stat().st_size > 300
                    and p.read_bytes()[:5] == b"ASSAY")
    whole = champion.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", whole[:-1] + bytes([whole[-1] ^ 1])):
        champion.write_bytes(broken)
        words = json.loads(home.run("serve", "--port", "0", "--json", code=1))["error"]["text"]
        assert "model" in words, words
    champion.write_bytes(whole)
    named = aliases.read_bytes()
    for broken in (named[: len(named) // 2], b"", b"\0" * len(named)):
        aliases.write_bytes(broken)
        words = json.loads(home.run("serve", "--port", "0", "--json", code=1))["error"]["text"]
        assert "aliases.json" in words, words
    aliases.write_bytes(named)
    with Server(home) as server:
        server.play(events, 200, 200)
        # What was decided by the model replays from the log's own copy; the same harm under a running server
        champion.write_bytes(whole[: len(whole) // 2])
        status, problem, _ = ask(server, "POST", "/v1/settings:reload", {})
        assert status in (200, 422), problem
        server.play(events, 400, 100)
    champion.write_bytes(whole)
    assert home.replay()["decisions"] == 500


# ---- reloads


def test_good_and_bad_settings_under_load(home, events, tmp_path, turns=4, share=800):
    good = [{**BASE, "many": 2}, {**BASE, "features": "  seen: count() by terminal over 30d"}, BASE]
    bad = ["features: [", SETTINGS.format(**{**BASE, "features": "  odd: count() by nobody over 1d"}),
           SETTINGS.format(**{**BASE, "many": "x ++"}), ""]
    new = tmp_path / "assay.yaml.new"

    def settings(text):
        new.write_text(text)
        new.rename(tmp_path / "assay.yaml")

    def reload():
        status, job, _ = ask(server, "POST", "/v1/settings:reload", {})
        while job.get("state") == "running":
            time.sleep(0.01)
            status, job, _ = ask(server, "GET", f"/v1/jobs/{job['id']}")
        return status, job

    with Server(home, "--no-history") as server:
        players = [server.player(events, i * share, share, [0, 0, 64][i], tmp_path / f"answers-{i}") for i in range(3)]
        for i in range(turns):
            settings(bad[i % len(bad)])
            status, problem = reload()
            assert status == 422 and "in force" in problem["detail"], problem
            settings(SETTINGS.format(**good[i % len(good)]))
            status, job = reload()
            assert status in (200, 202) and job["state"] == "done" and job["result"]["changed"], job
        for p in players:
            out, err = p.communicate()
            assert p.returncode == 0 and json.loads(out)["answered"] == share, err
    plan, plans, named = None, 0, 0
    for text in home.run("log", "export").splitlines():
        r = json.loads(text)
        if r["kind"] == "plan":
            plan, plans = r["seq"], plans + 1
        elif r["kind"] == "decision":
            assert r["plan"] == plan
            named += 1
    assert plans == turns + 1 and named == 3 * share
    assert home.replay()["decisions"] == 3 * share and home.verify()["whole"]
    assert sum(same_as_answered(home, tmp_path / f"answers-{i}") for i in range(3)) == 3 * share
