#!/bin/sh
# What the DAGs of ../airflow do, for one day: assay-day.sh prediction|load|daily-risk|notification [DATE]
# The date is yesterday's (UTC) unless it is given. May be run again at any time. Exit codes are those of `assay`:
# 1 and 2 need a person, 3 may go well later, 99: there is nothing to do.
set -eu
ds=${2:-$(date -u -d yesterday +%F)}
day=$(echo "$ds" | tr -d -)
events=in/transactions-$ds.csv scores=out/scores-$ds.csv daily=out/daily-$ds.csv
cd "${ASSAY_HOME:-/srv/assay}"
case ${1:-} in
prediction)
  test -s "$events" || exit 99
  assay check --quiet
  assay score "$events" -o "$scores" --quiet
  ;;
load)
  test -s "$events" && test -s "$scores" || exit 99
  assay load "$events" --table "raw.transactions_$day" --create --replace --at "${ds}T00:00:00Z" --quiet
  assay load "$scores" --table "score.daily_$day" --create --replace --at "${ds}T00:00:00Z" --quiet
  ;;
daily-risk)
  test -s "$events" || exit 99
  assay rollup --from "$ds" --to "$(date -u -d "$ds + 1 day" +%F)" --quiet
  assay daily --days 90 --html out/daily.html --quiet
  assay daily --csv --quiet > "$daily.new"
  mv "$daily.new" "$daily"
  ;;
notification)
  test -s "$scores" || exit 99
  assay notify send analysts "$scores" --key-column id --quiet
  test ! -s "$daily" || assay notify send managers "$daily" --quiet
  assay notify dead --retry --quiet
  ;;
*)
  echo "usage: assay-day.sh prediction|load|daily-risk|notification [DATE]" >&2
  exit 2
  ;;
esac
