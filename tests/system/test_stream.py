"""`assay stream` on a real broker: exactly once, restarts, poison, sinks. Heavier faults: tests/soak."""

import csv
import datetime
import hashlib
import json
import os
import sqlite3
import subprocess
import time
import urllib.request

import pytest
from test_postgres import database, postgres  # noqa: F401: fixtures
from streaming import Worker, assert_exactly_once, decided, events, settings, wait_for_count, write


@pytest.fixture
def stream(kafka, topic, tmp_path):
    """stream(partitions=3, extra=""): a topic and settings that read it."""

    def call(partitions=3, **options):
        name = topic(partitions=partitions)
        return name, settings(tmp_path, kafka.brokers, name, **options)

    return call


def once(run, path, *words):
    done = run("-c", path, *words, "stream", "--once", "--json")
    assert done.exit == 0, done
    return done.json()


def ids_of(pairs):
    return [json.loads(event)["id"] for _, event in pairs]


def test_topic_to_topic_equals_the_file(kafka, run, stream, tmp_path):
    name, path = stream(partitions=1)
    pairs = events(3000)
    write(kafka, name, pairs)
    result = once(run, path)
    assert result["decisions"] == 3000 and result["lag"] == 0
    file = tmp_path / "events.ndjson"
    file.write_text("".join(event + "\n" for _, event in pairs))
    done = run("-c", path, "--set", f"sources.transactions.file={file}", "score", "-o", "scores.csv")
    assert done.exit == 0, done
    by_file = {row["id"]: row for row in csv.DictReader(open(tmp_path / "scores.csv"))}
    by_stream = {i: json.loads(v[0]) for i, v in decided(kafka, f"{name}.decisions").items()}
    assert len(by_stream) == 3000
    for i, row in by_file.items():
        assert (row["outcome"], int(row["score"]), row["level"], float(row["probability"])) == \
            tuple(by_stream[i][k] for k in ("outcome", "score", "level", "probability"))
    assert len({row["outcome"] for row in by_file.values()}) == 3


def test_a_decision_stands_in_the_partition_of_its_event_and_names_its_place(kafka, run, stream):
    name, path = stream()
    write(kafka, name, events(300))
    once(run, path)
    places = {json.loads(m.value)["id"]: (m.partition, m.offset + 1, m.key) for m in kafka.read(name)}
    for message in kafka.read(f"{name}.decisions"):
        decision = json.loads(message.value)
        assert places[decision["id"]] == (message.partition, decision["seq"], message.key)
        assert decision["received"].startswith("20")


def test_it_goes_on_where_it_was(kafka, run, stream):
    name, path = stream()
    pairs = events(900)
    for first in (0, 300, 600):
        write(kafka, name, pairs[first:first + 300])
        result = once(run, path)
        assert result["messages"] == 300
        assert result["rebuilt"] == 0  # a clean end leaves snapshots
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


def test_without_its_snapshots_the_state_is_read_again(kafka, run, stream, tmp_path):
    name, path = stream()
    pairs = events(600)
    write(kafka, name, pairs[:400])
    once(run, path)
    for snapshot in (tmp_path / "data" / "stream").glob("*/snapshots/*"):
        snapshot.unlink()
    write(kafka, name, pairs[400:])
    result = once(run, path)
    assert (result["rebuilt"], result["messages"]) == (400, 200)
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


def test_killed_in_the_middle_of_a_transaction(kafka, binary, run, stream):
    name, path = stream(transaction_ms=200)
    pairs = events(1000)
    write(kafka, name, pairs[:500])
    worker = Worker(binary, path)
    wait_for_count(kafka, f"{name}.decisions", 500)
    write(kafka, name, pairs[500:])
    time.sleep(0.1)
    worker.kill()
    once(run, path)
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


def test_poison_goes_to_the_dead_letters_with_the_reason(kafka, run, stream):
    name, path = stream(partitions=1)
    good = events(20)
    poison = ['{"id": "p1"', "nonsense", '{"id":"p2","time":"yesterday","customer":"c","amount":1}',
              '{"id":"p3","customer":"c","amount":1}', '[1,2]']
    kafka.write(name, [e for _, e in good[:10]] + poison + [e for _, e in good[10:]], keys=["k"] * 25)
    result = once(run, path)
    assert (result["decisions"], result["dead_letters"], result["messages"]) == (20, 5, 25)
    dead = kafka.read(f"{name}.dead")
    assert [m.value for m in dead] == poison
    assert [m.headers["assay.offset"] for m in dead] == ["10", "11", "12", "13", "14"]
    assert {m.headers["assay.topic"] for m in dead} == {name}
    assert {m.headers["assay.partition"] for m in dead} == {"0"}
    assert "/time" in dead[2].headers["assay.error"] and "time" in dead[3].headers["assay.error"]
    assert_exactly_once(kafka, run, path, name, ids_of(good))


def test_large_poison_stops_nothing_and_spoils_no_neighbour(kafka, run, stream, tmp_path):
    """What producers pack small is large here; what is larger than a producer may send still becomes a dead letter."""
    name, path = stream(partitions=1)
    good = events(20)
    write(kafka, name, good[:10])
    packed = ["-P", "-t", name, "-z", "zstd", "-X", "message.max.bytes=60000000"]
    for file, size in (("one", 20_000_000), ("many", 7_500_000)):
        (tmp_path / file).write_text('{"id":"p","customer":"' + "x" * size + '","amount":1}')
    kafka.kcat(*packed, "-k", "k", tmp_path / "one", *[tmp_path / "many"] * 36)
    kafka.kcat(*packed, "-K", "|", stdin="k" * 600_000 + "|" + events(1, seed=2)[0][1] + "\n")
    write(kafka, name, good[10:])
    result = once(run, path)
    assert (result["decisions"], result["dead_letters"]) == (20, 38)
    dead = kafka.read(f"{name}.dead")
    assert [len(m.value) < 1_000_000 for m in dead] == [True] * 38
    assert dead[0].headers["assay.bytes"] == str((tmp_path / "one").stat().st_size) and "8 MiB" in dead[0].headers["assay.error"]
    assert all("over 4096 bytes" in m.headers["assay.error"] for m in dead[1:37])
    assert dead[37].key is None and "key" in dead[37].headers["assay.error"]
    assert_exactly_once(kafka, run, path, name, ids_of(good))


def test_an_id_that_comes_again_is_decided_once_also_behind_a_restart(kafka, run, stream):
    name, path = stream(partitions=1)
    pairs = events(50)
    write(kafka, name, pairs + pairs[:10])
    assert once(run, path)["repeated"] == 10
    other = json.loads(pairs[0][1]) | {"amount": 7}
    write(kafka, name, pairs[:5] + [("k", json.dumps(other))])
    result = once(run, path)
    assert (result["repeated"], result["dead_letters"], result["decisions"]) == (5, 1, 0)
    assert "decided before" in kafka.read(f"{name}.dead")[0].headers["assay.error"]
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


def test_rebalance_between_workers(kafka, binary, run, stream, tmp_path):
    name, path = stream(partitions=4)
    pairs = events(4000)
    write(kafka, name, pairs[:1000])
    first = Worker(binary, path, name="one")
    wait_for_count(kafka, f"{name}.decisions", 1000)
    second = Worker(binary, path, "--set", f"data_directory={tmp_path / 'two'}", name="two")
    for at in range(1000, 3000, 250):
        write(kafka, name, pairs[at:at + 250])
    wait_for_count(kafka, f"{name}.decisions", 3000)
    assert first.stop() == 0
    write(kafka, name, pairs[3000:])
    wait_for_count(kafka, f"{name}.decisions", 4000)
    assert second.stop() == 0
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


LABELLED = {
    "event: {id: id, time: time}": "event: {id: id, time: time, label: {field: fraud, delay: 1h}}",
    "entities:": "  - {name: fraud, type: bool}\nentities:",
    "  usual:": "  frauds: sum(label) by customer over 1d delay 1h\n  rate: mean(label) by customer over 7d delay 1h\n  usual:",
    "rules:\n": "rules:\n" + "".join(f"  L{n}: {{when: frauds >= {n}, then: o{n}}}\n" for n in range(1, 6))
                + "  RATE: {when: rate > 0.45, then: o6}\n",
    "[approve, review, decline]": "[approve, review, decline, o1, o2, o3, o4, o5, o6]",
}


def labelled(kafka, path, name, partitions):
    """The settings with features of the label, and a topic of labels."""
    kafka.create_topic(f"{name}.labels", partitions)
    text = path.read_text()
    for old, new in LABELLED.items():
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text.replace("stream: {", f"stream: {{labels: {name}.labels, "))


def is_fraud(event):
    return hash_of(event["id"]) % 3 == 0


def hash_of(text):
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def labels_of(pairs, late=3600):
    made = []
    for key, value in pairs:
        event = json.loads(value)
        known = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")) + datetime.timedelta(seconds=late)
        made.append((key, json.dumps({"id": event["id"], "label": is_fraud(event), "source": "chargeback",
                                      "time": known.strftime("%Y-%m-%dT%H:%M:%SZ")})))
    return made


def wait_for_labels(kafka, name, count):
    end = time.monotonic() + 60
    while sum(m.headers.get("assay.record") == "label" for m in kafka.read(name)) < count:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_labels_of_a_topic_act_as_in_the_file(kafka, binary, run, stream, tmp_path):
    name, path = stream(partitions=1)
    labelled(kafka, path, name, 1)
    pairs = events(3000)
    worker = Worker(binary, path)
    for first in range(0, 3000, 1000):  # 2000 s each: the labels are there before their hour is over
        write(kafka, name, pairs[first:first + 1000])
        write(kafka, f"{name}.labels", labels_of(pairs[first:first + 1000]))
        wait_for_labels(kafka, name, first + 1000)
    wait_for_count(kafka, f"{name}.decisions", 3000)
    assert worker.stop() == 0
    assert "3000 labels" in worker.words()
    file = tmp_path / "events.ndjson"
    file.write_text("".join(json.dumps(json.loads(e) | {"fraud": is_fraud(json.loads(e))}) + "\n" for _, e in pairs))
    done = run("-c", path, "--set", f"sources.transactions.file={file}", "score", "-o", "scores.csv")
    assert done.exit == 0, done
    by_file = {row["id"]: row["outcome"] for row in csv.DictReader(open(tmp_path / "scores.csv"))}
    assert by_file == {i: json.loads(v[0])["outcome"] for i, v in decided(kafka, f"{name}.decisions").items()}
    assert {"o1", "o2", "o3", "o6"} <= set(by_file.values())
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


def test_labels_around_a_kill(kafka, binary, run, stream):
    name, path = stream(partitions=2, transaction_ms=150)
    labelled(kafka, path, name, 2)
    pairs = events(1200)
    for first in range(0, 1200, 400):
        worker = Worker(binary, path)
        write(kafka, name, pairs[first:first + 400])
        wait_for_count(kafka, f"{name}.decisions", first + 200)
        write(kafka, f"{name}.labels", labels_of(pairs[first:first + 300], late=60))
        time.sleep(0.15)
        worker.kill()
    once(run, path)  # passes the last ones on
    result = once(run, path)
    assert result["dead_letters"] == 0
    labels = [json.loads(m.value)["id"] for m in kafka.read(name) if m.headers.get("assay.record") == "label"]
    assert len(labels) == len(set(labels)) == 900
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


def test_labels_that_are_none_are_dead_letters(kafka, run, stream):
    name, path = stream(partitions=1)
    labelled(kafka, path, name, 1)
    pairs = events(20)
    write(kafka, name, pairs)
    once(run, path)
    wrong = ['{"id":"e1-1"}', "nonsense", '{"id":"e1-1","label":"maybe"}', '{"id":"absent","label":true}',
             '{"id":"absent","label":true,"seq":2}']
    write(kafka, f"{name}.labels", [("k", w) for w in wrong] + labels_of(pairs))
    assert once(run, path)["dead_letters"] == 3
    result = once(run, path)
    assert (result["dead_letters"], result["labels"], result["decisions"]) == (2, 20, 0)
    dead = kafka.read(f"{name}.dead")
    assert [m.value for m in dead] == wrong
    assert [m.headers["assay.topic"] for m in dead] == [f"{name}.labels"] * 3 + [name] * 2
    assert ["/label" in dead[0].headers["assay.error"], "/label" in dead[2].headers["assay.error"],
            "seq" in dead[3].headers["assay.error"], "seq" in dead[4].headers["assay.error"]] == [True] * 4
    done = run("-c", path, "--set", f"stream.labels={name}", "stream", "--once")
    assert done.exit == 1 and "stream.labels" in done.stderr


def test_looked_up_values_stand_in_the_decision(kafka, run, stream, tmp_path):
    name, path = stream(partitions=1)
    (tmp_path / "customers.csv").write_text("customer,limit\nc1,50\nc2,70.5\n")
    text = path.read_text().replace("}}\nevent:", "}, customers: {file: customers.csv, key: customer}}\nevent:")
    path.write_text(text.replace("rules:\n", "rules:\n  OVER: {when: amount > customers.limit, then: decline}\n"))
    pairs = events(400)
    write(kafka, name, pairs)
    assert once(run, path)["decisions"] == 400
    decisions = [json.loads(m.value) for m in kafka.read(f"{name}.decisions")]
    limits = {"c1": 50, "c2": 70.5}
    assert [d["looked_up"]["customers.limit"] for d in decisions] == [limits.get(key) for key, _ in pairs]
    assert any("OVER" in d["rules"] for d in decisions)
    windowed = path.read_text().replace("rules:\n", "  lim: sum(customers.limit) by customer over 1h\nrules:\n", 1)
    path.write_text(windowed)
    done = run("-c", path, "stream", "--once")
    assert done.exit == 1 and "customers.limit" in done.stderr and "valid_from" in done.stderr
    path.write_text(windowed.replace("stream: {", "stream: {approximate: [customers], "))
    assert run("-c", path, "stream", "--once").exit == 0


def test_sinks_take_what_their_condition_says(kafka, run, stream, tmp_path):
    name, path = stream()
    path.write_text(path.read_text().replace(
        "transaction_ms: 50", "transaction_ms: 50, events: 60, sinks: {"
        "rows: {table: score.decided, sqlite: d.db}, "
        f"strict: {{topic: {name}.strict, where: \"outcome != 'approve'\"}}, "
        "files: {csv: out/decisions, rows: 100, where: amount > 50 and n_1h >= 2}}"))
    pairs = events(1500)
    write(kafka, name, pairs)
    once(run, path)
    decisions = {i: json.loads(v[0]) for i, v in decided(kafka, f"{name}.decisions").items()}
    strict = decided(kafka, f"{name}.strict")
    assert set(strict) == {i for i, d in decisions.items() if d["outcome"] != "approve"}
    amounts = {i: json.loads(e)["amount"] for i, e in zip(ids_of(pairs), (e for _, e in pairs))}
    with sqlite3.connect(tmp_path / "d.db") as db:
        assert dict(db.execute("SELECT event_id, outcome FROM score_decided")) == \
            {i: d["outcome"] for i, d in decisions.items()}
    rows = [row for file in (tmp_path / "out").iterdir() for row in csv.DictReader(open(file))]
    assert len(list((tmp_path / "out").glob("*.csv"))) >= 3
    assert not list((tmp_path / "out").glob("*.part"))  # whole, as nothing more comes
    assert sorted(r["id"] for r in rows) == sorted(
        i for i, d in decisions.items() if amounts[i] > 50 and "N2" in d["shadow_rules"])
    assert len({r["id"] for r in rows}) == len(rows) > 100


def test_mistakes_are_told(run, kafka, stream, tmp_path):
    name, path = stream()
    done = run("-c", path, "--set", "stream.topic=absent", "stream", "--once")
    assert done.exit == 1 and 'no topic "absent"' in done.stderr
    done = run("-c", path, "--set", "stream.decisions=" + name, "stream")
    assert done.exit == 1 and "decisions need another topic" in done.stderr
    text = path.read_text()
    path.write_text(text.replace("transaction_ms: 50", "sinks: {s: {topic: t, where: amont > 1}}"))
    done = run("-c", path, "stream")
    assert done.exit == 1 and "stream.sinks.s.where" in done.stderr and "amount" in done.stderr
    path.write_text(text.replace("properties: {", "properties: {sasl.pasword: hush, "))
    done = run("-c", path, "stream")
    assert done.exit == 1 and "sasl.pasword" in done.stderr and "hush" not in done.stderr
    path.write_text(text.replace("properties: {", "properties: {transactional.id: mine, "))
    done = run("-c", path, "stream")
    assert done.exit == 1 and "transactional.id" in done.stderr


def test_two_workers_cannot_share_a_data_directory(kafka, binary, run, stream):
    name, path = stream()
    write(kafka, name, events(10))
    worker = Worker(binary, path)
    wait_for_count(kafka, f"{name}.decisions", 10)
    done = run("-c", path, "stream", "--once")
    assert done.exit == 1 and "data_directory" in done.stderr
    assert worker.stop() == 0


def test_kafka_4(kafka_new, run, tmp_path):
    name = kafka_new.create_topic("events", 2)
    path = settings(tmp_path, kafka_new.brokers, name)
    pairs = events(400)
    write(kafka_new, name, pairs)
    assert once(run, path)["decisions"] == 400
    assert_exactly_once(kafka_new, run, path, name, ids_of(pairs))


def test_windows_by_another_entity_than_the_key_are_refused(kafka, run, stream):
    name, path = stream()
    path.write_text(path.read_text().replace("entities: {customer: customer}",
                                             "entities: {customer: customer, amount: amount}")
                    .replace("rules:\n", "  same: count() by amount over 1h\nrules:\n", 1))
    done = run("-c", path, "stream", "--once")
    assert done.exit == 1 and "keyed by customer" in done.stderr and "scope: shard" in done.stderr
    path.write_text(path.read_text().replace("transaction_ms: 50", "transaction_ms: 50, approximate: [amount]"))
    assert once(run, path)["decisions"] == 0
    path.write_text(path.read_text().replace(", approximate: [amount]", "")
                    .replace("amount: amount}", "amount: {key: amount, scope: shard}}"))
    assert once(run, path)["decisions"] == 0


def shared(path, server):
    """Windows by shop, which is not the messages' key."""
    path.write_text(path.read_text().replace("entities: {customer: customer}",
                                             "entities: {customer: customer, shop: {key: shop, state: shared}}")
                    .replace("  - {name: amount,", "  - {name: shop, type: text}\n  - {name: amount,")
                    .replace("rules:\n", "  shop_n: count() by shop over 1d\nrules:\n"
                             + "".join(f"  SHOP{n}: {{when: shop_n >= {n}, then: review, shadow: true}}\n" for n in (100, 300, 301)), 1)
                    + f"redis: {{server: '{server}', timeout_ms: 5000}}\n")


def with_shop(pairs):
    return [(key, json.dumps(json.loads(event) | {"shop": "s1"})) for key, event in pairs]


def test_shared_windows_count_all_partitions_once_whatever_is_killed(kafka, binary, run, stream, redis):
    name, path = stream()
    shared(path, redis.server)
    pairs = with_shop(events(301))

    def counted():
        return sum(int(redis.cli("HLEN", key)) for key in redis.keys(f"{{assay:{name}}}:v:*:h"))

    for first in (0, 100, 200):  # killed as soon as Redis has counted: that is fetched again, and counted once
        write(kafka, name, pairs[first:first + 100])
        before, end = counted(), time.monotonic() + 30
        worker = Worker(binary, path)
        while counted() == before:
            assert time.monotonic() < end, worker.words()
            time.sleep(0.01)
        worker.kill()
    once(run, path)
    write(kafka, name, pairs[300:])
    once(run, path)
    found = {i: json.loads(v[0]) for i, v in decided(kafka, f"{name}.decisions").items()}
    assert len(found) == 301 and {f for d in found.values() for f in d["flags"]} == {"no_model"}
    last = found[json.loads(pairs[300][1])["id"]]
    assert "SHOP301" in last["shadow_rules"]
    assert sum("SHOP301" in d["shadow_rules"] for d in found.values()) == 1
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))


def test_metrics_and_readiness(kafka, binary, stream):
    name, path = stream()
    write(kafka, name, events(200) + [("k", "nonsense")])
    worker = Worker(binary, path, "--metrics", "0")
    wait_for_count(kafka, f"{name}.decisions", 200)
    base = worker.words().split("metrics on ")[1].split("/metrics")[0]

    def get(where):
        return urllib.request.urlopen(base + where, timeout=10).read().decode()

    found = dict(line.rsplit(" ", 1) for line in get("/metrics").splitlines() if not line.startswith("#"))
    assert found["assay_stream_decisions_total"] == "200"
    assert found["assay_stream_dead_letters_total"] == "1"
    assert found["assay_stream_lag"] == "0" and found["assay_stream_partitions"] == "3"
    assert int(found["assay_stream_transactions_total"]) >= 1 and found["assay_stream_rebalances_total"] == "1"
    assert sum(int(v) for k, v in found.items() if k.startswith("assay_stream_outcomes_total")) == 200
    assert get("/readyz") == "ready\n"
    assert worker.stop() == 0
    assert "201 messages: 200 decisions, 0 repeated, 0 labels, 1 dead letters" in worker.words()


def test_a_table_has_each_event_once_also_while_its_server_is_away(kafka, binary, run, stream, postgres, database):
    name, path = stream()
    path.write_text(path.read_text().replace(
        "transaction_ms: 50", f"transaction_ms: 50, sinks: {{t: {{table: public.decided, postgres: '{postgres.url(database)}'}}}}"))
    pairs = events(1500)

    def count():
        return int(postgres.psql("SELECT count(*) FROM decided", check=False, database=database).stdout or 0)

    write(kafka, name, pairs[:500])
    worker = Worker(binary, path)
    wait_for_count(kafka, f"{name}.decisions", 500)
    assert count() == 500
    postgres.halt()
    write(kafka, name, pairs[500:1000])
    end = time.monotonic() + 20
    while "waiting: stream.sinks.t" not in worker.words():
        assert time.monotonic() < end, worker.words()
        time.sleep(0.1)
    assert len(kafka.read(f"{name}.decisions")) == 500
    postgres.launch()
    wait_for_count(kafka, f"{name}.decisions", 1000)
    worker.kill()
    write(kafka, name, pairs[1000:])
    once(run, path)
    assert count() == 1500
    assert_exactly_once(kafka, run, path, name, ids_of(pairs))
    row = postgres.psql("SELECT decision->>'outcome' = outcome AND (decision->>'seq')::bigint = \"offset\" + 1 FROM decided "
                        "GROUP BY 1", database=database).stdout
    assert row.split() == ["t"]


def test_sink_conformance_of_tables(binary, postgres, database):
    program = binary.parent / "tests" / "unit" / "test_stream"
    if not program.exists():
        pytest.skip(f"no {program}: it is built by make test")
    done = subprocess.run([program], env=os.environ | {"ASSAY_TEST_POSTGRES": postgres.url(database)}, capture_output=True,
                          text=True)
    assert done.returncode == 0 and "1..3" in done.stdout, done.stdout + done.stderr


def test_a_sink_tells_a_target_and_waits_while_it_is_away(kafka, binary, stream):
    """Each decision that its condition holds for is told once the target is there again; nothing is committed before."""
    from test_notify import Receiver, verify

    away = {"on": True}
    r = Receiver(answer=lambda n, event: 503 if away["on"] else 200)
    name, path = stream(partitions=2)
    text = path.read_text().replace("transaction_ms: 50", "transaction_ms: 50, sinks: {told: {notify: hook, where: outcome != \"approve\"}}")
    path.write_text(text + f"notify:\n  hook: {{to: webhook, url: '{r.url}', secret: correct-horse-battery}}\n")
    pairs = events(300)
    write(kafka, name, pairs)
    worker = Worker(binary, path)
    end = time.monotonic() + 20
    while "waiting: stream.sinks.told" not in worker.words():
        assert time.monotonic() < end, worker.words()
        time.sleep(0.05)
    assert kafka.read(f"{name}.decisions") == []
    away["on"] = False
    wait_for_count(kafka, f"{name}.decisions", 300)
    assert worker.stop() == 0
    strict = {i for i, v in decided(kafka, f"{name}.decisions").items() if json.loads(v[0])["outcome"] != "approve"}
    assert 0 < len(strict) < 300 and set(r.subjects()) == strict and len(r.subjects()) == len(strict)
    assert all(verify(h, b) for _, h, b in r.requests)
    assert r.taken[0]["id"].startswith(name + "-")
    r.close()
