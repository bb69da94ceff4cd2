"""The console in a real Chromium: each test of run.mjs, on a real `assay serve` with a history, a model, decisions and
people of each role. A script error, a breach of the content security policy or a failed request fails the test."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.request

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "system"))
from conftest import binary  # noqa: E402,F401

PASSWORD = "correct horse battery"
PEOPLE = {"ada": "admin", "ann": "analyst", "eve": "engineer", "vic": "viewer", "otto": "auditor"}
ROWS, DECIDED = 16000, 700
MORE = """
lists:
  watched: {description: cards to look at twice}
"""


def wanting():
    if shutil.which("node") is None:
        return "no node"
    if not (ROOT / "ui/node_modules/playwright-core").is_dir():
        return "no ui/node_modules: npm ci in ui/"
    if not pathlib.Path(os.environ.get("CHROMIUM", "/usr/bin/chromium")).exists():
        return "no chromium"
    return None


def node(*arguments, env=None, timeout=900):
    done = subprocess.run(
        ["node", *map(str, arguments)], env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=timeout
    )
    return done


@pytest.fixture(scope="session")
def service(binary, tmp_path_factory):  # noqa: F811
    """A service with an admin's key: (url, key, folder)."""
    folder = tmp_path_factory.mktemp("console")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}

    def run(*arguments):
        done = subprocess.run([binary, *map(str, arguments)], cwd=folder, env=clean, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("generate", "--rows", ROWS, "--days", 60, "-o", "all.csv")
    lines = (folder / "all.csv").read_text().splitlines(keepends=True)
    (folder / "transactions.csv").write_text("".join(lines[:-DECIDED]))
    run("init", "transactions.csv")
    settings = (folder / "assay.yaml").read_text()
    (folder / "assay.yaml").write_text(settings + MORE)
    run("train", "--force")
    key = json.loads(run("key", "create", "root", "--role", "admin", "--json"))["secret"]
    process = subprocess.Popen(
        [binary, "serve", "--port", "0", "--json"], cwd=folder, env=clean, stdout=subprocess.PIPE,
        stderr=open(folder / "serve.err", "w"), text=True,
    )
    try:
        started = process.stdout.readline()
        assert started, (folder / "serve.err").read_text()
        url = json.loads(started)["url"]

        def ask(method, path, body):
            kind = "application/x-ndjson" if path.endswith(":batch") else "application/json"
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            asked = urllib.request.Request(url + path, data, {"Authorization": f"Bearer {key}", "Content-Type": kind}, method=method)
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return answer.read()

        for name, role in PEOPLE.items():
            ask("POST", "/v1/users", {"name": name, "password": PASSWORD, "roles": [role]})
        names = lines[0].strip().split(",")
        events = [dict(zip(names, line.strip().split(","))) for line in lines[-DECIDED:]]
        for event in events:
            event.pop("is_fraud", None)
        ask("POST", "/v1/decisions:batch", "\n".join(map(json.dumps, events)).encode())
        ask("POST", "/v1/lists/watched/entries", [{"value": f"c-{i}", "note": "seen in case 7"} for i in range(60)])
        yield url, key, folder
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def results(service):
    url, key, folder = service
    out = folder / "results.json"
    done = node(HERE / "run.mjs", out, env={"CONSOLE_URL": url, "CONSOLE_KEY": key, "CONSOLE_PASSWORD": PASSWORD})
    assert out.exists(), done.stdout + done.stderr
    return json.loads(out.read_text())


def names():
    if wanting():
        return ["all"]
    done = node(HERE / "run.mjs", "--list")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(wanting() is not None, reason=str(wanting()))
@pytest.mark.parametrize("name", names())
def test_console(results, name):
    assert results[name] == [], "\n".join(results[name])


@pytest.mark.skipif(wanting() is not None, reason=str(wanting()))
def test_the_client_is_that_of_the_binary(binary):  # noqa: F811
    done = node(ROOT / "ui/scripts/schema.mjs", "--check", env={"ASSAY_BIN": str(binary)})
    assert done.returncode == 0, done.stderr
