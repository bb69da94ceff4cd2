#!/usr/bin/env python3
"""notebook.py FILE.ipynb: runs the code cells in order with plain Python and stores what they print.

As a module: cells(notebook) and run(source, names) for the test that holds the stored output true.
"""

import contextlib
import io
import json
import os
import pathlib
import sys


def cells(notebook):
    """The code cells: (cell, source, what it printed when it was stored)."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            yield cell, "".join(cell["source"]), "".join("".join(o["text"]) for o in cell["outputs"])


def run(source, names):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(source, "cell", "exec"), names)
    return out.getvalue()


def main(path):
    notebook = json.loads(path.read_text())
    os.chdir(path.parent)
    names = {"__name__": "__main__"}
    for count, (cell, source, _) in enumerate(cells(notebook), 1):
        text = run(source, names)
        cell["execution_count"] = count
        cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}] if text else []
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
