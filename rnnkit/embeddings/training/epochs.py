"""The epochs of word2vec between Keras's callbacks, from the first one or from a checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
import numpy as np

from rnnkit.embeddings.options import Word2VecOptions
from rnnkit.embeddings.training.encoded_corpus import EncodedCorpus
from rnnkit.embeddings.training.gensim_trainer import GensimTrainer
from rnnkit.embeddings.training.step_choice import StepKind
from rnnkit.embeddings.training.trainer import KerasTrainer
from rnnkit.errors import NonFiniteLoss
from rnnkit.training.callback_state import pack, restore_states, unpack
from rnnkit.training.checkpoints import Checkpoint, Checkpoints
from rnnkit.training.fingerprint import as_json, digest
from rnnkit.training.interrupts import deferred_signals
from rnnkit.training.reporting import TrainingReport
from rnnkit.training.writer import CheckpointWriter

TABLES = ("word_vectors", "output_vectors")


def what_training_depends_on(
    corpus: EncodedCorpus, options: Word2VecOptions, callbacks: Sequence[Any], backend: str
) -> dict[str, Any]:
    """Return settings and a digest of the corpus by name: a checkpoint goes on with these.

    Args:
        corpus: the words.
        options: the settings.
        callbacks: of Keras.
        backend: what computes the steps, see `StepChoice.backend`; gensim's do not depend on it.
    """
    gensim = options["trainer"] == "gensim"
    ignored = {"epochs", "batch_size"} if gensim else {"epochs", "workers"}
    counts = corpus.frequencies.counts
    return {
        **({} if gensim else {"backend": backend}),
        "training data": digest(corpus.fingerprint, counts, corpus.total_words),
        **as_json({name: value for name, value in options.items() if name not in ignored}),
        "callbacks": [type(one).__name__ for one in callbacks],
    }


def read_tables(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return copies of the word vectors and the output vectors of a `Word2Vec`."""
    vectors, outputs = (
        np.array(keras.ops.convert_to_numpy(getattr(model, name))) for name in TABLES
    )
    return vectors, outputs


def write_tables(model: Any, tables: tuple[np.ndarray, np.ndarray]) -> None:
    """Set the word vectors and the output vectors."""
    for name, table in zip(TABLES, tables, strict=True):
        getattr(model, name).assign(table)


class Word2VecEpochs:
    """The epochs of one `fit`.

    Args:
        model: a `Word2Vec` with its vocabulary.
        corpus: the words.
        options: the settings.
        callbacks: of Keras.
        verbose: as in Keras.
        checkpoints: where to write them; None = nowhere.
        found: where the training goes on.
        record: what each checkpoint holds besides.
        steps: where they run; of the Keras trainer.
    """

    def __init__(
        self,
        model: Any,
        corpus: EncodedCorpus,
        options: Word2VecOptions,
        callbacks: Sequence[keras.callbacks.Callback],
        *,
        verbose: str | int,
        checkpoints: Checkpoints | None = None,
        found: Checkpoint | None = None,
        record: dict[str, Any],
        steps: StepKind = "tensors",
    ) -> None:
        self._model, self._corpus, self._options = model, corpus, options
        self._verbose, self._checkpoints, self._record = verbose, checkpoints, record
        self._found, self._position, self._seconds = found, None, 0.0
        self._step, self._logs, self._within = 0, dict[str, float](), False
        if found is not None:
            write_tables(model, (found.arrays[TABLES[0]], found.arrays[TABLES[1]]))
            model.epochs_done = found.values["epoch"]
            self._position = unpack(found.values["position"], found.arrays)
            self._seconds, self._logs = found.values["seconds"], dict(found.values["logs"])
            self._step = found.values["step"]
        self._trainer: GensimTrainer | KerasTrainer
        if options["trainer"] == "gensim":
            self._trainer = GensimTrainer(corpus, options, read_tables(model))
        else:
            self._trainer = KerasTrainer(corpus, options, read_tables(model), steps)
        # The history comes before the writer: an epoch's checkpoint holds its row.
        self._callbacks = [*callbacks, keras.callbacks.History()]

    def run(self, first: int) -> None:
        """Train the epochs from `first` on, or from the checkpoint on; end after a signal."""
        model, found = self._model, self._found
        last, stopped = self._options["epochs"], False
        if found is not None:
            first, stopped = found.values["epoch"], found.values["stopped"]
            last = first if stopped and not self._step else last  # nothing is left but to end
        report = TrainingReport(self._verbose)
        with deferred_signals() as interrupt, report:
            if self._checkpoints is not None and found is None:
                self._checkpoints.begin(model)
            writer = CheckpointWriter(
                *(model, self._read, self._callbacks, None),
                *(interrupt, self._checkpoints, self._record, found is not None),
            )
            calls = self._callback_list(report, writer)
            self._restore(own=True)
            model.stop_training = False
            calls.on_train_begin()
            self._restore(own=False)
            model.stop_training |= stopped
            try:
                for epoch in range(first, last):
                    self._epoch(epoch, calls)
                    if model.stop_training:
                        break
            finally:
                if interrupt.signal is not None:
                    write_tables(model, self._trainer.tables())
            calls.on_train_end()

    def _epoch(self, epoch: int, calls: keras.callbacks.CallbackList) -> None:
        model, begin = self._model, time.perf_counter() - self._seconds
        calls.on_epoch_begin(epoch)
        if self._step:
            self._restore(own=False)
        blocks = self._trainer.epoch(epoch, self._position)
        for step, (read, loss, rate) in enumerate(blocks, start=self._step):
            calls.on_train_batch_begin(step)
            model.words_read = epoch * self._corpus.total_words + read
            logs = {} if loss is None else {"loss": loss}
            if loss is not None and not math.isfinite(loss):
                raise NonFiniteLoss(
                    f"The loss became {loss} in epoch {epoch + 1}; the learning rate was "
                    f"{rate:.3g}. Try alpha={self._options['alpha'] / 10:.3g}."
                )
            self._seconds = time.perf_counter() - begin
            self._logs, self._within = logs | {"words_per_second": read / self._seconds}, True
            calls.on_train_batch_end(step, self._logs | {"learning_rate": rate})
        write_tables(model, self._trainer.tables())
        model.epochs_done = epoch + 1
        logs, self._logs, self._within = self._logs, {}, False
        self._position, self._step, self._seconds = None, 0, 0.0
        calls.on_epoch_end(epoch, logs)

    def _read(self) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        """Return what a checkpoint holds: the position within the epoch, and the tables."""
        snapshot = self._trainer.snapshot() if self._within else (None, read_tables(self._model))
        if snapshot is None:
            return None
        position, tables = snapshot
        arrays: dict[str, np.ndarray] = dict(zip(TABLES, tables, strict=True))
        values = {"position": pack(position, arrays, "position"), "seconds": self._seconds}
        return {**values, "logs": self._logs}, arrays

    def _restore(self, own: bool) -> None:
        if self._found is not None:
            states = self._found.values["callbacks"]
            restore_states(self._callbacks, states, self._found.arrays, own)

    def _callback_list(self, *last: keras.callbacks.Callback) -> keras.callbacks.CallbackList:
        # Without a compiled model some of Keras's callbacks ask for an optimizer; there is none.
        return keras.callbacks.CallbackList(
            [*self._callbacks, *last],
            add_history=True,
            add_progbar=self._verbose != 0,
            verbose=1 if self._verbose == "auto" else self._verbose,
            epochs=self._options["epochs"],
            steps=len(self._trainer) or None,
            model=self._model,
        )
