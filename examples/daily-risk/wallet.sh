#!/bin/sh
# The same settings over other data: 90 generated days of a wallet, whose frauds are known. Which days stand out?
set -eu
cd "$(dirname "$0")"
mkdir -p assay-data/wallet
export DATABASE_URL="${DATABASE_URL:-sqlite:assay-data/wallet/risk.sqlite}"
SEED="${SEED:-1}"

assay generate --scenario wallet --days 90 --rows 150000 --seed "$SEED" -o assay-data/wallet/transactions.csv
# Money that leaves, as a loan does: what comes in is often above the balance, and no risk.
grep -v ',cash_in,' assay-data/wallet/transactions.csv > assay-data/wallet/outgoing.csv
assay load assay-data/wallet/outgoing.csv --table raw.finance --create --replace --map transaction_id=transaction_id \
  --map transaction_amount=amount --map account_balance=balance --map created_at=timestamp
assay rollup riskiest_days
assay daily riskiest_days --html assay-data/wallet/daily.html
