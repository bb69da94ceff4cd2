"""clients/python/assay.py against the real service, and against one that is busy."""

import datetime
import decimal
import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import threading
import time

import pytest

from test_serve import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients" / "python"))
import assay  # noqa: E402

SETTINGS = """
name: client
sources: {transactions: {file: tx.csv}}
event: {id: id, time: at, amount: amount, label: {field: fraud, delay: 1h, absent: legit}}
entities: {customer: customer}
features:
  n_1d: count() by customer over 1d
  amount: amount
lists: {blocked: {type: text, expires: 30d}}
rules:
  BIG: {when: amount > 500, then: review}
  BLOCKED: {when: customer in list(blocked), then: decline}
model: {kind: none}
outcomes: [approve, review, decline]
decision: {review: 300, decline: 800}
"""


@pytest.fixture(scope="module")
def service(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    (folder / "assay.yaml").write_text(SETTINGS)
    (folder / "tx.csv").write_text("id,at,customer,amount,fraud\na1,2024-01-01T00:00:00Z,c1,10.5,0\na2,2024-01-01T01:00:00Z,c9,700,1\n")
    server = Server(binary, folder)
    yield server
    server.stop()
    server.errors.close()


@pytest.fixture
def client(service):
    with assay.Client(f"http://127.0.0.1:{service.port}", retries=1) as c:
        yield c


def event(i, amount=5, customer="c1", day=2):
    at = datetime.datetime(2024, 1, day, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=i)
    return {"id": f"e{day}-{i}", "at": at, "customer": customer, "amount": amount}


def test_one_event_is_decided_read_and_labelled(client, service):
    def label_known():
        service.wait_projected()
        return client.decision("e3-0")["label"]

    assert client.ready()
    dry = client.decide(event(0, 900, day=3), dry_run=True)
    assert dry["outcome"] == "review" and "seq" not in dry
    answer = client.decide(event(0, decimal.Decimal("900"), day=3), explain=True)
    assert answer["outcome"] == "review" and answer["rules"] == ["BIG"]
    assert client.decide(event(0, 900, day=3))["repeated"] is True
    assert client.decision("e3-0")["inputs"]["amount"] in (900, "900")
    assert client.explanation("e3-0")["rules"][0]["rule"] == "BIG"
    assert client.event("e3-0")["features"]["amount"] == 900
    assert client.event("a2")["observed"] is True
    told = client.label("e3-0", "fraud", source="review", time=datetime.datetime(2024, 1, 4, tzinfo=datetime.timezone.utc))
    assert told["id"] == "e3-0" and label_known() is True
    assert client.unlabel("e3-0")["id"] == "e3-0" and label_known() is None
    rows = list(client.labels({"id": "e3-0", "label": False} for _ in range(1500)))
    assert len(rows) == 1500 and label_known() is False
    with pytest.raises(ValueError):
        client.decide({**event(1), "at": datetime.datetime(2024, 1, 1)})  # of no zone


def test_an_event_without_an_id_is_decided_once_for_a_key(client, service):
    nameless = {k: v for k, v in event(1, day=4).items() if k != "id"}
    first = client.decide(nameless, idempotency_key="order-7")
    assert client.decide(nameless, idempotency_key="order-7")["seq"] == first["seq"] and first["id"] == "key:order-7"
    assert client.decide(nameless)["seq"] > first["seq"]


def test_many_are_decided_in_order_from_any_iterable(client, service):
    answers = list(client.decide_many((event(i, i, f"m{i % 7}", 5) for i in range(1203)), lines=500))
    assert [a["id"] for a in answers] == [f"e5-{i}" for i in range(1203)]
    assert [a["outcome"] for a in answers] == ["review" if i > 500 else "approve" for i in range(1203)]
    asked = []

    def endless():
        for i in range(10**9):
            asked.append(i)
            yield event(i, day=6)

    some = client.decide_many(endless(), lines=10)
    assert [next(some)["id"] for _ in range(15)] == [f"e6-{i}" for i in range(15)] and len(asked) < 40

    bad = [event(0, day=7), {**event(1, day=7), "amuont": 3}, event(2, day=7)]
    kept = list(client.decide_many(bad, lines=2, raises=False))
    assert kept[1]["status"] == 422 and kept[1]["line"] == 2 and kept[2]["outcome"] == "approve"
    with pytest.raises(assay.InvalidFields) as e:
        list(client.decide_many(bad[::-1], lines=1))
    assert e.value.line == 2 and e.value.errors[0].pointer == "/amuont" and "amount" in e.value.errors[0].detail

    client.catch_up()
    page = list(client.decisions(since="2024-01-05T00:00:00Z", until=event(0, day=6)["at"], sort="time"))
    assert [d["id"] for d in page] == [f"e5-{i}" for i in range(1203)]
    assert [d["id"] for d in client.decisions(since="2024-01-05", until="2024-01-06", sort="time", limit=701)] == [
        f"e5-{i}" for i in range(701)]
    hits = list(client.decisions(rule="BIG", entity="customer:m3", fields=["id", "outcome"], since="2024-01-05"))
    assert hits and all(set(h) == {"id", "outcome"} and int(h["id"][3:]) % 7 == 3 for h in hits)
    assert next(client.events(limit=3))["id"]


def test_entities_features_lists_models_and_rules(client, service):
    client.decide(event(0, customer="k1", day=8))
    assert client.entity("customer", "k1")["features"]["n_1d"] == 2
    assert [f["feature"] if "feature" in f else f["name"] for f in client.features()] == ["n_1d", "amount"]
    assert client.list_add("blocked", ["k1", "k2"], expires="7d", note="case 7", by="ana")["entries"] == 2
    assert [e["value"] for e in client.list_entries("blocked")] == ["k1", "k2"] and client.lists()[0]["name"] == "blocked"
    assert client.decide(event(1, customer="k1", day=8))["outcome"] == "decline"
    assert client.list_remove("blocked", "k1")["results"][0]["result"] == "removed"
    assert client.models() == [] and "BIG" in client.settings()["yaml"]
    seen = []
    result = client.backtest({"HUGE": {"when": "amount > 1000", "then": "decline"}}, progress=lambda *at: seen.append(at))
    assert "HUGE" in json.dumps(result)
    assert client.reload()["state"] == "done"
    with pytest.raises(assay.InvalidFields) as e:
        client.backtest({"X": {"when": "amuont > 1", "then": "decline"}})
    assert "amuont" in str(e.value)
    with pytest.raises((assay.JobFailed, assay.Error)):
        client.train()  # there is no model to train: kind none


def test_what_is_refused_is_raised_by_its_kind(client):
    client.decide(event(0, day=9))
    for call, kind, words in [
        (lambda: client.decision("no such"), assay.NotFound, "no such"),
        (lambda: client.decide(event(0, 6, day=9)), assay.Conflict, "another event"),
        (lambda: client.decide({"id": "x", "at": "2024-01-09", "amount": "much"}), assay.InvalidFields, "/amount"),
        (lambda: client.job("00000000-0000-7000-8000-000000000000"), assay.NotFound, ""),
        (lambda: list(client.decisions(sort="sideways")), assay.BadRequest, "sort"),
        (lambda: client.model("none@1.0.0"), assay.NotFound, ""),
    ]:
        with pytest.raises(kind) as e:
            call()
        assert words in str(e.value) and e.value.request_id and e.value.type.startswith("urn:assay:")
    with pytest.raises(assay.NotFound):
        client.label("no such", True)
    assert [r["status"] for r in client.labels([{"id": "e9-0", "label": 0}, {"id": "no such", "label": 1}])] == [200, 404]
    for url in ("ftp://x", "127.0.0.1:80", "http://u:p@host"):
        with pytest.raises(ValueError):
            assay.Client(url)
    with pytest.raises(ValueError):
        assay.Client(key="a\nb")


def test_rows_for_pandas(client, service):
    client.decide(event(0, 7, day=10))
    service.wait_projected()
    assert assay.flat({"a": {"b": {"c": 1}}, "d": [1]}) == {"a.b.c": 1, "d": [1]}
    frame = pytest.importorskip("pandas") and assay.to_pandas(client.decisions(since="2024-01-10"))
    assert list(frame["id"]) == ["e10-0"] and str(frame["time"].dt.tz) == "UTC"
    assert assay.to_pandas([client.decision("e10-0")])["inputs.customer"][0] == "c1"


class Busy(http.server.BaseHTTPRequestHandler):
    """Answers by a list of (status, Retry-After, body); keeps what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.headers["Idempotency-Key"], self.headers["Authorization"], body, time.monotonic()))
        status, after, answer = self.server.answers.pop(0)
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        if after is not None:
            self.send_header("Retry-After", after)
        kind = "x-ndjson" if self.path.endswith(":batch") else "problem+json" if status >= 400 else "json"
        self.send_header("Content-Type", f"application/{kind}")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def busy():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_busy_service_is_asked_again_with_the_same_key(busy):
    busy.answers = [(429, "1", b"{}"), (None, None, b""), (503, None, b"{}"), (200, None, b'{"outcome":"approve"}')]
    client = assay.Client(f"http://127.0.0.1:{busy.server_port}", key="ask_1", retries=3)
    assert client.decide({"amount": 1})["outcome"] == "approve"
    assert len({(k, a, b) for k, a, b, _ in busy.asked}) == 1 and busy.asked[0][0] and busy.asked[0][1] == "Bearer ask_1"
    assert busy.asked[1][3] - busy.asked[0][3] >= 1.0

    busy.answers = [(503, None, b'{"title":"stopping"}')] * 2
    with pytest.raises(assay.Unavailable) as e:
        assay.Client(f"http://127.0.0.1:{busy.server_port}", retries=1).decide({"amount": 1})
    assert "stopping" in str(e.value) and busy.answers == []
    busy.answers = [(500, None, b"{}")]
    with pytest.raises(assay.ServerError):  # not sent again
        client.decide({"amount": 1})
    gone = assay.Client("http://127.0.0.1:1", retries=1)
    with pytest.raises(assay.NoAnswer):
        gone.decide({"amount": 1})
    assert not gone.ready()


def test_a_line_that_found_the_queue_full_is_sent_again(busy):
    line = b'{"id":"1","outcome":"approve"}\n'
    full = b'{"type":"urn:assay:problem:busy","status":429,"line":2}\n'
    busy.answers = [(200, None, line + full), (200, None, line + line)]
    client = assay.Client(f"http://127.0.0.1:{busy.server_port}", retries=2)
    answers = client.decide_many([{"a": 1}, {"a": 2}])
    assert [a["outcome"] for a in answers] == ["approve"] * 2
    assert len({(k, b) for k, _, b, _ in busy.asked}) == 1 and len(busy.asked) == 2


def test_keys_and_tls(binary, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS + "server: {tls: {certificate: cert.pem, key: key.pem}}\n")
    (tmp_path / "tx.csv").write_text("id,at,customer,amount,fraud\na1,2024-01-01T00:00:00Z,c1,10.5,0\n")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem",
                    "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
                   cwd=tmp_path, check=True, capture_output=True)
    made = subprocess.run([binary, "--json", "key", "create", "caller", "--role", "scorer", "--force"], cwd=tmp_path, check=True,
                          capture_output=True, text=True)
    secret = json.loads(made.stdout)["secret"]
    server = Server(binary, tmp_path)
    try:
        url, ca = f"https://127.0.0.1:{server.port}", str(tmp_path / "cert.pem")
        assert assay.Client(url, secret, ca=ca).decide(event(0))["outcome"] == "approve"
        with pytest.raises(assay.Forbidden):
            assay.Client(url, secret, ca=ca).lists()
        with pytest.raises(assay.Unauthorized):
            assay.Client(url, "ask_0123456789ab_wrong", ca=ca).decide(event(1))
        with pytest.raises(ssl.SSLCertVerificationError):
            assay.Client(url, secret).decide(event(1))
    finally:
        server.stop()
        server.errors.close()
