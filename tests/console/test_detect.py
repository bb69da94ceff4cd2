"""What engineers, auditors and admins do, in a real Chromium on a real `assay serve`: each test of detect.mjs.

The service has a wallet's transactions with rollups by day, a rule and a list of the settings, two models."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]
from conftest import binary  # noqa: E402,F401
from service import names, run_tests, served, wanting  # noqa: E402

ROWS, DECIDED = 14000, 900
SETTINGS = """
name: A wallet
sources: {transactions: transactions.csv}
event:
  id: transaction_id
  time: timestamp
  amount: amount
  label: {field: is_fraud, delay: 1w, absent: legit}
entities: {account: account_id, counterparty: counterparty_id, device: device_id}
features:
  amount: amount
  balance: balance
  hour: hour(time)
  transaction_type: transaction_type
  amount_to_balance: amount / balance
  account_n_1h: count() by account over 1h
  account_mean_30d: mean(amount) by account over 30d
  account_ratio: amount / mean(amount) by account over 30d prior
  counterparty_n_1d: count() by counterparty over 1d
  device_n_1d: count() by device over 1d
lists:
  watched: {description: Accounts to look at twice, expires: 30d}
rules:
  approval: another
  EMPTIED: {when: amount > 0.9 * balance and transaction_type != 'cash_in', then: review, text: Nearly all of the balance is taken out}
model: {kind: boost, seed: 1, alert_cost: 2, boost: {trees: 60}, validate: {by: time, share: 0.3}}
outcomes: [approve, challenge, review, decline]
decision: {review: 300, decline: 800}
rollups:
  finance_fraud_daily:
    source: transactions
    where: transaction_type != 'cash_in'
    measures:
      tx_count: count()
      avg_tx_amount: mean(amount)
      std_tx_amount: std(amount)
      avg_account_balance: mean(balance)
      risky_tx_count: count() where (amount > 0.8 * balance)
  daily_fraud_alert:
    source: finance_fraud_daily
    every: row
    keep: []
    score: 50 * risky_tx_count / tx_count
    clamp: [0, 1]
    reasons:
      HIGH_TX_VS_BALANCE: risky_tx_count >= 2
      TX_VARIANCE_SPIKE: std_tx_amount > 2 * avg_tx_amount
      NORMAL: true
    levels:
      HIGH: {from: 0.8, action: Freeze high-value tx}
      MEDIUM: {from: 0.4, action: Monitor}
      LOW: {action: Ignore}
"""


@contextlib.contextmanager
def wallet(binary, folder):  # noqa: F811
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}

    def run(*arguments):
        done = subprocess.run([binary, *map(str, arguments)], cwd=folder, env=clean, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("generate", "--scenario", "wallet", "--rows", ROWS, "--days", 120, "-o", "all.csv")
    lines = (folder / "all.csv").read_text().splitlines(keepends=True)
    (folder / "transactions.csv").write_text("".join(lines[:-DECIDED]))
    (folder / "assay.yaml").write_text(SETTINGS)
    for kind in ("forest", "logistic"):
        run("train", "--force", "--set", f"model.kind={kind}")
    run("rollup")
    key = json.loads(run("key", "create", "root", "--role", "admin", "--json"))["secret"]
    with served(binary, folder, clean, key, lines, DECIDED) as service:
        yield service


@pytest.fixture(scope="module")
def results(binary, tmp_path_factory):  # noqa: F811
    with wallet(binary, tmp_path_factory.mktemp("detect")) as service:
        yield run_tests("detect.mjs", service)


@pytest.mark.skipif(wanting() is not None, reason=str(wanting()))
@pytest.mark.parametrize("name", names("detect.mjs"))
def test_detect(results, name):
    assert results[name] == [], "\n".join(results[name])
