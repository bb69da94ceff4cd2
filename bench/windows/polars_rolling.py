"""polars: rolling groups by key and time, joined by their place in the sorted table."""

import os

from peer import AMOUNT, CUSTOMER, DAYS, DELAY, ID, LABEL, TERMINAL, THREADS, TIME, run

os.environ["POLARS_MAX_THREADS"] = str(THREADS)  # before it is imported

import polars  # noqa: E402


def read(path):
    return polars.read_csv(path, try_parse_dates=True)


def windows(table, key, name, column, aggregate, offset):
    """One key's features, and the ids of the rows they are of."""
    rows = table.select(ID, TIME, key, column).sort(key, TIME, maintain_order=True)
    found = [rows.select(ID)]
    for days in DAYS:
        of = rows.rolling(TIME, period=f"{days}d", offset=f"-{days + offset}d", group_by=key).agg(
            polars.len().alias(f"{name}_count_{days}d"), aggregate.alias(f"{name}_{column}_{days}d"))
        if not (of[key].equals(rows[key]) and of[TIME].equals(rows[TIME])):
            raise SystemExit("polars: rolling gave other rows than it was given")
        found.append(of.drop(key, TIME))
    return polars.concat(found, how="horizontal")


def compute(table):
    customer = windows(table, CUSTOMER, "customer", AMOUNT, polars.col(AMOUNT).mean(), 0)
    terminal = windows(table, TERMINAL, "terminal", LABEL, polars.col(LABEL).mean().fill_null(0), DELAY)
    found = table.select(ID).join(customer, on=ID, how="left").join(terminal, on=ID, how="left")
    return found.rename({f"customer_{AMOUNT}_{d}d": f"customer_mean_{d}d" for d in DAYS}
                        | {f"terminal_{LABEL}_{d}d": f"terminal_risk_{d}d" for d in DAYS})


run(polars.__version__, read, compute, lambda found, path: found.write_csv(path))
