"""The real binary, run as a person runs it.

The binary is ASSAY_BIN, or build/assay beside this tree. Public data is looked for in ASSAY_DATA, or in
../shared/data beside this tree; tests that need it are skipped, with a message, where it is not there.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))
from kafka import NEW, Kafka  # noqa: E402
from redis import Redis  # noqa: E402


class Result:
    """What a command left behind."""

    def __init__(self, done):
        self.exit = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr

    def json(self):
        return json.loads(self.stdout)

    def __repr__(self):
        return f"exit {self.exit}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


@pytest.fixture(scope="session")
def binary():
    path = pathlib.Path(os.environ.get("ASSAY_BIN", ROOT / "build" / "assay"))
    if not path.exists():
        pytest.fail(f"no binary at {path}: build it, or name it in ASSAY_BIN")
    return path.resolve()


@pytest.fixture
def run(binary, tmp_path):
    """run("check", "--json") in a fresh folder; the environment has nothing of ours but `env`."""

    def call(*arguments, env=None, cwd=None, stdin="", timeout=600):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        clean.update(env or {})
        done = subprocess.run(
            [binary, *map(str, arguments)],
            cwd=cwd or tmp_path,
            env=clean,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Result(done)

    return call


@pytest.fixture
def write(tmp_path):
    """write("assay.yaml", text) in the test's folder."""

    def call(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    return call


@pytest.fixture(scope="session")
def data():
    path = pathlib.Path(os.environ.get("ASSAY_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no public data at {path}: name its folder in ASSAY_DATA")
    return path


@pytest.fixture(scope="session")
def kafka():
    """The broker that the tests share, of the older line (3.9); each makes topics of its own. Who kills it launches it."""
    broker = Kafka().start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def kafka_new():
    """A broker of the newer line (4), for one small test of each thing."""
    broker = Kafka(NEW).start()
    yield broker
    broker.stop()


@pytest.fixture
def topic(kafka, request):
    """topic(partitions=4): a fresh topic's name on the shared broker, named after the test."""
    count = 0

    def call(partitions=1, **configuration):
        nonlocal count
        count += 1
        name = f"{request.function.__name__}-{abs(hash(request.node.name)) % 10**9}-{count}"
        return kafka.create_topic(name, partitions, **configuration)

    return call


@pytest.fixture(scope="session")
def redis():
    """The Redis that the tests share; each has a name, and so keys, of its own. Who stops it starts one."""
    server = Redis().start()
    yield server
    server.stop()
