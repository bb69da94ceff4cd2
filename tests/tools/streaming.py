"""What the tests of `assay stream` share: settings, events, workers, and what must have come out.

Windows are shown by shadow rules: which of them fired says in which band a window's value was, so two runs whose
decisions are equal to the byte had equal windows.
"""

import collections
import json
import os
import random
import re
import signal
import subprocess
import time

BANDS = (1, 2, 3, 5, 8, 13, 21)

SETTINGS = """
name: {group}
sources: {{transactions: {{kafka: {topic}}}}}
event: {{id: id, time: time}}
schema:
  - {{name: id, type: text}}
  - {{name: time, type: time}}
  - {{name: customer, type: text}}
  - {{name: amount, type: decimal}}
entities: {{customer: customer}}
features:
  amount: amount
  n_1h: count() by customer over 1h
  sum_1h: sum(amount) by customer over 1h
  usual: mean(amount) by customer over 1d prior
rules:
  BIG: {{when: amount > 400, then: decline}}
  MANY: {{when: n_1h > 8, then: review}}
  UNUSUAL: {{when: amount > 3 * usual, then: review}}
{bands}
outcomes: [approve, review, decline]
model: {{kind: none}}
data_directory: {data}
kafka: {{brokers: "{brokers}", properties: {{session.timeout.ms: "1500", heartbeat.interval.ms: "300"}}}}
stream: {{transaction_ms: {transaction_ms}}}
"""  # a dead member of the group is missed soon


def settings(folder, brokers, topic, group=None, data="data", transaction_ms=50, extra=""):
    bands = "".join(f"  N{n}: {{when: n_1h >= {n}, then: review, shadow: true}}\n"
                    f"  S{n}: {{when: sum_1h > {n * 100}, then: review, shadow: true}}\n"
                    f"  U{n}: {{when: usual > {n * 20}, then: review, shadow: true}}\n" for n in BANDS)
    path = folder / "assay.yaml"
    path.write_text(SETTINGS.format(group=group or topic, topic=topic, brokers=brokers, bands=bands, data=folder / data,
                                    transaction_ms=transaction_ms) + extra)
    return path


def events(count, seed=1, first=0):
    """(key, event as JSON), in the order of their times."""
    chance = random.Random(seed * 1000003 + first)
    made = []
    for i in range(first, first + count):
        customer = f"c{chance.randrange(200)}"
        seconds = i * 2
        made.append((customer, json.dumps({
            "id": f"e{seed}-{i}",
            "time": f"2026-01-{1 + seconds // 86400:02}T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z",
            "customer": customer,
            "amount": round(chance.lognormvariate(4, 1), 2)}, separators=(",", ":"))))
    return made


def write(kafka, topic, pairs):
    kafka.write(topic, [event for _, event in pairs], keys=[key for key, _ in pairs])


class Worker:
    """`assay stream` in the background."""

    def __init__(self, binary, path, *words, name="w"):
        self.log = path.parent / f"{name}.log"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([binary, "-c", path, "stream", *map(str, words)], env=clean,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def send(self, how):
        self.process.send_signal(how)

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=60)

    def stop(self):
        """As an operator does; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=60)
            raise

    def words(self):
        return self.log.read_text()


def decided(kafka, topic):
    """{event id: [the decision's JSON as bytes of text]}, of committed records; when nobody writes any more."""
    kafka.settle(topic)
    found = collections.defaultdict(list)
    for message in kafka.read(topic):
        found[json.loads(message.value)["id"]].append(message.value)
    return found


def wait_for_count(kafka, topic, count, seconds=60):
    end = time.monotonic() + seconds
    while True:
        found = len(kafka.read(topic)) if topic in kafka.topics() else 0
        if found >= count:
            return
        assert time.monotonic() < end, f"{found} of {count} decisions in {topic}"
        time.sleep(0.2)


def undisturbed(run, path, topic):
    """The same messages decided by another group without any fault; the topic of its decisions."""
    name = f"{topic}.undisturbed"
    alone = path.with_suffix(".undisturbed.yaml")  # the labels are in the topic already
    alone.write_text(re.sub(r"labels: [^,}]*, ", "", path.read_text()))
    done = run("-c", alone, "--set", f"kafka.group={name}", "--set", f"stream.decisions={name}", "--set",
               f"stream.dead_letters={name}.dead", "--set", f"data_directory={path.parent / 'undisturbed'}", "stream",
               "--once", "--json")
    assert done.exit == 0, done
    return name


def assert_exactly_once(kafka, run, path, topic, ids):
    """Each event decided once, each decision to the byte as without faults."""
    found = decided(kafka, f"{topic}.decisions")
    assert set(found) == set(ids)
    assert [i for i, values in found.items() if len(values) != 1] == []
    expected = decided(kafka, undisturbed(run, path, topic))
    assert {i: v for i, v in found.items()} == {i: v for i, v in expected.items()}
