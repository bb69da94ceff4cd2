"""The tables by day: which day was how risky, and why. Only the day's own rows are written; the page has the last 90 days."""

from airflow import DAG

from assay_operator import DAG_OPTIONS, AssayOperator

with DAG("assay_daily_risk", description=__doc__, **DAG_OPTIONS) as dag:
    arrived = AssayOperator(
        task_id="arrived",
        bash_command="test -s in/transactions-{{ ds }}.csv || exit 99",
    )
    rollup = AssayOperator(
        task_id="rollup",
        bash_command="assay rollup --from {{ ds }} --to {{ macros.ds_add(ds, 1) }} --quiet",
    )
    page = AssayOperator(
        task_id="page",
        bash_command="assay daily --days 90 --html out/daily.html --quiet",
    )
    table = AssayOperator(
        task_id="table",
        bash_command="assay daily --csv --quiet > out/daily-{{ ds }}.csv.new && mv out/daily-{{ ds }}.csv.new out/daily-{{ ds }}.csv",
    )
    arrived >> rollup >> [page, table]
