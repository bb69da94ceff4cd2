"""Each day's file of events, decided: in/transactions-DATE.csv becomes out/scores-DATE.csv. Run again, it is written again."""

from airflow import DAG

from assay_operator import DAG_OPTIONS, AssayOperator

with DAG("assay_prediction", description=__doc__, **DAG_OPTIONS) as dag:
    arrived = AssayOperator(
        task_id="arrived",
        bash_command="test -s in/transactions-{{ ds }}.csv || exit 99",
    )
    check = AssayOperator(task_id="check", bash_command="assay check --quiet")
    score = AssayOperator(
        task_id="score",
        bash_command="assay score in/transactions-{{ ds }}.csv -o out/scores-{{ ds }}.csv --quiet",
    )
    arrived >> check >> score
