"""What the DAGs of Assay share: an operator whose retries follow the exit codes of `assay`, and where things are.

Exit codes: 0 done; 1 the input or the settings are wrong, 2 wrong use: no retry helps, so the task fails at once; 3 the world (a
disk, a database, a target that is away): tried again; 99: there is nothing to do today, the task is skipped.

Nothing here is secret: DATABASE_URL, and what the settings name as ${...}, come from the environment of the worker.
"""

import os
import re
from datetime import datetime, timedelta

from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.operators.bash import BashOperator

HOME = os.environ.get("ASSAY_HOME", "/srv/assay")  # assay.yaml, in/ and out/
DEFAULTS = {
    "owner": "risk",
    "depends_on_past": False,
    "retries": 5,
    "retry_delay": timedelta(minutes=2),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=30),
    "execution_timeout": timedelta(hours=2),
}
DAG_OPTIONS = {
    "schedule": "@daily",
    "start_date": datetime(2024, 1, 1),
    "catchup": False,
    "max_active_runs": 1,
    "default_args": DEFAULTS,
    "tags": ["assay"],
}


class AssayOperator(BashOperator):
    """A line of shell in ASSAY_HOME; it may be run again at any time."""

    def __init__(self, *, bash_command, **more):
        super().__init__(bash_command="set -eu; " + bash_command, cwd=HOME, append_env=True, **more)

    def execute(self, context):
        try:
            return super().execute(context)
        except (AirflowSkipException, AirflowFailException):
            raise
        except AirflowException as e:
            code = re.search(r"exit code (\d+)", str(e))
            if code and code.group(1) in ("1", "2"):
                raise AirflowFailException(f"{e} (a retry would not help)") from e
            raise
