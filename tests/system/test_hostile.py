"""What a hostile user found once: it stays found."""

import json
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_access import Server, clean, command, make_key  # noqa: E402

ROUTES = """
routes:
  deep:
    path: /deep
    to: POST /v1/decisions?dry_run=true
    body: {id: request.id, at: received, customer: request.customer, amount: request.amount}
    answers:
      - body: {each: request.items, as: {each: request.items, as: {each: request.items, as: "score + 1"}}}
  wide:
    path: /wide
    to: POST /v1/decisions?dry_run=true
    body: {id: request.id, customer: {each: request.items, as: {each: request.items, as: request}}}
"""


@pytest.fixture
def start(binary, tmp_path):
    servers = []

    def call(settings=""):
        servers.append(Server(binary, tmp_path, settings=settings))
        return servers[-1]

    yield call
    for s in servers:
        if s.process.poll() is None:
            s.stop(signal.SIGKILL)


def test_of_many_first_keys_one_is_made(start):
    s, got = start(), []

    def ask(i):
        got.append(s.ask("POST", "/v1/keys", {"name": f"k{i}", "roles": ["admin"]})[0])

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(got) == [201] + [401] * 11


class Slow:
    """A request whose body comes later than its head."""

    def __init__(self, server, path, body, key=None):
        self.body = json.dumps(body).encode()
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += f"Authorization: Bearer {key}\r\n" if key else ""
        self.socket.sendall(f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode())
        time.sleep(0.3)

    def status(self):
        self.socket.sendall(self.body)
        answer = self.socket.recv(4096)
        self.socket.close()
        return int(answer.split()[1])


def test_a_body_that_comes_after_the_first_key_is_nobodys(start):
    s = start()
    slow = Slow(s, "/v1/keys", {"name": "mine", "roles": ["admin"]})
    assert s.ask("POST", "/v1/keys", {"name": "first", "roles": ["admin"]})[0] == 201
    assert slow.status() == 401


def test_a_body_that_comes_after_its_key_was_revoked_is_refused(start, binary, tmp_path):
    admin, scorer = (make_key(binary, tmp_path, role) for role in ("admin", "scorer"))
    s = start()
    event = {"id": "late", "at": "2018-05-01T00:00:00Z", "customer": "c1", "amount": 5}
    kept, revoked = Slow(s, "/v1/decisions", event, admin), Slow(s, "/v1/decisions", {**event, "id": "x"}, scorer)
    assert s.ask("DELETE", f"/v1/keys/{scorer.split('_')[1]}", key=admin)[0] == 200
    assert revoked.status() == 401
    assert kept.status() == 200
    assert s.ask("GET", "/v1/decisions/x", key=admin)[0] == 404


def test_a_keys_name_has_no_control_characters(start):
    s = start()
    for name in ("a\0b", "a\nb", "\x1b[31m", "\x7f"):
        status, answer, _ = s.ask("POST", "/v1/keys", {"name": name, "roles": ["viewer"]})
        assert status == 422 and "control characters" in answer["detail"], answer
    assert s.ask("POST", "/v1/keys", {"name": "Zoë ☃", "roles": ["admin"]})[0] == 201


def test_a_contract_does_not_fill_memory_or_time(start):
    s = start(ROUTES)
    body = {"id": "d", "customer": "c1", "amount": 5}
    status, answer, _ = s.ask("POST", "/deep", {**body, "items": [1, 2, 3]})
    assert status == 200 and len(answer) == 3 and len(answer[0][0]) == 3
    began = time.monotonic()
    status, answer, _ = s.ask("POST", "/deep", {**body, "items": list(range(400))})
    assert status == 422 and "the answer that this contract makes" in answer["detail"], answer
    status, answer, _ = s.ask("POST", "/wide", {**body, "items": list(range(400))})
    assert status == 413 and "what this contract makes of the request" in answer["detail"], answer
    assert time.monotonic() - began < 15
    assert s.ask("GET", "/healthz")[0] == 200


def test_a_closed_standard_output_is_not_the_log(binary, tmp_path):
    command(binary, tmp_path, "check")
    done = subprocess.run(
        ["bash", "-c", 'exec "$0" serve --port 0 <&- >&- 2>&- & p=$!; sleep 1; ls -l /proc/$p/fd; kill $p; wait $p', binary],
        cwd=tmp_path, env=clean(), capture_output=True, text=True, timeout=30)
    for line in done.stdout.splitlines():
        words = line.split()
        if "->" in words and words[words.index("->") - 1] in ("0", "1", "2"):
            assert words[-1] == "/dev/null", done.stdout
    lock = tmp_path / "assay-data/control/log/lock"
    assert not lock.exists() or lock.read_text().strip().isdigit()  # the process, nothing that was printed
    assert command(binary, tmp_path, "check")[0] == 0
    done = subprocess.run(["bash", "-c", '"$0" check >&-', binary], cwd=tmp_path, env=clean(), capture_output=True, text=True)
    assert done.returncode == 3 and "standard output" in done.stderr, done
