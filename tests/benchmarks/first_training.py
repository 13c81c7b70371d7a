"""A first training: seconds until the first loss is on the screen, and of the whole command.

`python tests/benchmarks/first_training.py [RECIPE] [OPTIONS of rnnkit train]` trains twice with a
cache folder of its own, which is empty the first time, and prints a table of Markdown. The output
of the command goes to a pipe. `--checkout FOLDER` runs the rnnkit in that folder before this one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
NUMBER = re.compile(rb"loss:? [0-9]")


def train(checkout: Path, folder: Path, arguments: list[str], out: str) -> tuple[float, ...]:
    """Return the seconds to the first loss and of the command, and its compiled programs."""
    command = [sys.executable, "-m", "rnnkit", "train", *arguments, "--out", out]
    variables = {"PYTHONPATH": str(checkout), "RNNKIT_CACHE": str(folder / "cache")}
    start, first, shown = time.perf_counter(), None, b""
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        while part := os.read(process.stdout.fileno(), 65_536):
            shown += part
            if first is None and NUMBER.search(shown):
                first = time.perf_counter() - start
    whole = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(shown.decode(errors="replace"))
    programs = json.loads((folder / out / "results.json").read_text()).get("programs", {})
    compiled = programs.get("all", float("nan")) - programs.get("from_cache", 0)
    return first or whole, whole, compiled


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--checkout", type=Path, action="append", default=[])
    options, arguments = parser.parse_known_args()
    arguments = arguments or ["lstm_sentiment"]
    print(
        "| | cache | first loss, s | whole command, s | programs compiled |\n|---|---|---|---|---|"
    )
    for checkout in (*options.checkout, HERE):
        with tempfile.TemporaryDirectory() as folder:
            for cache in ("empty", "filled"):
                first, whole, compiled = train(checkout, Path(folder), arguments, cache)
                name = "this checkout" if checkout == HERE else checkout
                print(
                    f"| {name} | {cache} | {first:.1f} | {whole:.1f} | {compiled:.0f} |", flush=True
                )


if __name__ == "__main__":
    main()
