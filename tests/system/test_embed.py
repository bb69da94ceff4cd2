"""libassay, installed and used by a program of another: what it shows, and that its decisions are those of the service."""

import csv
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from test_serve import Server

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "embed"
NAMES = {
    "assay_close", "assay_decide", "assay_decide_batch", "assay_error", "assay_label", "assay_list_add", "assay_list_remove",
    "assay_observe", "assay_open", "assay_version",
}

BATCH = r"""
#include <assay.h>
#include <stdio.h>
static void take(void *context, const char *answer, size_t bytes)
{
    if (fwrite(answer, 1, bytes, stdout) != bytes || putchar('\n') == EOF)
        *(int *)context = 1;
}
int main(int argc, char **argv)
{
    static char text[8 << 20];
    size_t length = fread(text, 1, sizeof text, stdin), taken;
    int failed = 0;
    struct assay *a = assay_open(argv[1], NULL, NULL, 0);
    if (a == NULL || argc != 2)
        return 2;
    taken = assay_decide_batch(a, text, length, ASSAY_EXPLAIN, take, &failed);
    fprintf(stderr, "%zu", taken);
    assay_close(a);
    return failed;
}
"""


@pytest.fixture(scope="module")
def installed(binary, tmp_path_factory):
    """What `make install` brings, under a prefix of ours: environment and the folder of the libraries."""
    if not (binary.parent / "build.ninja").exists() or shutil.which("pkg-config") is None:
        pytest.skip("no build folder beside the binary, or no pkg-config")
    root = tmp_path_factory.mktemp("installed")
    subprocess.run(["meson", "install", "-C", binary.parent, "--no-rebuild", "--destdir", root], check=True, capture_output=True)
    (pc,) = root.rglob("assay.pc")
    library = pc.parent.parent
    needs = subprocess.run(["nm", "-D", "--undefined-only", library / "libassay.so"], check=True, capture_output=True, text=True)
    if "__asan" in needs.stdout or "__tsan" in needs.stdout:
        pytest.skip("a library with sanitizers needs a program with them")
    prefix = re.search(r"^prefix=(.*)$", pc.read_text(), flags=re.M).group(1)
    env = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent), "LD_LIBRARY_PATH": str(library)}
    env["PATH"] = f"{root}{prefix}/bin:{env['PATH']}"
    return env, library, f"--define-variable=prefix={root}{prefix}"


def compile_with(installed, source, out):
    env, _, prefix = installed
    flags = subprocess.run(["pkg-config", prefix, "--cflags", "--libs", "assay"], check=True, capture_output=True, text=True, env=env)
    done = subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", out, source, *flags.stdout.split()], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def trained(installed, tmp_path_factory):
    """The example's folder after the commands of its page."""
    folder = tmp_path_factory.mktemp("embed") / "embed"
    shutil.copytree(EXAMPLE, folder)
    script = re.search(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.S).group(1)
    script = script.replace("pkg-config ", f"pkg-config {installed[2]} ")
    done = subprocess.run(["sh", "-ec", script], cwd=folder, env=installed[0], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_only_the_names_of_the_header_are_seen(installed):
    _, library, _ = installed
    header = (EXAMPLE.parents[1] / "include" / "assay.h").read_text()
    assert set(re.findall(r"\b(assay_\w+)\(", header.split("#ifdef __cplusplus")[1])) == NAMES
    for options, file in ((["-D"], "libassay.so"), (["--extern-only"], "libassay.a")):
        told = subprocess.run(["nm", *options, "--defined-only", library / file], check=True, capture_output=True, text=True)
        assert {line.split()[-1] for line in told.stdout.splitlines() if len(line.split()) == 3} == NAMES


def test_the_example_decides_explains_labels_and_lists(trained):
    answers = lines(trained / "answers.ndjson")
    events = lines(trained / "events.ndjson")
    assert [a["id"] for a in answers] == [str(e["transaction_id"]) for e in events]
    declined = [i for i, a in enumerate(answers) if a["outcome"] == "decline"]
    assert declined and all(a["reasons"][0]["text"] for a in answers if a["outcome"] != "approve")
    # After the first decline its terminal is on the list, for events of the same day as for later ones.
    first = declined[0]
    blocked = {events[i]["terminal_id"] for i in declined}
    assert not any("BLOCKED_TERMINAL" in a["rules"] for a in answers[: first + 1])
    for i in range(first + 1, len(events)):
        hit = "BLOCKED_TERMINAL" in answers[i]["rules"]
        assert hit == (events[i]["terminal_id"] in {events[k]["terminal_id"] for k in declined if k < i})
    assert blocked


def test_a_program_may_have_the_library_inside(installed, trained):
    env, library, prefix = installed
    needs = subprocess.run("pkg-config --libs $(pkg-config --print-requires-private assay)", shell=True, check=True,
                           capture_output=True, text=True, env=env).stdout.split()
    where = subprocess.run(["pkg-config", prefix, "--cflags", "assay"], check=True, capture_output=True, text=True, env=env).stdout.split()
    done = subprocess.run(["cc", "-o", "inside", "decide.c", *where, f"-L{library}", "-l:libassay.a", *needs, "-lstdc++", "-lm"],
                          cwd=trained, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    clean = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    told = subprocess.run(["./inside", "assay.yaml", "history.ndjson", "events.ndjson"], cwd=trained, env=clean, capture_output=True, text=True)
    assert told.returncode == 0 and told.stdout == (trained / "answers.ndjson").read_text()


def test_decisions_are_those_of_files_and_of_the_service(binary, installed, trained, run):
    """The same events by the library in batches, by `assay score` and over HTTP: the same to the bit."""
    (trained / "batch.c").write_text(BATCH)
    compile_with(installed, trained / "batch.c", trained / "batch")
    events = lines(trained / "transactions.ndjson")[:5000]
    for e in events:
        del e["is_fraud"]  # as a caller sends them
    text = "\n".join(json.dumps(e) for e in events) + "\n"
    some = text.splitlines()
    some[2:2] = ["", '{"transaction_id": 1, "amount": "much"}', "{"]
    done = subprocess.run(["./batch", "assay.yaml"], cwd=trained, env=installed[0], input="\n".join(some), capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == str(len(events))
    embedded = [json.loads(line) for line in done.stdout.splitlines()]
    bad = embedded[2:4]
    assert [b["line"] for b in bad] == [4, 5] and bad[0]["errors"][0]["pointer"] == "/amount" and bad[1]["errors"][0]["detail"]
    del embedded[2:4]

    (trained / "unlabelled.ndjson").write_text(text)
    scored = run("-c", trained / "assay.yaml", "score", trained / "unlabelled.ndjson", "-o", trained / "scores.csv", cwd=trained)
    assert scored.exit == 0, scored
    rows = list(csv.DictReader(open(trained / "scores.csv")))
    assert [(r["id"], float(r["probability"]), int(r["score"]), r["outcome"]) for r in rows] == [
        (a["id"], a["probability"], a["score"], a["outcome"]) for a in embedded]

    service = trained.parent / "service"  # the same settings and model; its history says nothing of these customers
    shutil.copytree(trained, service)
    far = {**events[0], "transaction_id": 0, "timestamp": "2020-01-01T00:00:00Z", "customer_id": 0, "terminal_id": 0, "is_fraud": False}
    (service / "transactions.ndjson").write_text(json.dumps(far) + "\n")
    server = Server(binary, service)
    status, answer, _ = server.ask("POST", "/v1/decisions:batch?explain=true", text, "application/x-ndjson")
    server.stop()
    server.errors.close()
    assert status == 200
    served = [json.loads(line) for line in answer.splitlines()]
    assert [{k: v for k, v in a.items() if k != "seq"} for a in served] == embedded
