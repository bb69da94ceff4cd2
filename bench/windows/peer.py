"""What the peers of the Handbook's windowed features share.

Each peer is a program, run in a process of its own: `PEER.py EVENTS.csv FEATURES.csv`. It reads the events,
computes the twelve windowed features, with the columns in memory before and after, and writes them
with their ids. It prints its version and the
seconds of the middle, by the wall and of all its threads; who runs it measures the whole.
"""

import os
import sys
import time

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
DAYS = (1, 7, 30)
DELAY = 7  # days until a label is known; the terminal's windows end there
ID, TIME, CUSTOMER, TERMINAL = "TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID"
AMOUNT, LABEL = "TX_AMOUNT", "TX_FRAUD"


def run(version, read, compute, write):
    events, features = sys.argv[1:]
    table = read(events)
    start, used = time.monotonic(), time.process_time()
    found = compute(table)
    taken, used = time.monotonic() - start, time.process_time() - used
    write(found, features)
    print(f"{version} {taken:.6f} {used:.6f}")


def window_sql():
    """By hand, in standard SQL: each entity's rows in time, frames by range, both ends as they are.
    Of rows with the same entity and time each sees all, in ours those before it in the log."""
    columns, windows = [f'"{ID}"'], []

    def frame(name, key, first, last):
        end = f"INTERVAL '{last} days' PRECEDING" if last else "CURRENT ROW"
        windows.append(
            f'{name} AS (PARTITION BY "{key}" ORDER BY "{TIME}" '
            f"RANGE BETWEEN INTERVAL '{first * 86400 - 1} seconds' PRECEDING AND {end})")

    for days in DAYS:
        columns += [f"count(*) OVER c{days} AS customer_count_{days}d",
                    f'avg("{AMOUNT}") OVER c{days} AS customer_mean_{days}d']
        frame(f"c{days}", CUSTOMER, days, 0)
    for days in DAYS:
        columns += [f"count(*) OVER t{days} AS terminal_count_{days}d",
                    f'coalesce(avg("{LABEL}") OVER t{days}, 0) AS terminal_risk_{days}d']
        frame(f"t{days}", TERMINAL, DELAY + days, DELAY)
    return ("SELECT " + ",\n  ".join(columns) + "\nFROM transactions\nWINDOW " + ",\n  ".join(windows))
