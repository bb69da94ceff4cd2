#!/usr/bin/env python3
"""fetch_kafka.py [VERSION...]: fetch Apache Kafka, once, and print the folder of its jars, one line a version.

The jars are those that Kafka publishes to Maven Central, with what they need, brought by Maven itself: so a mirror or
a proxy in Maven's settings is used. They go to $XDG_CACHE_HOME/assay (~/.cache/assay), never into the tree. A Java
runtime (17 or later) runs them; tests/tools/kafka.py starts a broker.

Exit codes: 0 all there, 1 one could not be had (the reason on stderr).
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

# The two lines in use: 3.9 is the last with ZooKeeper's tools, 4 has KRaft alone.
VERSIONS = ("3.9.1", "4.1.1")
# Kafka names its log's interface only; this is the plainest that writes to stderr.
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>kafka</artifactId><version>{version}</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""
LIMIT_SECONDS = 540


class Unavailable(Exception):
    """Kafka cannot be had here; the words say why."""


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "assay"


def jars(version):
    """The folder of this version's jars, fetched if it is not there."""
    folder = cache() / f"kafka-{version}"
    if folder.is_dir():
        return folder
    if shutil.which("mvn") is None:
        raise Unavailable(f"Kafka {version} is not in {cache()} and there is no mvn to fetch it: "
                          "apt-get install maven")
    cache().mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="fetch-", dir=cache()))
    try:
        (work / "pom.xml").write_text(POM.format(version=version))
        try:
            done = subprocess.run(
                ["mvn", "-q", "-B", "-f", work / "pom.xml", "dependency:copy-dependencies",
                 f"-DoutputDirectory={work / 'jars'}", "-DincludeScope=runtime"],
                capture_output=True, text=True, timeout=LIMIT_SECONDS, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"Kafka {version}: Maven took over {LIMIT_SECONDS} s") from None
        if done.returncode != 0 or not list((work / "jars").glob("kafka_*.jar")):
            said = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
            raise Unavailable(f"Kafka {version} cannot be fetched from Maven Central: " +
                              (said[0] if said else "Maven said nothing"))
        try:
            # Whole or not at all: a fetch beside us may have been first.
            (work / "jars").rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def main():
    try:
        for version in sys.argv[1:] or VERSIONS:
            print(jars(version))
    except Unavailable as why:
        print(f"fetch_kafka.py: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
