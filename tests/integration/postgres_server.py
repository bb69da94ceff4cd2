"""A PostgreSQL server of our own, for the tests and the benchmark: in a temporary folder, on a Unix socket, stopped
by its pid."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import pytest


def programs():
    """The newest version's folder, or None."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres:
    """It listens on no network."""

    def __init__(self, programs):
        self.programs = programs
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-postgres-"))
        # initdb refuses root: the package's own user then does it.
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        if os.geteuid() != 0:
            self.user = {}
        else:
            who = pwd.getpwnam("postgres")
            os.chown(self.folder, who.pw_uid, who.pw_gid)

    def start(self, **settings):
        data = self.folder / "data"
        subprocess.run(
            [self.programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-sync"],
            check=True, capture_output=True, cwd=self.folder, **self.user)
        self.settings = settings
        return self.launch()

    def launch(self):
        """The server over the data that are there."""
        chosen = {"listen_addresses": "", "fsync": "off", "work_mem": "64MB", **self.settings}
        options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        with open(self.folder / "log", "w") as log:
            self.server = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, *options],
                stdout=log, stderr=log, cwd=self.folder, **self.user)
        while self.server.poll() is None:
            if self.psql("SELECT 1", check=False).returncode == 0:
                return self
            time.sleep(0.05)
        raise RuntimeError("postgres ended: " + (self.folder / "log").read_text())

    def url(self, database="postgres", user="postgres", password=""):
        who = f"{user}:{password}" if password else user
        return f"postgresql://{who}@/{database}?host={self.folder}"

    def psql(self, text, check=True, database="postgres"):
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder,
             "-U", "postgres", "-d", database, "-f", "-"],
            input=text, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stderr[:4000]
        return done

    def load(self, table, columns, path):
        """A CSV file with a header as a table: columns is [(name, SQL type)]."""
        names = ", ".join(f'"{name}" {kind}' for name, kind in columns)
        self.psql(f'DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({names});\n'
                  f"\\copy {table} FROM '{path}' WITH (FORMAT csv, HEADER)\n"
                  f"ANALYZE {table};\n")

    def halt(self, how=signal.SIGINT):
        """Away, its data kept: launch brings it back."""
        self.server.send_signal(how)
        self.server.wait(timeout=60)

    def stop(self):
        self.halt()
        shutil.rmtree(self.folder)


def running():
    """For a fixture: a server of its own, as long as the test or session."""
    found = programs()
    if found is None:
        pytest.fail("no PostgreSQL: run make test, which installs it, or apt-get install postgresql")
    server = Postgres(found).start()
    yield server
    server.stop()
