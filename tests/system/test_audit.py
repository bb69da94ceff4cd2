"""The audit over both logs, signed checkpoints, packed segments, and a log of which the beginning is cut."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import threading
import time

import pytest

from test_access import Server, clean

SMALL = """
log: {segment: 1MiB, checkpoint: 1h}
"""
KEEPING = """
log: {segment: 1MiB, keep: {bytes: 2MiB}, checkpoint: 1h, checkpoint_file: elsewhere.ndjson}
snapshot: 1s
"""


@contextlib.contextmanager
def serving(binary, folder, settings=SMALL, **more):
    server = Server(binary, folder, settings=settings, **more)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(timeout=60)
        server.process.stdout.close()
        server.errors.close()


def command(binary, folder, *words, fails=False):
    done = subprocess.run([binary, *words], cwd=folder, capture_output=True, text=True, env=clean())
    assert (done.returncode != 0) == fails, (words, done.stdout, done.stderr)
    return done.stderr if fails else done.stdout


def event(i, at="2018-04-02T00:00:00Z"):
    return {"id": f"e{i}", "at": at, "customer": f"c{i % 50}", "amount": 10 + i % 900}


def noisy(i):
    """A customer that no packing makes shorter."""
    return {**event(i), "customer": hashlib.shake_128(str(i).encode()).hexdigest(150)}


def batch(server, first, count, of=event):
    lines = "".join(json.dumps(of(i)) + "\n" for i in range(first, first + count))
    status, _, answer = whole(server, "POST", "/v1/decisions:batch", lines,
                              {"Content-Type": "application/x-ndjson"})
    assert status == 200 and answer.count("\n") == count


def whole(server, method, path, body, headers):
    import http.client

    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        c.request(method, path, body, headers)
        answer = c.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        c.close()


def get(server, path, headers=None):
    status, _, text = whole(server, "GET", path, None, headers or {})
    return status, json.loads(text)


def post(server, path, body, headers=None):
    status, _, text = whole(server, "POST", path, json.dumps(body),
                            {"Content-Type": "application/json", **(headers or {})})
    return status, json.loads(text)


def log_of(folder):
    return folder / "assay-data" / "shard-0" / "log"


@pytest.fixture(scope="module")
def audited(binary, tmp_path_factory):
    """A server with a key, a few decisions, a label and a list change, each by a known request."""
    folder = tmp_path_factory.mktemp("audit")
    with serving(binary, folder) as s:
        status, made = post(s, "/v1/keys", {"name": "boss", "roles": ["admin", "engineer"]})
        assert status == 201
        by = {"Authorization": "Bearer " + made["secret"]}
        for i in range(5):
            assert post(s, "/v1/decisions", event(i), {**by, "X-Request-Id": f"r-{i}"})[0] == 200
        assert post(s, "/v1/labels", {"id": "e3", "label": True}, {**by, "X-Request-Id": "r-label"})[0] == 200
        assert post(s, "/v1/lists/blocked/entries", {"value": "x"}, {**by, "X-Request-Id": "r-list"})[0] == 200
        assert get(s, "/v1/keys")[0] == 401
        s.by, s.key_id = by, made["key"]["id"]
        time.sleep(1)  # refusals are written within half a second
        yield s


def test_audit_tells_who_asked(audited):
    status, page = get(audited, "/v1/audit?event=e3&sort=time", audited.by)
    assert status == 200
    assert [e["kind"] for e in page["entries"]] == ["decision", "label"]
    decision, label = page["entries"]
    assert decision["actor"] == {"kind": "key", "id": audited.key_id}
    assert (decision["request"], label["request"]) == ("r-3", "r-label")
    assert len(decision["plan"]) == len(decision["input"]) == len(decision["output"]) == 64
    assert label["input"] == decision["input"], "a label's record has the event as it was"
    _, page = get(audited, "/v1/audit?request=r-list", audited.by)
    assert [(e["kind"], e["subject"]) for e in page["entries"]] == [("list", "list/blocked")]
    _, page = get(audited, "/v1/audit?kind=access.", audited.by)
    assert page["entries"] and all(e["log"] == "control" for e in page["entries"])


@pytest.mark.parametrize("sort", ["time", "-time"])
def test_audit_pages_are_the_whole(audited, sort):
    entries, cursor = [], ""
    for _ in range(100):
        status, page = get(audited, f"/v1/audit?limit=3&sort={sort}" + cursor, audited.by)
        assert status == 200 and len(page["entries"]) <= 3
        entries += page["entries"]
        if page["next"] is None:
            break
        cursor = "&cursor=" + page["next"]
    places = [(e["log"], e["seq"]) for e in entries]
    assert len(set(places)) == len(places) >= 9
    for log in ("decisions", "control"):
        seqs = [seq for which, seq in places if which == log]
        assert seqs == sorted(seqs, reverse=sort == "-time") and len(seqs) == max(seqs) - min(seqs) + 1
    times = [e["at"] for e in entries if e["kind"] != "plan"]
    assert times == sorted(times, reverse=sort == "-time")


def test_audit_refuses_what_it_cannot_read(audited):
    for query in ("sort=up", "from=yesterday", "limit=0", "cursor=x", "from=2026-01-02&to=2026-01-01"):
        assert get(audited, "/v1/audit?" + query, audited.by)[0] == 400, query
    _, page = get(audited, "/v1/audit?limit=1", audited.by)
    assert get(audited, f"/v1/audit?kind=label&cursor={page['next']}", audited.by)[0] == 400
    assert get(audited, "/v1/audit")[0] == 401


def test_command_beside_the_server(audited, binary):
    lines = command(binary, audited.folder, "audit", "--json", "--oldest", "--actor",
                    f"key:{audited.key_id}", "--kind", "decision").splitlines()
    assert [json.loads(line)["event"] for line in lines] == [f"e{i}" for i in range(5)]
    assert "list/blocked" in command(binary, audited.folder, "audit", "--kind", "list")


def test_export_has_a_signed_manifest(audited, binary):
    folder = audited.folder
    command(binary, folder, "audit", "export", "-o", "out.ndjson")
    lines = (folder / "out.ndjson").read_bytes().splitlines(keepends=True)
    manifest = json.loads(lines[-1])["manifest"]
    assert manifest["entries"] == len(lines) - 1
    assert manifest["sha256"] == hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    assert manifest["checkpoint"]["chain"] == manifest["sha256"]
    assert manifest["decisions_head"]["seq"] >= 8 and manifest["control_head"]["seq"] >= 2
    signature_holds(folder, manifest["checkpoint"])


def signature_holds(folder, c):
    """By OpenSSL, from the documented lines alone."""
    shard = c["shard"]
    text = f"assay checkpoint 1\n{c['log']}\n{shard}\n{c['seq']}\n{c['chain']}\n{c['at']}\n{c['key']}\n"
    (folder / "signed").write_text(text)
    (folder / "signature").write_bytes(bytes.fromhex(c["signature"]))
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "assay-data/checkpoint.key.pub", "-rawin",
         "-in", "signed", "-sigfile", "signature"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_checkpoint_of_a_running_server(audited, binary):
    folder = audited.folder
    key = audited.by["Authorization"].split()[1]
    made = [json.loads(x) for x in command(binary, folder, "log", "checkpoint", "--url", audited.url,
                                           "--key", key).splitlines()]
    assert [c["log"] for c in made] == ["decisions", "control"]
    for c in made:
        signature_holds(folder, c)
    told = json.loads(command(binary, folder, "log", "verify", "--json"))
    assert told["whole"] and told["proven_seq"] == made[0]["seq"] and told["unproven"] == 0
    assert oct((folder / "assay-data" / "checkpoint.key").stat().st_mode & 0o777) == "0o600"


def test_verified_by_the_service(audited):
    made = post(audited, "/v1/audit:checkpoint", {}, audited.by)[1]["checkpoints"]
    job = post(audited, "/v1/audit:verify", {}, audited.by)[1]
    decisions, control = job["result"]["logs"]
    assert (job["kind"], job["state"], job["result"]["whole"]) == ("verify", "done", True)
    assert (decisions["log"], control["log"]) == ("decisions", "control")
    assert decisions["proven_seq"] == made[0]["seq"] and decisions["chain"] == made[0]["chain"]
    assert decisions["unproven"] == 0 and decisions["finding"] is None


# ---- a log against its checkpoints


@pytest.fixture(scope="module")
def at_rest(binary, tmp_path_factory):
    """A directory at rest with several segments, a checkpoint kept elsewhere, and records behind it."""
    folder = tmp_path_factory.mktemp("rest")
    plain = SMALL.replace("checkpoint: 1h", "checkpoint: 1h, compress: false")
    with serving(binary, folder, settings=plain) as s:
        batch(s, 0, 3000)
    shutil.copytree(folder / "assay-data", folder / "older")
    with serving(binary, folder, settings=plain) as s:
        batch(s, 3000, 9000)
        kept = post(s, "/v1/audit:checkpoint", {})[1]["checkpoints"]
        batch(s, 12000, 10)
    (folder / "kept.ndjson").write_text("".join(json.dumps(c) + "\n" for c in kept))
    assert len(list(log_of(folder).glob("*.log"))) >= 3
    return folder


@pytest.fixture
def copy(at_rest, tmp_path):
    for name in ("assay-data", "older"):
        shutil.copytree(at_rest / name, tmp_path / name)
    for name in ("assay.yaml", "tx.csv", "kept.ndjson"):
        shutil.copy(at_rest / name, tmp_path / name)
    return tmp_path


def verify(binary, folder, fails=True, elsewhere=True):
    words = ["--checkpoint", "kept.ndjson"] if elsewhere else []
    return command(binary, folder, "log", "verify", *words, fails=fails)


def records(path):
    """(offset, length) of a segment's records."""
    data, at, found = path.read_bytes(), 4096, []
    while at + 8 <= len(data) and struct.unpack_from("<I", data, at)[0]:
        length = 8 + struct.unpack_from("<I", data, at)[0]
        found.append((at, length))
        at += length
    return data, found


def test_whole_and_what_is_not_proven(binary, copy):
    told = verify(binary, copy, fails=False)
    assert "by the checkpoint signed at" in told
    shutil.rmtree(copy / "assay-data" / "control")
    told = verify(binary, copy, fails=False, elsewhere=False)
    assert "Without a signed checkpoint" in told


@pytest.mark.parametrize("part", ["length", "crc", "seq", "received", "kind", "epoch", "plan", "body", "chain",
                                  "header"])
def test_a_flipped_byte(binary, copy, part):
    path = sorted(log_of(copy).glob("*.log"))[0]
    data, found = records(path)
    at, length = found[40]
    place = {"length": at, "crc": at + 4, "seq": at + 8, "received": at + 16, "kind": at + 24, "epoch": at + 26,
             "plan": at + 28, "body": at + 60, "chain": at + length - 5, "header": 30}[part]
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1:])
    assert "broken" in verify(binary, copy, elsewhere=False)


def test_a_running_service_finds_it(binary, copy):
    path = sorted(log_of(copy).glob("*.log"))[0]
    data, found = records(path)
    at, length = found[40]
    path.write_bytes(data[:at + 60] + bytes([data[at + 60] ^ 1]) + data[at + 61:])
    with serving(binary, copy, settings=SMALL.replace("checkpoint: 1h", "checkpoint: 1h, compress: false")) as s:
        job = post(s, "/v1/audit:verify", {})[1]
    assert job["state"] == "done" and not job["result"]["whole"]
    decisions, control = job["result"]["logs"]
    assert "damaged" in decisions["finding"] and control["whole"]


def test_records_deleted_swapped_and_segments_swapped(binary, copy):
    first, second = sorted(log_of(copy).glob("*.log"))[:2]
    data, found = records(first)
    (a, la), (b, lb) = found[10], found[11]
    first.write_bytes(data[:a] + data[b:])
    assert "broken" in verify(binary, copy, elsewhere=False)
    first.write_bytes(data[:a] + data[b:b + lb] + data[a:a + la] + data[b + lb:])
    assert "broken" in verify(binary, copy, elsewhere=False)
    first.write_bytes(data)
    verify(binary, copy, fails=False)
    names = first.name, second.name
    first.rename(first.with_name("x"))
    second.rename(first)
    first.with_name("x").rename(second)
    assert "broken" in verify(binary, copy, elsewhere=False), names


def test_the_tail_cut_off(binary, copy):
    *_, last = sorted(log_of(copy).glob("*.log"))
    data, found = records(last)
    cut = found[5][0]
    last.write_bytes(data[:cut] + bytes(len(data) - cut))
    assert "cut off its end" in verify(binary, copy, elsewhere=False), "by the control log's checkpoints"
    shutil.rmtree(copy / "assay-data" / "control")
    assert "Without a signed checkpoint" in verify(binary, copy, fails=False, elsewhere=False)
    assert "cut off its end" in verify(binary, copy)


def test_an_older_copy_put_back(binary, copy):
    shutil.rmtree(copy / "assay-data")
    (copy / "older").rename(copy / "assay-data")
    verify(binary, copy, fails=False, elsewhere=False)  # whole in itself: nothing there can tell
    assert "older copy" in verify(binary, copy)
    assert "older copy" in command(binary, copy, "log", "verify", "--control", "--checkpoint", "kept.ndjson",
                                   fails=True)


def test_another_log_that_fits_in_itself(binary, copy, tmp_path):
    """Written anew with another event: all checksums and the chain are right."""
    other = tmp_path / "other"
    other.mkdir()
    with serving(binary, other, settings=SMALL) as s:
        batch(s, 1, 12500)
    shutil.rmtree(log_of(copy))
    shutil.copytree(log_of(other), log_of(copy))
    assert "chain was made anew" in verify(binary, copy)


def test_checkpoints_that_are_forged(binary, copy):
    lines = (copy / "kept.ndjson").read_text().splitlines()
    c = json.loads(lines[0])
    (copy / "kept.ndjson").write_text(json.dumps({**c, "seq": c["seq"] - 1}) + "\n")
    assert "not signed by this key" in verify(binary, copy)
    (copy / "kept.ndjson").write_text("hello\n")
    assert "line 1" in verify(binary, copy)
    (copy / "kept.ndjson").write_text(lines[0] + "\n")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", "k"], cwd=copy, check=True)
    subprocess.run(["openssl", "pkey", "-in", "k", "-pubout", "-out", "k.pub"], cwd=copy, check=True)
    told = command(binary, copy, "log", "verify", "--checkpoint", "kept.ndjson", "--public-key", "k.pub", fails=True)
    assert "not signed by this key" in told
    os.chmod(copy / "assay-data" / "checkpoint.key", 0o644)
    assert "others may read" in command(binary, copy, "log", "checkpoint", fails=True)


# ---- packed and cut


def wait_for(what, seconds=15):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def first_seq(folder):
    return min(int(p.name[:20]) for p in log_of(folder).glob("*.log*"))


@pytest.fixture(scope="module")
def cut(binary, tmp_path_factory):
    """A list entry and a label from the beginning, then so much that the beginning goes."""
    folder = tmp_path_factory.mktemp("cut")
    with serving(binary, folder, settings=KEEPING) as s:
        assert post(s, "/v1/lists/blocked/entries", {"value": "mallory", "note": "seen twice"})[0] == 200
        listed = get(s, "/v1/lists/blocked")[1]["items"][0]
        for i in range(6):
            batch(s, i * 3000, 3000, noisy)
        wait_for(lambda: first_seq(folder) > 3000)
        wait_for(lambda: get(s, "/v1/audit?kind=log.cut")[1]["entries"])
        s.listed = listed
        yield s


def test_a_reload_goes_on_though_the_log_is_cut_while_it_is_read(binary, tmp_path):
    """A new window is built from the log, slowly; meanwhile the segments that it still needs go."""
    def fat(i):
        return {**event(i), "customer": hashlib.shake_128(str(i).encode()).hexdigest(1800)}

    with serving(binary, tmp_path, settings=KEEPING.replace("2MiB", "1MiB") + "reload: {rate: 100}\n") as s:
        batch(s, 0, 400, fat)
        text = (tmp_path / "assay.yaml").read_text()
        (tmp_path / "assay.yaml").write_text(text.replace("  amount: amount\n", "  amount: amount\n  n: count() by customer over 7d\n"))
        told = []
        reload = threading.Thread(target=lambda: told.append(post(s, "/v1/settings:reload", {})))
        reload.start()
        time.sleep(0.2)
        before = first_seq(tmp_path)
        batch(s, 400, 1500, fat)
        wait_for(lambda: first_seq(tmp_path) > 700)
        is_cut_before = reload.is_alive()
        reload.join()
        job = told[0][1]
        assert before == 1 and (is_cut_before or job["state"] == "running"), job
        wait_for(lambda: get(s, f"/v1/jobs/{job['id']}")[1]["state"] != "running", 30)
        ended = get(s, f"/v1/jobs/{job['id']}")[1]
        assert ended["state"] == "done" and ended["result"]["rebuilt"], ended
        assert post(s, "/v1/decisions", event(90000))[1]["outcome"] == "approve"
    command(binary, tmp_path, "log", "verify")


def test_cut_keeps_lists_and_says_so(binary, cut):
    item = get(cut, "/v1/lists/blocked")[1]["items"][0]
    assert {k: item[k] for k in ("value", "note", "added", "by")} == \
        {k: cut.listed[k] for k in ("value", "note", "added", "by")}
    assert item["seq"] > first_seq(cut.folder)
    status, problem = get(cut, "/v1/decisions/e1")
    assert status == 404 and "log.keep" in problem["detail"]
    status, problem = post(cut, "/v1/labels", {"id": "e1", "label": True})
    assert status == 404 and "log.keep" in problem["detail"]
    assert post(cut, "/v1/decisions", noisy(1))[0] == 409, "it was decided, and is not decided again"
    assert "no longer kept" in command(binary, cut.folder, "log", "show", "--seq", "5", fails=True)
    told = json.loads(command(binary, cut.folder, "log", "verify", "--json", "--checkpoint", "elsewhere.ndjson"))
    assert told["whole"] and told["is_cut"] and told["first_seq"] == first_seq(cut.folder) and told["packed"] > 0
    entries = get(cut, "/v1/audit?kind=log.cut")[1]["entries"]
    assert entries[0]["data"]["first_seq"] == told["first_seq"]


def test_cut_log_goes_on_after_kills_and_replays(binary, cut):
    folder = cut.folder
    cut.process.kill()
    cut.process.wait()
    with serving(binary, folder, settings=KEEPING) as s:
        assert get(s, "/v1/lists/blocked")[1]["items"][0]["value"] == "mallory"
        assert post(s, "/v1/decisions", noisy(17999))[0] == 200
        batch(s, 40000, 100)
    told = json.loads(command(binary, folder, "replay", "--json"))
    assert told["first_seq"] > 1 and told["different"] == 0 and told["decisions"] >= 100
    shutil.rmtree(folder / "assay-data" / "shard-0" / "snapshots")
    with serving(binary, folder, settings=KEEPING) as s:
        assert "from its cut on" in s.words()
        assert get(s, "/v1/lists/blocked")[1]["items"][0]["value"] == "mallory"
        assert s.started["history_events"] == 0
    # A beginning that no cut explains.
    oldest = min(log_of(folder).glob("*.log*"))
    oldest.unlink()
    assert "its beginning was removed" in command(binary, folder, "log", "verify", fails=True)
