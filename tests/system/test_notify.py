"""Notifications: webhooks that are signed, in order and at least once, over targets that fail, hang, are away and over
kill -9; mail, chats, topics of Kafka; summaries, dead letters, rows of a table."""

import base64
import email
import email.header
import hashlib
import hmac
import http.server
import json
import pathlib
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_access import Server, clean, command  # noqa: E402

SECRET = "correct-horse-battery"


def wait(what, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what()!r}")


class Receiver:
    """An HTTP server that keeps what it is sent. `answer(n, event)` is asked for the status (or a pair with headers) of
    the n-th request; None hangs."""

    def __init__(self, port=0, answer=None):
        self.requests, self.taken, self.lock = [], [], threading.Lock()
        self.answer = answer or (lambda n, event: 204)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = json.loads(body)
                with outer.lock:
                    n = len(outer.requests)
                    outer.requests.append((self.path, dict(self.headers), body))
                said = outer.answer(n, event)
                if said is None:
                    time.sleep(3)
                    self.close_connection = True
                    return
                status, headers = said if isinstance(said, tuple) else (said, {})
                if 200 <= status < 300:
                    with outer.lock:
                        outer.taken.append(event)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Threads(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Threads(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def subjects(self):
        with self.lock:
            return [e["subject"] for e in self.taken]


@pytest.fixture
def receive():
    made = []

    def call(*a, **k):
        made.append(Receiver(*a, **k))
        return made[-1]

    yield call
    for r in made:
        r.close()


@pytest.fixture
def serve(binary, tmp_path):
    made = []

    def call(settings):
        made.append(Server(binary, tmp_path, settings="notify:\n" + settings))
        return made[-1]

    yield call
    for s in made:
        if s.process.poll() is None:
            s.stop(signal.SIGKILL)


def decide(server, id, amount=600, customer="c1"):
    status, answer, _ = server.ask("POST", "/v1/decisions", {"id": id, "at": "2018-04-02T10:00:00Z", "customer": customer, "amount": amount})
    assert status == 200, answer
    return answer


def webhook(url, **more):
    keys = {"to": "webhook", "url": url, "secret": SECRET, "timeout": "1s", **more}
    return "  hook: {" + ", ".join(f"{k}: {json.dumps(v)}" for k, v in keys.items()) + "}\n"


def metric(server, name, target="hook"):
    _, text, _ = server.ask("GET", "/metrics")
    for line in text.splitlines():
        if line.startswith(f'{name}{{target="{target}"}}'):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(name)


def verify(headers, body, secret=SECRET):
    h = {k.lower(): v for k, v in headers.items()}
    signed = f"{h['webhook-id']}.{h['webhook-timestamp']}.".encode() + body
    good = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    assert abs(time.time() - int(h["webhook-timestamp"])) < 60
    return hmac.compare_digest(h["webhook-signature"], "v1," + good)


def test_a_webhook_is_a_signed_cloudevent(serve, receive):
    r = receive()
    s = serve(webhook(r.url, when="score >= 0 and amount > 500", fields=["amount", "customer"], authorization="Bearer t0"))
    decide(s, "small", 10)
    seq = decide(s, "e1")["seq"]
    wait(lambda: r.subjects() == ["e1"])
    path, headers, body = r.requests[0]
    assert path == "/hook"
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["Authorization"] == "Bearer t0"
    assert verify(headers, body) and not verify(headers, body + b" ") and not verify(headers, body, "another secret, as long")
    event = json.loads(body)
    assert headers["webhook-id"] == event["id"] == f"decision-{seq}"
    assert event["specversion"] == "1.0" and event["source"] == "/assay/test" and event["type"] == "assay.decision"
    assert event["data"]["id"] == "e1" and event["data"]["outcome"] == "review" and event["data"]["rules"] == ["BIG"]
    assert event["data"]["fields"] == {"amount": 600, "customer": "c1"}
    assert metric(s, "assay_notify_sent_total") == 1
    wait(lambda: metric(s, "assay_notify_lag_records") == 0)
    assert len(r.requests) == 1


def test_a_target_that_fails_hangs_and_has_too_much_to_do(serve, receive):
    """500, a hang, 429 with Retry-After, 503: nothing is lost, and each entity's are in their order."""
    said = {0: 500, 1: None, 2: (429, {"Retry-After": "1"}), 3: 503, 5: 500}
    times = []

    def answer(n, event):
        times.append(time.monotonic())
        return said.get(n, 200)

    r = receive(answer=answer)
    s = serve(webhook(r.url, lanes=3, timeout="1s"))
    for i in range(60):
        decide(s, f"e{i}", customer=f"c{i % 6}")
    wait(lambda: len(r.taken) >= 60)
    assert sorted(r.subjects()) == sorted(f"e{i}" for i in range(60))
    for c in range(6):
        mine = [int(x[1:]) for x in r.subjects() if int(x[1:]) % 6 == c]
        assert mine == sorted(mine), (c, mine)
    late = [json.loads(b)["id"] for _, _, b in r.requests]
    again = [n for n in range(3, len(late)) if late[n] == late[2]]
    assert again and times[again[0]] - times[2] >= 1, "Retry-After is waited for"
    assert metric(s, "assay_notify_failures_total") == 5
    assert metric(s, "assay_notify_dead_total") == 0
    assert all(verify(h, b) for _, h, b in r.requests)


def test_away_over_restarts_and_kill_9(binary, serve, receive, tmp_path):
    """The target is away, then comes; the service is killed in between. All are told, with the same ids when again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = webhook(f"http://127.0.0.1:{port}/", lanes=2)
    s = serve(settings)
    for i in range(40):
        decide(s, f"e{i}", customer=f"c{i % 4}")
    wait(lambda: metric(s, "assay_notify_failing") == 1)
    assert metric(s, "assay_notify_waiting") > 0
    s.stop(signal.SIGKILL)
    s = serve(settings)
    r = receive(port=port, answer=lambda n, event: time.sleep(0.01) or 200)
    wait(lambda: len(r.taken) > 10)
    s.stop(signal.SIGKILL)
    s = serve(settings)
    for i in range(40, 400):
        decide(s, f"e{i}", customer=f"c{i % 4}")
    wait(lambda: set(r.subjects()) == {f"e{i}" for i in range(400)}, 30)
    wait(lambda: metric(s, "assay_notify_lag_records") == 0)
    ids = {}
    for e in r.taken:
        assert ids.setdefault(e["subject"], e["id"]) == e["id"]
    for c in range(4):
        firsts = list(dict.fromkeys(int(x[1:]) for x in r.subjects() if int(x[1:]) % 4 == c))
        assert firsts == sorted(firsts)
    assert s.stop() == 0
    told = len(r.taken)
    s = serve(settings)
    time.sleep(0.5)
    assert len(r.taken) == told, "what was told before an orderly stop is not told again"


def test_refused_ones_are_dead_letters_and_go_again(binary, serve, receive, tmp_path):
    bad = {"on": True}
    r = receive(answer=lambda n, event: 400 if bad["on"] and event["subject"] == "e1" else 200)
    s = serve(webhook(r.url, tries=2))
    for i in range(4):
        decide(s, f"e{i}")
    wait(lambda: r.subjects() == ["e0", "e2", "e3"])
    assert metric(s, "assay_notify_dead_total") == 1
    code, out, err = command(binary, tmp_path, "notify", "dead", "--json")
    assert code == 0, err
    letter = json.loads(out)
    assert letter["target"] == "hook" and letter["tries"] == 2 and "400" in letter["reason"] and letter["data"]["id"] == "e1"
    code, out, err = command(binary, tmp_path, "notify", "dead", "--retry")
    assert code == 1 and "400" in err and "1 left" in out
    bad["on"] = False
    code, out, err = command(binary, tmp_path, "notify", "dead", "hook", "--retry")
    assert code == 0 and "1 sent, 0 left" in out, (out, err)
    assert r.subjects() == ["e0", "e2", "e3", "e1"] and r.taken[-1]["id"] == letter["id"]
    assert command(binary, tmp_path, "notify", "dead")[1] == ""


def test_a_redirect_is_not_followed_and_a_target_that_stays_away_is_given_up(binary, serve, receive, tmp_path):
    other = receive()
    r = receive(answer=lambda n, event: (307, {"Location": other.url}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{free.getsockname()[1]}/"
    s = serve(webhook(r.url, tries=1) + webhook(gone, give_up="1s").replace("hook:", "gone:"))
    decide(s, "e1")
    wait(lambda: metric(s, "assay_notify_dead_total") == 1 and metric(s, "assay_notify_dead_total", "gone") == 1)
    assert other.requests == []
    letters = [json.loads(x) for x in command(binary, tmp_path, "notify", "dead", "--json")[1].splitlines()]
    assert ["redirects are not followed" in x["reason"] for x in letters] == [True, False]


def test_alerts_are_told_once_each_also_when_the_store_is_made_anew(binary, serve, receive, tmp_path):
    r = receive()
    settings = webhook(r.url, on="alert", when='queue = "main" and score >= 0')
    s = serve(settings)
    for i in range(6):
        decide(s, f"e{i}", customer=f"c{i % 2}")
    wait(lambda: len(r.taken) == 2)
    data = r.taken[0]["data"]
    assert r.taken[0]["type"] == "assay.alert" and data["name"] == "risky" and data["event_id"] and data["rules"] == ["BIG"]
    assert r.taken[0]["id"] == "alert-" + data["id"]
    assert s.stop() == 0
    for name in ("store.sqlite", "store.sqlite-wal", "store.sqlite-shm"):
        (tmp_path / "assay-data" / name).unlink(missing_ok=True)
    s = serve(settings)
    decide(s, "f1", customer="c9")
    wait(lambda: len(r.taken) == 3)
    time.sleep(0.3)
    assert len({e["id"] for e in r.taken}) == len(r.taken) == 3


# ---- mail ----


class Mail:
    """An SMTP server of a few verbs. `answer(n)`: the reply to the n-th message's data."""

    def __init__(self, answer=None, tls=None, user=None):
        self.messages, self.commands = [], []
        self.answer = answer or (lambda n: "250 taken")
        self.tls, self.user = tls, user
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, c):
        f = c.makefile("rb")
        say = lambda line: c.sendall((line + "\r\n").encode())  # noqa: E731
        secure, sender, to = False, None, []
        say("220 mail.test")
        try:
            while line := f.readline():
                word = line.decode().strip()
                self.commands.append(word)
                verb = word.upper()
                if verb.startswith("EHLO"):
                    more = ["250-STARTTLS"] if self.tls and not secure else []
                    more += ["250-AUTH PLAIN"] if self.user and (secure or not self.tls) else []
                    say("\r\n".join(["250-mail.test", *more, "250 8BITMIME"]))
                elif verb == "STARTTLS":
                    say("220 go")
                    c = self.tls.wrap_socket(c, server_side=True)
                    f = c.makefile("rb")
                    say = lambda line, c=c: c.sendall((line + "\r\n").encode())  # noqa: E731
                    secure = True
                elif verb.startswith("AUTH PLAIN"):
                    given = base64.b64decode(word.split()[2] if len(word.split()) > 2 else self.ask(say, f))
                    say("235 yes" if given.split(b"\0")[1:] == [x.encode() for x in self.user] and secure else "535 no")
                elif verb.startswith("MAIL FROM"):
                    sender, to = word[10:], []
                    say("250 ok")
                elif verb.startswith("RCPT TO"):
                    to.append(word[8:])
                    say("250 ok")
                elif verb == "DATA":
                    say("354 go")
                    lines = []
                    while (line := f.readline()) != b".\r\n":
                        lines.append(line)
                    reply = self.answer(len(self.messages))
                    self.messages.append((secure, sender, to, b"".join(lines)))
                    say(reply)
                elif verb == "QUIT":
                    say("221 bye")
                    return
                else:
                    say("250 ok")
        except (OSError, ValueError):
            pass
        finally:
            c.close()

    @staticmethod
    def ask(say, f):
        say("334 ")
        return f.readline().decode().strip()

    def close(self):
        self.socket.close()

    def parsed(self):
        found = []
        for secure, sender, to, data in self.messages:
            m = email.message_from_bytes(data)
            subject = "".join(t.decode(c or "ascii") if isinstance(t, bytes) else t for t, c in email.header.decode_header(m["Subject"]))
            found.append((m, subject, m.get_payload(decode=True).decode()))
        return found


def test_mail_with_templates_no_header_can_be_put_in_and_the_rest_is_one_summary(serve, tmp_path):
    m = Mail(answer=lambda n: "451 later" if n == 0 else "250 taken")
    s = serve(
        f"  risk: {{to: email, url: 'smtp://127.0.0.1:{m.port}', tls: false, from: assay@example.org, recipients: [a@example.org,"
        " b@example.org], fields: [customer], at_most: 2, per: 2s, timeout: 2s,\n"
        "    subject: 'Größe {outcome} {id} {fields.customer}', body: \"{{x} {rules} {nothing}{score}\\n.\\nend\"}\n"
    )
    decide(s, "e0\r\nBcc: evil@example.org", customer="c\r\n\r\nX: y")
    for i in range(1, 9):
        decide(s, f"e{i}")
    wait(lambda: len(m.messages) == 4)
    (first, subject, body), again, second, summary = m.parsed()
    assert m.messages[0][3] == m.messages[1][3] or again[1] == subject  # the one that was to come later
    assert first["Message-ID"] == again[0]["Message-ID"] != second[0]["Message-ID"]
    assert m.messages[1][1:3] == ("<assay@example.org>", ["<a@example.org>", "<b@example.org>"])
    assert subject.startswith("Größe review e0  Bcc: evil@example.org c    X: y")
    assert first["Bcc"] is None and first["X"] is None and "evil" not in str(m.messages[0][2])
    assert body.startswith("{x} BIG ") and body.endswith("\n.\nend") and "nothing" not in body
    assert second[1] == "Größe review e1 c1"
    assert summary[1] == "7 more from risk" and "Größe review e2 c1" in summary[2]
    wait(lambda: metric(s, "assay_notify_waiting", "risk") == 0)
    m.close()


def test_mail_over_starttls_with_a_password_from_a_file(binary, tmp_path):
    key, pem = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", pem, "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    m = Mail(tls=context, user=("assay", "s3cret!"))
    (tmp_path / "password").write_text("s3cret!\n")
    text = (
        f"name: t\nsources: {{transactions: tx.csv}}\nnotify:\n  risk: {{to: email, url: 'smtp://localhost:{m.port}', user: assay, password: 'file:password', "
        "from: assay@example.org, recipients: [a@example.org], timeout: 5s, ca: cert.pem}\n"
    )
    (tmp_path / "assay.yaml").write_text(text)
    code, out, err = command(binary, tmp_path, "notify", "test", "risk")
    assert code == 0, err
    assert m.messages[0][0] is True and m.parsed()[0][1] == "review: test, score 500"
    # without the certificate nobody is told anything
    (tmp_path / "assay.yaml").write_text(text.replace(", ca: cert.pem", ""))
    code, out, err = command(binary, tmp_path, "notify", "test", "risk")
    assert code == 3 and "certificate" in err.lower() and len(m.messages) == 1
    assert "s3cret" not in out + err
    # a server without STARTTLS is not spoken to
    plain = Mail(user=("assay", "s3cret!"))
    (tmp_path / "assay.yaml").write_text(text.replace(str(m.port), str(plain.port)))
    code, out, err = command(binary, tmp_path, "notify", "test", "risk")
    assert code == 3 and plain.messages == [] and not any("AUTH" in c for c in plain.commands)
    m.close()
    plain.close()


def test_chat_and_test_of_a_target(binary, receive, tmp_path):
    r = receive(answer=lambda n, event: 200 if n < 2 else 404)
    (tmp_path / "assay.yaml").write_text(
        f"name: t\nsources: {{transactions: tx.csv}}\nnotify:\n  room: {{to: chat, url: '{r.url}', body: '{{outcome}}: {{score}} \"quoted\"'}}\n"
    )
    assert command(binary, tmp_path, "notify", "test", "room")[0] == 0
    assert json.loads(r.requests[0][2]) == {"text": 'review: 500 "quoted"'}
    code, out, _ = command(binary, tmp_path, "notify", "test", "room", "--json")
    assert code == 0 and json.loads(out)["sent"] is True
    code, _, err = command(binary, tmp_path, "notify", "test", "room")
    assert code == 1 and "404" in err
    code, _, err = command(binary, tmp_path, "notify", "test", "rom")
    assert code == 2 and 'did you mean "room"' in err


def test_rows_are_told_once(binary, receive, tmp_path):
    """The rows of a daily table: by condition, each once, whatever the command is called again with."""
    state = {"down": False}
    r = receive(answer=lambda n, event: 503 if state["down"] else 200)
    (tmp_path / "assay.yaml").write_text(
        "name: t\nsources: {transactions: tx.csv}\nnotify:\n" + webhook(r.url, on="row", when='alert_level in ("HIGH", "MEDIUM")').replace("hook", "managers", 1)
    )
    table = tmp_path / "daily.csv"
    table.write_text("period,fraud_score,alert_level\n2024-01-01,0.22,LOW\n2024-01-02,0.46,MEDIUM\n2024-01-03,0.82,HIGH\n")
    code, out, err = command(binary, tmp_path, "notify", "send", "managers", "daily.csv", "--json")
    assert code == 0, err
    assert json.loads(out) == {"rows": 3, "wanted": 2, "told_before": 0, "sent": 2, "in_summary": 0, "dead": 0}
    assert [e["data"]["row"]["alert_level"] for e in r.taken] == ["MEDIUM", "HIGH"] and r.taken[0]["type"] == "assay.row"
    assert json.loads(command(binary, tmp_path, "notify", "send", "managers", "daily.csv", "--json")[1])["sent"] == 0
    state["down"] = True
    with table.open("a") as f:
        f.write("2024-01-04,0.9,HIGH\n")
    code, _, err = command(binary, tmp_path, "notify", "send", "managers", "daily.csv", "--wait", "0")
    assert code == 3 and "503" in err
    state["down"] = False
    text = table.read_text()
    code, out, _ = command(binary, tmp_path, "notify", "send", "managers", "-", "--json", stdin=text)
    assert code == 0 and json.loads(out)["sent"] == 1 and r.taken[-1]["subject"].startswith("2024-01-04")
    assert json.loads(command(binary, tmp_path, "notify", "send", "managers", "daily.csv", "--again", "--json")[1])["sent"] == 3
    # more than at_most: the rest is one summary
    (tmp_path / "assay.yaml").write_text((tmp_path / "assay.yaml").read_text().replace('"to"', '"to"').replace("to: ", "at_most: 1, to: ", 1))
    with table.open("a") as f:
        f.write("".join(f"2024-02-{d:02d},0.9,HIGH\n" for d in range(1, 6)))
    code, out, err = command(binary, tmp_path, "notify", "send", "managers", "daily.csv", "--json")
    assert code == 0 and json.loads(out) == {"rows": 9, "wanted": 8, "told_before": 3, "sent": 2, "in_summary": 4, "dead": 0}, (out, err)
    assert r.taken[-1]["type"] == "assay.summary" and r.taken[-1]["data"]["count"] == 4
    assert json.loads(command(binary, tmp_path, "notify", "send", "managers", "daily.csv", "--json")[1])["sent"] == 0


@pytest.mark.parametrize(
    "entry, words",
    [
        ("{url: 'ftp://x'}", "expected a URL"),
        ("{}", "expected a URL"),
        ("{url: 'http://x', secret: short}", "at least 16"),
        ("{url: 'http://x', when: 'scoree > 3'}", 'did you mean score'),
        ("{url: 'http://x', when: 'count() by customer over 1h > 3'}", "windows"),
        ("{url: 'http://x', on: alert, when: 'quee = \"main\"'}", "queue"),
        ("{url: 'http://x', entity: nobody}", "no such kind"),
        ("{to: email, url: 'smtp://x', from: 'a@b', recipients: [\"a@b\\r\\nBcc: c@d\"]}", "addresses"),
        ("{to: email, url: 'smtp://x', from: 'a@b', recipients: ['c@d'], user: u, password: p, tls: false}", "not encrypted"),
        ("{to: topic}", "name of the topic"),
    ],
)
def test_mistakes_are_told_at_the_start(binary, tmp_path, entry, words):
    command(binary, tmp_path, "version")
    path = tmp_path / "assay.yaml"
    path.write_text(path.read_text() + f"notify:\n  one: {entry}\n")
    code, _, err = command(binary, tmp_path, "check")
    assert code == 1 and words in err and "notify.one" in err, err


def test_a_topic_that_is_not_there_is_named(binary, kafka, tmp_path):
    (tmp_path / "assay.yaml").write_text(
        f"name: t\nsources: {{transactions: tx.csv}}\nkafka: '{kafka.brokers}'\nnotify:\n  bus: {{to: topic, topic: nowhere, timeout: 2s}}\n")
    code, _, err = command(binary, tmp_path, "notify", "test", "bus")
    assert code == 3 and 'has no topic "nowhere"' in err and "notify.bus.topic" in err, err


def test_a_topic_of_kafka(serve, kafka, topic):
    told = topic(2)
    s = serve(f"  bus: {{to: topic, topic: {told}}}\nkafka: '{kafka.brokers}'\n")
    for i in range(20):
        decide(s, f"e{i}", customer=f"c{i % 3}")
    wait(lambda: metric(s, "assay_notify_sent_total", "bus") == 20, 30)
    events = [json.loads(m.value) for m in kafka.read(told)]
    assert sorted(e["subject"] for e in events) == sorted(f"e{i}" for i in range(20))
    assert all(e["type"] == "assay.decision" for e in events)
    for c in range(3):
        mine = [int(e["subject"][1:]) for e in events if int(e["subject"][1:]) % 3 == c]
        assert mine == sorted(mine)
