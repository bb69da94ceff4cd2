"""Who is told of the day: analysts of the decisions, managers of the risky days. Each row is told once, whatever is run again. A target
that is away is tried again (exit code 3); what a target refused is a dead letter, and goes again with the next run."""

from airflow import DAG
from airflow.utils.trigger_rule import TriggerRule

from assay_operator import DAG_OPTIONS, AssayOperator

with DAG("assay_notification", description=__doc__, **DAG_OPTIONS) as dag:
    analysts = AssayOperator(
        task_id="analysts",
        bash_command="test -s out/scores-{{ ds }}.csv || exit 99; "
        "assay notify send analysts out/scores-{{ ds }}.csv --key-column id --quiet",
    )
    managers = AssayOperator(
        task_id="managers",
        bash_command="test -s out/daily-{{ ds }}.csv || exit 99; assay notify send managers out/daily-{{ ds }}.csv --quiet",
    )
    dead_letters = AssayOperator(
        task_id="dead_letters",
        bash_command="assay notify dead --retry --quiet",
        trigger_rule=TriggerRule.ALL_DONE,
    )
    [analysts, managers] >> dead_letters
