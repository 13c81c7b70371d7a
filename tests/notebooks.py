"""Run the notebooks of docs/notebooks, outside of `python -m tests.all`.

`python -m tests.notebooks` runs each from its first cell to its last in a new kernel and a new
folder, and fails where a cell does, or where one needs more than 180 s of processor time: a
minute and a half on two cores. With `--write` the notebooks keep their new outputs, and their last
pictures become those of the page that lists them. Needs `pip install -e ".[notebooks]"`;
`KERAS_BACKEND` chooses the backend.
"""

from __future__ import annotations

import argparse
import base64
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

DOCS = Path(__file__).resolve().parents[1] / "docs"
SECONDS = 180
MIB = 2**20


def pictures(notebook: Any) -> list[bytes]:
    """Return the pictures that a notebook shows, in their order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    found = [output.get("data", {}).get("image/png") for output in outputs]
    return [base64.b64decode(picture) for picture in found if picture]


def processor_seconds() -> float:
    """Return the processor time of the kernels that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(path: Path) -> tuple[Any, float, float]:
    """Run a notebook; its seconds, by the clock and of processors, include those of its start."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        start, used = time.perf_counter(), processor_seconds()
        client = NotebookClient(notebook, timeout=5 * SECONDS, kernel_name="python3")
        client.execute(cwd=folder)
        return notebook, time.perf_counter() - start, processor_seconds() - used


def tidy(notebook: Any) -> None:
    """Leave out what differs from run to run and says nothing: times, warnings, versions."""
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.outputs:
                output.get("metadata", {}).clear()
    notebook.metadata["language_info"] = {"name": "python"}


def main() -> int:
    """Run the notebooks; the exit status is 0 when all of them are right and fast."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="text, hidden_markov, layers; all by default")
    parser.add_argument("--write", action="store_true", help="keep the outputs")
    arguments = parser.parse_args()
    slow = 0
    for path in sorted((DOCS / "notebooks").glob("*.ipynb")):
        if arguments.names and path.stem not in arguments.names:
            continue
        notebook, seconds, used = run(path)
        shown = pictures(notebook)
        slow += used > SECONDS
        print(
            f"{path.name}: {seconds:.0f} s, {used:.0f} s of processor time, {len(shown)} pictures",
            flush=True,
        )
        if arguments.write:
            tidy(notebook)
            nbformat.write(notebook, path)
            assert path.stat().st_size < MIB, f"{path} is too large for a repository"
            (DOCS / "images" / f"notebook_{path.stem}.png").write_bytes(shown[-1])
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
