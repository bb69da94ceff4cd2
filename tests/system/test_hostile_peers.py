"""What servers that mean harm, or that others have got hold of, may answer: it stays an error in words."""

import hashlib
import http.server
import json
import pathlib
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_access import command  # noqa: E402


class Peer:
    """Answers each request by what `answer(path)` gives: (status, headers, body)."""

    def __init__(self, answer):
        self.paths = []
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def reply(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                peer.paths.append(self.path)
                status, headers, body = answer(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = reply

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.place = f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def peer():
    peers = []

    def call(status=200, headers=None, body=b"", answer=None):
        peers.append(Peer(answer or (lambda path: (status, headers or {}, body))))
        return peers[-1]

    yield call
    for one in peers:
        one.server.shutdown()
        one.server.server_close()


@pytest.mark.parametrize("status, headers, body, words", [
    (404, {}, b"\x1b[2J\x1b]0;owned\x07gone\nassay: 7 records sent\xc2\x9b1m", "answers 404"),
    (302, {"Location": "file:///etc/passwd"}, b"", "answers 302"),
    (307, {"Location": "http://169.254.169.254/latest/meta-data"}, b"", "answers 307"),
    (304, {}, b"", "answers 304"),
    (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08" + b"\x00" * 99, "not valid"),
    (200, {"Content-Length": "90"}, b"[]", "88 bytes"),
    (200, {}, b"[" * 5000 + b"]" * 5000, ""),
    (200, {}, b'"\\ud800"', ""),
])
def test_an_endpoint_is_asked_at_its_address_and_quoted_in_one_line(run, peer, kafka, topic, status, headers, body, words):
    feed = peer(status, headers, body)
    done = run("produce", f"http://ann:hush-hush@{feed.place}/feed", "--topic", topic(), "--tries", "1",
               "--brokers", kafka.brokers)
    assert done.exit in (1, 3) and set(feed.paths) == {"/feed"}
    assert words in done.stderr and feed.place in done.stderr and "hush-hush" not in done.stderr and "root:" not in done.stderr
    assert not set(done.stderr[:-1]) & {chr(c) for c in [*range(32), *range(127, 160)]}, done.stderr


@pytest.mark.parametrize("to", ["chat", "webhook", "email"])
def test_a_targets_secrets_are_in_no_answer_of_ours(binary, tmp_path, peer, to):
    """A chat's URL is its password; a mail server's may have one in it."""
    hook = peer(500, {}, b"no")
    for place, exits in ((hook.place, 1), ("127.0.0.1:1", 3)):
        if to == "email":
            more = f"url: 'smtp://ann:hush-hush@{place}', from: a@example.org, recipients: [b@example.org], tls: false, timeout: 1s"
            exits = 3
        else:
            more = f"url: 'http://ann:hush-hush@{place}/services/hush-hush?token=hush-hush', timeout: 1s"
        (tmp_path / "assay.yaml").write_text(
            f"name: t\nsources: {{transactions: tx.csv}}\nnotify: {{room: {{to: {to}, {more}}}}}\n")
        for words in (["notify", "test", "room"], ["notify", "test", "room", "--json"], ["check", "--resolved"]):
            code, out, err = command(binary, tmp_path, *words)
            assert "hush-hush" not in out + err, (words, out, err)
            assert words[0] == "check" or (code == exits and (to == "email" or "127.0.0.1" in err or exits == 1)), (code, err)


# ---- a shared registry that others write to ----

SETTINGS = "name: cards\nsources: {transactions: tx.csv}\nregistry: {artifacts: shared}\n"


def offer(folder, files):
    """A version in the shared directory as whoever may write there could put it: [(name, bytes, said bytes or None)]."""
    version = folder / "shared" / "boost" / "1.0.0"
    version.mkdir(parents=True)
    rows = []
    for name, held, said in files:
        if "/" not in name:
            (version / name).write_bytes(held)
        rows.append({"name": name, "bytes": len(held) if said is None else said, "sha256": hashlib.sha256(held).hexdigest()})
    (version / "manifest.json").write_text(json.dumps({"model": "boost@1.0.0", "files": rows}))
    (folder / "assay.yaml").write_text(SETTINGS)


def list_models(binary, folder):
    return subprocess.run([binary, "model", "list", "-c", "assay.yaml"], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("files", [
    [("model", b"good", None), ("model", b"good", None)],
    [("model", b"good", None), ("manifest.json", b"{}", None)],
    [("model", b"good", None), ("../../../evil", b"x", None)],
    [("model", b"good", None), (".hidden", b"x", None)],
    [("model", b"far more than was said" * 1000, 4)],
])
def test_a_manifest_that_lies_is_damage(binary, tmp_path, files):
    offer(tmp_path, files)
    done = list_models(binary, tmp_path)
    assert done.returncode == 1 and "damaged" in done.stderr, done
    assert not list(tmp_path.glob("**/evil")) and not list((tmp_path / "data").glob("models/boost/1.0.0"))


def test_a_version_of_as_many_files_as_there_may_be_is_taken(binary, tmp_path):
    lineage = json.dumps({"name": "boost", "version": "1.0.0", "made": "2026-01-01T00:00:00Z"}).encode()
    files = [("model", b"good", None), ("lineage.json", lineage, None), ("metrics.json", b"{}", None)]
    offer(tmp_path, files + [(f"extra-{i}", b"x", None) for i in range(5)])
    done = list_models(binary, tmp_path)
    assert done.returncode >= 0 and "our mistake" not in done.stderr, done
    assert len(list(tmp_path.glob("**/models/boost/1.0.0/*"))) == 9
