"""Faults under `assay stream` on a real broker: whatever dies, hangs or goes away, each event is decided exactly once
and each decision equals, to the byte, with a hash of all features, that of a run without faults.

ASSAY_SOAK_KILLS says how often the worker is killed."""

import json
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
from streaming import Worker, assert_exactly_once, events, settings, wait_for_count, write  # noqa: E402

KILLS = int(os.environ.get("ASSAY_SOAK_KILLS", "50"))


def ids_of(pairs):
    return [json.loads(event)["id"] for _, event in pairs]


class Load(threading.Thread):
    """Writes the events at a rate, beside what happens."""

    def __init__(self, kafka, topic, pairs, per_second=2000, piece=200):
        super().__init__()
        self.kafka, self.topic, self.pairs, self.pause, self.piece = kafka, topic, pairs, piece / per_second, piece
        self.start()

    def run(self):
        for at in range(0, len(self.pairs), self.piece):
            for attempt in range(60):
                try:
                    # one piece is all or nothing for this purpose: repeated ids are no second decision
                    write(self.kafka, self.topic, self.pairs[at:at + self.piece])
                    break
                except AssertionError:
                    time.sleep(1)
            time.sleep(self.pause)


def test_killed_again_and_again(kafka, binary, run, topic, tmp_path):
    name = topic(partitions=3)
    path = settings(tmp_path, kafka.brokers, name, transaction_ms=100)
    pairs = events(400 * KILLS)
    load = Load(kafka, name, pairs, per_second=600)
    chance = random.Random(7)
    for _ in range(KILLS):
        worker = Worker(binary, path)
        time.sleep(0.5 + chance.random() * 2.5)
        assert worker.process.poll() is None, worker.words()
        worker.kill()
    load.join()
    worker = Worker(binary, path)
    wait_for_count(kafka, f"{name}.decisions", len(pairs), seconds=120)
    assert worker.stop() == 0
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


def test_a_stalled_worker_wakes_up(kafka, binary, run, topic, tmp_path):
    name = topic(partitions=2)
    path = settings(tmp_path, kafka.brokers, name, transaction_ms=100)
    pairs = events(12000)
    load = Load(kafka, name, pairs, per_second=500)
    first = Worker(binary, path, name="first")
    second = Worker(binary, path, "--set", f"data_directory={tmp_path / 'second'}", name="second")
    for _ in range(3):
        for worker in (first, second):
            time.sleep(1)
            worker.send(signal.SIGSTOP)
            time.sleep(4)  # the session is over after 1.5 s
            worker.send(signal.SIGCONT)
    load.join()
    wait_for_count(kafka, f"{name}.decisions", len(pairs), seconds=120)
    assert first.stop() == 0 and second.stop() == 0
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


def test_the_broker_is_killed_and_comes_back(kafka, binary, run, topic, tmp_path):
    name = topic(partitions=2)
    path = settings(tmp_path, kafka.brokers, name, transaction_ms=100)
    pairs = events(9000)
    write(kafka, name, pairs[:3000])
    worker = Worker(binary, path)
    time.sleep(2)
    for round in range(2):
        kafka.kill()
        time.sleep(3 + round * 4)
        kafka.launch()
        write(kafka, name, pairs[3000 * (round + 1):3000 * (round + 2)])
    wait_for_count(kafka, f"{name}.decisions", len(pairs), seconds=180)
    assert worker.stop() == 0
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


def test_workers_come_and_go_under_load(kafka, binary, run, topic, tmp_path):
    name = topic(partitions=6)
    path = settings(tmp_path, kafka.brokers, name, transaction_ms=100)
    pairs = events(20000)
    load = Load(kafka, name, pairs, per_second=1000)
    chance = random.Random(11)
    workers = {}
    while load.is_alive():
        number = chance.randrange(3)
        if number in workers:
            worker = workers.pop(number)
            if chance.random() < 0.5:
                assert worker.stop() == 0, worker.words()
            else:
                worker.kill()
        else:
            workers[number] = Worker(binary, path, "--set", f"data_directory={tmp_path / f'w{number}'}",
                                     name=f"w{number}")
        time.sleep(chance.random() * 2)
    last = Worker(binary, path, name="last")
    wait_for_count(kafka, f"{name}.decisions", len(pairs), seconds=120)
    for worker in [*workers.values(), last]:
        assert worker.stop() == 0, worker.words()
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


def test_files_of_a_killed_worker_have_each_decision_once(kafka, binary, run, topic, tmp_path):
    name = topic(partitions=2)
    path = settings(tmp_path, kafka.brokers, name, transaction_ms=100)
    path.write_text(path.read_text().replace("transaction_ms: 100",
                                             "transaction_ms: 100, sinks: {files: {csv: out/d, rows: 500}}"))
    pairs = events(8000)
    load = Load(kafka, name, pairs, per_second=800)
    while load.is_alive():
        worker = Worker(binary, path)
        time.sleep(2)
        worker.kill()
    worker = Worker(binary, path)
    wait_for_count(kafka, f"{name}.decisions", len(pairs), seconds=60)
    assert worker.stop() == 0
    ids = [line.split(",")[2] for file in (tmp_path / "out").iterdir()
           for line in file.read_text().splitlines()[1:]]
    assert len(ids) == len(set(ids)) and set(ids) == set(ids_of(pairs))
