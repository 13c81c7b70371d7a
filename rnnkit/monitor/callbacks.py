"""Keras callbacks: TensorBoard logging, and an error for non-finite losses."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
from keras import ops

from rnnkit.backend import optimizer_state
from rnnkit.backend.compilation import Compilations, compilations
from rnnkit.deprecation import renamed_names
from rnnkit.disk import optional
from rnnkit.errors import NonFiniteLoss, check_count
from rnnkit.monitor.classification import ClassificationReport
from rnnkit.monitor.events import NO_EVENTS, EventWriter, event_files, resume_writers
from rnnkit.monitor.markov_events import write_layers
from rnnkit.monitor.projector import write_frequent_words
from rnnkit.monitor.tags import BATCH, EPOCH, PROGRAMS, WEIGHTS, measure_tag

__all__ = ["StopOnNonFinite", "TensorBoard"]


class TensorBoard(keras.callbacks.Callback):
    """Log training to TensorBoard, on any backend, without TensorFlow.

    | page | run | content |
    |---|---|---|
    | Scalars | `train`, `validation` | `epoch/...`: loss and metrics, in one chart for both runs |
    | Scalars | `train` | `per_batch/...`: loss and metrics (running means of the epoch, as in Keras), learning rate, gradient norm, tokens/s |
    | Images, PR Curves, Text | `validation` | `examples/...`: predictions on the examples, after each epoch |
    | Scalars | `train` | `programs/...`: on JAX the programs that an epoch compiled, and their seconds |
    | Images | `train` | `states/...`: transition matrix and means of each hidden Markov layer, after each epoch |
    | Histograms, Distributions | `train` | `weights/...`: trainable weights, after each epoch |
    | Projector | `train` | the word vectors at the end of training |

    Epochs count from 1; the step of batches counts over all epochs. What a model does not provide
    is left out: a plain `keras.Model` has no tokens/s, gradient norm and words. A model can write
    its own summaries of the examples in a method `write_examples(writer, x, y, step)`.

    Args:
        folder: of the two runs; start TensorBoard with it, or a parent, as `--logdir`.
        examples: `(x, y)`, such as texts and labels; None = no predictions.
        scalars_every: number of batches between two writes of batch scalars; 0 = never.
        histograms_every_epoch: write histograms of the weights after each epoch.
        embedding: write the word vectors at the end.
        max_examples: number of examples to predict on, at most, once per epoch.
        max_words: number of words in the projector, the most frequent ones.

    Raises:
        InputError: a number out of range, or, when training starts, inconsistent examples.

    Example:
        >>> model.fit(texts, labels, callbacks=[TensorBoard("runs/1")])  # doctest: +SKIP
    """  # noqa: E501  rows of a table do not break

    def __init__(
        self,
        folder: str | os.PathLike[str],
        examples: tuple[Any, Any] | None = None,
        *,
        scalars_every: int = 1,
        histograms_every_epoch: bool = True,
        embedding: bool = True,
        max_examples: int = 2000,
        max_words: int = 5000,
    ) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.scalars_every = check_count("scalars_every", scalars_every, least=0)
        self.histograms_every_epoch = histograms_every_epoch
        self.embedding = embedding
        self.max_words = check_count("max_words", max_words)
        self.max_examples = check_count("max_examples", max_examples)
        self._examples = examples
        self._report: ClassificationReport | None = None
        self._writers: dict[str, EventWriter] = {}
        self._step = 0
        self._began = time.perf_counter()
        self._seconds, self._batches = 0.0, 0
        self._compiled_before = Compilations()
        self._resumed: tuple[float, int] | None = None  # seconds and batches of the epoch so far
        self._tags: list[str] | None = None

    def checkpoint_state(self) -> dict[str, Any]:
        """Return the size of each event file, and what was done of the epoch under way."""
        files = {name: (one.path.name, one.sync()) for name, one in self._writers.items()}
        known = {"seconds": self._seconds, "batches": self._batches, "tags": self._weight_tags()}
        return {"files": files, "there": event_files(self.folder), **known}

    def restore_checkpoint(self, state: dict[str, Any]) -> None:
        """Go on with the event files; what they hold of later steps is cut off."""
        self._writers = resume_writers(self.folder, state["files"], state["there"])
        self._resumed = (state["seconds"], state["batches"])
        self._tags = list(state["tags"])

    def _weight_tags(self) -> list[str]:
        """Return the tags of the histograms: the paths of the weights when the training began.

        Those of a network that is read from a file, to go on with it, may be others.
        """
        if self._tags is None:
            self._tags = [weight.path for weight in self.model.trainable_weights]
        return self._tags

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Get the step from the optimizer: a second fit continues the count."""
        if self._examples is not None and not hasattr(self.model, "write_examples"):
            self._report = ClassificationReport(*self._examples, limit=self.max_examples)
        self._writer("train")
        if self._resumed is None:
            self._tags = None  # a callback may be used for another fit
        optimizer = getattr(self.model, "optimizer", None)
        self._step = int(ops.convert_to_numpy(optimizer.iterations)) if optimizer else 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Start the clock; in an epoch that was under way, where it stood."""
        (self._seconds, self._batches), self._resumed = self._resumed or (0.0, 0), None
        self._began = time.perf_counter() - self._seconds
        self._compiled_before = compilations()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the scalars of the batch."""
        self._seconds = time.perf_counter() - self._began
        self._step += batch + 1 - self._batches  # Keras may run several steps before it calls
        self._batches = batch + 1
        if not self.scalars_every or self._step % self.scalars_every:
            return
        self._scalars("train", BATCH, logs, self._step, gradient_norm=self._gradient_norm())

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the scalars of the epoch, histograms and predictions on the examples."""
        step, train, logs = epoch + 1, self._writer("train"), logs or {}
        own = {name: value for name, value in logs.items() if not name.startswith("val_")}
        self._scalars("train", EPOCH, own, step, seconds=self._seconds)
        if compiled := self._compiled():
            train.scalars(compiled, step)
        validation = {
            measure_tag(EPOCH, name): logs[name] for name in logs if name.startswith("val_")
        }
        if validation:
            self._writer("validation").scalars(validation, step)
        if self.histograms_every_epoch:
            weights = self.model.trainable_weights
            for tag, weight in zip(self._weight_tags(), weights, strict=True):
                train.histogram(f"{WEIGHTS}/{tag}", ops.convert_to_numpy(weight), step)
        write_layers(train, self.model, step)
        if self._report is not None:
            self._report.write(self.model, self._writer("validation"), step)
        elif self._examples is not None:
            self.model.write_examples(self._writer("validation"), *self._examples, step)
        self._seconds, self._batches = 0.0, 0

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Write the word vectors and close the files."""
        if self.embedding:
            self._write_words()
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _unsynced(self) -> keras.Model:
        """Return the model; an access to `self.model` syncs the state of the epoch on JAX."""
        return self._model if keras.config.backend() == "jax" else self.model

    def _writer(self, run: str) -> EventWriter:
        if run not in self._writers:
            # Refused before the first step; nothing that was learned is lost for it later.
            self._writers[run] = EventWriter(self.folder / run, required=not self._writers)
            self._writers[run].required = False
        return self._writers[run]

    def _scalars(
        self, run: str, page: str, logs: Mapping[str, float] | None, step: int, **more: Any
    ) -> None:
        """Write logs, learning rate, speed and more, as far as they are known."""
        rate, speed = current_learning_rate(self._model), self._tokens_per_second()
        known = without_none(learning_rate=rate, tokens_per_second=speed, **more)
        values = {
            measure_tag(page, name): value for name, value in {**(logs or {}), **known}.items()
        }
        self._writer(run).scalars(values, step)

    def _gradient_norm(self) -> float | None:
        """Return the norm of the last step.

        Without `self.model` where that can be: on JAX it puts the state of the epoch back.
        """
        optimizer = getattr(self._model, "optimizer", None)
        norm = optimizer_state.find(optimizer, optimizer_state.GRADIENT_NORM)
        if norm is not None:
            return optimizer_state.read(self._model, norm)
        return getattr(self.model, "gradient_norm", None)  # of a model of the user's own

    def _compiled(self) -> dict[str, float]:
        """Return what was compiled in this epoch; nothing where nothing ever is."""
        now = compilations()
        found = now.since(self._compiled_before)
        if not now.programs:
            return {}
        return {
            measure_tag(PROGRAMS, "compiled"): found.programs - found.from_cache,
            measure_tag(PROGRAMS, "from_cache"): found.from_cache,
            measure_tag(PROGRAMS, "compiling_seconds"): found.seconds,
        }

    def _tokens_per_second(self) -> float | None:
        """Return the mean since the start of the epoch, without validation."""
        tokens = getattr(self._model, "tokens_per_epoch", None)
        steps = self.params.get("steps")
        if not tokens or not steps or not self._seconds:
            return None
        return tokens * (self._batches / steps) / self._seconds

    def _write_words(self) -> None:
        vocabulary = getattr(self.model, "vocabulary", None)
        if vocabulary is None:
            return
        if hasattr(self.model, "vectors_table"):  # word2vec
            found = self.model.vectors_table(), vocabulary.words, vocabulary.counts
        else:
            network = getattr(self.model, "network", None) or self.model
            # An Embedding of Keras, or the embedding table of a language model.
            tables = [layer.embeddings for layer in network.layers if hasattr(layer, "embeddings")]
            if not tables:
                return
            vectors = ops.convert_to_numpy(tables[0])
            # Tokens are sorted by descending count, after padding and unknown.
            real = slice(2, len(vectors))
            found = vectors[2:], vocabulary.tokens[real], vocabulary.counts[real]
        with optional(self.folder, NO_EVENTS):
            write_frequent_words(self.folder / "train", *found, self.max_words)


class StopOnNonFinite(keras.callbacks.Callback):
    """Raise an error at the first loss that is NaN or infinite.

    The message has the position, the last loss, the learning rate and suggestions.

    Raises:
        NonFiniteLoss: within `fit`.

    Example:
        >>> model.fit(texts, labels, callbacks=[StopOnNonFinite()])  # doctest: +SKIP
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0
        self._last: float | None = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Remember the epoch for the message."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Check the training loss."""
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            self._raise(f"The loss became {loss} in epoch {self._epoch + 1}, batch {batch + 1}")
        self._last = float(loss)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Check the validation loss."""
        loss = (logs or {}).get("val_loss")
        if loss is not None and not math.isfinite(loss):
            self._raise(f"The validation loss became {loss} after epoch {epoch + 1}")

    def _raise(self, what: str) -> None:
        before = "none was finite" if self._last is None else f"it was {self._last:.6g}"
        rate = current_learning_rate(self.model)
        shown = "" if rate is None else f"; the learning rate is {rate:.3g}"
        raise NonFiniteLoss(
            f"{what}; before that {before}{shown}. Try a learning rate ten times lower, a "
            "clip_norm (5.0, or 1.0) or float32 throughout; and check the data for NaN, labels out "
            "of range and, on JAX, token ids beyond the vocabulary."
        )


def without_none(**values: float | None) -> dict[str, float]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def current_learning_rate(model: keras.Model) -> float | None:
    """Return the learning rate of the next step, schedule included; None without an optimizer."""
    optimizer = getattr(model, "optimizer", None)
    if not optimizer:
        return None
    if (rate := optimizer_state.rate_variable(optimizer)) is not None:
        return optimizer_state.read(model, rate)
    sync_state(model)  # a schedule reads the number of the step
    return float(ops.convert_to_numpy(optimizer.learning_rate))


def sync_state(model: keras.Model) -> None:
    """Sync the variables of a model with the training state on JAX, between two batches of `fit`.

    On JAX, Keras keeps the state of an epoch apart: the model's variables are stale until its end.
    `Callback.model` syncs by itself; code with another reference to the model must call this first.
    """
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()


__getattr__ = renamed_names(
    __name__, {"known": "without_none", "learning_rate": "current_learning_rate"}
)
