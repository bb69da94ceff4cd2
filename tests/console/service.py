"""A real `assay serve` with a history, a model, decisions, alerts, a case, and people of each role."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PASSWORD = "correct horse battery"
PEOPLE = {"ada": "admin", "ann": "analyst", "bob": "analyst", "eve": "engineer", "vic": "viewer", "otto": "auditor",
          "sam": "scorer"}
MORE = """
lists:
  watched: {description: cards to look at twice}
"""


def wanting():
    """Why there can be no test in a browser; None: there can."""
    if shutil.which("node") is None:
        return "no node"
    if not (ROOT / "ui/node_modules/playwright-core").is_dir():
        return "no ui/node_modules: npm ci in ui/"
    if not pathlib.Path(os.environ.get("CHROMIUM", "/usr/bin/chromium")).exists():
        return "no chromium"
    return None


def node(*arguments, env=None, timeout=900):
    return subprocess.run(
        ["node", *map(str, arguments)], env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=timeout
    )


def names(script):
    if wanting():
        return ["all"]
    done = node(HERE / script, "--list")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def run_tests(script, service, **more):
    """{test: [what was wrong, ...]}"""
    out = service.folder / f"{script}.json"
    env = {"CONSOLE_URL": service.url, "CONSOLE_KEY": service.key, "CONSOLE_PASSWORD": PASSWORD, **more}
    done = node(HERE / script, out, env=env)
    print(done.stdout)
    assert out.exists(), done.stdout + done.stderr
    return json.loads(out.read_text())


class Service:
    def __init__(self, url, key, folder):
        self.url, self.key, self.folder = url, key, folder

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers, method=method), timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def wait(self, path, until, most_s=30):
        end = time.monotonic() + most_s
        while not until(got := self.ask("GET", path)):
            assert time.monotonic() < end, got
            time.sleep(0.05)
        return got


@contextlib.contextmanager
def serving(binary, folder, rows, decided):
    """The newest `decided` of `rows` generated transactions are decided, the others are history."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}

    def run(*arguments):
        done = subprocess.run([binary, *map(str, arguments)], cwd=folder, env=clean, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("generate", "--rows", rows, "--days", 60, "-o", "all.csv")
    lines = (folder / "all.csv").read_text().splitlines(keepends=True)
    (folder / "transactions.csv").write_text("".join(lines[:-decided]))
    run("init", "transactions.csv")
    settings = (folder / "assay.yaml").read_text()
    (folder / "assay.yaml").write_text(settings + MORE)
    run("train", "--force")
    key = json.loads(run("key", "create", "root", "--role", "admin", "--json"))["secret"]
    with served(binary, folder, clean, key, lines, decided) as service:
        alerts = service.ask("GET", "/v1/alerts?sort=priority&limit=2")["alerts"]
        service.ask("POST", "/v1/cases", {"title": "Cards that were tried", "alerts": [one["id"] for one in alerts],
                                          "note": "Both were used at the same shop."})
        yield service


@contextlib.contextmanager
def served(binary, folder, clean, key, lines, decided):
    """A running service with PEOPLE, the last `decided` lines of a CSV file as its decisions, and a list of 60 values."""
    process = subprocess.Popen(
        [binary, "serve", "--port", "0", "--json"], cwd=folder, env=clean, stdout=subprocess.PIPE,
        stderr=open(folder / "serve.err", "w"), text=True,
    )
    try:
        started = process.stdout.readline()
        assert started, (folder / "serve.err").read_text()
        service = Service(json.loads(started)["url"], key, folder)
        for name, role in PEOPLE.items():
            service.ask("POST", "/v1/users", {"name": name, "password": PASSWORD, "roles": [role]})
        columns = lines[0].strip().split(",")
        events = [dict(zip(columns, line.strip().split(","))) for line in lines[-decided:]]
        for event in events:
            event.pop("is_fraud", None)
        batch(service, events)
        service.ask("POST", "/v1/lists/watched/entries", [{"value": f"W{i:06}", "note": "seen in case 7"} for i in range(60)])
        service.wait("/readyz", lambda ready: ready["store_lag"] == 0)
        yield service
    finally:
        process.terminate()
        process.wait(30)


def batch(service, events):
    body = "\n".join(map(json.dumps, events)).encode()
    headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/x-ndjson"}
    with urllib.request.urlopen(urllib.request.Request(service.url + "/v1/decisions:batch", body, headers), timeout=60) as answer:
        answer.read()
