"""Rates and windows that several nodes share, in a real Redis: equal to one node, idempotent, null while it is away."""

import collections
import csv
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
from redis import Redis

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIELDS = ("id", "time", "customer", "terminal", "amount", "points", "ratio")
FEATURES = {
    "n": "count() by terminal over 1h",
    "n_day": "count() by terminal over 1d prior",
    "n_big": "count() by terminal over 1h where (amount > 50)",
    "n_amount": "count(amount) by terminal over 1h",
    "total": "sum(amount) by terminal over 1h",
    "points_sum": "sum(points) by terminal over 1h",
    "points_mean": "mean(points) by terminal over 1h",
    "usual": "mean(amount) by terminal over 1d prior",
    "ratio_sum": "sum(ratio) by terminal over 1h",
    "ratio_mean": "mean(ratio) by terminal over 1h where (amount > 20)",
    "people": "distinct(customer) by terminal over 1h",
    "people_big": "distinct(customer) by terminal over 2h prior where (amount > 50)",
    "new": "is_new(customer) by terminal over 1h",
    "most": "max(amount) by terminal over 1h",
    "most_ratio": "max(ratio) by terminal over 1h",
    "least": "min(amount) by terminal over 1h prior",
    "least_ratio": "min(ratio) by terminal over 1h prior",
    "latest": "last(amount) by terminal over 1h prior where (amount > 20)",
    "latest_points": "last(points) by terminal over 1h",
    "before": "prev(amount) by terminal over 1h",
    "pair": "count() by (terminal, shop) over 1h",
}
SETTINGS = """
name: {name}
sources: {{transactions: {folder}/events.csv}}
event: {{id: id, time: time}}
entities:
  customer: customer
  terminal: {{key: terminal, state: {state}}}
  shop: {{key: "left(customer, 1)", state: {state}}}
features:
{features}
  own: count() by customer over 1h
rules: {{MANY: {{when: n > 1000, then: review}}}}
outcomes: [approve, review, decline]
model: {{kind: none}}
data_directory: {folder}/{data}
redis: {{server: "{server}", timeout_ms: {timeout}{more}}}
"""


def settings(folder, server, name, data="data", features=FEATURES, state="shared", timeout=500, more="", extra=""):
    path = folder / f"{data}.yaml"
    lines = "".join(f"  {k}: {v}\n" for k, v in features.items())
    path.write_text(SETTINGS.format(name=name, folder=folder, data=data, features=lines, server=server, state=state,
                                    timeout=timeout, more=more) + extra)
    if not (folder / "events.csv").exists():
        write_events(folder, events(20))
    return path


def moment(seconds):
    return f"2026-01-{1 + seconds // 86400:02}T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


def event(i, seconds, terminal="t0", customer="c0", amount=10.5, points=1, ratio=0.25):
    return {"id": f"e{i}", "time": moment(seconds), "customer": customer, "terminal": terminal, "amount": amount,
            "points": points, "ratio": ratio}


def events(count, seed=1):
    """In the order of their times; some at the same time, some without values, some whose sums leave 64 bits."""
    chance, seconds, made = random.Random(seed), 0, []
    for i in range(count):
        seconds += chance.choice((0, 1, 30, 200))
        made.append(event(i, seconds, f"t{chance.randrange(3)}", f"{chance.choice('ab')}{chance.randrange(5)}",
                          chance.choice((None, round(chance.lognormvariate(3.5, 1), 2), -7.25)),
                          chance.choice((None, -5, 7, 4 * 10**18, -(4 * 10**18))),
                          chance.choice((None, chance.gauss(0, 1), 1e300))))
    return made


def write_events(folder, made):
    with open(folder / "events.csv", "w", newline="") as out:
        writer = csv.DictWriter(out, FIELDS)
        writer.writeheader()
        writer.writerows(made)


class Node:
    """`assay serve` of these settings."""

    def __init__(self, binary, path, *words):
        self.binary, self.path, self.words = binary, path, words
        self.clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        self.start()

    def start(self):
        words = [self.binary, "-c", self.path, "--json", "serve", "--no-history", "--port", "0", *self.words]
        self.log = open(f"{self.path}.log", "a")
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.clean)
        line = self.process.stdout.readline()
        assert line, open(f"{self.path}.log").read()
        assert "url" in line, line
        self.url = json.loads(line)["url"]

    def ask(self, path, body=None):
        """(status, answer)"""
        request = urllib.request.Request(self.url + path, data=None if body is None else body.encode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def decide(self, one, query=""):
        status, answer = self.ask("/v1/decisions" + query, json.dumps(one))
        assert status == 200, answer
        return json.loads(answer)

    def metrics(self):
        lines = [line.rsplit(" ", 1) for line in self.ask("/metrics")[1].splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(30) == 0
        self.log.close()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def logged(self):
        """Events of the log by id, with what Redis said of them; the node has stopped."""
        done = subprocess.run([self.binary, "-c", self.path, "log", "export"], capture_output=True, text=True, check=True)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        return {r["event"]["id"]: r["event"] for r in records if "event" in r}


@pytest.fixture
def nodes(binary, tmp_path, request):
    """nodes(server, count): as many nodes that share, and a list of them that are stopped at the end."""
    made = []

    def call(server, count=1, **options):
        name = options.pop("name", request.node.name)
        for _ in range(count):
            made.append(Node(binary, settings(tmp_path, server, name, data=f"n{len(made)}", **options)))
        return made[-count:]

    yield call
    for node in made:
        if node.process.poll() is None:
            node.kill()


def shared_values(one):
    """By the aggregate's text, spaces and quotes left out."""
    return {k[len("shared("):-1].replace("`", ""): v for k, v in one.items() if k.startswith("shared(") and k != "shared()"}


def value_of(one, words):
    return shared_values(one)[words]


def flags(decision):
    return [f for f in decision["flags"] if f.startswith("shared")]


def eventually(look, seconds=15):
    until = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > until:
            assert found
            return found
        time.sleep(0.1)


def features_by_file(run, path, folder, names):
    done = run("-c", path, "features", "-o", folder / "features.ndjson")
    assert done.exit == 0, done
    rows = [json.loads(line) for line in open(folder / "features.ndjson")]
    return {row["id"]: [row[name] for name in names] for row in rows}


def test_two_nodes_with_shared_windows_equal_one_with_its_own(redis, run, nodes, tmp_path):
    made = events(250)
    write_events(tmp_path, made)
    both = nodes(redis.server, 2)
    for i, one in enumerate(made):
        assert flags(both[i % 2].decide({k: v for k, v in one.items() if v is not None})) == []
    for node in both:
        node.stop()
    logged = both[0].logged() | both[1].logged()
    by_file = features_by_file(run, both[0].path, tmp_path, FEATURES)
    assert len(by_file) == len(logged) == 250
    for one in made:
        assert list(shared_values(logged[one["id"]]).values()) == by_file[one["id"]], one
    columns = list(zip(*by_file.values()))
    assert all(len(set(column)) > 1 for column in columns), "a feature that never changes shows nothing"
    # replay asks nobody: it has what was fetched
    for node in both:
        done = run("-c", node.path, "--set", "redis.server=127.0.0.1:1", "replay", "--json")
        assert done.exit == 0, done


def test_late_events_are_read_as_of_their_time_and_enter_there(redis, nodes):
    both = nodes(redis.server, 2, features={"n": FEATURES["n"], "total": FEATURES["total"], "latest": "last(amount) by terminal over 1h"})
    chance, before = random.Random(5), []
    for i in range(120):
        seconds = 8000 + i * 20 - chance.choice((0, 0, 0, 25, 500, 3000))
        one = event(i, seconds, amount=round(chance.uniform(1, 99), 2))
        both[i % 2].decide(one)
        before.append((seconds, i, one))
    for node in both:
        node.stop()
    logged = both[0].logged() | both[1].logged()
    for seconds, i, one in before:
        window = sorted(x for x in before[:i + 1] if seconds - 3600 < x[0] <= seconds)
        values = shared_values(logged[one["id"]])
        assert values["count() by terminal over 1h"] == len(window)
        assert values["sum(amount) by terminal over 1h"] == pytest.approx(sum(x[2]["amount"] for x in window), abs=1e-9)
        assert values["last(amount) by terminal over 1h"] == one["amount"]


def test_an_event_counts_once_whatever_kills_the_node(binary, redis, nodes, tmp_path):
    node, = nodes(redis.server, features={"n": "count() by terminal over 1d"})
    made = [event(i, i) for i in range(400)]
    for round in range(4):
        done = threading.Event()

        def send():
            for one in made:
                try:
                    node.ask("/v1/decisions", json.dumps(one))
                except OSError:
                    break
            done.set()

        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(0.1 + 0.15 * round)
        node.kill()
        done.wait(30)
        sender.join()
        node.start()
    for one in made:
        node.decide(one)
    assert node.decide(made[7])["id"] == "e7"
    node.decide(event(1000, 500))
    node.stop()
    logged = node.logged()
    assert value_of(logged["e1000"], "count() by terminal over 1d") == 401
    assert [value_of(logged[f"e{i}"], "count() by terminal over 1d") for i in range(400)] == list(range(1, 401))


def test_a_dry_run_and_another_event_with_the_id_count_nothing(redis, nodes):
    node, = nodes(redis.server, features={"n": FEATURES["n"]})
    for i in range(3):
        node.decide(event(100 + i, 10), "?dry_run=true")
    node.decide(event(1, 10))
    assert node.ask("/v1/decisions", json.dumps(event(1, 11, amount=99.0)))[0] == 409
    node.decide(event(2, 12))
    node.stop()
    assert value_of(node.logged()["e2"], FEATURES["n"]) == 2


def test_without_redis_null_with_a_reason_then_right_again(nodes):
    server = Redis(keeps=True).start()
    try:
        node, = nodes(server.server, features={"n": FEATURES["n"], "new": FEATURES["new"]})
        node.decide(event(1, 1))
        server.kill()
        assert flags(node.decide(event(2, 2))) == ["shared_away"]
        assert flags(node.decide(event(3, 3))) == ["shared_away"]
        assert node.metrics()["assay_shared_backlog"] == 2
        server.start()
        eventually(lambda: flags(node.decide(event(99, 3), "?dry_run=true")) == [])
        assert flags(node.decide(event(4, 4))) == []
        metrics = node.metrics()
        assert metrics["assay_shared_belated_total"] == 2 and metrics["assay_shared_backlog"] == 0
        assert metrics['assay_shared_nulls_total{reason="away"}'] >= 2
        node.stop()
        logged = node.logged()
        assert [value_of(logged[f"e{i}"], FEATURES["n"]) for i in (1, 2, 3, 4)] == [1, None, None, 4]
        assert value_of(logged["e3"], FEATURES["new"]) is None and logged["e3"]["shared()"] == 1
    finally:
        server.stop()


def test_windows_of_a_changed_plan_are_null_until_they_are_whole(redis, nodes):
    node, = nodes(redis.server, features={"n": FEATURES["n"]}, name="changed")
    for i in range(5):
        assert flags(node.decide(event(i, i))) == []
    node.path.write_text(node.path.read_text().replace("  own: ", "  total: sum(amount) by terminal over 1h\n  own: "))
    node.process.send_signal(signal.SIGHUP)
    eventually(lambda: flags(node.decide(event(90, 6), "?dry_run=true")) == ["shared_part"])
    assert flags(node.decide(event(6, 6))) == ["shared_part"]
    assert flags(node.decide(event(7, 4000))) == []
    node.stop()
    logged = node.logged()
    assert [value_of(logged[f"e{i}"], FEATURES["n"]) for i in (4, 6, 7)] == [5, None, 1]


def test_a_redis_that_lost_its_windows_is_noticed(nodes):
    server = Redis().start()
    try:
        node, = nodes(server.server, features={"n": FEATURES["n"], "short": "count() by terminal over 1m"})
        for i in range(5):
            node.decide(event(i, i))
        server.kill()
        server.start()  # empty
        eventually(lambda: flags(node.decide(event(98, 10), "?dry_run=true")) == ["shared_part"])
        node.decide(event(10, 10))
        assert flags(node.decide(event(11, 200))) == ["shared_part"]
        assert flags(node.decide(event(12, 4000))) == []
        node.stop()
        logged = node.logged()
        short = "count() by terminal over 1m"
        assert [(value_of(logged[f"e{i}"], FEATURES["n"]), value_of(logged[f"e{i}"], short)) for i in (10, 11, 12)] == \
            [(None, None), (None, 1), (1, 1)]
    finally:
        server.stop()


def test_a_slow_redis_is_not_waited_for(nodes):
    server = Redis().start()
    try:
        node, = nodes(server.server, features={"n": FEATURES["n"]}, timeout=80)
        node.decide(event(1, 1))
        server.pause()
        began = time.monotonic()
        assert flags(node.decide(event(2, 2))) == ["shared_away"]
        assert time.monotonic() - began < 3
        began = time.monotonic()
        for i in range(3, 6):
            assert flags(node.decide(event(i, i))) == ["shared_away"]
        server.go_on()
        eventually(lambda: flags(node.decide(event(99, 5), "?dry_run=true")) == [])
        node.decide(event(6, 6))
        node.stop()
        assert value_of(node.logged()["e6"], FEATURES["n"]) == 6
    finally:
        server.stop()


def test_passwords(run, nodes, tmp_path):
    server = Redis(password="right-horse").start()
    (tmp_path / "secret").write_text("right-horse\n")
    try:
        node, = nodes(server.server, features={"n": FEATURES["n"]}, more=", password: file:secret")
        assert flags(node.decide(event(1, 1))) == []
        assert run("-c", node.path, "doctor").stdout.count("right-horse") == 0
        (tmp_path / "secret").write_text("wrong-horse\n")
        wrong, = nodes(server.server, features={"n": FEATURES["n"]}, more=", password: file:secret", name="other")
        assert flags(wrong.decide(event(1, 1))) == ["shared_away"]
        done = run("-c", wrong.path, "doctor")
        assert done.exit != 0 and "signing in: WRONGPASS" in done.stdout, done
        assert "horse" not in done.stdout + done.stderr + open(f"{wrong.path}.log").read()
    finally:
        server.stop()


def test_a_user_with_the_rights_that_the_page_names_is_enough(nodes, run):
    server = Redis().start()
    try:
        rights = "on >stable ~{assay:*}* +@read +@write +@scripting +@connection +info +time"
        assert server.cli("ACL", "SETUSER", "nodes", *rights.split()) == "OK"
        assert rights.replace("stable", "PASSWORD") in open(ROOT / "docs" / "redis.md").read()
        node, = nodes(server.server, features={"n": FEATURES["n"]}, more=", user: nodes, password: stable, database: 1",
                      extra="access: {rate: {per_address: 60/min}}\n")
        assert flags(node.decide(event(1, 1))) == []
        assert node.metrics()['assay_rates_total{by="redis"}'] > 0
        health = {row["check"]: row["health"] for row in run("-c", node.path, "doctor", "--json").json()["checks"]}
        assert health["redis"] == "ok"
    finally:
        server.stop()


@pytest.mark.parametrize("answer", [b"+" + b"a" * 65536, b"*100000000\r\n:1\r\n", b"nonsense\r\n", b"$-7\r\n"],
                         ids=["endless", "huge", "nonsense", "negative"])
def test_a_server_that_is_no_redis_is_away(nodes, answer):
    listener = socket.create_server(("127.0.0.1", 0))

    def talk():
        while True:
            try:
                connection, _ = listener.accept()
                while True:
                    connection.sendall(answer)
            except OSError:
                if listener.fileno() < 0:
                    return

    threading.Thread(target=talk, daemon=True).start()
    node, = nodes(f"127.0.0.1:{listener.getsockname()[1]}", features={"n": FEATURES["n"]}, timeout=300, name="none")
    assert flags(node.decide(event(1, 1))) == ["shared_away"]
    assert node.metrics()["process_resident_memory_bytes"] < 400e6
    listener.close()
    node.stop()


def test_redis_cli_reads_what_is_written_and_everything_ends(redis, nodes, tmp_path):
    node, = nodes(redis.server, features={"n": FEATURES["n"]}, name="cli", more=", retry: 10m, idle: 2h")
    for i in range(5):
        node.decide(event(i, i, terminal="terminal-of-a-person"))
    for i in range(5, 8):  # past window, lateness and retry: the first ones go
        node.decide(event(i, 8000 + i, terminal="terminal-of-a-person"))
    keys = redis.keys("{assay:cli}*")
    sets = [k for k in keys if k.endswith(":z")]
    hashes = [k for k in keys if k.endswith(":h")]
    assert len(sets) == len(hashes) == 1 and "{assay:cli}:born" in keys
    assert not any("person" in k for k in keys)
    assert redis.cli("ZCARD", sets[0]) == "3"
    assert redis.cli("HLEN", hashes[0]) == "5"  # three events, the last number, what was dropped
    assert float(redis.cli("ZRANGE", sets[0], 0, 0, "WITHSCORES").split("\n")[1]) == 1767225600e6 + 8005e6
    for key in sets + hashes:
        assert 3600 + 3600 + 600 + 7200 - 60 <= int(redis.cli("TTL", key)) <= 3600 + 3600 + 600 + 7200
    # what another client writes is read: a gap makes windows null
    redis.cli("SET", "{assay:cli}:gap", 1767225600000000 + 8007000000)
    assert flags(node.decide(event(9, 8010, terminal="another"))) == ["shared_part"]
    node.stop()


def test_an_entity_of_too_many_events_is_null_not_wrong(redis, nodes):
    node, = nodes(redis.server, features={"n": FEATURES["n"]}, more=", events: 10, retry: 0s", extra="")
    found = [flags(node.decide(event(i, i))) for i in range(12)]
    assert found == [[]] * 11 + [["shared_part"]]
    assert flags(node.decide(event(20, 3 * 3600))) == []


def test_rates_of_two_nodes_are_one_and_each_its_own_without_redis(nodes):
    server = Redis().start()
    try:
        both = nodes(server.server, 2, features={"n": FEATURES["n"]},
                     extra="access: {rate: {per_address: 6/min}}\n")
        found = [both[i % 2].ask("/healthz")[0] for i in range(8)]
        assert found == [200] * 6 + [429] * 2
        assert len(server.keys("*:rate:address:*")) == 1
        server.kill()
        for node in both:
            assert [node.ask("/healthz")[0] for _ in range(7)] == [200] * 6 + [429]
    finally:
        server.stop()


@pytest.mark.parametrize("feature, words", [
    ("std(amount) by terminal over 1h", "can be shared: count, sum"),
    ("count() by terminal", "expected over"),
    ("last(customer) by terminal over 1h", "a text would have to be kept"),
    ("count() by terminal over 1h delay 1d", "expected no delay"),
    ("count() by terminal over 1h step 1m", "expected no step"),
    ("sum(own) by terminal over 1h", "made of other aggregates"),
])
def test_what_cannot_be_shared_is_refused_by_name(run, tmp_path, feature, words):
    path = settings(tmp_path, "127.0.0.1:1", "refused", features={"n": "count() by terminal over 1h"})
    path.write_text(path.read_text().replace("  own: count() by customer over 1h\n",
                                             f"  own: count() by customer over 1h\n  x: {feature}\n"))
    done = run("-c", path, "check")
    assert done.exit == 1 and "entities.terminal.state:" in done.stderr and words in done.stderr, done


def test_settings_that_contradict_each_other(run, tmp_path):
    path = settings(tmp_path, "127.0.0.1:1", "x", features={"n": FEATURES["n"]})
    text = path.read_text()
    for old, new, words in (
        ("state: shared}", "state: shared, scope: shard}", "contradict each other"),
        ('server: "127.0.0.1:1", ', "", "shared needs `redis: HOST:PORT`"),
    ):
        path.write_text(text.replace(old, new))
        done = run("-c", path, "check")
        assert done.exit == 1 and words in done.stderr, done
    path.write_text(text.replace("127.0.0.1:1", "rediss://127.0.0.1:1"))
    done = run("-c", path, "doctor")
    assert "TLS is not possible" in done.stdout, done


def test_the_history_is_shared_once(redis, run, nodes, binary, tmp_path):
    made = [event(i, i * 10) for i in range(50)]
    write_events(tmp_path, made)
    for data in ("h0", "h1"):
        path = settings(tmp_path, redis.server, "history", data=data, features={"n": FEATURES["n"]})
        node = Node(binary, path)
        node.stop()
        words = [binary, "-c", path, "--json", "--set", f"data_directory={tmp_path}/{data}-warm", "serve", "--port", "0"]
        warm = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        try:
            node.url = json.loads(warm.stdout.readline())["url"]
            node.decide(event(f"probe-{data}", 501), "?dry_run=true")
        finally:
            warm.terminate()
            assert warm.wait(30) == 0
    node, = nodes(redis.server, features={"n": FEATURES["n"]}, name="history")
    node.decide(event(1000, 501))
    node.stop()
    assert value_of(node.logged()["e1000"], FEATURES["n"]) == 51
