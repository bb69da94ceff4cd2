"""assay serve: decisions, labels and lists over HTTP, hostile input, restarts and kills."""

import concurrent.futures
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

SETTINGS = """
name: test
sources:
  transactions: {file: tx.csv}
event: {id: id, time: at, amount: amount}
entities: {customer: customer}
features:
  n_1d: count() by customer over 1d
  amount: amount
rules:
  BIG: {when: amount > 500, then: review}
  MANY: {when: n_1d > 3, then: decline}
model: {kind: none}
outcomes: [approve, review, decline]
decision: {review: 300, decline: 800}
server: {body: 64KiB}
"""

HISTORY = """id,at,customer,amount
a1,2018-04-01T00:00:00Z,c1,10.5
a2,2018-04-01T01:00:00Z,c1,20.5
a3,2018-04-01T02:00:00Z,c2,700
"""


class Server:
    def __init__(self, binary, folder):
        self.folder = folder
        self.errors = open(folder / "serve.err", "a+")
        self.process = subprocess.Popen(
            [binary, "serve", "--port", "0", "--json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")},
        )
        line = self.process.stdout.readline()
        assert line, f"assay serve ended: {self.words()}"
        self.started = json.loads(line)
        self.port = self.started["port"]

    def words(self):
        self.errors.seek(0)
        return self.errors.read()

    def ask(self, method, path, body=None, content_type="application/json", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = dict(headers or {})
        if body is not None and content_type:
            sent["Content-Type"] = content_type
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        is_json = "json" in answer.headers.get("Content-Type", "") and "nd" not in answer.headers.get("Content-Type", "")
        return answer.status, json.loads(text) if is_json and text else text, answer.headers

    def decide(self, event, query=""):
        return self.ask("POST", "/v1/decisions" + query, event)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        return code

    def wait_projected(self):
        until = time.monotonic() + 30
        while time.monotonic() < until:
            status, answer, _ = self.ask("GET", "/readyz")
            assert status == 200, answer
            if answer["store_lag"] == 0:
                return
            time.sleep(0.01)
        pytest.fail("the store lags")


@pytest.fixture
def start(binary, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    (tmp_path / "tx.csv").write_text(HISTORY)
    servers = []

    def call():
        servers.append(Server(binary, tmp_path))
        return servers[-1]

    yield call
    for server in servers:
        if server.process.poll() is None:
            server.stop(signal.SIGKILL)
        server.errors.close()


@pytest.fixture
def server(start):
    return start()


def event(name, amount=10, customer="c9", at="2018-04-01T03:00:00Z", **more):
    return {"id": name, "at": at, "customer": customer, "amount": amount, **more}


def test_history_is_imported_once_and_warms_the_velocities(start):
    server = start()
    assert server.started["history_events"] == 3
    assert server.started["filled_until"] == "2018-04-01T02:00:00Z"
    assert server.decide(event("b1", customer="c1"))[1]["outcome"] == "approve"
    assert server.decide(event("b2", customer="c1"))[1]["rules"] == ["MANY"]  # a1, a2, b1, b2
    server.stop()
    assert start().started["history_events"] == 0


def test_a_decision_and_its_repetition(server):
    status, first, headers = server.decide(event("b1", 700))
    assert status == 200
    assert first["outcome"] == "review" and first["rules"] == ["BIG"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "assay"
    status, again, headers = server.decide(event("b1", 700))
    assert status == 200 and headers["Idempotent-Replay"] == "true"
    assert again.pop("repeated") is True
    assert again == first
    status, problem, headers = server.decide(event("b1", 701))
    assert status == 409
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == 409 and problem["instance"] == "/v1/decisions"


def test_the_same_event_at_once_from_many_is_decided_once(server):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: server.decide(event("same"))[1], range(64)))
    assert len({a["seq"] for a in answers}) == 1
    assert sum("repeated" not in a for a in answers) == 1


def test_a_dry_run_changes_nothing(server):
    for _ in range(5):
        status, answer, _ = server.decide(event("d", customer="dry"), "?dry_run=true")
        assert status == 200 and "seq" not in answer and answer["rules"] == []
    assert server.ask("GET", "/v1/decisions/d")[0] == 404


BAD = [
    (b"", 400),
    (b"{", 400),
    (b"[]", 400),
    (b"null", 400),
    (b'"text"', 400),
    (b"\xff\xfe", 400),
    (b'{"id":"x","at":"2018-04-01T00:00:00Z","customer":"c","amount":1e999}', 400),
    (b'{"id":"x","at":"2018-04-01T00:00:00Z","customer":"c","amount":NaN}', 400),
    (b'{"id":"x","at":"2018-04-01T00:00:00Z","customer":"c","amount":1} trailing', 400),
    (b"[" * 10000, 400),
    (b'{"a":' * 10000 + b"1" + b"}" * 10000, 400),
    (b'{"id":"x","id":"y","at":"2018-04-01T00:00:00Z","customer":"c","amount":1}', None),
    (b'{"id":"x","at":"2018-04-01T00:00:00Z","customer":"c","amount":"much"}', 422),
    (b'{"id":"x","at":"2018-04-01T00:00:00Z","customer":"c","amount":{}}', 422),
    (b'{"id":"x","at":"yesterday","customer":"c","amount":1}', 422),
    (b'{"id":"x","customer":"c","amount":1}', 422),
    (b'{"id":"x","at":"2018-04-01T00:00:00Z","customer":"c","amuont":1}', 422),
    (b'{"id":"' + b"x" * 300 + b'","at":"2018-04-01T00:00:00Z","customer":"c","amount":1}', 422),
    (b'{"id":"x","at":"2018-04-01T00:00:00Z","customer":"' + b"c" * 5000 + b'","amount":1}', 422),
    (b" " * 70000, 413),
]


@pytest.mark.parametrize("body,expected", BAD, ids=range(len(BAD)))
def test_hostile_bodies_are_problems(server, body, expected):
    status, problem, headers = server.ask("POST", "/v1/decisions", body)
    assert status == expected or (expected is None and status in (400, 422)), problem
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == status and problem["title"]
    if status == 422:
        assert problem["errors"][0]["pointer"].startswith("/")
    assert server.decide(event("after"))[0] == 200  # and it still works


def test_a_nearest_name_is_told(server):
    _, problem, _ = server.decide({"id": "x", "at": "2018-04-01T00:00:00Z", "amuont": 1})
    told = {e["pointer"]: e["detail"] for e in problem["errors"]}
    assert "amount" in told["/amuont"]


def test_paths_methods_types_and_hosts(server):
    assert server.ask("GET", "/nothing")[0] == 404
    status, _, headers = server.ask("PUT", "/v1/decisions", "{}")
    assert status == 405 and headers["Allow"] == "GET, HEAD, POST"
    assert server.ask("POST", "/v1/decisions", "{}", content_type="text/plain")[0] == 415
    assert server.ask("POST", "/v1/decisions?explian=1", event("x"))[0] == 400
    assert server.ask("GET", "/healthz", headers={"Host": "evil.example"})[0] == 421
    status, text, headers = server.ask("HEAD", "/healthz")
    assert status == 200 and text == "" and int(headers["Content-Length"]) > 0


def test_broken_http_does_no_harm(server):
    for bytes_sent in (b"\0" * 100, b"GET\r\n\r\n", b"POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                       b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 100000 + b"\r\n\r\n",
                       b"POST /v1/decisions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as s:
            try:
                s.sendall(bytes_sent)
            except OSError:
                pass  # cut off while sending: fine
    assert server.ask("GET", "/healthz")[0] == 200


def test_a_batch_goes_on_after_bad_lines(server):
    lines = [json.dumps(event(f"n{i}", i, customer=f"c{i}")) for i in range(3000)]
    lines[5] = "{bad"
    lines[7] = lines[6]
    lines[8] = json.dumps(event("n6", 1))
    status, text, _ = server.ask("POST", "/v1/decisions:batch", "\n".join(lines), "application/x-ndjson")
    assert status == 200
    answers = [json.loads(line) for line in text.splitlines()]
    assert len(answers) == 3000
    assert answers[5]["status"] == 400 and answers[5]["line"] == 6
    assert answers[7]["repeated"] is True and answers[7]["seq"] == answers[6]["seq"]
    assert answers[8]["status"] == 409
    good = [a for i, a in enumerate(answers) if i not in (5, 7, 8)]
    assert [a["id"] for a in good] == [f"n{i}" for i in range(3000) if i not in (5, 7, 8)]
    assert [a["seq"] for a in good] == sorted(a["seq"] for a in good)


def test_lists_page_through_everything(server):
    text = "\n".join(json.dumps(event(f"n{i}", 400 + i, customer=f"c{i}")) for i in range(250))
    assert server.ask("POST", "/v1/decisions:batch", text, "application/x-ndjson")[0] == 200
    server.wait_projected()
    for sort in ("-score", "score", "-time", "time"):
        seen, cursor = [], None
        while cursor is not None or not seen:
            path = f"/v1/decisions?limit=70&sort={sort}" + (f"&cursor={cursor}" if cursor else "")
            status, page, _ = server.ask("GET", path)
            assert status == 200
            seen += [d["id"] for d in page["decisions"]]
            cursor = page["next"]
        assert len(seen) == 250 and len(set(seen)) == 250
    _, page, _ = server.ask("GET", "/v1/decisions?outcome=review&limit=1000")
    assert len(page["decisions"]) == 149  # amounts 501..649
    assert server.ask("GET", "/v1/decisions?cursor=x")[0] == 400
    assert server.ask("GET", "/v1/decisions?from=x")[0] == 400


def test_labels_are_taken_changed_and_taken_back(server):
    assert server.decide(event("b1"))[0] == 200
    label = lambda **item: server.ask("POST", "/v1/labels", {"id": "b1", **item})
    shown = lambda: server.wait_projected() or server.ask("GET", "/v1/decisions/b1")[1]["label"]
    assert shown() is None
    assert label(label="fraud", source="chargeback")[0] == 200
    assert shown() is True
    assert label(label=False)[0] == 200
    assert shown() is False
    assert label(reversal=True)[0] == 200
    assert shown() is None
    assert label(label="maybe")[0] == 422
    assert server.ask("POST", "/v1/labels", {"id": "unknown", "label": 1})[0] == 404
    status, answer, _ = server.ask("POST", "/v1/labels", [{"id": "b1", "label": 1}, {"id": "zz", "label": 1}, 5])
    assert status == 200 and answer["taken"] == 1 and answer["refused"] == 2


def test_one_decision_with_its_inputs(server):
    assert server.decide(event("id/with space", 12.5))[0] == 200
    status, shown, _ = server.ask("GET", "/v1/decisions/id/with%20space")
    assert status == 200
    assert shown["inputs"] == event("id/with space", 12.5)
    assert server.ask("GET", "/v1/decisions/unknown")[0] == 404


def test_metrics_and_health(server):
    server.decide(event("b1"))
    status, text, _ = server.ask("GET", "/metrics")
    assert status == 200
    for name in ("assay_decisions_total", "assay_decision_seconds_bucket", "assay_queue_length", "assay_log_bytes",
                 "assay_durable_seq", "assay_store_lag", "assay_state_bytes", "assay_http_answers_total"):
        assert f"\n{name}" in "\n" + text
    assert 'assay_decisions_total{outcome="approve"} 1\n' in text


def test_everything_is_there_after_sigterm(start, run, tmp_path):
    server = start()
    first = server.decide(event("b1", 700))[1]
    server.ask("POST", "/v1/labels", {"id": "b1", "label": True})
    assert server.stop() == 0
    server = start()
    again = server.decide(event("b1", 700))[1]
    assert again.pop("repeated") and again == first
    server.wait_projected()
    assert server.ask("GET", "/v1/decisions")[1]["decisions"][0]["label"] is True
    server.stop()
    assert run("log", "verify", "--json").json()["whole"] is True


def rows(folder):
    import sqlite3

    with sqlite3.connect(folder / "assay-data" / "store.sqlite") as db:
        return [list(db.execute(f"SELECT * FROM {table} ORDER BY 1")) for table in ("decision", "label", "name", "meta")]


def test_answered_decisions_survive_kill_9(start, run, tmp_path):
    answered = {}
    for round_number in range(3):
        server = start()
        if round_number > 0:
            for name, seq in answered.items():  # all that was answered is there, at its place
                status, shown, _ = server.ask("GET", f"/v1/decisions/{name}")
                assert status == 200 and shown["seq"] == seq
        stopping = False

        def send(worker):
            for i in range(100000):
                name = f"r{round_number}-w{worker}-{i}"
                try:
                    status, answer, _ = server.decide(event(name, i % 900, customer=f"c{worker}"))
                except (OSError, http.client.HTTPException):
                    return
                if status != 200:
                    return
                answered[name] = answer["seq"]

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            work = [pool.submit(send, w) for w in range(4)]
            while len(answered) < 40 * (round_number + 1):
                time.sleep(0.005)
            server.stop(signal.SIGKILL)
            for w in work:
                w.result()
    server = start()
    server.wait_projected()
    server.stop()
    assert len(set(answered.values())) == len(answered)
    before = rows(tmp_path)
    assert {r[1] for r in before[0]} >= set(answered)
    assert run("rebuild").exit == 0
    assert rows(tmp_path) == before
    assert run("log", "verify", "--json").json()["whole"] is True
    assert run("replay", "--json").json()["different"] == 0


def test_a_second_server_on_one_directory_is_refused(start, run):
    start()
    second = run("serve", "--port", "0", timeout=60)
    assert second.exit != 0 and "assay:" in second.stderr


def test_a_taken_port_is_told(start, run, tmp_path):
    server = start()
    other = tmp_path / "other"
    other.mkdir()
    for name in ("assay.yaml", "tx.csv"):
        shutil.copy(tmp_path / name, other / name)
    second = run("serve", "--port", server.port, cwd=other, timeout=60)
    assert second.exit == 3 and "Address already in use" in second.stderr


def test_every_bad_field_is_named(server):
    body = {"id": "x", "at": "yesterday", "customer": {"deep": [1]}, "amount": "much", "amuont": 1}
    status, problem, _ = server.decide(body)
    assert status == 422
    assert {"/at", "/amount", "/amuont"} <= {e["pointer"] for e in problem["errors"]}
    assert all(e["detail"] for e in problem["errors"])
    status, problem, _ = server.decide({f"field{i}": i for i in range(2000)})
    assert status == 422 and 30 <= len(problem["errors"]) <= 40


HOSTILE = [
    b"",
    b"{",
    b"[" * 10000,
    b'{"a":' * 10000 + b"1" + b"}" * 10000,
    b"\xff\xfe\0",
    b'{"id":"a","id":"b"}',
    b'{"id":1e999}',
    b'{"id":{"id":{"id":1}}}',
    b"[[[]]]",
    b" " * 70000,
]


@pytest.mark.parametrize("method,path", [("POST", "/v1/labels"), ("POST", "/v1/decisions:batch"), ("POST", "/v1/decisions")])
def test_hostile_bodies_on_every_route(server, method, path):
    kind = "application/x-ndjson" if path.endswith(":batch") else "application/json"
    for body in HOSTILE:
        status, answer, headers = server.ask(method, path, body, kind)
        if status == 200:  # a batch answers line by line
            assert path != "/v1/decisions", body[:20]
            for line in answer.splitlines() if isinstance(answer, str) else []:
                assert json.loads(line)["status"] >= 400, body[:20]
            continue
        assert 400 <= status < 500, (body[:20], status, answer)
        assert headers["Content-Type"] == "application/problem+json"
        assert answer["status"] == status and answer["title"]
    status, problem, headers = server.ask(method, path, b"{}", "text/csv")
    assert status == 415 and headers["Content-Type"] == "application/problem+json"
    assert server.decide(event("after"))[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/decisions?limit=0",
        "/v1/decisions?limit=x",
        "/v1/decisions?limit=99999999999999999999",
        "/v1/decisions?from=yesterday",
        "/v1/decisions?sort=nothing",
        "/v1/decisions?%00=1",
        "/v1/decisions/%ff%fe",
        "/v1/decisions/" + "x" * 3000,
        "/v1/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_hostile_queries(server, path):
    status, problem, headers = server.ask("GET", path)
    assert status in (400, 404, 414, 422), (status, problem)
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
