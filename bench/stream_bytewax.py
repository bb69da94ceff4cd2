"""Another peer of bench/stream.py: a dataflow of Bytewax with the same windows and the same model, batch by batch. It reads
its topic to the end. Without a recovery store and without transactions, so it promises less than the others.

    stream_bytewax.py BROKERS TOPIC HISTORY TO
"""

import json
import sys
import time

from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.testing import run_main
from stream_peer import BATCH, Windows, decision, learned


def main(brokers, topic, history, to):
    model, began = learned(history), []

    def keyed(message):
        if not began:
            began.extend((time.monotonic(), time.process_time()))
        return message.key.decode(), json.loads(message.value)

    def windowed(windows, event):
        windows = windows or Windows()  # of one customer
        return windows, (event, windows.row(event))

    def scored(batch):
        probabilities = model.predict_proba([row for _, (_, row) in batch])[:, 1]
        return [KafkaSinkMessage(key.encode(), decision(event, p).encode())
                for (key, (event, _)), p in zip(batch, probabilities)]

    flow = Dataflow("peer")
    read = kop.input("read", flow, brokers=[brokers], topics=[topic], tail=False, batch_size=BATCH)
    rows = op.stateful_map("windows", op.map("keyed", read.oks, keyed), windowed)
    kop.output("write", op.flat_map_batch("scored", rows, scored), brokers=[brokers], topic=to)
    run_main(flow)
    print(json.dumps({"wall_s": time.monotonic() - began[0], "processor_s": time.process_time() - began[1]}))


if __name__ == "__main__":
    main(*sys.argv[1:5])
