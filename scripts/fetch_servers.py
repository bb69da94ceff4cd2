#!/usr/bin/env python3
"""fetch_servers.py [NAME...]: fetch the servers that the integration tests start, once, and print where each is.

    mlflow   MLflow's own tracking server      from the Python package index, into a virtual environment
    moto     moto's server of S3               likewise
    s3proxy  S3Proxy, which checks signatures  from Maven Central, by Maven itself

The environments are in build/ of this tree; jars in $XDG_CACHE_HOME/assay (~/.cache/assay), as Kafka's. pip's and
Maven's own settings say which mirror or proxy is used.

Exit codes: 0 all there, 1 one could not be had (the reason on stderr).
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import fetch_kafka

ROOT = pathlib.Path(__file__).resolve().parents[1]
PYTHON = {"mlflow": ("mlflow>=2.10,<4",), "moto": ("moto[server]>=5,<6",)}
S3PROXY = "2.2.0"
LIMIT_SECONDS = 540


class Unavailable(Exception):
    """A server cannot be had here; the words say why."""


def _run(words, name, where):
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_SECONDS, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise Unavailable(f"{name}: there is no {words[0]}") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{name}: {where} took over {LIMIT_SECONDS} s") from None
    if done.returncode != 0:
        said = [x for x in (done.stderr + done.stdout).splitlines() if "ERROR" in x or "error" in x.lower()]
        raise Unavailable(f"{name} cannot be had from {where}: " + (said[0] if said else "it said nothing"))


def programs(name):
    """The bin folder of the environment with this package; made where there is none."""
    folder = ROOT / "build" / f"venv-{name}"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(exist_ok=True)
        _run([sys.executable, "-m", "venv", folder], name, "python3 -m venv (apt-get install python3-venv)")
        _run([folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", *PYTHON[name]], name,
             "the Python package index")
        (folder / "whole").touch()
    return folder / "bin"


def s3proxy():
    """The jar."""
    name = f"s3proxy-{S3PROXY}-jar-with-dependencies.jar"
    jar = fetch_kafka.cache() / name
    if jar.exists():
        return jar
    if shutil.which("java") is None:
        raise Unavailable("S3Proxy needs Java: apt-get install openjdk-17-jre-headless")
    jar.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jar.parent) as work:
        _run(["mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
              f"-Dartifact=org.gaul:s3proxy:{S3PROXY}:jar:jar-with-dependencies", f"-DoutputDirectory={work}"],
             "S3Proxy", "Maven Central")
        (pathlib.Path(work) / name).rename(jar)
    return jar


def main():
    try:
        for name in sys.argv[1:] or [*PYTHON, "s3proxy"]:
            print(s3proxy() if name == "s3proxy" else programs(name))
    except Unavailable as why:
        print(f"fetch_servers.py: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
