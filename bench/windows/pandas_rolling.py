"""pandas, as the Handbook does it: rolling by key and time, the terminal's shifted by seven days."""

import pandas
from peer import AMOUNT, CUSTOMER, DAYS, DELAY, ID, LABEL, TERMINAL, TIME, run


def read(path):
    return pandas.read_csv(path, parse_dates=[TIME])


def compute(table):
    found = pandas.DataFrame({ID: table[ID]})
    indexed = table.set_index(TIME)
    place = {key: table[key].argsort(kind="stable") for key in (CUSTOMER, TERMINAL)}

    def rolling(key, column, days):
        of = indexed.groupby(key)[column].rolling(f"{days}d")
        return of.count(), of.sum()

    def put(name, key, values):
        found.loc[place[key], name] = values.to_numpy()

    late, late_frauds = rolling(TERMINAL, LABEL, DELAY)
    for days in DAYS:
        count, total = rolling(CUSTOMER, AMOUNT, days)
        put(f"customer_count_{days}d", CUSTOMER, count)
        put(f"customer_mean_{days}d", CUSTOMER, total / count)
        count, frauds = rolling(TERMINAL, LABEL, DELAY + days)
        put(f"terminal_count_{days}d", TERMINAL, count - late)
        put(f"terminal_risk_{days}d", TERMINAL, ((frauds - late_frauds) / (count - late)).fillna(0))
    return found


run(pandas.__version__, read, compute, lambda found, path: found.to_csv(path, index=False))
