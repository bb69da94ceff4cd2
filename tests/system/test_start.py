"""A start that fails half-way: at each stage a message and an exit code, nothing left locked, and the next start is whole."""

import json
import resource
import signal
import socket
import subprocess
import time

import pytest
from test_access import HISTORY, SETTINGS, clean

ROUTE = "routes: {x: {path: /x, to: POST /v1/nothing}}\n"


def serve(binary, folder, more="", options=(), files=None, seconds=30):
    (folder / "assay.yaml").write_text(SETTINGS + more)
    limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None
    done = subprocess.run([binary, "serve", "--port", "0", "--json", *options], cwd=folder, capture_output=True, text=True, env=clean(),
                          timeout=seconds, preexec_fn=limit)
    return done.returncode, done.stdout + done.stderr


def starts(binary, folder):
    """It serves, as the folder is now; then it is asked to stop."""
    (folder / "assay.yaml").write_text(SETTINGS)
    p = subprocess.Popen([binary, "serve", "--port", "0", "--json"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean())
    line = p.stdout.readline()
    assert line and "port" in json.loads(line), line + p.stderr.read()
    with socket.create_connection(("127.0.0.1", json.loads(line)["port"]), timeout=5):
        pass
    p.send_signal(signal.SIGTERM)
    out, err = p.communicate(timeout=30)
    assert p.returncode == 0, err


@pytest.fixture
def folder(binary, tmp_path):
    (tmp_path / "tx.csv").write_text(HISTORY)
    starts(binary, tmp_path)
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    subprocess.run([binary, "user", "create", "ann", "--role", "viewer", "--force"], cwd=tmp_path, check=True, capture_output=True, input=b"correct horse battery\n", env=clean())
    return tmp_path


def certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                    "-keyout", f"{name}.key", "-out", f"{name}.pem"], cwd=folder, check=True, capture_output=True)


TLS = "server: {{tls: {{certificate: {}, key: {}}}}}\n"


@pytest.mark.parametrize("stage, code, words", [
    ("port", 3, "in use"), ("host", 3, "203.0.113.7"), ("no certificate", 1, "gone.pem"), ("no key", 1, "gone.key"), ("bad certificate", 1, "tx.csv"),
    ("other key", 1, "one.pem"), ("route", 1, "routes.x.to"), ("store", 3, "store"), ("key file", 1, "master"), ("locked", 3, "another process"),
    ("files", 1, "ulimit -n"), ("settings", 1, "assay.yaml:"), ("shard", 1, "damaged"), ("control", 1, "damaged"),
])  # fmt: skip
def test_each_stage(binary, folder, stage, code, words):
    more, options, files, held = "", (), None, None
    undo = lambda: None
    if stage == "port":
        held = socket.create_server(("127.0.0.1", 0))
        options = ("--port", str(held.getsockname()[1]))
    elif stage == "host":
        more = "server: {host: 203.0.113.7}\naccess: {required: false}\n"
    elif "certificate" in stage or "key" in stage and stage != "key file":
        certificate(folder, "one")
        certificate(folder, "two")
        more = TLS.format(*{"no certificate": ("gone.pem", "one.key"), "no key": ("one.pem", "gone.key"), "bad certificate": ("tx.csv", "one.key"),
                            "other key": ("one.pem", "two.key")}[stage])
    elif stage == "route":
        more = ROUTE
    elif stage == "store":
        for file in (folder / "assay-data").glob("store.sqlite*"):
            file.unlink()
        (folder / "assay-data/store.sqlite").mkdir()
        undo = (folder / "assay-data/store.sqlite").rmdir
    elif stage == "key file":
        (folder / "master").write_text("no key\n")
        more = "personal: {fields: [customer], subject: customer, key_file: master}\n"
    elif stage == "locked":
        held = subprocess.Popen([binary, "serve", "--port", "0", "--json"], cwd=folder, stdout=subprocess.PIPE, text=True, env=clean())
        assert held.stdout.readline()
    elif stage == "files":
        files = 24
    elif stage == "settings":
        more = "nothing: 1\n"
    else:
        log = folder / "assay-data" / {"shard": "shard-0/log", "control": "control/log"}[stage] / "00000000000000000001.log"
        whole = log.read_bytes()
        log.write_bytes(b"garbage!" + whole[8:])
        undo = lambda: log.write_bytes(whole)
    begun = time.monotonic()
    got, told = serve(binary, folder, more, options, files)
    assert got == code and words in told, (got, told)
    assert "our mistake" not in told and time.monotonic() - begun < 20
    if stage == "locked":
        held.send_signal(signal.SIGTERM)
        assert held.wait(timeout=30) == 0
        held.stdout.close()
    elif held is not None:
        held.close()
    undo()
    starts(binary, folder)
    done = subprocess.run([binary, "log", "verify"], cwd=folder, capture_output=True, text=True, env=clean())
    assert done.returncode == 0, done.stderr
