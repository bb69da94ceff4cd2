"""tests/system/test_openapi.py's requests by chance, over many seeds: no answer is a failure of the server, each is as
described, and memory does not grow with them.

ASSAY_SOAK_SEEDS says how many seeds of 5,000 requests."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "tools"), str(ROOT / "tests" / "system")]
from described import Described, Maker  # noqa: E402
from test_openapi import SETTINGS, ask, rows  # noqa: E402
from test_serve import Server  # noqa: E402

SEEDS = int(os.environ.get("ASSAY_SOAK_SEEDS", "25"))
REQUESTS = 5000


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def test_requests_by_chance(binary, tmp_path):
    (tmp_path / "assay.yaml").write_text(SETTINGS)
    (tmp_path / "tx.csv").write_text("\n".join(rows()) + "\n")
    subprocess.run([binary, "train"], cwd=tmp_path, check=True, capture_output=True)
    server = Server(binary, tmp_path)
    seen, resident = {}, []
    try:
        described = Described(server.ask("GET", "/openapi.json")[1])
        operations = list(described.operations())
        for seed in range(SEEDS):
            maker = Maker(described, 1000 + seed, ["w1", "c1", "customer", "blocked", "numbers", "champion", "h5"])
            for i in range(REQUESTS):
                # Long work now and then: one of a kind runs at a time.
                method, path, operation = maker.random.choice(operations)
                if path.endswith((":train", ":reload")) and maker.random.random() > 0.05:
                    continue
                real, body, headers = maker.request(method, path, operation)
                status, sent, text = ask(server, method, real, body, headers)
                assert status < 500, (seed, i, method, real, body, headers, text)
                described.hold(operation, status, sent, text)
                seen[status] = seen.get(status, 0) + 1
            resident.append(resident_kib(server.process.pid))
        print(seen, resident)
        settled = resident[len(resident) // 2 :]
        assert max(settled) - settled[0] < 64 << 10, resident
    finally:
        assert server.stop() == 0, server.words()
        server.errors.close()
