"""Peak memory of training on texts of several sizes: token file, language model, word vectors.

python tests/benchmarks/large_text.py --megabytes 100 1000 --into docs/guide/language_models.md

Writes a text of each size (words of a Zipf distribution over 100,000, lines of 20), and runs, each
in a process of its own: `write_token_file`, 400 steps of `next_word` on it, and an epoch of word
vectors. Prints the peak of the memory that a process owns (RssAnon of Linux, sampled) and of all
that it holds, mapped pages of files included (ru_maxrss), the seconds, and those of a step.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from tables import table, write_between

WORDS = 100_000
STEPS = 400  # of the language model


def write_text(path: Path, megabytes: int) -> None:
    """Write a text of random words."""
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(WORDS)])
    weights = 1 / np.arange(1, WORDS + 1)
    with path.open("w") as file:
        while file.tell() < megabytes << 20:
            drawn = words[rng.choice(WORDS, (50_000, 20), p=weights / weights.sum())]
            file.write("\n".join(map(" ".join, drawn)) + "\n")


def run_job(job: str, folder: Path) -> float | None:
    """Run one job on the text of a folder; return the seconds of a training step, if it has any."""
    text, tokens = folder / "text.txt", folder / "text.tokens"
    if job == "token file":
        from rnnkit.data.token_writing import write_token_file

        write_token_file(text, tokens, vocabulary_size=20_000, valid_fraction=0.001,
                         test_fraction=0.001)  # fmt: skip
    elif job == "next_word":
        from rnnkit.data.token_files import TokenFile
        from rnnkit.recipes import next_word

        model = next_word(units=32, embedding_size=32, vocabulary_size=None)
        model.fit(TokenFile(tokens).texts("train"), budget=f"{STEPS}steps", verbose=0)
        return model.reached.seconds / model.reached.steps
    elif job == "word vectors":
        from rnnkit.recipes import word_vectors

        word_vectors(vector_size=32, epochs=1).fit(text, verbose=0)
    return None


def owned() -> float:
    """Return the MiB that this process owns now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(job: str, folder: Path) -> dict[str, float | None]:
    """Run a job here, and return its peaks in MiB and its seconds, also those of a step."""
    peak, done = [owned()], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            peak[0] = max(peak[0], owned())

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    try:
        step = run_job(job, folder)
    finally:
        done.set()
        watcher.join()
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - begin
    return {"owned": peak[0], "with files": whole, "seconds": seconds, "step": step}


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--jobs", nargs="+", default=["token file", "next_word", "word vectors"])
    parser.add_argument("--into", type=Path, help="a page with the markers of the table")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        print(json.dumps(measure(given.job, given.folder)))
        return
    rows = []
    for megabytes in given.megabytes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_text(folder / "text.txt", megabytes)
            for job in given.jobs:
                words: list[Any] = [sys.executable, __file__, "--job", job, "--folder", folder]
                done = subprocess.run(words, check=True, capture_output=True, text=True)
                found = json.loads(done.stdout.splitlines()[-1])
                numbers = [f"{found[name]:,.0f}" for name in ("owned", "with files", "seconds")]
                step = f"{1000 * found['step']:.1f}" if found["step"] else "–"
                rows.append([f"{megabytes:,} MB", job, *numbers, step])
                print(*rows[-1], sep=", ", flush=True)
    heading = ["text", "job", "own memory [MiB]", "with mapped files [MiB]", "seconds"]
    lines = table([*heading, "of a step [ms]"], rows)
    print(*lines, sep="\n")
    if given.into:
        write_between(given.into, "large text", lines)


if __name__ == "__main__":
    main()
