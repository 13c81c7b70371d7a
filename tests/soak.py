"""The soak: does memory grow? `python -m tests.soak --backend torch [--only predict]`.

Each job is a fork of its own: it trains, predicts or generates for 10,000 batches with a small
network, and measures itself every 500. Memory is the anonymous part of the resident set after
`gc.collect()`; its growth is the slope of a robust line (Theil-Sen) from batch 1,000 on. A job
passes where the line rises by at most `LIMIT` MB over the last nine tenths. Results go to
`docs/reliability/soak.json`, those of other backends and jobs are kept there.

It runs outside CI: one process at a time, about ten minutes for a backend.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import statistics
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "reliability" / "soak.json"
BATCHES, EVERY, SETTLED = 10_000, 20, 0.1  # samples of a job, and what is left out at its start
LIMIT = 10.0  # MB that the line may rise

Done = Callable[[int], None]  # told how many batches were made


def resident() -> float:
    """Return the megabytes of anonymous memory in RAM: mapped files come and go with the cache."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) / 1024


def counts() -> dict[str, int]:
    """Return what may pile up beside memory: objects, threads, files, tensors, programs."""
    found = {
        "objects": len(gc.get_objects()),
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
    }
    if "jax" in sys.modules:
        found["tensors"] = len(sys.modules["jax"].live_arrays())
    elif os.environ["KERAS_BACKEND"] == "torch":
        torch = sys.modules["torch"]
        found["tensors"] = sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())
    else:
        from tensorflow.python.eager import context

        found["programs"] = len(context.context().list_function_names())
    return found


class Meter:
    """Samples of memory and counts, 20 in a job."""

    def __init__(self, batches: int) -> None:
        self.batches, self.every = batches, max(1, batches // EVERY)
        self.samples: list[dict[str, float]] = []
        self.done, self._next, self._start = 0, self.every, time.perf_counter()

    def __call__(self, batches: int) -> None:
        """Count batches; sample where it is time."""
        self.done += batches
        if self.done >= self._next:
            gc.collect()
            self.samples.append({"batch": self.done, "MB": round(resident(), 2), **counts()})
            self._next += self.every * (1 + (self.done - self._next) // self.every)

    @property
    def over(self) -> bool:
        """Whether all batches were made."""
        return self.done >= self.batches

    def record(self) -> dict[str, Any]:
        """Return the verdict, and what it is about."""
        settled = [one for one in self.samples if one["batch"] >= SETTLED * self.batches]
        slope = theil_sen([(one["batch"], one["MB"]) for one in settled])
        rise = slope * (settled[-1]["batch"] - settled[0]["batch"])
        first, last = settled[0], settled[-1]
        grown = {key: last[key] - first[key] for key in counts() if last[key] != first[key]}
        return {
            "batches": self.done,
            "first MB": first["MB"],
            "last MB": last["MB"],
            "rise MB": round(rise, 2),
            "passed": rise <= LIMIT,
            "more": grown,
            "seconds": round(time.perf_counter() - self._start),
            "samples": self.samples,
        }


def theil_sen(points: list[tuple[float, float]]) -> float:
    """Return the median of the slopes between all pairs of points.

    Example:
        >>> theil_sen([(0, 0), (1, 1), (2, 50), (3, 3), (4, 4)])
        1.0
    """
    pairs = itertools.combinations(points, 2)
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs)


# The jobs.

LENGTHS = [5, 12, 20, 28, 36, 44]  # one in each bucket up to 48 steps


def words(lengths: list[int], seed: int = 0) -> list[str]:
    """Return a text of each length, of 30 words."""
    import numpy as np

    rng = np.random.default_rng(seed)
    known = [f"w{i}" for i in range(30)]
    return [" ".join(rng.choice(known, length)) for length in lengths]


def examples(name: str, count: int) -> Any:
    """Return the arguments of `fit` of a small task."""
    import small_tasks

    return small_tasks.examples(name, count)


def train(name: str, meter: Meter, folder: Path, data: Any, batch_size: int = 4) -> None:
    """Train one model for all batches, with validation and TensorBoard's callback."""
    import keras
    import small_tasks

    from rnnkit.monitor import TensorBoard

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            meter(1)
            if meter.over:
                self.model.stop_training = True

    valid = tuple(part[:8] for part in data)
    small_tasks.make(name).fit(
        *data,
        batch_size=batch_size,
        epochs=100_000,
        validation_data=valid if len(valid) > 1 else valid[0],
        callbacks=[Count(), TensorBoard(folder / "log")],
        verbose=0,
    )


def fit_classifier(meter: Meter, folder: Path) -> None:
    """Texts of all buckets up to 48 steps."""
    train("gru_sentiment", meter, folder, (words(LENGTHS * 70), [0, 1] * 210))


def fit_tagger(meter: Meter, folder: Path) -> None:
    """Sentences with tags."""
    train("name_tagger", meter, folder, examples("name_tagger", 200))


def fit_language_model(meter: Meter, folder: Path) -> None:
    """Running text, with carried states."""
    train("next_word", meter, folder, examples("next_word", 60), batch_size=2)


def fit_translator(meter: Meter, folder: Path) -> None:
    """Pairs of sentences."""
    train("translator", meter, folder, examples("translator", 200))


def fit_forecaster(meter: Meter, folder: Path) -> None:
    """A series of numbers."""
    train("forecaster", meter, folder, examples("forecaster", 600))


def classifier() -> tuple[Any, list[str], list[int]]:
    """Return a trained classifier, its texts and their labels."""
    import small_tasks

    task = small_tasks.make("gru_sentiment")
    texts, labels = words(LENGTHS * 8), [0, 1] * 24
    task.fit(texts, labels, epochs=1, verbose=0)
    return task, texts, labels


def rounds(meter: Meter) -> Iterator[int]:
    """Count until the meter is over."""
    for number in itertools.count():
        if meter.over:
            return
        yield number


def predict(meter: Meter, folder: Path) -> None:
    """One text alone, then nine batches of all lengths; a `predict` for each."""
    task, texts, _ = classifier()
    for number in rounds(meter):
        task.predict([texts[number % 48]], verbose=0)
        start = number % 12
        task.predict(texts[start : start + 36], batch_size=4, verbose=0)
        meter(10)


def evaluate(meter: Meter, folder: Path) -> None:
    """Twelve batches of all lengths."""
    task, texts, labels = classifier()
    while not meter.over:
        task.evaluate(texts, labels, batch_size=4, verbose=0)
        meter(12)


def generate(meter: Meter, folder: Path) -> None:
    """Prompts of several lengths, one text and three; a batch is a call of the network."""
    import small_tasks

    task = small_tasks.make("next_word")
    (texts,) = small_tasks.examples("next_word")
    task.fit(texts, epochs=1, verbose=0)
    known = texts[0].split()
    for seed in rounds(meter):
        length = seed % 6
        prompt = " ".join(known[seed % 40 : seed % 40 + length])
        task.generate(prompt, n=1 + 2 * (seed % 2), length=20, seed=seed)
        task.complete(prompt + " ", 3)
        task.predict([prompt])
        meter(20 + 3 * length)


def translate(meter: Meter, folder: Path) -> None:
    """Sources of several lengths, one text and eight; a batch is a step of the beam search."""
    import small_tasks

    task = small_tasks.make("translator")
    x, y = small_tasks.examples("translator", 16)
    task.fit(x, y, epochs=1, verbose=0)
    for number in rounds(meter):
        source = " ".join(x[i % 16] for i in range(number, number + 1 + number % 3))
        task.predict([source])
        task.predict(x[:8])
        meter(12)


def tag(meter: Meter, folder: Path) -> None:
    """One sentence, then sixteen."""
    import small_tasks

    task = small_tasks.make("name_tagger")
    x, y = small_tasks.examples("name_tagger", 16)
    task.fit(x, y, epochs=1, verbose=0)
    for number in rounds(meter):
        task.predict([x[number % 16]])
        task.predict(x, batch_size=4)
        meter(5)


def word_vectors(meter: Meter, folder: Path) -> None:
    """word2vec's own trainer, again and again; a batch is a block."""
    from rnnkit.embeddings import SkipGram

    sentences = [text.split() for text in words([12] * 60)]
    while not meter.over:
        model = SkipGram(8, window=2, min_count=1, negative=3, epochs=5)
        model.fit(sentences, verbose=0)
        meter(5)


def hidden_markov(meter: Meter, folder: Path) -> None:
    """Baum-Welch, decoding and scoring of sequences of three lengths; a batch is a pass."""
    import numpy as np

    from rnnkit.hmm.estimators.models import GaussianHMM

    rng = np.random.default_rng(0)
    for number in itertools.count():
        x = rng.normal(number % 2, 1, ((20, 30, 50)[number % 3], 2))
        model = GaussianHMM(2, n_iter=5, tol=0, random_state=number).fit(x)
        model.decode(x)
        model.predict_proba(x)
        meter(7)
        if meter.over:
            return


def build(meter: Meter, folder: Path) -> None:
    """Build, train and drop a model; a batch is a model."""
    import small_tasks

    texts = words([5] * 8)
    while not meter.over:
        task = small_tasks.make("gru_sentiment")
        task.fit(texts, [0, 1] * 4, epochs=1, verbose=0)
        task.predict(texts[:1], verbose=0)
        del task
        meter(1)


JOBS: dict[str, tuple[Callable[[Meter, Path], None], int]] = {
    "fit: classifier, all lengths": (fit_classifier, BATCHES),
    "fit: tagger": (fit_tagger, BATCHES),
    "fit: language model, carried states": (fit_language_model, BATCHES),
    "fit: translator": (fit_translator, BATCHES),
    "fit: forecaster": (fit_forecaster, BATCHES),
    "predict: classifier, all lengths": (predict, BATCHES),
    "predict: tagger": (tag, BATCHES),
    "evaluate: classifier": (evaluate, BATCHES),
    "generate: language model": (generate, BATCHES),
    "predict: translator, beam search": (translate, BATCHES),
    "word2vec, own trainer": (word_vectors, BATCHES),
    "hidden Markov model: fit, decode": (hidden_markov, BATCHES),
    "models built, trained and dropped": (build, 200),
}


def run_job(name: str, share: float, out: Path) -> int:
    """Run a job in a fork of this process, which has imported all and run nothing; its status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            job, batches = JOBS[name]
            meter = Meter(max(EVERY, round(batches * share)))
            with tempfile.TemporaryDirectory() as folder:
                job(meter, Path(folder))
            out.write_text(json.dumps(meter.record()), encoding="utf-8")
            status = 0
        except BaseException:  # noqa: BLE001  told, and the next job runs
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> int:
    """Run the jobs one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=["torch", "jax", "tensorflow"], default="torch")
    parser.add_argument("--only", nargs="+", default=[""], help="jobs whose name holds one")
    parser.add_argument("--share", type=float, default=1.0, help="of the batches")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    os.environ |= {"KERAS_BACKEND": given.backend, "OMP_NUM_THREADS": "1"}
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    warnings.simplefilter("ignore")
    if given.backend == "jax":  # compiling would take longer than all else
        os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    import small_tasks  # noqa: F401  (once, before the forks)

    gc.collect()
    gc.freeze()  # what is imported is not looked through at every sample
    failed = 0
    for name in JOBS:
        if not any(part in name for part in given.only):
            continue
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "record.json")
            if status := run_job(name, given.share, out):
                failed += 1
                print(f"{given.backend}, {name}: ended with status {status}", flush=True)
                continue
            found = json.loads(out.read_text(encoding="utf-8"))
        failed += not found["passed"]
        shown = {key: value for key, value in found.items() if key != "samples"}
        print(f"{given.backend}, {name}: {shown}", flush=True)
        keep(given.out, given.backend, name, found)
    return int(failed > 0)


def keep(path: Path, backend: str, name: str, found: dict[str, Any]) -> None:
    """Put one record beside those that the file holds."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known.setdefault(name, {})[backend] = found
    ordered = {job: known[job] for job in JOBS if job in known}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
