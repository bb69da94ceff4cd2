"""DuckDB: the windows in SQL, from a table in memory to a table in memory."""

import duckdb
from peer import THREADS, run, window_sql

db = duckdb.connect(":memory:", config={"threads": THREADS})


def read(path):
    db.execute("CREATE TABLE transactions AS SELECT * FROM read_csv(?)", [path])


def compute(_):
    db.execute("CREATE TABLE features AS " + window_sql())


def write(_, path):
    db.execute(f"COPY features TO '{path}' (HEADER)")


run(duckdb.__version__, read, compute, write)
