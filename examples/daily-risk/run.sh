#!/bin/sh
# From two files to the five outputs of README.md. Twice leaves the same tables. DATABASE_URL says where they are:
# postgresql://..., or sqlite:PATH; without it in assay-data/risk.sqlite. AT is the time of the load.
set -eu
cd "$(dirname "$0")"
mkdir -p assay-data
export DATABASE_URL="${DATABASE_URL:-sqlite:assay-data/risk.sqlite}"
DATA="${DAILY_RISK_DATA:-${ASSAY_DATA:-../../../shared/data}/daily-risk}"
AT="${AT:-$(date -u +%Y-%m-%dT%H:00:00Z)}"

# The two tables, each with one time of its load. "Total Loan" stands for an amount, call seconds for clicks.
assay load "$DATA/Finance-key.csv" --table raw.finance --create --replace --at "$AT" --id transaction_id \
  --map transaction_amount="Total Loan" --map account_balance="LCY Deposit"
assay load "$DATA"/bank-additional-full.csv* --table raw.marketing --create --replace --at "$AT" --id customer_id \
  --map clicks=duration --map impressions=campaign --map conversion=previous

# Features, labels, daily alerts, the synthetic rule.
assay rollup
assay daily --html assay-data/daily.html

# Per-transaction anomalies.
assay train -c anomalies.yaml --quiet > assay-data/anomalies.txt
assay score -c anomalies.yaml -o assay-data/anomaly-scores.csv
assay load assay-data/anomaly-scores.csv --table raw.anomaly_scores --create --replace --at "$AT" \
  --map transaction_id=id --map probability=probability
assay rollup -c anomalies.yaml

# Model inference: a forest that has learned the synthetic rule.
assay train -c inference.yaml --quiet > assay-data/inference.txt
assay score -c inference.yaml -o assay-data/inference-scores.csv
assay load assay-data/inference-scores.csv --table raw.inference_scores --create --replace --at "$AT" \
  --map transaction_id=id --map fraud_probability=probability --map outcome=outcome
assay rollup -c inference.yaml

# public.marketing_scores: a model of customers.
assay train -c customers.yaml --quiet > assay-data/customers.txt
assay score -c customers.yaml -o assay-data/customer-scores.csv
assay load assay-data/customer-scores.csv --table public.marketing_scores --create --replace --at "$AT" \
  --map customer_id=id --map probability=probability --map score=score
