"""Servers of others, each on a free port of loopback in a folder of its own, stopped by its pid."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import fetch_servers  # noqa: E402

START_SECONDS = 120


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fetched(how, *arguments):
    """What `how` brings; where it cannot be had, the test is skipped by name."""
    try:
        return how(*arguments)
    except fetch_servers.Unavailable as why:
        pytest.skip(str(why))


class Running:
    """A server that answers at its URL."""

    def __init__(self, words, folder, port, path="/", env=None):
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "server.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([str(w) for w in words], cwd=folder, stdout=log, stderr=log,
                                            env={**os.environ, **(env or {})}, start_new_session=True)
        self._wait(path)

    def _wait(self, path):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.url + path, timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise RuntimeError("it does not answer: " + self.log.read_text()[-2000:])

    def stop(self):
        """With the workers that it started: they are of its session."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def moto(folder):
    bin_folder = fetched(fetch_servers.programs, "moto")
    port = free_port()
    return Running([bin_folder / "moto_server", "-H", "127.0.0.1", "-p", port], folder, port)


def s3proxy(folder, access, secret):
    jar = fetched(fetch_servers.s3proxy)
    port = free_port()
    (folder / "conf").write_text(
        f"s3proxy.authorization=aws-v2-or-v4\ns3proxy.endpoint=http://127.0.0.1:{port}\n"
        f"s3proxy.identity={access}\ns3proxy.credential={secret}\njclouds.provider=transient\n"
        "jclouds.identity=x\njclouds.credential=x\n")
    return Running(["java", "-Xmx128m", "-jar", jar, "--properties", folder / "conf"], folder, port)


def mlflow(folder):
    bin_folder = fetched(fetch_servers.programs, "mlflow")
    port = free_port()
    return Running([bin_folder / "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1",
                    "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination",
                    folder / "files"], folder, port, "/health",
                   env={"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"})
