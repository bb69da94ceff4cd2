#!/usr/bin/env python3
"""console.py UI OUTPUT [--or-without] [--npm NPM] [--absent WHY]: the console's files as a table in C.

Builds UI (npm ci where what is installed is not what package-lock.json says; npm run build where a source has
changed), then packs each file of UI/dist. With --absent there are none, and why. With --or-without a failure of npm
(no network) is no failure of the build: the binary says what was missing."""

import argparse
import gzip
import hashlib
import pathlib
import subprocess
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
NOT_SOURCES = {"node_modules", "dist", "test-results"}
FILE_BYTES_MAX = 16 << 20  # CONSOLE_FILE_BYTES_MAX of console.h


def sources_hash(ui):
    digest = hashlib.sha256()
    tops = [p for p in ui.iterdir() if p.name not in NOT_SOURCES]  # node_modules is not walked: npm may be at work in it
    for path in sorted(p for top in tops for p in (top, *top.rglob("*")) if p.is_file()):
        digest.update(str(path.relative_to(ui)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def run(ui, command):
    done = subprocess.run(command, cwd=ui, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-4000:])
    return done.returncode == 0


def is_installed(ui):
    lock, done = ui / "package-lock.json", ui / "node_modules" / ".package-lock.json"
    return done.exists() and done.stat().st_mtime >= lock.stat().st_mtime


def build(ui, npm):
    """"", or what failed."""
    stamp, wanted = ui / "dist" / ".sources", sources_hash(ui)
    if stamp.exists() and stamp.read_text() == wanted:
        return ""
    if not is_installed(ui) and not run(ui, [npm, "ci", "--no-audit", "--no-fund"]):
        return "npm could not install its packages"
    if not run(ui, [npm, "run", "build"]) or not (ui / "dist" / "index.html").exists():
        return "npm could not build it"
    stamp.write_text(wanted)
    return ""


def quoted(data):
    """A C string; octal, so that no digit behind is taken for a part of it."""
    lines = (data[i : i + 32] for i in range(0, len(data), 32))
    return "\n".join('    "' + "".join(f"\\{b:03o}" for b in line) + '"' for line in lines)


def table(dist):
    rows, packed = [], []
    for path in sorted(p for p in dist.rglob("*") if p.is_file() and not p.name.startswith(".")):
        name, data = "/" + path.relative_to(dist).as_posix(), path.read_bytes()
        kind = TYPES.get(path.suffix)
        if kind is None or len(data) > FILE_BYTES_MAX:
            sys.exit(f"console: {path}: no type is known of {path.suffix} files (scripts/console.py)" if kind is None
                     else f"console: {path}: {len(data)} bytes; at most {FILE_BYTES_MAX} are taken")
        small = gzip.compress(data, 9, mtime=0)
        packed.append(f"static const char packed_{len(rows)}[] =\n{quoted(small)};\n")
        tag = hashlib.sha256(data).hexdigest()[:32]
        immutable = "true" if name.startswith("/assets/") else "false"
        rows.append(f'    {{"{name}", "{kind}", packed_{len(rows)}, {len(small)}, {len(data)}, "W/\\"{tag}\\"", {immutable}}},\n')
    return packed, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ui", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--npm", default="npm")
    parser.add_argument("--or-without", action="store_true")
    parser.add_argument("--absent", default="")
    given = parser.parse_args()
    absent = given.absent or build(given.ui, given.npm)
    if absent and not given.absent:
        print(f"console: {absent}", file=sys.stderr)
        if not given.or_without:
            sys.exit(1)
        print("console: the binary is built without the console", file=sys.stderr)
    packed, rows = ([], []) if absent else table(given.ui / "dist")
    text = ['/* Made by scripts/console.py. */\n#include "shell/cmd/console.h"\n\n', *packed]
    if rows:
        text += ["\nstatic const struct console_file files[] = {\n", *rows, "};\n"]
    text.append("\nconst struct console console_built = {%s, %d, \"%s\"};\n" % ("files" if rows else "NULL", len(rows), absent))
    if not given.output.exists() or given.output.read_text() != "".join(text):
        given.output.write_text("".join(text))


main()
