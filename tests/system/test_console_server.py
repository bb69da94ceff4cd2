"""What the console asks of the server: its files, signing in, what happens now and over time, proofs, links."""

import gzip
import http.client
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_access import Server, make_key, sign_in  # noqa: E402
from test_serve import Server as Plain  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIFTING = """
name: drifting
sources:
  transactions: {file: tx.csv}
event: {id: id, time: at, amount: amount, label: {field: fraud, delay: 1d}}
entities: {customer: customer, shop: shop}
features:
  n_1d: count() by customer over 1d
  shop_n: count() by shop over 1d
  amount: amount
  country: country
rules:
  BIG: {when: amount > 5000, then: review}
model: {kind: logistic}
outcomes: [approve, review, decline]
decision: {review: 300, decline: 800}
"""


def get(server, path, headers=None, method="GET"):
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    c.request(method, path, headers=headers or {})
    answer = c.getresponse()
    body = answer.read()
    c.close()
    return answer.status, answer.headers, body


@pytest.fixture
def start(binary, tmp_path):
    servers = []

    def call(*options, **more):
        servers.append(Server(binary, tmp_path, *options, **more))
        return servers[-1]

    yield call
    for s in servers:
        if s.process.poll() is None:
            s.stop(signal.SIGKILL)


# ---- files ----


def test_pages(start):
    server = start()
    status, headers, page = get(server, "/", {"Accept": "text/html"})
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'self'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy
    assert "unsafe" not in policy and "http:" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin" and "camera=()" in headers["Permissions-Policy"]
    assert headers["Cache-Control"] == "no-cache"
    # What is none of the console's stays as it was.
    assert get(server, "/v1/none", {"Accept": "text/html"})[0] == 404
    assert get(server, "/assets/none.js", {"Accept": "text/html"})[0] == 404
    assert get(server, "/none")[0] == 404
    assert get(server, "/", method="POST")[0] == 404
    if b"built without the console" in page:
        assert b"npm" in page and get(server, "/live", {"Accept": "text/html"})[0] == 404
        return
    assert b"<script" in page and b"<style" not in page
    for path in ("/live", "/alerts/17", "/decisions/a.b"):
        assert get(server, path, {"Accept": "text/html,*/*"})[2] == page
    status, again, body = get(server, "/", {"Accept-Encoding": "gzip"})
    assert again["Content-Encoding"] == "gzip" and gzip.decompress(body) == page
    assert get(server, "/", {"If-None-Match": again["ETag"]})[0] == 304
    for line in page.decode().split('"'):
        if line.startswith("/assets/"):
            status, headers, _ = get(server, line)
            assert status == 200 and "immutable" in headers["Cache-Control"], line


def test_the_table_of_files(tmp_path):
    """scripts/console.py makes a table that a compiler takes, of every byte; and says what it lacks."""
    ui, npm = tmp_path / "ui", tmp_path / "npm"
    ui.mkdir()
    page, script = b"<!doctype html>\n" + bytes(range(32, 127)) * 9, b"let a = '\\0017';\n" * 999
    (tmp_path / "index.html").write_bytes(page)
    (tmp_path / "a.js").write_bytes(script)
    (ui / "package.json").write_text("{}")
    (ui / "package-lock.json").write_text("{}")
    npm.write_text("""#!/bin/sh
echo "$1" >>../asked
test "$1" = ci && { mkdir -p node_modules && touch node_modules/.package-lock.json; exit; }
mkdir -p dist/assets && cp ../index.html dist && cp ../a.js dist/assets/a-1f.js
""")
    npm.chmod(0o755)
    make = [sys.executable, ROOT / "scripts" / "console.py", ui]
    for _ in range(2):  # what was built of these sources is not built again
        done = subprocess.run([*make, tmp_path / "table.c", "--npm", npm], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "asked").read_text() == "ci\nrun\n"
    (tmp_path / "main.c").write_text(r'''#include <stdio.h>
#include "shell/cmd/console.h"
int main(void)
{
    for (uint32_t i = 0; i < console_built.count; i++) {
        const struct console_file *f = &console_built.files[i];
        fprintf(stderr, "%s %s %u %d %s\n", f->path, f->type, f->bytes, f->is_immutable, f->tag);
        fwrite(f->packed, 1, f->packed_bytes, stdout);
    }
    return 0;
}
''')
    compiler = shutil.which("cc") or shutil.which("gcc")
    built = subprocess.run([compiler, "-I", ROOT / "src", "-o", tmp_path / "t", tmp_path / "main.c", tmp_path / "table.c"], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    shown = subprocess.run([tmp_path / "t"], capture_output=True)
    assert gzip.decompress(shown.stdout) == script + page  # in the order of their paths
    lines = shown.stderr.decode().splitlines()
    assert lines[0].startswith(f"/assets/a-1f.js text/javascript; charset=utf-8 {len(script)} 1 W/")
    assert lines[1].startswith(f"/index.html text/html; charset=utf-8 {len(page)} 0 W/")
    # A source that changed would have to be built: without npm the binary says why it has none, or the build fails.
    (ui / "package.json").write_text('{"name": "other"}')
    npm.write_text("#!/bin/sh\necho no network\nexit 1\n")
    done = subprocess.run([*make, tmp_path / "none.c", "--npm", npm], capture_output=True, text=True)
    assert done.returncode == 1 and "no network" in done.stderr
    done = subprocess.run([*make, tmp_path / "none.c", "--npm", npm, "--or-without"], capture_output=True, text=True)
    assert done.returncode == 0 and "without the console" in done.stderr
    assert '{NULL, 0, "npm could not build it"}' in (tmp_path / "none.c").read_text()


# ---- signing in ----


def test_a_key_signs_in(start, binary, tmp_path):
    key, admin = make_key(binary, tmp_path, "analyst"), make_key(binary, tmp_path, "admin")
    server = start()
    status, who, headers = server.ask("POST", "/v1/sessions", {"key": key})
    assert status == 200 and who["kind"] == "key" and who["roles"] == ["analyst"] and len(who["csrf"]) == 64
    assert "HttpOnly" in headers["Set-Cookie"] and "SameSite=Strict" in headers["Set-Cookie"]
    assert key.split("_")[2] not in str(headers)
    me = {"Cookie": headers["Set-Cookie"].split(";")[0]}
    assert server.ask("GET", "/v1/session", headers=me)[1] == who
    assert server.ask("GET", "/v1/keys", headers=me)[0] == 403
    entry = [{"value": "c1"}]
    assert server.ask("POST", "/v1/lists/blocked/entries", entry, headers=me)[0] == 403  # no CSRF text
    assert server.ask("POST", "/v1/lists/blocked/entries", entry, headers={**me, "X-CSRF-Token": who["csrf"]})[0] == 200
    for bad in ("ask_" + "0" * 12 + "_" + "0" * 64, "nonsense", "", key[:-1]):
        assert server.ask("POST", "/v1/sessions", {"key": bad})[0] == 401
    assert server.ask("POST", "/v1/sessions", {"key": key, "name": "ann", "password": "x"})[0] == 422
    # The session ends with the key: rotated, it has another secret.
    key_id = key.split("_")[1]
    assert server.ask("POST", f"/v1/keys/{key_id}:rotate", {"grace": "1d"}, admin)[0] == 200
    assert server.ask("GET", "/v1/session", headers=me)[0] == 401
    _, _, headers = server.ask("POST", "/v1/sessions", {"key": admin})
    me = {"Cookie": headers["Set-Cookie"].split(";")[0]}
    assert server.ask("DELETE", f"/v1/keys/{admin.split('_')[1]}?force=true", key=admin)[0] == 200
    assert server.ask("GET", "/v1/session", headers=me)[0] == 401


def test_a_one_time_token_signs_in_once(start, binary, tmp_path):
    server = start()  # nobody is asked: the token is for the machine's own
    status, made, _ = server.ask("POST", "/v1/session:link", {})
    assert status == 201 and made["token"].startswith("asl_") and made["expires"] > "2020"
    status, who, headers = server.ask("POST", "/v1/sessions", {"token": made["token"]})
    assert status == 200 and who["kind"] == "local" and "admin" in who["roles"]
    assert server.ask("POST", "/v1/sessions", {"token": made["token"]})[0] == 401  # once
    local = {"Cookie": headers["Set-Cookie"].split(";")[0]}
    assert server.ask("GET", "/v1/keys", headers=local)[0] == 200
    assert server.ask("GET", "/v1/keys", headers={"Cookie": "assay_session=" + "0" * 64})[0] == 200  # an old cookie
    unused = server.ask("POST", "/v1/session:link", {})[1]["token"]
    # From now on one is asked: what was given while nobody was is worth nothing.
    status, key, _ = server.ask("POST", "/v1/keys", {"name": "first", "roles": ["admin"]})
    assert status == 201
    assert server.ask("GET", "/v1/keys", headers=local)[0] == 401
    assert server.ask("POST", "/v1/sessions", {"token": unused})[0] == 401
    assert server.ask("POST", "/v1/session:link", {})[0] == 401
    # Of a key, and of a user.
    token = server.ask("POST", "/v1/session:link", {}, key["secret"])[1]["token"]
    assert server.ask("POST", "/v1/sessions", {"token": token})[1]["kind"] == "key"
    body = {"name": "ann", "password": "correct horse battery", "roles": ["viewer"]}
    assert server.ask("POST", "/v1/users", body, key["secret"])[0] == 201
    _, who, cookie, _ = sign_in(server)
    me = {"Cookie": cookie, "X-CSRF-Token": who["csrf"]}
    tokens = [server.ask("POST", "/v1/session:link", {}, headers=me)[1]["token"] for _ in range(2)]
    status, again, _ = server.ask("POST", "/v1/sessions", {"token": tokens[0]})
    assert status == 200 and again["kind"] == "user" and again["name"] == "ann" and again["roles"] == ["viewer"]
    assert server.ask("POST", "/v1/users/ann", {"disabled": True}, key["secret"])[0] == 200
    assert server.ask("POST", "/v1/sessions", {"token": tokens[1]})[0] == 401
    for bad in ("asl_" + "0" * 64, "", "asl_", tokens[0]):
        assert server.ask("POST", "/v1/sessions", {"token": bad})[0] == 401


# ---- now, and over time ----


class Stream:
    """Server-sent events as they come."""

    def __init__(self, server, headers=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        self.connection.request("GET", "/v1/live", headers=headers or {})
        self.answer = self.connection.getresponse()

    def event(self):
        """The next (id, data); None: the end."""
        number = None
        while line := self.answer.readline():
            line = line.decode().rstrip("\n")
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("data: "):
                return number, json.loads(line[6:])
        return None

    def close(self):
        self.connection.close()


def wait_live(server):
    for _ in range(100):
        stream = Stream(server)
        if stream.answer.status == 200:
            return stream
        assert stream.answer.status == 503
        stream.close()
        time.sleep(0.05)
    raise AssertionError("no live events")


def event(i, **more):
    return {"id": f"e{i}", "at": f"2018-04-02T10:{i // 60 % 60:02}:{i % 60:02}Z", "customer": f"c{i % 3}", "amount": i, **more}


def test_live_and_traffic(start):
    server = start()
    stream = wait_live(server)
    assert stream.answer.headers["Content-Type"] == "text/event-stream" and stream.answer.headers["Cache-Control"] == "no-store"
    first, _ = stream.event()
    for i in range(30):
        assert server.ask("POST", "/v1/decisions", event(i * 20))[0] == 200
    seen, numbers = [], []
    while sum(s["per_second"] for s in seen) < 30 or sum(sum(s["scores"]) for s in seen) < 30:
        number, second = stream.event()
        numbers.append(number)
        seen.append(second)
        assert len(seen) < 10, seen
    assert numbers == list(range(first + 1, first + 1 + len(numbers)))
    assert sum(s["by_outcome"]["review"] for s in seen) == 4 and seen[-1]["decisions"] == 30  # amounts over 500
    assert sum(s["latency"]["count"] for s in seen if s["latency"]) == 30
    for _ in range(10):  # counted every 5 s
        if seen[-1]["alerts_open"] != 0:
            break
        seen.append(stream.event()[1])
    assert seen[-1]["alerts_open"] == len(server.ask("GET", "/v1/alerts?state=open")[1]["alerts"]) > 0
    newest = [d["id"] for s in seen for d in reversed(s["newest"])]
    assert newest[-1] == f"e{29 * 20}" and len(set(newest)) == len(newest)
    # Who comes back is told what they missed, once.
    late = Stream(server, {"Last-Event-ID": str(first)})
    assert late.event() == (numbers[0], seen[0])
    late.close()
    status, _, body = get(server, "/v1/traffic?window=1h")
    traffic = json.loads(body)
    assert status == 200 and traffic["step_s"] == 60 and len(traffic["buckets"]) == 60
    assert sum(b["decisions"] for b in traffic["buckets"]) == 30
    assert sum(b["by_outcome"]["review"] for b in traffic["buckets"]) == 4
    assert sum(sum(b["scores"]) for b in traffic["buckets"]) == 30
    assert sum(b["latency"]["count"] for b in traffic["buckets"] if b["latency"]) == 30
    for window, step in (("2d", 900), ("8d", 3600)):
        other = json.loads(get(server, f"/v1/traffic?window={window}")[2])
        assert other["step_s"] == step and len(other["buckets"]) == 192
        assert sum(b["decisions"] for b in other["buckets"]) == 30
    assert get(server, "/v1/traffic?window=1y")[0] == 400
    # Many may listen, not any number; a stream ends with the server, which does not wait for it.
    more = []
    while not more or more[-1].answer.status == 200:
        more.append(Stream(server))
    assert 254 <= len(more) - 1 <= 255  # the late one is missed a second later
    assert more[-1].answer.status == 429 and more[-1].answer.headers["Retry-After"]
    assert "as many are listening already as may: 256" in json.loads(more[-1].answer.read())["detail"]
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < 8
    while stream.event() is not None:
        pass
    for s in (stream, *more):
        s.close()
    # History is there after a restart; how long it took is not.
    again = start()
    traffic = json.loads(get(again, "/v1/traffic")[2])
    assert sum(b["decisions"] for b in traffic["buckets"]) == 30
    assert all(b["latency"] is None for b in traffic["buckets"])


def test_listeners_who_do_not_read_hold_nobody_up(start):
    """Frames are large, some never read theirs: others miss none, decisions go on, memory stays, places come back."""
    server = start()
    wait_live(server).close()

    def memory():
        return next(int(x.split()[1]) for x in open(f"/proc/{server.process.pid}/status") if x.startswith("VmRSS"))

    deaf = []
    for _ in range(30):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.connect(("127.0.0.1", server.port))
        s.sendall(b"GET /v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        deaf.append(s)
    streams = [Stream(server) for _ in range(10)]
    before, numbers, slowest = memory(), [[] for _ in streams], 0.0
    for second in range(4):
        begun = time.monotonic()
        for i in range(20):
            assert server.ask("POST", "/v1/decisions", {**event(i), "id": f"{second}-{i}-" + "w" * 240})[0] == 200
        slowest = max(slowest, (time.monotonic() - begun) / 20)
        for stream, seen in zip(streams, numbers):
            seen.append(stream.event()[0])
    assert all(seen == list(range(seen[0], seen[0] + 4)) for seen in numbers)
    assert slowest < 0.25 and memory() - before < 20_000
    for s in (*deaf, *streams):
        s.close()
    for _ in range(60):
        if "assay_http_connections 1\n" in get(server, "/metrics")[2].decode():
            break
        time.sleep(0.05)
    else:
        raise AssertionError("connections of listeners who went away are held")


def test_a_stream_ends_with_its_key(start, binary, tmp_path):
    admin, viewer = make_key(binary, tmp_path, "admin"), make_key(binary, tmp_path, "viewer")
    scorer = make_key(binary, tmp_path, "scorer")
    server = start()
    assert Stream(server).answer.status == 401
    assert Stream(server, {"X-API-Key": scorer}).answer.status == 403
    time.sleep(1.2)
    stream = Stream(server, {"X-API-Key": viewer})
    assert stream.answer.status == 200 and stream.event()
    assert server.ask("DELETE", "/v1/keys/" + viewer.split("_")[1], key=admin)[0] == 200
    events = 0
    while stream.event() is not None:
        events += 1
    assert events <= 6
    stream.close()


# ---- proofs, links, search ----


def test_a_decision_is_proved_and_entities_are_linked(start, tmp_path):
    server = start()
    for i in range(8):
        assert server.ask("POST", "/v1/decisions", event(i * 90))[0] == 200
    status, proof, _ = server.ask("POST", "/v1/decisions/e630:replay", {})
    assert status == 200 and proof["replayed"] is True and proof["differences"] == []
    assert proof["recorded"] == proof["again"] and proof["recorded"]["rules"] == ["BIG"]
    assert len(proof["chain"]) == 64 and proof["model"] is None
    assert server.ask("POST", "/v1/decisions/a1:replay", {})[0] == 404
    assert server.ask("POST", "/v1/decisions/none:replay", {})[0] == 404
    for _ in range(200):
        if server.ask("GET", "/readyz")[1]["store_lag"] == 0:
            break
        time.sleep(0.02)
    found = server.ask("GET", "/v1/decisions?id_prefix=e45&sort=-seq")[1]["decisions"]
    assert [d["id"] for d in found] == ["e450"]
    assert server.ask("GET", "/v1/decisions?id_prefix=e4")[0] == 400


# ---- drift ----


def shop(i):
    return {"country": "FR" if i % 4 else "DE", "shop": f"s{i % 11}"}


def test_drift_is_seen(binary, tmp_path):
    """What comes as it was learned is stable; other amounts and a new country have moved; both say by how much."""
    rows = ["id,at,customer,amount,shop,country,fraud"]
    for i in range(1200):
        rows.append(f"h{i},2018-04-{1 + i // 48:02}T{i // 2 % 24:02}:{i % 60:02}:00Z,c{i % 37},{i * 7919 % 900 + 1},"
                    f"{shop(i)['shop']},{shop(i)['country']},{int(i % 9 == 0)}")
    (tmp_path / "assay.yaml").write_text(DRIFTING)
    (tmp_path / "tx.csv").write_text("\n".join(rows) + "\n")
    done = subprocess.run([binary, "train", "--force"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    server = Plain(binary, tmp_path)
    try:
        url = f"http://127.0.0.1:{server.port}"
        empty = json.loads(get(server, "/v1/drift")[2])
        assert empty["decisions"] == 0 and empty["score"] is None and empty["features"] == []

        def send(first, n, of):
            lines = "\n".join(json.dumps({"id": f"{first + i}", "at": f"2018-04-27T10:{i // 60:02}:{i % 60:02}Z", "customer": f"c{i % 37}", **of(i)}) for i in range(n))
            c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            c.request("POST", "/v1/decisions:batch", lines, {"Content-Type": "application/x-ndjson"})
            answer = c.getresponse()
            assert answer.status == 200 and b"problem" not in answer.read()
            c.close()

        def said(decisions):
            done = subprocess.run([binary, "drift", "--decisions", str(decisions), "--url", url], cwd=tmp_path, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            return done.stdout.splitlines()

        # A handful is no sample, however odd: no alarm, and how many it takes.
        send(0, 100, lambda i: {"amount": 5, **shop(0)})
        few = json.loads(get(server, "/v1/drift?decisions=100")[2])
        by = {f["name"]: f for f in few["features"]}
        assert by["amount"]["verdict"] == "too_few" and by["amount"]["psi"] > 1 and 200 <= by["amount"]["needed"] < 1000
        assert any("amount" in x and f"too few to tell (100 of at least {by['amount']['needed']})" in x for x in said(100))
        send(1000, 1000, lambda i: {"amount": i * 7919 % 900 + 1, **shop(i)})
        drift = json.loads(get(server, "/v1/drift?decisions=1000")[2])
        by = {f["name"]: f for f in drift["features"]}
        assert drift["decisions"] == 1000 and drift["from"] <= drift["to"] and list(by) == ["n_1d", "shop_n", "amount", "country"]
        assert by["amount"]["verdict"] == "stable" and by["country"]["verdict"] == "stable"
        assert sum(b["training"] for b in by["amount"]["bins"]) == pytest.approx(1, abs=0.001)
        assert sum(b["recent"] for b in by["amount"]["bins"]) == pytest.approx(1)
        words = {w["word"]: w for w in by["country"]["words"]}
        assert words["FR"]["training"] == pytest.approx(0.75, abs=0.01) and words["FR"]["recent"] == pytest.approx(0.75)
        assert sum(b["recent"] for b in drift["score"]["bands"]) == pytest.approx(1)
        assert sum(b["training"] for b in drift["score"]["bands"]) == pytest.approx(1)
        assert by["shop_n"]["verdict"] == "moved"  # a shop had some events a day, and has many a minute
        send(3000, 1000, lambda i: {"amount": 5000 + i, **(shop(i) if i % 2 else {"shop": None, "country": "TH" if i % 4 else None})})
        by = {f["name"]: f for f in json.loads(get(server, "/v1/drift?decisions=1000")[2])["features"]}
        assert by["amount"]["verdict"] == "moved" and by["amount"]["ks"] > 0.85
        assert by["country"]["verdict"] == "moved" and "TH" in [w["word"] for w in by["country"]["words"]]
        assert by["amount"]["quantiles"]["p50"] == pytest.approx(5500, abs=2)
        assert by["country"]["nulls"]["recent"] == pytest.approx(0.25)
        lines = said(1000)
        assert lines[0].startswith("1000 decisions") and "score" in lines[2] and any("amount" in x and "moved" in x for x in lines)
        done = subprocess.run([binary, "drift", "--json", "--url", url], cwd=tmp_path, capture_output=True, text=True)
        assert json.loads(done.stdout)["decisions"] == 2000
        done = subprocess.run([binary, "drift", "--decisions", "1"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 2
    finally:
        server.stop()
