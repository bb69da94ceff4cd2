"""Each day's events and scores into the database that DATABASE_URL names: a table for each day, emptied first, so a run that is done
again leaves the same rows. The time of the load is the day itself."""

from airflow import DAG

from assay_operator import DAG_OPTIONS, AssayOperator

with DAG("assay_load", description=__doc__, **DAG_OPTIONS) as dag:
    arrived = AssayOperator(
        task_id="arrived",
        bash_command="test -s in/transactions-{{ ds }}.csv && test -s out/scores-{{ ds }}.csv || exit 99",
    )
    events = AssayOperator(
        task_id="events",
        bash_command="assay load in/transactions-{{ ds }}.csv --table raw.transactions_{{ ds_nodash }} --create --replace"
        " --at {{ ds }}T00:00:00Z --quiet",
    )
    scores = AssayOperator(
        task_id="scores",
        bash_command="assay load out/scores-{{ ds }}.csv --table score.daily_{{ ds_nodash }} --create --replace"
        " --at {{ ds }}T00:00:00Z --quiet",
    )
    arrived >> [events, scores]
