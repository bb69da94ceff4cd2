"""Topic -> decision -> topic, exactly once, beside a Python consumer of the same features. The broker is on one core, who
decides on the other; messages have 200 bytes. See docs/benchmarks.md."""

import datetime
import itertools
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import time

from measure import ASSAY, BUILD, ROOT, Skip, assay

sys.path.append(str(ROOT / "tests/tools"))

WORKER_CORE, BROKER_CORE = 0, 1
MESSAGES, PEER_MESSAGES, HISTORY = 2_000_000, 100_000, 50_000
BYTES, CUSTOMERS, SEED = 200, 20_000, 7
CLIENT, BYTEWAX = "confluent-kafka==2.16.1", "bytewax[kafka]==0.21.1"
SETTINGS = """name: bench
data_directory: {data}
sources: {{transactions: {{file: {history}, kafka: {topic}}}}}
event: {{id: id, time: time, label: {{field: fraud, absent: unknown}}}}
entities: {{customer: customer}}
features:
  amount: amount
  n_1h: count() by customer over 1h
  sum_1h: sum(amount) by customer over 1h
  mean_1d: mean(amount) by customer over 1d prior
model: {{kind: logistic}}
outcomes: [approve, review, decline]
decision: {{review: 300, decline: 700}}
kafka: "{brokers}"
"""


def events(count):
    """In order of time, four a second; few of the many customers are busy."""
    draw = random.Random(SEED)
    start = datetime.datetime(2026, 1, 1)
    for i in range(count):
        at = start + datetime.timedelta(seconds=i // 4)
        yield {"id": f"e{i:08}", "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
               "customer": f"c{int(CUSTOMERS * draw.random() ** 2):05}", "amount": round(draw.lognormvariate(4, 1), 2)}


def write_data(work):
    draw = random.Random(SEED + 1)
    history, messages = work / "history.ndjson", work / "messages.ndjson"
    with history.open("w") as f:
        for event in events(HISTORY):
            f.write(json.dumps(event | {"fraud": draw.random() < min(0.5, event["amount"] / 2000)}) + "\n")
    with messages.open("w") as f:
        for event in events(MESSAGES):
            f.write(padded('{"id":"%s","time":"%s","customer":"%s","amount":%s}' % tuple(event.values())))
    return history, messages


def padded(text):
    """A line of BYTES bytes: what a real event has beside."""
    return text[:-1] + ',"note":"' + "x" * (BYTES - len(text) - len(',"note":""')) + '"}\n'


def broker():
    try:
        import pytest
        from kafka import Kafka
    except ImportError as e:
        raise Skip(f"{e.name} is not installed") from e
    try:
        kafka = Kafka().start()
    except pytest.skip.Exception as e:
        raise Skip(str(e)) from e
    for task in pathlib.Path(f"/proc/{kafka.process.pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {BROKER_CORE})
    return kafka


def venv_python(package):
    """Debian's scikit-learn, and the package from its index."""
    venv = BUILD / f"bench-venv-{package.partition('=')[0].partition('[')[0]}"
    python = venv / "bin/python"
    for command in ([sys.executable, "-m", "venv", "--system-site-packages", venv],
                    [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", package]):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode != 0:
            raise Skip(f"pip cannot install {package}: {done.stderr.strip()[-200:]}")
    return python


def put_peer(report, name, about, package, program, *arguments):
    """What one writes in Python, of the first PEER_MESSAGES; skipped by name where pip cannot have it."""
    try:
        _, _, out = pinned(venv_python(package), ROOT / "bench" / program, *arguments)
    except Skip as why:
        report.skip(f"stream {name}", str(why))
        return
    peer = json.loads(out)
    for per, seconds in (("s", peer["wall_s"]), ("processor_s", peer["processor_s"])):
        report.put(f"stream_{name}_k_per_{per}", PEER_MESSAGES / seconds / 1e3, about if per == "s" else "")
        report.beside(f"stream_k_per_{per}", f"stream_{name}_k_per_{per}")


def processor_of(kafka):
    """Seconds of the broker's threads so far."""
    fields = pathlib.Path(f"/proc/{kafka.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def put_parts(report, what, kafka_s, worker_s, wall):
    """Who keeps whom waiting: of a core each."""
    report.put(f"{what}_worker_core_share", worker_s / wall, "of its core, the client's threads included")
    report.put(f"{what}_broker_core_share", kafka_s / wall, "of its core")


def pinned(*command):
    """Seconds by the wall and of the processor, and what it printed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(["taskset", "-c", str(WORKER_CORE), *map(str, command)], capture_output=True, text=True)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise Skip(f"{pathlib.Path(command[0]).name}: {done.stderr.strip()[-300:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def see_each_once(kafka, topic):
    """By kcat, of committed records."""
    kafka.settle(topic)
    seen = bytearray(MESSAGES)
    with subprocess.Popen(["kcat", "-q", "-b", kafka.brokers, "-C", "-t", topic, "-o", "beginning", "-e", "-f", "%s\n",
                           "-X", "isolation.level=read_committed"], stdout=subprocess.PIPE) as kcat:
        for line in kcat.stdout:
            seen[int(line.split(b'"id":"e', 1)[1][:8])] += 1
    if seen != b"\1" * MESSAGES:
        raise Skip("an event has no decision" if 0 in seen
                   else "an event has several decisions")


def write_settings(work, kafka, topic, history):
    settings = work / "stream.yaml"
    settings.write_text(SETTINGS.format(data=work / "data", history=history, topic=topic, brokers=kafka.brokers))
    return settings


def bench_stream(report, work):
    kafka = broker()
    try:
        history, messages = write_data(work)
        topic = kafka.create_topic("events", 1)
        settings = write_settings(work, kafka, topic, history)
        assay("-c", settings, "train")
        report.head(f"topic -> decision -> topic, exactly once: {MESSAGES:,} messages of {BYTES} bytes, three windows, "
                    f"logistic regression; Kafka {kafka.version} on core {BROKER_CORE}, who decides on core {WORKER_CORE}")
        broker_s = processor_of(kafka)
        taken, _ = assay("-c", settings, "produce", messages, "--topic", topic, "--key", "customer")
        report.put("produce_k_per_s", MESSAGES / taken / 1e3, "assay produce, the whole process, acks of all")
        report.put("produce_broker_core_share", (processor_of(kafka) - broker_s) / taken, "of its core")
        broker_s = processor_of(kafka)
        wall, processor, out = pinned(ASSAY, "-c", settings, "stream", "--once", "--json")
        broker_s = processor_of(kafka) - broker_s
        done = json.loads(out)
        if done["decisions"] != MESSAGES:
            raise Skip(f"{done['decisions']} decisions of {MESSAGES}: {done}")
        report.put("stream_k_per_s", MESSAGES / done["seconds"]["first_to_last"] / 1e3,
                   "from the first message to the last commit")
        report.put("stream_process_k_per_s", MESSAGES / wall / 1e3,
                   "the whole process, its start and last snapshot included")
        report.put("stream_k_per_processor_s", MESSAGES / processor / 1e3)
        put_parts(report, "stream", broker_s, processor, wall)
        for stage in ("reading", "committing"):
            report.put(f"stream_{stage}_s", done["seconds"][stage], f"the worker waited: {stage}")
        see_each_once(kafka, f"{topic}.decisions")
        kafka.create_topic("peer.decisions", 1)
        put_peer(report, "python", f"confluent-kafka and scikit-learn: from the first message to the last commit, of {PEER_MESSAGES:,}",
                 CLIENT, "stream_peer.py", kafka.brokers, topic, history, PEER_MESSAGES)
        few, some = work / "few.ndjson", kafka.create_topic("few", 1)
        with messages.open() as all_of_them, few.open("w") as f:
            f.writelines(itertools.islice(all_of_them, PEER_MESSAGES))
        assay("-c", settings, "produce", few, "--topic", some, "--key", "customer")
        put_peer(report, "bytewax", f"Bytewax and scikit-learn, a topic of {PEER_MESSAGES:,} to its end: without transactions or recovery",
                 BYTEWAX, "stream_bytewax.py", kafka.brokers, some, history, "peer.decisions")
    finally:
        kafka.stop()
