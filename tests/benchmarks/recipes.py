"""Tokens per second of whole recipes, beside the same networks of `keras.layers` and bare PyTorch.

    KERAS_BACKEND=jax python tests/benchmarks/recipes.py                       # samples, minutes
    KERAS_BACKEND=torch python tests/benchmarks/recipes.py --real --steps 200  # needs the data sets
    ... --recipes pos_tagger,translator --sides rnnkit,keras --processor
    ... --into docs/benchmarks.md                                              # write the rows

Each side trains for some epochs of `--steps` batches, the sides by turns; the first epoch of each,
in which programs are compiled, does not count. An epoch is timed from its first batch to its end:
making batches, metrics and TensorBoard are in it. The sides:

- rnnkit: the recipe as it is;
- keras: the same task, data and settings, with the recurrent layers and the dropout of
  `keras.layers`, and characters read word by word; none where a network has other layers, too;
- bare: a loop in PyTorch around `torch.nn` on the same batches, on torch alone (`bare_torch.py`);
- without: the recipe with its recurrences taken out, which tells their share of a step.

Prints a Markdown table: tokens/s of the sides, median ratios over the epochs, the share.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock

import keras
import numpy as np
from keras import ops
from tables import cells, read_between, write_between

import rnnkit.layers
import rnnkit.recipes
from rnnkit import datasets
from rnnkit.monitor import TensorBoard
from rnnkit.recurrent import attention_decoder
from rnnkit.tasks import recurrent_stack
from rnnkit.tasks.tagging import word_layers

SIDES = ("rnnkit", "keras", "bare", "without")


class Job(NamedTuple):
    """A recipe, its data `(real set, sample)`, settings with the real set, examples of a batch."""

    data: tuple[str, str]
    settings: dict[str, Any]
    batch: int
    plain: bool = True  # whether keras.layers have all of its layers


ADAPTIVE = {"softmax": "adaptive", "cutoffs": (1000, 3000)}  # the text is cut: fewer words
SENTIMENT = {"embedding": "random"}  # word2vec is no part of an epoch
ALWAYS: dict[str, dict[str, Any]] = {
    "bilstm_sentiment": SENTIMENT,
    "gru_sentiment": SENTIMENT,
    "next_word": {"weight_dropout": 0.0},  # keras.layers have none
    "forecaster": {"cell": "lstm"},
}
JOBS = {
    "bilstm_sentiment": Job(("imdb", "sample"), {}, 32),
    "gru_sentiment": Job(("imdb", "sample"), {}, 32),
    "pos_tagger": Job(("ud_ewt", "pos_sample"), {}, 32),
    "name_tagger": Job(("uner_ewt", "names_sample"), {}, 32, plain=False),
    "next_word": Job(("wikitext2", "running_sample"), ADAPTIVE, 32),
    "translator": Job(("multi30k", "pairs_sample"), {}, 64, plain=False),
    "forecaster": Job(("pems_flow", "traffic_sample"), {}, 16),
}


class Clock(keras.callbacks.Callback):
    """Seconds of the epochs of a `fit`."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self.now, self.seconds = now, 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.seconds = self.now()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = self.now() - self.seconds


class NoRecurrence(keras.layers.Layer):
    """Stands where a recurrent layer stood: each step has numbers of its input, and no state."""

    def __init__(self, units, return_sequences=False, return_state=False, states=1, **options):
        super().__init__()
        self.units, self.states = units, states
        self.return_sequences, self.return_state = return_sequences, return_state
        self.state_size = [units] * states
        self.go_backwards = options.get("go_backwards", False)
        self.supports_masking = True

    def call(self, x, initial_state=None, mask=None, training=False):
        columns = np.arange(self.units) % x.shape[-1]
        steps = ops.take(x, columns, axis=-1)
        output = steps if self.return_sequences else steps[:, -1]
        return (output, *[steps[:, -1]] * self.states) if self.return_state else output


class Both(keras.layers.Layer):
    """Stands where a Bidirectional stood."""

    def __init__(self, layer, backward_layer=None, **options):
        super().__init__()
        self.pair, self.built = [layer, backward_layer], True
        self.supports_masking = True

    def call(self, x, mask=None, training=False):
        found = [one(x) for one in self.pair]
        if not self.pair[0].return_state:
            return ops.concatenate(found, -1)
        states = [state for one in found for state in one[1:]]
        return (ops.concatenate([one[0] for one in found], -1), *states)


def once(body, states, xs, **options):
    """Stand where a scan stood: one step, its output for all."""
    states, y = body(states, tuple(x[0] for x in xs))
    return states, ops.repeat(ops.expand_dims(y, 0), ops.shape(xs[0])[0], axis=0)


def plain_layer(kind: type, units: int, weight_dropout: float = 0.0, **options: Any) -> Any:
    """Return a layer of `keras.layers`, which has no DropConnect."""
    assert not weight_dropout
    return kind(units, **options)


@contextlib.contextmanager
def layers_of(side: str) -> Iterator[None]:
    """Build networks of the layers of a side."""
    if side == "rnnkit":
        yield
        return
    kinds = {"rnn": (keras.layers.SimpleRNN, 1), "lstm": (keras.layers.LSTM, 2)}
    kinds["gru"] = (keras.layers.GRU, 1)
    if side == "keras":
        cells = {name: functools.partial(plain_layer, kind) for name, (kind, _) in kinds.items()}
        both, dropout = keras.layers.Bidirectional, keras.layers.Dropout
    else:
        cells = {n: functools.partial(NoRecurrence, states=k) for n, (_, k) in kinds.items()}
        both, dropout = Both, recurrent_stack.Dropout
    kit = SimpleNamespace(**{**vars(rnnkit.layers), "Bidirectional": both, "LSTM": cells["lstm"]})
    patches = [
        mock.patch.dict(recurrent_stack.CELLS, cells),
        mock.patch.object(recurrent_stack, "kit", kit),
        mock.patch.object(recurrent_stack, "Dropout", dropout),
        mock.patch.object(word_layers, "kit", kit),
        mock.patch("rnnkit.tasks.language.language_networks.CELLS", recurrent_stack.CELLS),
    ]
    if side == "without":
        native = SimpleNamespace(scan=once)
        patches.append(mock.patch.object(attention_decoder, "native", native))
    if side == "keras":
        name = "rnnkit.tasks.tagging.tagger.by_distinct_words"
        patches.append(mock.patch(name, return_value=None))
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield


class Side:
    """A task that trains one epoch at a time."""

    def __init__(self, recipe: str, side: str, settings: dict, data: tuple, now: Any) -> None:
        self.side, self.now, self.epoch = side, now, 0
        self.task = getattr(rnnkit.recipes, recipe)(**settings)
        self.data = dict(zip("xy", data, strict=True))
        if self.data["y"] is None:
            del self.data["y"]
        self.folder = tempfile.mkdtemp()

    def train(self) -> float:
        """Train an epoch; return tokens per second."""
        clock = Clock(self.now)
        callbacks = [TensorBoard(self.folder, embedding=False), clock]
        span = {"initial_epoch": self.epoch, "epochs": self.epoch + 1}
        with layers_of(self.side):  # for programs are traced at the first call
            self.task.fit(**self.data, **span, verbose=0, callbacks=callbacks)
        self.epoch += 1
        return self.task.tokens_per_epoch / clock.seconds


def read(recipe: str, job: Job, options: argparse.Namespace) -> tuple[Any, Any]:
    """Return examples for so many batches, and their targets."""
    train = datasets.load(job.data[0 if options.real else 1]).train
    x, y = list(train.x), getattr(train, "y", None)
    if recipe == "next_word":
        words = options.steps * job.batch * 35
        return [" ".join(" ".join(x).split(" ")[:words])], None
    if recipe == "forecaster":
        return x, None
    chosen = np.random.default_rng(0).permutation(len(x))[: options.steps * job.batch].tolist()
    return [x[i] for i in chosen], [y[i] for i in chosen]


def measure(recipe: str, options: argparse.Namespace) -> dict[str, list[float]]:
    """Return tokens per second of the epochs of each side; they take turns."""
    job = JOBS[recipe]
    data, now = read(recipe, job, options), time.perf_counter
    if options.processor:
        now = time.process_time
    wanted = [one for one in options.sides.split(",") if one != "keras" or job.plain]
    settings = {**ALWAYS.get(recipe, {}), **(job.settings if options.real else {})}
    sides: dict[str, Any] = {
        name: Side(recipe, name, settings, data, now) for name in wanted if name != "bare"
    }
    found: dict[str, list[float]] = {}
    for repeat in range(options.epochs + 1):
        for name, side in sides.items():
            speed = side.train()
            if repeat:
                found.setdefault(name, []).append(speed)
        if not repeat and "bare" in wanted and keras.config.backend() == "torch":
            import bare_torch

            bare = bare_torch.side(recipe, sides["rnnkit"].task, data, now)
            if bare is not None:
                sides["bare"] = bare
    return found


def row(recipe: str, found: dict[str, list[float]]) -> str:
    """Return a row of the table."""
    own = np.array(found["rnnkit"])

    def cell(name: str) -> str:
        if name not in found:
            return "–"
        return f"{np.median(found[name]):,.0f}: {np.median(own / np.array(found[name])):.2f}"

    share = "–"
    if "without" in found:
        share = f"{1 - np.median(own / np.array(found['without'])):.0%}"
    backend = keras.config.backend()
    return (
        f"| {recipe} | {backend} | {np.median(own):,.0f} | {cell('keras')} | {cell('bare')} "
        f"| {share} |"
    )


HEAD = ["| recipe | backend | rnnkit | keras.layers | bare PyTorch | recurrence |"]
HEAD += ["|---|---|---|---|---|---|"]


def write(rows: list[str], into: Path) -> None:
    """Put rows between the markers of a page; those of other backends and recipes stay."""
    old = read_between(into, "recipes")[2:]
    lines = {tuple(cells(line)[:2]): line for line in [*old, *rows]}
    order = sorted(lines, key=lambda key: (list(JOBS).index(key[0]), key[1]))
    write_between(into, "recipes", [*HEAD, *(lines[key] for key in order)])


def main() -> None:
    """Print the table, or write its rows into a page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipes", default="bilstm_sentiment,pos_tagger,next_word,forecaster")
    parser.add_argument("--sides", default=",".join(SIDES))
    parser.add_argument("--steps", type=int, default=20, help="batches of an epoch")
    parser.add_argument("--epochs", type=int, default=3, help="that count")
    parser.add_argument("--real", action="store_true", help="real data sets, not the samples")
    parser.add_argument("--processor", action="store_true", help="processor time, not wall time")
    parser.add_argument("--into", type=Path, help="a page with the comments `recipes`")
    options = parser.parse_args()
    names = list(JOBS) if options.recipes == "all" else options.recipes.split(",")
    print("\n".join(HEAD), flush=True)
    rows = []
    for name in names:
        rows.append(row(name, measure(name, options)))
        print(rows[-1], flush=True)
    if options.into is not None:
        write(rows, options.into)


if __name__ == "__main__":
    main()
