"""A console against a hostile world, in a real Chromium: each test of hostile.mjs.

What outsiders write stands in every field; sessions end, roles change and the server restarts under open pages."""

import contextlib
import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]
from conftest import binary  # noqa: E402,F401
from service import PASSWORD, PEOPLE, Service, names, run_tests, wanting  # noqa: E402

SETTINGS = """
name: '<img src=x onerror="hacked=1">'
sources: {transactions: {file: t.csv, fields: {id: text, customer: text, device: text, merchant: text, amount: decimal, big: real, card: int}}}
event: {id: id, time: at, amount: amount, label: {field: fraud, delay: 1d, absent: legit}}
entities: {customer: customer, device: device, card: card}
features: {n_1d: count() by customer over 1d, merchant: merchant, big: big}
lists: {watched: {description: '<b onclick="hacked=1">bold</b> & co'}}
rules: {BIG: {when: amount > 100, then: review, text: '<script>hacked=1</script>'}}
model: {kind: none}
outcomes: [approve, review, decline]
access: {session: {idle: 30m}}
"""
ROW = "id,at,customer,device,merchant,amount,big,card,fraud\nh1,2026-01-01T00:00:00Z,c1,d1,m,5,1,1,0\n"


class Restarted:
    """`assay serve` that a test may stop and start again, at one port."""

    def __init__(self, binary, folder):  # noqa: F811
        self.binary, self.folder = binary, folder
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        self.process = None

    def start(self):
        self.process = subprocess.Popen([self.binary, "serve", "--port", str(self.port), "--json"], cwd=self.folder, env=self.environment,
                                        stdout=subprocess.PIPE, stderr=open(self.folder / "serve.err", "a"), text=True)
        started = self.process.stdout.readline()
        assert started, (self.folder / "serve.err").read_text()
        return json.loads(started)["url"]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@contextlib.contextmanager
def controlled(server):
    """Where the tests ask for a restart: POST /restart; it is down for a moment."""
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            server.stop()
            time.sleep(1)
            server.start()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    control = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{control.server_address[1]}/restart"
    finally:
        control.shutdown()


@pytest.fixture(scope="module")
def results(binary, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "assay.yaml").write_text(SETTINGS)
    (folder / "t.csv").write_text(ROW)
    made = subprocess.run([binary, "key", "create", "root", "--role", "admin", "--json"], cwd=folder, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    server = Restarted(binary, folder)
    service = Service(server.start(), json.loads(made.stdout)["secret"], folder)
    try:
        for name, role in PEOPLE.items():
            service.ask("POST", "/v1/users", {"name": name, "password": PASSWORD, "roles": [role]})
        with controlled(server) as control:
            yield run_tests("hostile.mjs", service, CONSOLE_CONTROL=control)
    finally:
        server.stop()


@pytest.mark.skipif(wanting() is not None, reason=str(wanting()))
@pytest.mark.parametrize("name", names("hostile.mjs"))
def test_hostile(results, name):
    assert results[name] == [], "\n".join(results[name])
