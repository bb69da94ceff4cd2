"""Assay beside real servers, each started here in a temporary folder and stopped by its pid."""

import os
import pathlib

import postgres_server
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def binary():
    path = pathlib.Path(os.environ.get("ASSAY_BIN", ROOT / "build" / "assay"))
    if not path.exists():
        pytest.fail(f"no binary at {path}: build it, or name it in ASSAY_BIN")
    return path.resolve()


@pytest.fixture(scope="session")
def data():
    path = pathlib.Path(os.environ.get("ASSAY_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no public data at {path}: name its folder in ASSAY_DATA")
    return path


@pytest.fixture(scope="session")
def postgres():
    programs = postgres_server.programs()
    if programs is None:
        pytest.fail("no PostgreSQL: run make test-integrations, or apt-get install postgresql")
    server = postgres_server.Postgres(programs).start()
    yield server
    server.stop()
