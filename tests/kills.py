"""Training processes that are killed at random moments, resumed, and compared to the bit.

`python -m tests.kills --backend torch --kills 20` writes docs/reliability/kills.json. For each
task: two runs in two processes that nothing interrupts (the control), and runs that are killed,
some of them several times, and go on to the end. What differs is named; nothing may.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "docs" / "reliability" / "kills.json"
SIGNALS = (*["SIGKILL"] * 6, "SIGTERM", "SIGINT")  # drawn from; the last two end after the step
TASKS: dict[str, dict[str, Any]] = {
    "classifier": {
        "recipe": "gru_sentiment",
        "settings": {"units": 4, "embedding_size": 6, "recurrent_dropout": 0.2},
        "limit": 90,
        "batch_size": 8,
    },
    "tagger with CRF": {
        "recipe": "name_tagger",
        "settings": {"units": 4, "embedding_size": 6, "character_units": 4},
        "limit": 60,
        "batch_size": 8,
    },
    "language model": {
        "recipe": "next_word",
        "settings": {"units": 6, "embedding_size": 6, "window": 10},
        "limit": 40,
        "batch_size": 4,
    },
    "translator": {
        "recipe": "translator",
        "settings": {
            **{"units": 6, "decoder_units": 6, "embedding_size": 6, "vocabulary_size": 320},
            **{"beam_size": 2, "max_target_length": 6, "scheduled_sampling": 0.2},
        },
        "limit": 60,
        "batch_size": 8,
    },
    "forecaster": {
        "recipe": "forecaster",
        "settings": {"units": 4, "window": 48, "warm_up": 16, "dropout": 0.2},
        "limit": 600,
        "batch_size": 2,
    },
}
EPOCHS = 2
# What equal trainings differ in.
COSTS = {"seconds", "processor_seconds", "tokens_per_second", "compiling_seconds", "programs"}


def work(task: str, folder: str, verb: str, minutes: float) -> None:
    """Train or resume in this process."""
    from rnnkit import study

    if os.environ.get("DETERMINISTIC"):
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    warnings.simplefilter("ignore")
    given = TASKS[task]
    options: dict[str, Any] = {"checkpoint_minutes": minutes, "verbose": 0}
    if verb == "resume":
        study.resume(folder, **options)
        return
    settings = {**given["settings"], "learning_rate_schedule": "cosine"}
    options |= {"settings": settings, "epochs": EPOCHS, "batch_size": given["batch_size"]}
    study.train(given["recipe"], limit=given["limit"], seed=3, out=folder, **options)


class Child:
    """A process that trains or resumes, forked from this one, which has imported all it needs.

    It is killed like any other process; that each imports the framework anew would take most of the
    time, and nothing of a run exists by then.

    Args:
        task: one of `TASKS`.
        folder: of the run.
        verb: "train" or "resume".
        minutes: the longest time between two checkpoints.
    """

    def __init__(self, task: str, folder: Path, verb: str, minutes: float = 1e-9) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.log = folder.with_name(f"{folder.name}.log")
        self.status: int | None = None  # as subprocess has it
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._run(task, folder, verb, minutes)

    def _run(self, task: str, folder: Path, verb: str, minutes: float) -> NoReturn:
        status = 1
        try:
            with self.log.open("wb") as log:
                for number in (1, 2):
                    os.dup2(log.fileno(), number)
            work(task, str(folder), verb, minutes)
            status = 0
        except KeyboardInterrupt:
            status = 130
        except SystemExit as error:
            status = int(error.code or 0)
        except Exception:  # noqa: BLE001 - the parent reads it
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stderr.flush()
            os._exit(status)

    def wait(self, seconds: float = 1e9) -> int | None:
        """Wait for the process to end, at most so long; return its status, or None."""
        until = time.monotonic() + seconds
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > until:
                break
            else:
                time.sleep(0.01)
        return self.status

    @property
    def said(self) -> str:
        """What it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def uninterrupted(task: str, folder: Path, minutes: float) -> float:
    """Train in a process to the end; return its seconds."""
    began = time.monotonic()
    process = Child(task, folder, "train", minutes)
    if process.wait():
        raise SystemExit(f"{task} cannot be trained:\n{process.said[-3000:]}")
    return time.monotonic() - began


def moment(folder: Path) -> str:
    """Return how far a run was when its process ended, by what lies in its folder."""
    rows = len(_rows(folder))
    files = sorted((folder / "checkpoints").glob("checkpoint-*.npz"))
    if (folder / "results.json").exists():
        return "complete"
    if not (folder / "settings.json").exists():
        return "before the run's folder"
    if not files:
        return "before the first checkpoint"
    half = any(path.name.startswith(".") for path in (folder / "checkpoints").iterdir())
    place = f"epoch {rows + 1}" if rows < EPOCHS else "after the last epoch"
    if (folder / "model.keras").exists():
        place = "results.json"
    return f"{place}, checkpoint {int(files[-1].stem[11:])}{', one half written' * half}"


def go_on(task: str, folder: Path) -> tuple[str, Child]:
    """Start a process that resumes a run, or begins it where there is nothing to resume."""
    verb = "resume" if (folder / "settings.json").exists() else "train"
    if verb == "train":
        shutil.rmtree(folder, ignore_errors=True)
    return verb, Child(task, folder, verb)


def killed(task: str, folder: Path, seconds: float, draw: random.Random) -> list[dict[str, Any]]:
    """Kill a run one to three times, each at a random moment, and let it go on to the end."""
    kills: list[dict[str, Any]] = []
    wanted = draw.choice((1, 1, 2, 3))
    while not (folder / "results.json").exists():
        verb, process = go_on(task, folder)
        one: dict[str, Any] = {"verb": verb, "signal": "none"}
        if len(kills) < wanted:
            delay = draw.uniform(0, 1.0) * seconds
            if process.wait(delay) is None:
                one |= {"signal": draw.choice(SIGNALS), "after": round(delay, 2)}
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, getattr(signal, one["signal"]))
        one["status"] = process.wait()
        if one["signal"] == "none" and one["status"]:
            kills.append({**one, "error": process.said[-2000:]})
            break
        if one["signal"] != "none":
            lines = [line for line in process.said.splitlines() if line.startswith("rnnkit: ")]
            kills.append({**one, "moment": moment(folder), "said": lines})
    return kills


def compare(one: Path, two: Path) -> dict[str, int]:
    """Return what differs between two runs: differing bits, values or points by name."""
    found: dict[str, int] = {}
    for name, (left, right) in {
        "weights and optimizer": (_weights(one), _weights(two)),
        "checkpoint": (_checkpoint(one), _checkpoint(two)),
        "metrics.csv": (_rows(one), _rows(two)),
        "results.json": (_results(one), _results(two)),
        "TensorBoard": (_points(one), _points(two)),
    }.items():
        if count := _differing(left, right):
            found[name] = count
    return found


def _differing(left: dict[str, Any], right: dict[str, Any]) -> int:
    """Return the number of bits that differ in arrays, and of other values."""
    count = 0
    for name in {**left, **right}:
        if name not in left or name not in right:
            count += 1
            continue
        a, b = left[name], right[name]
        if not hasattr(a, "tobytes"):
            count += a != b
        elif a.dtype != b.dtype or a.shape != b.shape:
            count += 8 * max(a.nbytes, b.nbytes)
        else:
            bits = int.from_bytes(a.tobytes(), "big") ^ int.from_bytes(b.tobytes(), "big")
            count += bits.bit_count()
    return count


def _weights(folder: Path) -> dict[str, Any]:
    """Return all arrays of model.keras and the bytes of what lies beside them."""
    import io
    import zipfile

    import h5py

    found: dict[str, Any] = {}
    items: list[tuple[str, Any]] = []
    if not (folder / "model.keras").exists():
        return found
    with zipfile.ZipFile(folder / "model.keras") as archive:
        found |= {name: archive.read(name) for name in archive.namelist() if "assets/" in name}
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
            file.visititems(lambda name, item: items.append((name, item)))
            found |= {name: item[()] for name, item in items if isinstance(item, h5py.Dataset)}
    return found


def _checkpoint(folder: Path) -> dict[str, Any]:
    """Return the arrays of the last checkpoint: random state and history, too."""
    from rnnkit.training.checkpoints import Checkpoints

    newest = Checkpoints(folder / "checkpoints").newest()
    if newest is None:
        return {}
    history = [
        state["state"] for state in newest.values["callbacks"] if state["class"] == "History"
    ]
    return {**newest.arrays, "history": history, "epoch": newest.values["epoch"]}


def _rows(folder: Path) -> dict[str, Any]:
    """Return the values of metrics.csv without the seconds, as they are written."""
    path = folder / "metrics.csv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        f"{number}": {name: value for name, value in row.items() if name != "seconds"}
        for number, row in enumerate(rows)
    }


def _results(folder: Path) -> dict[str, Any]:
    """Return results.json without what differs between equal trainings."""
    path = folder / "results.json"
    record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: value for name, value in record.items() if name not in COSTS}


def _points(folder: Path) -> dict[str, Any]:
    """Return every point of the event files but times, by file, tag and place."""
    from tests import event_files

    found: dict[str, Any] = {}
    for part in ("train", "validation", "test"):
        if not (folder / part).is_dir():
            continue
        for tag, points in event_files.read(folder / part).items():
            if any(
                word in tag for word in ("seconds", "tokens_per_second", "_hparams_", "programs/")
            ):
                values = [(step, None) for step, _ in points]
            else:
                values = [(step, value.tolist()) for step, value in points]
            found[f"{part} {tag}"] = values
    return found


def environment(backend: str, cache: Path) -> dict[str, str]:
    """Return the environment of the processes: one backend, one cache of compiled programs."""
    values = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    values |= {"JAX_COMPILATION_CACHE_DIR": str(cache / "jax")}
    values |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    return values | {"JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}


def import_all() -> None:
    """Import what the processes need; nothing is computed, for that does not outlive a fork."""
    import keras
    import tensorboard.backend.event_processing.event_accumulator

    import rnnkit.study
    import rnnkit.tasks.loading

    assert keras.config.backend() == rnnkit.backend.name
    assert tensorboard
    keras.activations.serialize(keras.activations.tanh)  # asks for TensorFlow, where there is one


def suite(backend: str, kills: int, seed: int, tasks: list[str], keep: Path) -> dict[str, Any]:
    """Run control and kills of a backend; return the record."""
    os.environ.update(environment(backend, keep / "cache"))
    import_all()
    draw, record = random.Random(f"{backend} {seed}"), []
    for place, task in enumerate(tasks):
        folder = keep / backend / task.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        # Without checkpoints within an epoch: that they are written must not change anything.
        uninterrupted(task, folder / "one", minutes=1e6)
        seconds = uninterrupted(task, folder / "two", minutes=1e-9)
        control = compare(folder / "one", folder / "two")
        row = {"task": task, "seconds": round(seconds, 1), "control": control, "runs": []}
        print(f"{backend}, {task}: {seconds:.1f} s, control {control or 'equal'}", flush=True)
        wanted = len(range(place, kills, len(tasks)))
        done = 0
        while done < wanted:
            run = folder / f"killed{len(row['runs'])}"
            found = killed(task, run, seconds, draw)
            differs = compare(folder / "one", run)
            row["runs"].append({"kills": found, "differs": differs})
            done += sum(one["signal"] != "none" and one["status"] != 0 for one in found)
            shown = ", ".join(f"{k['signal']} at {k.get('moment', k.get('error'))}" for k in found)
            print(f"  {shown or 'too late'}: {differs or 'equal'}", flush=True)
            if not differs:
                shutil.rmtree(run)
        record.append(row)
        write({"seed": seed, "tasks": record}, backend)
    return {"seed": seed, "tasks": record}


def write(found: dict[str, Any], backend: str) -> None:
    """Put what was found on a backend beside that of the others, and of tasks not tried now."""
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    now = {row["task"] for row in found["tasks"]}
    before = record.get("backends", {}).get(backend, {"tasks": []})["tasks"]
    kept = [row for row in before if row["task"] not in now]
    found = {**found, "tasks": kept + found["tasks"]}
    command = "python -m tests.kills --backend BACKEND"
    record = {"command": command, "backends": {**record.get("backends", {}), backend: found}}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Read the arguments and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--minutes", type=float, default=1e-9, help=argparse.SUPPRESS)
    parser.add_argument("--backend", default=os.environ.get("KERAS_BACKEND", "torch"))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", choices=[*TASKS])
    parser.add_argument("--keep", type=Path, help="A folder for the runs; those that differ stay.")
    given = parser.parse_args()
    if given.work:
        task, folder, verb = given.work
        work(task, folder, verb, given.minutes)
        return
    with contextlib.ExitStack() as stack:
        keep = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = suite(given.backend, given.kills, given.seed, given.only or [*TASKS], keep)
    failed = [
        task["task"]
        for task in found["tasks"]
        if any(run["differs"] or "error" in str(run["kills"]) for run in task["runs"])
    ]
    raise SystemExit(f"Not as without a kill: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
