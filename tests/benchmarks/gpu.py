"""Measure rnnkit on a GPU: every comparison in one command of at most eight minutes.

    python tests/benchmarks/gpu.py --out FOLDER             # on a machine with a GPU
    python tests/benchmarks/gpu.py --small --backends torch # on a CPU: does every part run?

Each part is a script of this folder, in a process of its own, on each installed backend: recurrent
layers with and without masks against keras.layers and torch.nn, linear recurrences against the
LSTM, hidden Markov models against hmmlearn, word2vec against gensim, two recipes. Parts that matter
most come first; one that would run past the end of the time is left out, and named. The tables go
to the screen and to `FOLDER/gpu.md`, with the versions and the device above them.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BACKENDS = ("torch", "jax", "tensorflow")
SECONDS = 480


class Part(NamedTuple):
    """One script with its arguments.

    Args:
        title: what is measured, and the ratio to reach.
        needs: modules without which it cannot run.
        seconds: the longest that it may take on one backend.
        arguments: on a GPU.
        small: on a CPU, to see that it runs.
    """

    title: str
    needs: tuple[str, ...]
    seconds: int
    arguments: str
    small: str


PARTS = (
    Part(
        "LSTM and GRU; masked training steps at least 10 times keras.layers, unmasked at least "
        "0.95 of torch.nn",
        ("torch",),
        75,
        "layers.py --torch --systems LSTM,GRU --masks none,right --shape 64,200,128,256 "
        "--repeats 6 --seconds 3",
        "layers.py --torch --systems LSTM --masks none,right --shape 4,10,8,8 --repeats 2 "
        "--seconds 1",
    ),
    Part(
        "Linear recurrences; RG-LRU at least 5 times the LSTM at T = 4096",
        (),
        60,
        "linear.py --shape 32,4096,256,256 --repeats 3",
        "linear.py --shape 2,16,8,8 --repeats 1",
    ),
    Part(
        "Hidden Markov models; at least 20 times hmmlearn",
        ("hmmlearn",),
        60,
        "hmm.py --shape 1000,500,16,8 --repeats 2",
        "hmm.py --shape 4,20,3,2 --repeats 1",
    ),
    Part(
        "word2vec; at least 5 times gensim",
        (),
        60,
        "word2vec.py --speed --data sample --words 400000 --repeats 2",
        "word2vec.py --speed --data sample --words 2000 --repeats 1",
    ),
    Part(
        "Two recipes, on their samples, beside the same networks of keras.layers and bare PyTorch",
        (),
        60,
        "recipes.py --recipes bilstm_sentiment,pos_tagger --sides rnnkit,keras,bare --steps 60 "
        "--epochs 2",
        "recipes.py --recipes bilstm_sentiment --sides rnnkit,keras --steps 2 --epochs 1",
    ),
)


def installed(module: str) -> bool:
    """Tell whether a module can be imported."""
    return importlib.util.find_spec(module) is not None


def run(command: list[str], backend: str, seconds: float) -> tuple[str, str]:
    """Run a command; return what it printed, and what went wrong ("" when nothing did)."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "PYTHONUNBUFFERED": "1",
        # JAX takes three quarters of the memory at once, and torch.nn runs beside it.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with all that it started
        printed, _ = process.communicate()
        return printed, f"stopped after {seconds:.0f} s"
    last = errors.strip().splitlines()[-1:] or [""]
    return printed, f"failed: {last[0]}" if process.returncode else ""


def main() -> int:
    """Run the parts; the exit status is 0 when none failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path.cwd(), help="a folder for gpu.md")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for everything")
    parser.add_argument("--small", action="store_true", help="tiny sizes, to try it on a CPU")
    parser.add_argument("--backends", default=",".join(BACKENDS), help="with commas between")
    parser.add_argument("--only", default="", help="scripts, with commas between: hmm.py,linear.py")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    report = asked.out / "gpu.md"
    report.write_text("")
    end = time.monotonic() + asked.seconds
    failed = 0

    def say(text: str) -> None:
        print(text, flush=True)
        with report.open("a") as file:
            file.write(text + "\n")

    backends = [name for name in asked.backends.split(",") if installed(name)]
    if not backends:
        parser.error(f"--backends {asked.backends}: none of these is installed")
    only = set(filter(None, asked.only.split(",")))
    for part in PARTS:
        command = (part.small if asked.small else part.arguments).split()
        if only and command[0] not in only:
            continue
        say(f"\n## {part.title}\n")
        if missing := [name for name in part.needs if not installed(name)]:
            say(f"Left out: {', '.join(missing)} is not installed.")
            continue
        for backend in backends:
            left = end - time.monotonic()
            shown = f"KERAS_BACKEND={backend} python tests/benchmarks/{' '.join(command)}"
            if left < 10:
                say(f"Left out, no time: `{shown}`")
                continue
            start = time.monotonic()
            printed, wrong = run(
                [sys.executable, str(HERE / command[0]), *command[1:]],
                backend,
                min(part.seconds, left),
            )
            failed += wrong.startswith("failed")
            took = time.monotonic() - start
            say(f"`{shown}`, {took:.0f} s{': ' + wrong if wrong else ''}\n\n{printed.strip()}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
