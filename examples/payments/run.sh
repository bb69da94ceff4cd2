#!/bin/sh
# The whole of it, beginning to end: see README.md. It needs `assay` on the path, Kafka at KAFKA_BROKERS, PostgreSQL at
# DATABASE_URL; ASSAY_DATA is the folder that has sparkov/, without it payments are made up. POLLS: how often the API is
# asked, for 500 new payments each time. MODELS is where the model is put and fetched from, s3://BUCKET/PREFIX (with
# AWS_ACCESS_KEY_ID and its like) or a directory; with MLFLOW_TRACKING_URI its run is there too.
set -eu
cd "$(dirname "$0")"
here=$PWD
export SINCE="${SINCE:-2019-06-01}"
if [ -z "${ASSAY_DATA:-}" ]; then
  export ASSAY_DATA="$here/made-up"
  python3 payments.py generate "$ASSAY_DATA" --cards "${CARDS:-300}"
fi
file=$(ls "$ASSAY_DATA"/sparkov/transactions_2019.csv* | head -n 1)

# The model: learned on early months, tested on later ones.
assay train --quiet
if [ -n "${MLFLOW_TRACKING_URI:-}" ]; then assay mlflow push; fi

# The topic gets the history first, so that windows are as they were in training.
python3 payments.py cut "$file" 2019-01-01 "$SINCE" | assay produce - --topic payments --partitions 1 --key cc_num

# Decisions go on while the API is asked. The worker has a data directory of its own, as on another machine, so its model
# is the one of MODELS.
assay stream --set data_directory=worker & stream=$!
python3 payments.py serve "$file" "$SINCE" > api.url & api=$!
trap 'kill $api $stream 2> /dev/null || true' EXIT
while [ ! -s api.url ]; do sleep 0.1; done
assay produce "$(cat api.url)" --topic payments --key cc_num --every 200ms --polls "${POLLS:-20}" \
  --records /payments --id trans_num
kill -TERM $stream
wait $stream
assay stream --set data_directory=worker --once # what was still to be read

# What came of it: the truth of that time beside what was stopped.
python3 payments.py cut "$file" "$SINCE" 9999 > truth.csv
assay load truth.csv --table raw.truth --create --replace \
  --map trans_num=trans_num --map time=trans_date_trans_time --map amount=amt --map is_fraud=is_fraud
