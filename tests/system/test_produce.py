"""`assay produce` into the real broker, read back by kcat: files, pipes and HTTP endpoints."""

import gzip
import http.server
import json
import signal
import subprocess
import threading
import time

import pytest

DIGITS = "12345678901234567.89"
CSV = ('id,amount,when,name,ok,zip\n1,5.250,2024-01-01T00:00:00Z,"a ""x"", b",true,00501\n'
       f'2,{DIGITS},2024-01-02T00:00:00Z,NA,false,00502\n3,-0.10,2024-01-02T00:00:01Z,"NA",FALSE,\n')


@pytest.fixture
def produce(run, kafka):
    """produce("a.csv", "--topic", "t"): its figures, or with exit=N the result."""

    def call(*words, exit=0, **more):
        done = run("produce", *words, "--brokers", kafka.brokers, "--json", **more)
        assert done.exit == exit, done
        return done.json() if exit == 0 else done

    return call


def values(kafka, topic):
    return [json.loads(m.value) for m in kafka.read(topic)]


def test_csv_becomes_objects_digit_for_digit(produce, kafka, topic, write):
    name = topic(3)
    figures = produce(write("a.csv", CSV), "--topic", name, "--key", "id", "--header", "from=tests")
    assert (figures["read"], figures["sent"], figures["failed"]) == (3, 3, 0)
    messages = {m.key: m for m in kafka.read(name)}
    assert messages["1"].value == ('{"id":1,"amount":5.250,"when":"2024-01-01T00:00:00Z",'
                                   '"name":"a \\"x\\", b","ok":true,"zip":"00501"}')
    assert f'"amount":{DIGITS},' in messages["2"].value and '"name":null' in messages["2"].value
    # A quoted null word is text; an empty cell is null.
    assert '"name":"NA","ok":false,"zip":null}' in messages["3"].value
    assert all(m.headers == {"from": "tests"} for m in messages.values())


def test_keys_go_to_the_partitions_of_javas_clients(produce, kafka, topic, write):
    lines = [json.dumps({"card": f"c{i}", "n": i}) for i in range(200)]
    ours, theirs = topic(7), topic(7)
    produce(write("a.ndjson", "\n".join(lines)), "--topic", ours, "--key", "card")
    kafka.write(theirs, lines, keys=[f"c{i}" for i in range(200)])  # murmur2
    assert {m.key: m.partition for m in kafka.read(ours)} == {m.key: m.partition for m in kafka.read(theirs)}
    crc = topic(7)
    produce(write("a.ndjson", "\n".join(lines)), "--topic", crc, "--key", "card",
            "--partitioner", "consistent_random")
    assert {m.key: m.partition for m in kafka.read(crc)} != {m.key: m.partition for m in kafka.read(ours)}


@pytest.mark.parametrize("name, text", [
    ("a.json", ' [ {"id": 1, "x": {"y": 1.10}},\n {"id": 2,\n "x": {"y": "a b"}} ]\n'),
    ("a.ndjson", '{"id": 1, "x": {"y": 1.10}}\n\n{"id": 2, "x": {"y": "a b"}}'),
    ("a.txt", '{\n "id": 1,\n "x": {"y": 1.10}\n}\n{"id": 2, "x": {"y": "a b"}}\n'),
])
def test_json_in_all_its_shapes(produce, kafka, topic, tmp_path, name, text):
    path = tmp_path / (name + ".gz")
    path.write_bytes(gzip.compress(text.encode()))
    there = topic()
    produce(path, "--topic", there, "--key", "x.y")
    assert [(m.key, m.value) for m in kafka.read(there)] == [
        ("1.10", '{"id":1,"x":{"y":1.10}}'), ("a b", '{"id":2,"x":{"y":"a b"}}')]


def test_bad_lines_are_rejects(produce, kafka, topic, write, tmp_path):
    there = topic()
    figures = produce(write("a.ndjson", '{"id":1}\n{"id":\n[1]\n{"a":1,"a":2}\n{"id":2}\n' + '{"id":3}\n' * 400),
                      "--topic", there, "--rejects", "rejects.csv")
    assert (figures["sent"], figures["rejected"]) == (402, 3)
    rejects = (tmp_path / "rejects.csv").read_text()
    assert "is no JSON object" in rejects and "appears twice" in rejects
    done = produce(write("b.csv", "a,b\n1,2\n1,2,3\n"), "--topic", there, exit=1)
    assert "b.csv:3" in done.stderr and "3 cells, the header has 2" in done.stderr


def test_what_is_refused_before_anything_is_sent(produce, run, kafka, topic, write):
    there, path = topic(), write("a.csv", CSV)
    assert "--partitions N makes it" in produce(path, "--topic", "absent", exit=1).stderr
    assert 'did you mean "name"' in produce(path, "--topic", there, "--key", "nam", exit=1).stderr
    assert "belongs to a URL" in produce(path, "--topic", there, "--every", "5s", exit=2).stderr
    assert "no property" in produce(path, "--topic", there, "--property", "lingr.ms=1", exit=1).stderr
    assert "500/s" in produce(path, "--topic", there, "--rate", "fast", exit=2).stderr
    assert "--topic" in produce(path, exit=2).stderr
    assert kafka.read(there) == []
    done = run("produce", path, "--topic", there, "--brokers", "127.0.0.1:1")
    assert done.exit == 3 and "127.0.0.1:1" in done.stderr


def test_the_topic_and_the_brokers_of_the_settings(run, kafka, write):
    write("tx.csv", CSV)
    write("assay.yaml", f"name: t\nsources: {{transactions: {{file: tx.csv, kafka: from-settings}}}}\n"
          f"event: {{id: id, time: when}}\n"
          f"kafka: {{brokers: \"{kafka.brokers}\", properties: {{linger.ms: 1}}}}\n")
    done = run("produce", "tx.csv", "--partitions", "2")
    assert done.exit == 0, done
    assert len(kafka.read("from-settings")) == 3 and kafka.topics()["from-settings"] == 2


def test_the_key_of_the_settings(run, kafka, topic, write):
    name, write_csv = topic(3), write("tx.csv", CSV)
    entities = "entities: {person: name, place: {key: zip}}\nstream: {key: place}\n"
    settings = (f"name: t\nsources: {{transactions: {{file: tx.csv, kafka: {name}}}}}\nevent: {{id: id, time: when}}\n"
                f"kafka: {{brokers: \"{kafka.brokers}\"}}\n")
    write("assay.yaml", settings + entities)
    done = run("produce", write_csv)
    assert done.exit == 0 and "keyed by zip" in done.stdout, done
    assert sorted(m.key or "" for m in kafka.read(name)) == ["", "00501", "00502"]
    other = topic()
    assert run("produce", write_csv, "--topic", other).exit == 0  # not where events are read from
    assert {m.key for m in kafka.read(other)} == {None}
    write("assay.yaml", settings + "entities: {person: nam}\n")
    done = run("produce", write_csv)
    assert done.exit == 1 and "entities.person" in done.stderr and 'did you mean "name"' in done.stderr
    assert run("produce", write_csv, "--key", "name").exit == 0


def test_a_pipe_is_sent_as_it_comes(binary, kafka, topic):
    there = topic()
    pipe = subprocess.Popen([binary, "produce", "-", "--topic", there, "--brokers", kafka.brokers],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pipe.stdin.write('{"n": 1}\n')
    pipe.stdin.flush()
    kafka.wait_for(lambda: len(kafka.read(there)) == 1)
    pipe.send_signal(signal.SIGINT)
    pipe.stdin.write('{"n": 2}\n')
    out, err = pipe.communicate(timeout=20)
    assert pipe.returncode == 130, err
    assert values(kafka, there)[0] == {"n": 1}


def test_piped_from_generate_at_a_rate(binary, kafka, topic):
    there = topic(2)
    begin = time.monotonic()
    done = subprocess.run(f"{binary} generate --rows 300 -o - | {binary} produce - --topic {there} --json "
                          f"--rate 300/s --key customer_id --brokers {kafka.brokers}",
                          shell=True, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sent"] == 300 == len(kafka.read(there))
    assert time.monotonic() - begin > 0.9


def test_what_is_not_delivered_is_counted_and_the_exit_says_so(produce, kafka, topic, write):
    there = topic(1, max_message_bytes=1000)
    done = produce(write("a.ndjson", json.dumps({"a": "x" * 3000})), "--topic", there, exit=3)
    assert "1 of 1 records were not delivered" in done.stderr and "too large" in done.stderr
    assert json.loads(done.stdout.splitlines()[0])["failed"] == 1


def test_a_broker_killed_and_back_loses_and_repeats_nothing(binary, kafka, topic, write):
    there, count = topic(2), 3000
    path = write("a.ndjson", "".join(json.dumps({"n": i}) + "\n" for i in range(count)))
    run = subprocess.Popen([binary, "produce", path, "--topic", there, "--brokers", kafka.brokers,
                            "--rate", "1500/s", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.7)
    kafka.kill()
    kafka.launch()
    out, err = run.communicate(timeout=60)
    assert run.returncode == 0, err
    assert json.loads(out)["sent"] == count
    assert sorted(v["n"] for v in values(kafka, there)) == list(range(count))


# ---- HTTP ----


class Feed:
    """Answers one of `answers` after the other, the last again and again: (status, body)."""

    def __init__(self, answers):
        feed, self.asked, self.tokens = self, 0, set()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = answers[min(feed.asked, len(answers) - 1)]
                feed.asked += 1
                feed.tokens.add(self.headers.get("Authorization"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/feed?n=1"


@pytest.fixture
def feed():
    feeds = []

    def call(*answers):
        feeds.append(Feed([a if isinstance(a, tuple) else (200, a) for a in answers]))
        return feeds[-1]

    yield call
    for one in feeds:
        one.server.shutdown()
        one.server.server_close()


ROWS = '[{"id": 1, "v": 1.50}, {"id": 2, "v": -0.0}]'
SPLIT = '{"columns": ["id", "v"], "index": [0, 1], "data": [[1, 1.50], [2, -0.0]]}'


@pytest.mark.parametrize("body, pointer", [
    (ROWS, None),
    ('{"data": {"a/b": %s}}' % ROWS, "/data/a~1b"),
    ('{"page": [0, {"rows": %s}]}' % ROWS, "/page/1/rows"),
    (json.dumps(ROWS), None),
    (json.dumps({"body": json.dumps({"data": ROWS})}), "/body/data"),
    (SPLIT, None),
    (json.dumps(SPLIT), ""),
    ('{"answer": %s}' % SPLIT, "/answer"),
    ('{"id": 1, "v": 1.50}\n{"id": 2, "v": -0.0}\n', None),
    (json.dumps(['{"id":1,"v":1.50}', '{"id":2,"v":-0.0}']), None),
])
def test_records_wherever_they_are_in_the_body(produce, kafka, topic, feed, body, pointer):
    there = topic()
    words = [] if pointer is None else ["--records", pointer]
    figures = produce(feed(body).url, "--topic", there, "--key", "id", *words)
    assert (figures["sent"], figures["polls"]) == (2, 1)
    assert [(m.key, m.value) for m in kafka.read(there)] == [
        ("1", '{"id":1,"v":1.50}'), ("2", '{"id":2,"v":-0.0}')]


def test_polling_sends_what_came_before_only_once(produce, kafka, topic, feed, write):
    there = topic()
    source = feed('[{"id": 1}, {"id": 2}]', (503, "busy"), "no json", '[{"id": 2}, {"id": 3}, 7]', '[{"id": 3}, {}]')
    figures = produce(source.url, "--topic", there, "--every", "50ms", "--polls", "4", "--id", "id",
                      "--bearer", write("token", "hush\n"))
    assert (figures["polls"], figures["poll_failures"], figures["rejected"]) == (4, 2, 1)
    assert (figures["sent"], figures["repeated"]) == (5, 3)  # without an id a record is new each time
    assert [v.get("id") for v in values(kafka, there)] == [1, 2, 3, None, None]
    assert source.tokens == {"Bearer hush"}


def test_failures_of_the_endpoint_are_named(produce, kafka, topic, feed):
    there = topic()
    gone = feed((404, "no such feed"))
    done = produce(gone.url, "--topic", there, "--every", "50ms", exit=1)
    assert "answers 404: no such feed" in done.stderr and gone.asked == 1
    busy = feed((503, "busy"))
    done = produce(busy.url, "--topic", there, "--tries", "2", exit=3)
    assert "after 2 tries" in done.stderr and "it is tried again" in done.stderr and busy.asked == 2
    done = produce(feed('{"data": []}').url, "--topic", there, "--records", "/date", "--tries", "1", exit=3)
    assert "there is nothing at /date" in done.stderr
    done = produce(feed("[[1, 2]]").url, "--topic", there, exit=1)
    assert "record 1 is no object: [1, 2]" in done.stderr
    assert kafka.read(there) == []


def test_polling_ends_well_by_ctrl_c(binary, kafka, topic, feed):
    there = topic()
    run = subprocess.Popen([binary, "produce", feed(ROWS).url, "--topic", there, "--brokers", kafka.brokers,
                            "--every", "50ms", "--id", "id", "--json"], stdout=subprocess.PIPE, text=True)
    kafka.wait_for(lambda: len(kafka.read(there)) == 2)
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=20)
    assert run.returncode == 0 and json.loads(out)["sent"] == 2


def test_the_newer_kafka(run, kafka_new, write):
    done = run("produce", write("a.csv", CSV), "--topic", "t", "--partitions", "3", "--key", "id",
               "--brokers", kafka_new.brokers)
    assert done.exit == 0, done
    assert sorted(m.key for m in kafka_new.read("t")) == ["1", "2", "3"]


# ---- a topic as a source ----

SOURCE = """name: t
sources: {{transactions: {{{place}}}}}
kafka: "{brokers}"
event: {{id: transaction_id, time: timestamp, amount: amount, label: is_fraud}}
entities: {{customer: customer_id}}
features:
  amount: amount
  n_1d: count() by customer over 1d
  sum_7d: sum(amount) by customer over 7d
"""


def test_features_of_a_topic_are_those_of_the_file(run, produce, kafka, topic, write, tmp_path):
    assert run("generate", "--rows", "5000", "-o", "tx.csv").exit == 0
    place = {"file": "file: tx.csv"}
    for name, partitions in (("one", 1), ("three", 3)):
        there = topic(partitions)
        produce(tmp_path / "tx.csv", "--topic", there, "--key", "customer_id", "--header", "h=v")
        place[name] = f"kafka: {there}"
    rows = {}
    for name, where in place.items():
        write(f"{name}.yaml", SOURCE.format(place=where, brokers=kafka.brokers))
        done = run("-c", f"{name}.yaml", "features", "-o", f"{name}.csv")
        assert done.exit == 0, done
        rows[name] = (tmp_path / f"{name}.csv").read_text().splitlines()
    assert len(rows["file"]) == 5001 and rows["one"] == rows["file"]
    assert sorted(rows["three"]) == sorted(rows["file"])
    done = run("-c", "three.yaml", "train", "--set", "model.kind=logistic", "--force", "--json")
    assert done.exit == 0, done
    done = run("-c", "three.yaml", "score", "-o", "scores.csv")
    assert done.exit == 0 and len((tmp_path / "scores.csv").read_text().splitlines()) == 5001, done


def test_a_topic_that_cannot_be_read_says_why(run, kafka, topic, write):
    write("assay.yaml", SOURCE.format(place="kafka: nobody-writes-this", brokers=kafka.brokers))
    done = run("features")
    assert done.exit == 1 and 'has no topic "nobody-writes-this"' in done.stderr
    empty = topic(3)
    write("assay.yaml", SOURCE.format(place=f"kafka: {empty}", brokers=kafka.brokers))
    done = run("features")
    assert done.exit == 1 and f"{empty} is empty" in done.stderr
    write("assay.yaml", SOURCE.format(place="kafka: t", brokers="127.0.0.1:1"))
    done = run("features")
    assert done.exit == 3 and "127.0.0.1:1: no broker can be reached" in done.stderr


def test_what_is_no_object_in_a_topic_is_a_reject(run, kafka, topic, write, tmp_path):
    there = topic()
    good = ['{"transaction_id": "t%d", "timestamp": "2024-01-0%dT00:00:00Z", "amount": 1, "is_fraud": 0, "customer_id": "c"}'
            % (i, i) for i in range(1, 6)]
    kafka.write(there, [*good, "not json"])
    write("assay.yaml", SOURCE.format(place=f"kafka: {there}, rejects: 0.5", brokers=kafka.brokers))
    done = run("features", "-o", "features.csv")
    assert done.exit == 0 and "rejected 1" in done.stdout, done
    assert f"{there},6," in (tmp_path / "assay-data" / "rejects.csv").read_text()
