"""Keras callbacks that show a training in TensorBoard, and stop one that has gone wrong."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rnnkit.backend  # noqa: F401  picks the backend before Keras loads

# isort: split
import keras
from keras import ops

from rnnkit.errors import InputError, NonFiniteLoss
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.examples import Examples
from rnnkit.monitor.markov_events import write_layers
from rnnkit.monitor.projector import write_words

__all__ = ["StopOnNonFinite", "TensorBoard"]


class TensorBoard(keras.callbacks.Callback):
    """Show a training in TensorBoard, on any backend, without TensorFlow.

    | page | run | what |
    |---|---|---|
    | Scalars | `train` | `batch/...`: loss and metrics (means since the epoch began, as Keras gives them), learning rate, gradient norm, tokens/s |
    | Scalars | `train`, `validation` | `epoch/...`: loss and metrics under the same tags, so that both curves share a chart |
    | Histograms, Distributions | `train` | every trained weight, after each epoch |
    | Images | `train` | of each hidden Markov layer its transition matrix and means, after each epoch |
    | Images, PR Curves, Text | `validation` | what the model makes of the examples, after each epoch |
    | Projector | `train` | the word vectors as they are when training ends |

    Epochs count from 1, batches on through all epochs. What a model does not tell is left out: of a
    plain `keras.Model` tokens/s, gradient norm and words. A model that gives more than a class for
    each example has a method `write_examples(writer, x, y, step)`, which is called with the examples: tagged
    sentences, translations and such.

    Args:
        folder: where the two runs go; start TensorBoard on it or on a folder above.
        examples: `(x, y)`, such as texts and labels, held out of training; or None for no pictures
            and tables.
        scalars_every: write batch scalars once in this many batches; 0 = never.
        histograms_every_epoch: write the weights' histograms.
        embedding: write the word vectors at the end.
        max_examples: predict on at most this many examples, once an epoch.
        max_words: show this many words in the projector, the most frequent.

    Raises:
        InputError: if a number is out of range, or, when training begins, if the examples do not
            fit together.

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
        if scalars_every < 0 or max_words < 1:
            raise InputError(
                f"scalars_every must be at least 0 and max_words at least 1, not {scalars_every} "
                f"and {max_words}."
            )
        self.folder = Path(folder)
        self.scalars_every = scalars_every
        self.histograms_every_epoch = histograms_every_epoch
        self.embedding = embedding
        self.max_words = max_words
        self.max_examples = max_examples
        self._given = examples
        self._examples: Examples | None = None
        self._writers: dict[str, EventWriter] = {}
        self._step = 0

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Find out where the count of batches stands: a second fit goes on from the first."""
        if self._given is not None and not hasattr(self.model, "write_examples"):
            self._examples = Examples(*self._given, limit=self.max_examples)
        self._writer("train")
        optimizer = getattr(self.model, "optimizer", None)
        self._step = int(ops.convert_to_numpy(optimizer.iterations)) if optimizer else 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Start the clock."""
        self._began = time.perf_counter()
        self._seconds = 0.0
        self._batches = 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the batch's scalars."""
        self._seconds = time.perf_counter() - self._began
        self._step += batch + 1 - self._batches  # Keras may run several steps before it calls
        self._batches = batch + 1
        if not self.scalars_every or self._step % self.scalars_every:
            return
        # On JAX, looking at self.model fetches the state that Keras keeps apart during an epoch; so
        # it is left alone in batches that are not written.
        values = dict(logs or {})
        values |= known(
            learning_rate=learning_rate(self.model),
            gradient_norm=getattr(self.model, "gradient_norm", None),
            tokens_per_second=self._tokens_per_second(),
        )
        self._writer("train").scalars(
            {f"batch/{name}": value for name, value in values.items()}, self._step
        )

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the epoch's scalars, histograms and what the model makes of the examples."""
        step = epoch + 1
        train = self._writer("train")
        logs = dict(logs or {})
        values = {name: value for name, value in logs.items() if not name.startswith("val_")}
        values |= known(
            learning_rate=learning_rate(self.model),
            tokens_per_second=self._tokens_per_second(),
            seconds=self._seconds,
        )
        train.scalars({f"epoch/{name}": value for name, value in values.items()}, step)
        validation = {
            f"epoch/{name.removeprefix('val_')}": value
            for name, value in logs.items()
            if name.startswith("val_")
        }
        if validation:
            self._writer("validation").scalars(validation, step)
        if self.histograms_every_epoch:
            for weight in self.model.trainable_weights:
                train.histogram(weight.path, ops.convert_to_numpy(weight), step)
        write_layers(train, self.model, step)
        if self._examples is not None:
            self._examples.report(self.model, self._writer("validation"), step)
        elif self._given is not None:
            self.model.write_examples(self._writer("validation"), *self._given, step)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Write the word vectors and close the files."""
        if self.embedding:
            self._write_words()
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _writer(self, run: str) -> EventWriter:
        if run not in self._writers:
            self._writers[run] = EventWriter(self.folder / run)
        return self._writers[run]

    def _tokens_per_second(self) -> float | None:
        """Return the mean since the epoch began, validation left out."""
        tokens = getattr(self.model, "tokens_per_epoch", None)
        steps = self.params.get("steps")
        if not tokens or not steps or not self._seconds:
            return None
        return tokens * (self._batches / steps) / self._seconds

    def _write_words(self) -> None:
        vocabulary = getattr(self.model, "vocabulary", None)
        if vocabulary is not None and hasattr(self.model, "vectors_table"):  # word2vec
            table, words = self.model.vectors_table(), vocabulary.words
            write_words(self.folder / "train", table, words, vocabulary.counts, self.max_words)
            return
        network = getattr(self.model, "network", None) or self.model
        if vocabulary is None or isinstance(vocabulary, str):  # none, or a setting of that name
            return
        # Of Keras, or a table of a language model: both call the vectors so.
        tables = [layer.embeddings for layer in network.layers if hasattr(layer, "embeddings")]
        if not tables:
            return
        vectors = ops.convert_to_numpy(tables[0])
        # Tokens stand in falling order of their counts, after padding and unknown.
        words, counts = vocabulary.tokens[2 : len(vectors)], vocabulary.counts[2 : len(vectors)]
        write_words(self.folder / "train", vectors[2:], words, counts, self.max_words)


class StopOnNonFinite(keras.callbacks.Callback):
    """Stop a training with an error at its first loss that is NaN or infinite.

    The error says where it happened, what the loss and the learning rate were, and what to try.

    Raises:
        NonFiniteLoss: from within `fit`.

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
            self._stop(f"The loss became {loss} in epoch {self._epoch + 1}, batch {batch + 1}")
        self._last = float(loss)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Check the validation loss."""
        loss = (logs or {}).get("val_loss")
        if loss is not None and not math.isfinite(loss):
            self._stop(f"The validation loss became {loss} after epoch {epoch + 1}")

    def _stop(self, what: str) -> None:
        before = "none was finite" if self._last is None else f"it was {self._last:.6g}"
        rate = learning_rate(self.model)
        raise NonFiniteLoss(
            f"{what}; before that {before}"
            + ("" if rate is None else f"; the learning rate is {rate:.3g}")
            + ". Try a learning rate ten times lower, a clip_norm (5.0, or 1.0) or float32 "
            "throughout; and look in the data for NaN, for labels out of range and, on JAX, for "
            "token ids beyond the vocabulary."
        )


def known(**values: float | None) -> dict[str, float]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def learning_rate(model: keras.Model) -> float | None:
    """Return the rate of the next step; schedules are followed. None without an optimizer."""
    optimizer = getattr(model, "optimizer", None)
    return float(ops.convert_to_numpy(optimizer.learning_rate)) if optimizer else None


def sync_state(model: keras.Model) -> None:
    """Make variables readable between two batches of `fit`.

    On JAX, Keras carries them through an epoch apart from the model, whose own copies then hold
    initial values: reading one gives a wrong number, silently. `Callback.model` does this by
    itself; who holds the model by another name calls it.
    """
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
