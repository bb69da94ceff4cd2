"""What `assay doctor` says of Kafka: the topic that nobody writes, beside the one that fills up."""

import json

import pytest

SETTINGS = """name: t
sources: {{transactions: {{file: tx.csv, kafka: "{topic}"}}}}
kafka: {{brokers: "{brokers}", group: "{group}"}}
event: {{id: id, time: time}}
features: {{amount: amount}}
model: {{kind: none}}
"""


def checks(done):
    """By name; where a check failed, an object with the error follows."""
    found, _ = json.JSONDecoder().raw_decode(done.stdout)
    return {row["check"]: row for row in found["checks"]}


@pytest.fixture
def doctor(run, kafka, write):
    def call(topic, group="g", brokers=None):
        write("tx.csv", "id,time,amount\na,2024-01-01,1\n")
        write("assay.yaml", SETTINGS.format(topic=topic, group=group, brokers=brokers or kafka.brokers))
        return checks(run("doctor", "--json"))

    return call


def test_a_topic_that_another_name_stands_for(doctor, kafka):
    kafka.create_topic("card_payments", 2)
    kafka.write("card_payments", ["{}"] * 5, keys="abcde")
    missing = doctor("Card-Payment")["kafka"]
    assert missing["health"] == "fail"
    assert 'topic "Card-Payment" is not there, but "card_payments" has 5 messages' in missing["found"]
    assert 'write it instead of "Card-Payment"' in missing["remedy"]
    kafka.create_topic("card_payment", 1)
    empty = doctor("card_payment")["kafka"]
    assert empty["health"] == "warn" and '"card_payment" is empty, but "card_payments" has 5' in empty["found"]
    there = doctor("card_payments")["kafka"]
    assert there["health"] == "ok" and '"card_payments": 5 messages in 2 partitions' in there["found"]


def test_a_topic_like_no_other(doctor, kafka):
    row = doctor("zzqy-unlike-anything")["kafka"]
    assert row["health"] == "fail" and "is not there" in row["found"] and "--partitions N" in row["remedy"]


def test_brokers_that_are_away(doctor):
    rows = doctor("t", brokers="127.0.0.1:1")
    assert rows["kafka"]["health"] == "fail" and "no broker can be reached" in rows["kafka"]["found"]
    assert "kafka.brokers" in rows["kafka"]["remedy"] and "lag" not in rows


def test_how_far_the_group_is(doctor, run, kafka, topic):
    there = topic(2)
    kafka.write(there, ['{"id":"e%d","time":"2024-01-01T00:00:0%dZ","amount":1}' % (i, i) for i in range(8)],
                keys=[f"k{i}" for i in range(8)])
    row = doctor(there, group=there)["lag"]
    assert row["health"] == "warn" and "has read nothing" in row["found"]
    done = run("stream", "--once", "--json")
    assert done.exit == 0, done
    assert "is 0 messages behind" in doctor(there, group=there)["lag"]["found"]
    kafka.write(there, ['{"id":"late","time":"2024-01-01T00:00:09Z","amount":1}'], keys=["k1"])
    row = doctor(there, group=there)["lag"]
    assert row["health"] == "ok" and "is 1 messages behind" in row["found"]


def test_without_topics_there_is_no_row(run, write):
    write("tx.csv", "id,time,amount\na,2024-01-01,1\n")
    write("assay.yaml", "name: t\nsources: {transactions: {file: tx.csv}}\nevent: {id: id, time: time}\n"
          "features: {amount: amount}\nmodel: {kind: none}\n")
    assert not {"kafka", "lag"} & set(checks(run("doctor", "--json")))
