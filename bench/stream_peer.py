"""The peer of bench/stream.py: a consumer as one writes it in Python. confluent-kafka reads and writes in transactions,
deques hold the windows, scikit-learn scores a batch at a time.

    stream_peer.py BROKERS TOPIC HISTORY COUNT
"""

import collections
import datetime
import json
import sys
import time

from confluent_kafka import Consumer, Producer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HOUR, DAY, BATCH, TRANSACTION = 3600, 86400, 1000, 10_000


class Windows:
    """count and sum of the last hour with this event, mean of the last day without it; sums are kept as they move."""

    def __init__(self):
        self.of = {}

    def row(self, event):
        at = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()
        amount = event["amount"]
        state = self.of.get(event["customer"])
        if state is None:
            state = self.of[event["customer"]] = [collections.deque(), 0.0, collections.deque(), 0.0]
        hour, hour_sum, day, day_sum = state
        while day and day[0][0] <= at - DAY:
            day_sum -= day.popleft()[1]
        mean = day_sum / len(day) if day else 0.0
        day.append((at, amount))
        while hour and hour[0][0] <= at - HOUR:
            hour_sum -= hour.popleft()[1]
        hour.append((at, amount))
        state[1], state[3] = hour_sum + amount, day_sum + amount
        return [amount, len(hour), hour_sum + amount, mean]


def learned(history):
    """A pipeline of scikit-learn."""
    windows, rows, labels = Windows(), [], []
    with open(history) as f:
        for line in f:
            event = json.loads(line)
            rows.append(windows.row(event))
            labels.append(event["fraud"])
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, labels)


def decision(event, p):
    outcome = "decline" if p >= 0.7 else "review" if p >= 0.3 else "approve"
    return json.dumps({"id": event["id"], "time": event["time"], "outcome": outcome, "probability": p})


def main(brokers, topic, history, count):
    model, windows, done, open_since = learned(history), Windows(), 0, 0
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "peer", "auto.offset.reset": "earliest",
                         "enable.auto.commit": False, "isolation.level": "read_committed"})
    producer = Producer({"bootstrap.servers": brokers, "transactional.id": "peer", "linger.ms": 5})
    consumer.subscribe([topic])
    producer.init_transactions()
    while not (messages := consumer.consume(1, 1.0)):
        pass
    wall, processor = time.monotonic(), time.process_time()
    producer.begin_transaction()
    while done < count:
        events = [json.loads(m.value()) for m in messages]
        for event, message, p in zip(events, messages, model.predict_proba([windows.row(e) for e in events])[:, 1]):
            producer.produce("peer.decisions", decision(event, p), message.key())
        producer.poll(0)
        done, open_since = done + len(events), open_since + len(events)
        if open_since >= TRANSACTION or done >= count:
            producer.send_offsets_to_transaction(consumer.position(consumer.assignment()),
                                                 consumer.consumer_group_metadata())
            producer.commit_transaction()
            open_since = 0
            if done < count:
                producer.begin_transaction()
        messages = []
        while done < count and not messages:
            messages = consumer.consume(min(BATCH, count - done), 0.1)
    print(json.dumps({"wall_s": time.monotonic() - wall, "processor_s": time.process_time() - processor}))
    consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
