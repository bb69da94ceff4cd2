"""Apache Kafka itself, for the tests and the benchmark: one process, broker and controller (KRaft), on free ports of
the loopback, its data in a temporary folder; killed and started again on the same data; stopped by its pid.

    broker = Kafka("3.9.1").start()
    broker.create_topic("payments", partitions=4)
    broker.brokers                     # "127.0.0.1:40123", for --brokers
    broker.write("payments", ['{"id": 1}'], keys=["c1"])
    broker.read("payments")            # [Message(partition, offset, key, value, headers)]
    broker.kill(); broker.launch()

scripts/fetch_kafka.py fetches the jars. Topics are made and looked at by the few requests of Kafka's protocol below,
not by its command-line tools, each of which starts a Java machine of its own. kcat reads and writes.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple, Optional

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import fetch_kafka  # noqa: E402

OLD, NEW = fetch_kafka.VERSIONS
START_SECONDS = 120
# Kafka's numbers of the requests, and of the errors that a moment mends (no leader, no controller, time-out).
LIST_OFFSETS, METADATA, CREATE_TOPICS, DELETE_TOPICS = 2, 3, 19, 20
PASSING = {3, 5, 6, 7, 41}


class Message(NamedTuple):
    partition: int
    offset: int
    key: Optional[str]
    value: Optional[str]
    headers: dict


def need(version=OLD):
    """The jars' folder; where Kafka cannot be had the test is skipped by name, which under CI=true is a failure."""
    why = None
    if shutil.which("java") is None:
        why = f"Kafka {version} needs a Java runtime: apt-get install openjdk-17-jre-headless"
    elif shutil.which("kcat") is None:
        why = f"the tests of Kafka {version} need kcat: apt-get install kcat"
    else:
        try:
            return fetch_kafka.jars(version)
        except fetch_kafka.Unavailable as error:
            why = str(error)
    if os.environ.get("CI") == "true":
        pytest.fail(f"under CI these tests must run: {why}", pytrace=False)
    pytest.skip(why)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Kafka:
    """One broker. `properties` are laid over the server's properties, with _ for the dots of a name."""

    def __init__(self, version=OLD, **properties):
        self.version = version
        self.jars = need(version)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-kafka-"))
        self.process = None
        self.port, controller = free_ports(2)
        self.brokers = f"127.0.0.1:{self.port}"
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://{self.brokers},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.brokers}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": self.folder / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            # Groups form at once, and a dead member is missed soon.
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            # Dead transactions are given up soon.
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
            # A killed broker is let in again at once.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "num.network.threads": 2,
            "num.io.threads": 2,
            "log.cleaner.dedupe.buffer.size": 4 << 20,
            **{name.replace("_", "."): value for name, value in properties.items()},
        }
        (self.folder / "server.properties").write_text("".join(f"{k}={v}\n" for k, v in settings.items()))

    def java(self, *words):
        return ["java", "-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{self.jars}/*", *words]

    def start(self):
        """Formatted data, and the broker over them. Formatting starts a Java machine of its own, and what it writes is
        always the same: it is kept beside the jars."""
        kept = pathlib.Path(self.jars).parent / f"formatted-{self.version}"
        if not kept.is_dir():
            self.format()
            mine = pathlib.Path(tempfile.mkdtemp(prefix="formatting-", dir=kept.parent))
            shutil.copytree(self.folder / "data", mine / "data")
            try:
                (mine / "data").rename(kept)
            except OSError:  # another session was faster
                pass
            shutil.rmtree(mine)
            return self.launch()
        shutil.copytree(kept, self.folder / "data")
        return self.launch()

    def format(self):
        done = subprocess.run(
            self.java("kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw",
                      "-c", str(self.folder / "server.properties")),
            capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError(f"Kafka {self.version} did not format its storage: {done.stdout}{done.stderr}")

    def launch(self):
        """The broker over the data that are there; back when it answers."""
        assert self.process is None, "it runs"
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen(
                self.java("kafka.Kafka", str(self.folder / "server.properties")),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        end = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            try:
                self.topics()
                return self
            except (OSError, EOFError):
                time.sleep(0.05)
        if self.process.poll() is None:
            self.kill()
        raise RuntimeError(f"Kafka {self.version} did not start:\n" + (self.folder / "log").read_text()[-4000:])

    def kill(self, how=signal.SIGKILL):
        """Away at once, its data kept: launch brings it back."""
        self.process.send_signal(how)
        self.process.wait(timeout=60)
        self.process = None

    def pause(self):
        """It is there and says nothing (a network that swallows): resume lets it go on."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self.process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- requests of Kafka's protocol, in versions that both lines of brokers speak ----

    def request(self, api, version, body):
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as link:
            message = struct.pack(">hhi", api, version, 1) + text("assay-tests") + body
            link.sendall(struct.pack(">i", len(message)) + message)
            size, = struct.unpack(">i", take(link, 4))
            return Answer(take(link, size)[4:])

    def topics(self):
        """{name: number of partitions}"""
        answer = self.request(METADATA, 1, struct.pack(">i", -1))
        for _ in range(answer.int32()):
            answer.int32(), answer.text(), answer.int32(), answer.text()
        answer.int32()
        found = {}
        for _ in range(answer.int32()):
            answer.int16()
            name = answer.text()
            answer.int8()
            partitions = answer.int32()
            for _ in range(partitions):
                answer.int16(), answer.int32(), answer.int32()
                for _ in range(answer.int32()):
                    answer.int32()
                for _ in range(answer.int32()):
                    answer.int32()
            found[name] = partitions
        return found

    def ends(self, name, committed):
        """Behind the last message of each partition; with `committed`, behind the last one of no open transaction."""
        partitions = self.topics()[name]
        body = struct.pack(">ibi", -1, int(committed), 1) + text(name) + struct.pack(">i", partitions)
        body += b"".join(struct.pack(">iq", partition, -1) for partition in range(partitions))
        answer = self.request(LIST_OFFSETS, 2, body)
        answer.int32(), answer.int32(), answer.text()
        found = {}
        for _ in range(answer.int32()):
            partition, code, _, end = answer.int32(), answer.int16(), answer.int64(), answer.int64()
            assert code == 0, (name, partition, code)
            found[partition] = end
        return found

    def settle(self, name, seconds=10):
        """Until no transaction is open in the topic, or so long. A commit is answered when it is sure, not when each
        partition has been told: who reads at once may still see less."""
        end = time.monotonic() + seconds
        while self.ends(name, True) != self.ends(name, False) and time.monotonic() < end:
            time.sleep(0.02)

    def create_topic(self, name, partitions=1, **configuration):
        """configuration: max_message_bytes=1000 is max.message.bytes."""
        body = struct.pack(">i", 1) + text(name) + struct.pack(">ihi", partitions, 1, 0)
        body += struct.pack(">i", len(configuration))
        for key, value in configuration.items():
            body += text(key.replace("_", ".")) + text(str(value))
        body += struct.pack(">i?", 30000, False)

        def create():
            answer = self.request(CREATE_TOPICS, 2, body)
            answer.int32(), answer.int32(), answer.text()
            return answer.int16(), answer.text()

        self.insist(create)
        self.wait_for(lambda: self.topics().get(name) == partitions)
        return name

    def delete_topic(self, name):
        def delete():
            answer = self.request(DELETE_TOPICS, 1, struct.pack(">i", 1) + text(name) + struct.pack(">i", 30000))
            answer.int32(), answer.int32(), answer.text()
            return answer.int16(), None

        self.insist(delete)
        self.wait_for(lambda: name not in self.topics())

    def insist(self, attempt, seconds=30):
        end = time.monotonic() + seconds
        while True:
            code, words = attempt()
            if code == 0:
                return
            if code not in PASSING or time.monotonic() > end:
                raise RuntimeError(f"Kafka's error {code}: {words}")
            time.sleep(0.05)

    @staticmethod
    def wait_for(condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come true"
            time.sleep(0.02)

    # ---- messages, by kcat ----

    def kcat(self, *words, stdin="", timeout=60):
        done = subprocess.run(["kcat", "-q", "-b", self.brokers, *map(str, words)], input=stdin,
                              capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, topic, values, keys=None, partition=None, headers=None):
        """Values of one line each, in order; keys likewise; without `partition` the key decides as Java's clients do."""
        words = ["-P", "-t", topic, "-X", "partitioner=murmur2_random"]
        lines = list(values)
        if keys is not None:
            words += ["-K", "\x1f"]
            lines = [f"{key}\x1f{value}" for key, value in zip(keys, lines)]
        if partition is not None:
            words += ["-p", partition]
        for name, value in (headers or {}).items():
            words += ["-H", f"{name}={value}"]
        self.kcat(*words, stdin="".join(line + "\n" for line in lines))

    def read(self, topic, committed=True):
        """All that is in the topic now, by partition and offset; without `committed`, open and aborted too."""
        level = "read_committed" if committed else "read_uncommitted"
        output = self.kcat("-C", "-t", topic, "-o", "beginning", "-e", "-J", "-X", f"isolation.level={level}")
        messages = []
        for line in output.splitlines():
            row = json.loads(line)
            names = row.get("headers") or []
            messages.append(Message(row["partition"], row["offset"], row["key"], row["payload"],
                                    dict(zip(names[::2], names[1::2]))))
        return sorted(messages)


def text(value):
    raw = value.encode()
    return struct.pack(">h", len(raw)) + raw


def take(link, count):
    data = b""
    while len(data) < count:
        piece = link.recv(count - len(data))
        if not piece:
            raise EOFError("the broker closed the connection")
        data += piece
    return data


class Answer:
    """An answer's bytes, read from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, shape):
        value, = struct.unpack_from(shape, self.data, self.at)
        self.at += struct.calcsize(shape)
        return value

    def int8(self):
        return self.number(">b")

    def int16(self):
        return self.number(">h")

    def int32(self):
        return self.number(">i")

    def int64(self):
        return self.number(">q")

    def text(self):
        size = self.int16()
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at].decode()
