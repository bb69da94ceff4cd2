"""Redis itself, for the tests and the benchmark: one process on a free port of the loopback, its data in a temporary
folder, as whoever runs the tests; stopped by its pid.

    redis = Redis().start()
    redis.server                       # "127.0.0.1:40123", for `redis:` of the settings
    redis.cli("DBSIZE")                # "3", by redis-cli
    redis.pause(); redis.go_on(); redis.kill(); redis.start()
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

START_SECONDS = 20


def need():
    """Where Redis cannot be had the test is skipped by name, which under CI=true is a failure."""
    missing = [word for word in ("redis-server", "redis-cli") if shutil.which(word) is None]
    if not missing:
        return
    why = f"these tests need {' and '.join(missing)}: apt-get install redis-server redis-tools"
    if os.environ.get("CI") == "true":
        pytest.fail(f"under CI these tests must run: {why}", pytrace=False)
    pytest.skip(why)


class Redis:
    """One server. Without `keeps` it forgets everything when it ends."""

    def __init__(self, password=None, keeps=False):
        need()
        self.password = password
        self.folder = tempfile.mkdtemp(prefix="assay-redis-")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.server = f"127.0.0.1:{self.port}"
        self.words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder,
                      "--save", "", "--appendonly", "yes" if keeps else "no", "--appendfsync", "always"]
        self.process = None
        if password:
            self.words += ["--requirepass", password]

    def start(self):
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(self.words, stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            if self.cli("PING", check=False) == "PONG":
                return self
            time.sleep(0.02)
        raise AssertionError(f"redis-server does not answer: {open(f'{self.folder}/log').read()[-2000:]}")

    def cli(self, *words, check=True):
        environment = dict(os.environ, **({"REDISCLI_AUTH": self.password} if self.password else {}))
        done = subprocess.run(["redis-cli", "-p", str(self.port), *map(str, words)], env=environment, capture_output=True,
                              text=True, timeout=30)
        assert not check or done.returncode == 0, done
        return done.stdout.strip()

    def keys(self, pattern="*"):
        return [key for key in self.cli("KEYS", pattern).split("\n") if key]

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def stop(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
