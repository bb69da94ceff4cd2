"""A folder with one day's files for the DAGs of deploy/airflow and the timers of deploy/systemd, and who is told."""

import csv
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")
SECRET = "a-secret-of-the-tests"


def folder_of(binary, folder):
    """assay.yaml, in/transactions-DATE.csv of three days, out/."""
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    shutil.copy(ROOT / "deploy" / "airflow" / "assay.yaml", folder)
    subprocess.run([binary, "generate", "--scenario", "wallet", "--rows", "3000", "--days", "3", "-o", folder / "all.csv", "-q"], check=True)
    with open(folder / "all.csv") as f:
        rows = list(csv.reader(f))
    at = rows[0].index("timestamp")
    for day in DAYS:
        with open(folder / "in" / f"transactions-{day}.csv", "w", newline="") as f:
            csv.writer(f).writerows([rows[0], *(r for r in rows[1:] if r[at].startswith(day))])
    (folder / "all.csv").unlink()
    return folder


def environment(binary, folder, analysts, managers):
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    if not (programs / "assay").exists():
        (programs / "assay").symlink_to(binary)
    return {
        "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder), "ASSAY_HOME": str(folder),
        "DATABASE_URL": f"sqlite:{folder}/day.sqlite", "ASSAY_ANALYSTS_URL": analysts, "ASSAY_MANAGERS_URL": managers,
        "ASSAY_HOOK_SECRET": SECRET,
    }
