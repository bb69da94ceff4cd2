#!/bin/sh
# The whole of it, beginning to end: see README.md. It needs `assay` on the path, Kafka at KAFKA_BROKERS, PostgreSQL at
# DATABASE_URL, who is to be told at NOTIFY_URL, and the public data in ASSAY_DATA.
set -eu
cd "$(dirname "$0")"
brokers=${KAFKA_BROKERS:-127.0.0.1:9092}
data=${ASSAY_DATA:-../../../shared/data}

assay features -c labels.yaml -o labelled.ndjson # labels by the demonstration rule
assay train
assay notify test security # somebody answers at NOTIFY_URL: without that the stream would wait
# One partition: counts by device and activity are over all users. Keyed by user all the same.
assay produce -c assay.yaml "$data/activity-log/logFraud.json" --topic p6 --partitions 1 --key Id --brokers "$brokers"
assay stream --once
