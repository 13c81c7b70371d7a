"""A text in, another text out: translation, summaries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.data.pair_batches import PairBatches, padded
from rnnkit.data.subwords import BEGIN, END, KINDS, Subwords
from rnnkit.data.text import check_texts
from rnnkit.errors import InputError, nearest
from rnnkit.monitor.callbacks import sync_state
from rnnkit.monitor.events import EventWriter
from rnnkit.tasks.base import Task
from rnnkit.tasks.text_to_text.beam_search import BeamSearch, check_search
from rnnkit.tasks.text_to_text.seq2seq_losses import (
    SmoothedCrossentropy,
    TokenAccuracy,
    TokenPerplexity,
)
from rnnkit.tasks.text_to_text.seq2seq_networks import Decoding
from rnnkit.tasks.text_to_text.text_scores import SCORES, References

VOCABULARIES = ("joint", "separate")


class Attended(NamedTuple):
    """What a decoder looked at.

    Attributes:
        source: the sub-words read, the end among them, S.
        output: the sub-words written, the end among them, T.
        weights: `(T, S)`, each row sums to 1.
    """

    source: list[str]
    output: list[str]
    weights: np.ndarray


@keras.saving.register_keras_serializable(package="rnnkit")
class Seq2Seq(Task):
    """A Keras model that takes texts and writes texts (R10).

    Sub-words and network come into being in the first `fit`. It learns by teacher forcing, and
    writes by beam search.

    Args:
        build_network: `(source's sub-words, target's or None where they are joint) -> functional
            model`, such as `rnnkit.tasks.text_to_text.seq2seq_networks.attention_network`.
        vocabulary: "joint", one set of sub-words for both sides, or "separate".
        vocabulary_size: sub-words of a set.
        subwords: "bpe" or "unigram"; see `rnnkit.data.subwords`.
        max_length: sources are cut to this many sub-words; None = never.
        max_target_length: targets are cut to this many, and no longer texts are written.
        label_smoothing: share of the truth that all sub-words share, in the loss.
        beam_size: sequences that `predict` follows at once, where it is not told; 1 = greedy.
        length_penalty: how much `predict` likes long texts; see
            `rnnkit.tasks.text_to_text.beam_search`.
        score: what `evaluate` counts of the texts written: "bleu" or "rouge".
        **options: see `rnnkit.tasks.base.Task`.

    Attributes:
        signature: how the last `evaluate` counted BLEU or ROUGE.

    Raises:
        InputError: a setting that cannot be used.

    Example:
        >>> from rnnkit.recipes.text_to_text import translator
        >>> model = translator(units=8, decoder_units=8, embedding_size=8, vocabulary_size=300)
        >>> history = model.fit(["ein Hund"] * 8, ["a dog"] * 8, epochs=1, verbose=0)
        >>> len(model.predict("ein Hund", beam_size=1, max_length=3))
        1
    """

    assets = ("source.spm", "target.spm")

    def __init__(
        self,
        build_network: Any = None,
        *,
        vocabulary: str = "joint",
        vocabulary_size: int = 6000,
        subwords: str = "bpe",
        max_length: int | None = 100,
        max_target_length: int = 100,
        label_smoothing: float = 0.1,
        beam_size: int = 5,
        length_penalty: float = 1.0,
        score: str = "bleu",
        **options: Any,
    ) -> None:
        for name, word, words in (
            ("vocabulary", vocabulary, VOCABULARIES),
            ("subwords", subwords, KINDS),
            ("score", score, tuple(SCORES)),
        ):
            if word not in words:
                raise InputError(
                    f"{name} is {word!r}; expected one of {words}.{nearest(str(word), words)}"
                )
        check_search(beam_size, max_target_length, length_penalty)
        if not 0 <= label_smoothing < 1:
            raise InputError(f"label_smoothing is {label_smoothing}; expected 0 to below 1.")
        super().__init__(build_network, max_length=max_length, **options)
        self.vocabulary, self.vocabulary_size, self.subwords = vocabulary, vocabulary_size, subwords
        self.max_target_length = max_target_length
        self.label_smoothing = label_smoothing
        self.beam_size, self.length_penalty = beam_size, length_penalty
        self.score = score
        self.signature: str | None = None
        self.source_subwords: Subwords | None = None
        self.target_subwords: Subwords | None = None

    # Texts -> ids.

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the ids of each source, cut, with the end behind them.

        Raises:
            InputError: something among the texts is no text, or the model is not trained yet.
        """
        rows = self._known(self.source_subwords).encode_many(check_texts(x))
        most = None if self.max_length is None else self.max_length - 1
        return [np.append(row[:most], END).astype(np.int32) for row in rows]

    def encode_targets(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the ids of each target, cut, without begin and end."""
        rows = self._known(self.target_subwords).encode_many(texts)
        return [row[: self.max_target_length - 1] for row in rows]

    def _known(self, subwords: Subwords | None) -> Subwords:
        if subwords is None:
            raise InputError(
                f"{type(self).__name__} has no sub-words yet: it learns them from the texts of the "
                "first fit. Call fit first, or load a trained model with rnnkit.tasks.load."
            )
        return subwords

    def _learn(self, sources: list[str], targets: list[str]) -> None:
        """Learn the sub-words and build the network."""

        def learn(texts: list[str]) -> Subwords:
            return Subwords.learn(texts, self.vocabulary_size, self.subwords)

        if self.vocabulary == "joint":
            source = target = learn(sources + targets)
        else:
            source, target = learn(sources), learn(targets)
        size = None if source is target else len(target)
        self._set_network(self._new_network(len(source), size))
        self.source_subwords, self.target_subwords = source, target

    # Keras's three verbs, on texts.

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        *,
        validation_data: tuple[Any, Any] | None = None,
        unlabelled: Any = (),
        epochs: int | None = None,
        batch_size: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        patience: int | None = None,
        keep_best: bool = True,
        shuffle: bool = True,
        initial_epoch: int = 0,
        verbose: str | int = "auto",
    ) -> keras.callbacks.History:
        """Train on texts and what is to be written of each.

        Args:
            x: the sources.
            y: the target of each; of a list of several, the first is learned.
            validation_data: `(x, y)` that the model is measured on after each epoch.
            unlabelled: not used.
            epochs: how often to go through the pairs; the task's own number when left out.
            batch_size: pairs of a batch.
            callbacks: Keras callbacks, such as `rnnkit.monitor.TensorBoard`.
            patience: stop after this many epochs without a better validation loss.
            keep_best: end with the weights of the epoch of the best validation loss.
            shuffle: draw a new order for every epoch.
            initial_epoch: the number of the first epoch, when training goes on.
            verbose: as in Keras.

        Returns:
            Keras's history.

        Raises:
            InputError: texts that cannot be used; nothing was learned.
            NonFiniteLoss: the loss became NaN or infinite.
        """
        del unlabelled
        sources, references = check_pairs(x, y, "The training set")
        held_out = None
        if validation_data is not None:
            held_out = check_pairs(*validation_data[:2], "The validation set")
        if self.network is None:
            self._learn(sources, [row[0] for row in references])
        return self._train(
            self._pairs(sources, references, batch_size, shuffle),
            None if held_out is None else self._pairs(*held_out, batch_size),
            epochs=epochs,
            patience=patience,
            keep_best=keep_best,
            callbacks=callbacks,
            initial_epoch=initial_epoch,
            verbose=verbose,
        )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        return_dict: bool = False,
        write: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Measure loss, perplexity and accuracy of each next sub-word, and the texts written.

        BLEU or ROUGE are those of beam search against all references, 0 to 100; the others are
        measured along the first. `signature` then says how they were counted.

        Args:
            x: the sources.
            y: the reference, or references, of each.
            batch_size: pairs of a batch.
            verbose: as in Keras.
            return_dict: as in Keras.
            write: write the texts, too; without it there is no BLEU or ROUGE.
            **kwargs: `beam_size`, `length_penalty` and `max_length`, as in `predict`.

        Raises:
            InputError: texts that cannot be used, or the model is not trained yet.
        """
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's own call from inside fit
            options = {"verbose": verbose, "return_dict": return_dict, **kwargs}
            return super().evaluate(x, y, **options)
        sources, references = check_pairs(x, y, "The test set")
        batches = self._pairs(sources, references, batch_size)
        found = dict(self._measure(batches, verbose=verbose, return_dict=True))
        if write:
            texts = self.predict(sources, batch_size=batch_size, **kwargs)
            scores = SCORES[self.score](texts, references)
            self.signature = scores.signature
            found |= scores.values
        return found if return_dict else list(found.values())

    def predict(  # type: ignore[override]
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        callbacks: Any = None,
        *,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        max_length: int | None = None,
    ) -> list[str]:
        """Return the text that is written for each source, in their order.

        Args:
            x: one text or many.
            batch_size: texts of a batch.
            verbose: accepted as in Keras; nothing is shown.
            callbacks: accepted as in Keras.
            beam_size: sequences that are followed at once; 1 = the likeliest word at each step.
            length_penalty: how much long texts are liked; see
                `rnnkit.tasks.text_to_text.beam_search`.
            max_length: sub-words of a text, at most.

        Raises:
            InputError: something among the texts is none, or the model is not trained yet.

        Example:
            >>> model.predict(["Ein Hund rennt."])  # doctest: +SKIP
            ['A dog is running.']
        """
        del verbose, callbacks
        rows = self.encode(x)
        words = self._write(rows, batch_size, beam_size, length_penalty, max_length)
        return [self._known(self.target_subwords).decode(ids) for ids in words]

    def attention(self, text: str, output: str | None = None) -> Attended:
        """Return what the decoder looked at while it wrote.

        Args:
            text: a source.
            output: what it is to write; its own choice when left out.

        Raises:
            InputError: no text, or the model is not trained yet.

        Example:
            >>> model.attention("Ein Hund rennt.").weights.shape  # doctest: +SKIP
            (5, 5)
        """
        rows = self.encode([text])
        target = self._known(self.target_subwords)
        if output is None:
            words = self._write(rows)[0]
        else:
            words = self.encode_targets(check_texts([output], "output"))[0]
        leaving = np.append(words, END)
        read, step = self._parts.decoding.read, self._parts.decoding.step
        memory, states = read(ops.convert_to_tensor(rows[0][None]))
        weights = []
        for word in [BEGIN, *words.tolist()]:
            _, states, looked = step(ops.full((1,), word, dtype="int32"), states, memory)
            weights.append(ops.convert_to_numpy(looked)[0])
        names = self._known(self.source_subwords).names(rows[0])
        return Attended(names, target.names(leaving), np.array(weights))

    def show(self, writer: EventWriter, x: Any, y: Any, step: int) -> None:
        """Write a table of sources, references and outputs, and pictures of the attention.

        Args:
            writer: into which event file.
            x: sources; the first twelve are shown.
            y: their references.
            step: of the training.
        """
        from rnnkit.monitor.attention import attention_png
        from rnnkit.monitor.figures import markdown_table, plain

        sources, references = check_pairs(x[:12], y[:12], "The examples")
        rows = [
            [plain(source, 300), plain(row[0], 300), plain(text, 300)]
            for source, row, text in zip(sources, references, self.predict(sources), strict=True)
        ]
        table = markdown_table(["source", "reference", "output"], rows)
        writer.text("examples/outputs", table, step)
        for i, source in enumerate(sources[:3]):
            writer.image(f"attention/{i}", attention_png(*self.attention(source)), step)

    # Writing.

    @cached_property
    def _parts(self) -> _Parts:
        return _Parts(self.network)

    def _set_network(self, network: keras.Model) -> None:
        super()._set_network(network)
        self.__dict__.pop("_parts", None)

    def _write(
        self,
        rows: list[np.ndarray],
        batch_size: int | None = None,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        max_length: int | None = None,
    ) -> list[np.ndarray]:
        """Return the ids that are written for encoded sources, in their order."""
        found: list[np.ndarray] = [np.zeros(0, np.int32)] * len(rows)
        sync_state(self)
        weights = self._parts.weights()
        # As many rows in every batch as in the first: fewer shapes, less to compile.
        size = min(batch_size or self.batch_size, 1 << max(0, len(rows) - 1).bit_length())
        order = np.argsort([len(row) for row in rows], kind="stable").tolist()
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            filled = chosen + chosen[-1:] * (size - len(chosen))
            source = padded([rows[i] for i in filled])
            memory, states = self._parts.read(weights, ops.convert_to_tensor(source))
            words = self._parts.search(
                weights,
                states,
                memory,
                beam_size=self.beam_size if beam_size is None else beam_size,
                length_penalty=self.length_penalty if length_penalty is None else length_penalty,
                max_length=self.max_target_length if max_length is None else max_length,
            ).words
            for i, ids in zip(chosen, words, strict=False):
                found[i] = ids
        return found

    # Training.

    def _pairs(
        self,
        sources: list[str],
        references: References,
        batch_size: int | None = None,
        shuffle: bool = False,
    ) -> Any:
        return PairBatches(
            self.encode(sources),
            self.encode_targets([row[0] for row in references]),
            batch_size=batch_size or self.batch_size,
            shuffle=shuffle,
            seed=self.seed,
        )

    def _compile(self) -> None:
        self.compile(
            optimizer=self._make_optimizer(),
            loss=SmoothedCrossentropy(self.label_smoothing),
            weighted_metrics=[TokenPerplexity(), TokenAccuracy()],
        )

    # One file.

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the task again; the sub-words travel beside it."""
        names = (
            "vocabulary",
            "vocabulary_size",
            "subwords",
            "max_target_length",
            "label_smoothing",
            "beam_size",
            "length_penalty",
            "score",
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def save_assets(self, dir_path: str) -> None:
        """Put the sub-words into the file; called by Keras."""
        for name, subwords in zip(
            self.assets, (self.source_subwords, self.target_subwords), strict=True
        ):
            if subwords is not None:
                Path(dir_path, name).write_bytes(subwords.model)

    def load_assets(self, dir_path: str) -> None:
        """Take the sub-words out of the file; called by Keras."""
        self.source_subwords, self.target_subwords = (
            Subwords(Path(dir_path, name).read_bytes()) for name in self.assets
        )


class _Parts:
    """A network cut up for decoding, its parts compiled; the weights are given at each call."""

    def __init__(self, network: Any) -> None:
        self.decoding = Decoding(network)
        self._variables = network.variables

        def read(weights: Any, source: Any) -> Any:
            with self._with(weights):
                return self.decoding.read(source)

        def step(weights: Any, words: Any, states: Any, memory: Any) -> Any:
            with self._with(weights):
                return self.decoding.step(words, states, memory)[:2]

        self.read = native.compiled(read)
        self.search = BeamSearch(step)

    def weights(self) -> list:
        """Return the current weights, without a gradient."""
        return [ops.stop_gradient(variable.value) for variable in self._variables]

    def _with(self, weights: list) -> keras.StatelessScope:
        return keras.StatelessScope(list(zip(self._variables, weights, strict=True)))


def check_pairs(x: Any, y: Any, name: str) -> tuple[list[str], list[list[str]]]:
    """Return sources and the references of each, or say which of them cannot be used.

    Args:
        x: the sources.
        y: a text, or a list of at least one, for each.
        name: what the message calls them.

    Raises:
        InputError: something is no text, not as many in y as in x, or nothing at all.

    Example:
        >>> check_pairs(["ein Hund"], [["a dog", "one dog"]], "The set")
        (['ein Hund'], [['a dog', 'one dog']])
    """
    sources = check_texts(x, "x")
    if y is None or isinstance(y, str):
        raise InputError(f"{name} has y = {y!r}: expected a list with a target for each text.")
    rows = y.tolist() if hasattr(y, "tolist") else list(y)
    if len(rows) != len(sources):
        raise InputError(f"{name} has {len(rows)} targets for {len(sources)} texts.")
    if not sources:
        raise InputError(f"{name} holds no text. Give at least one text with its target.")
    references = []
    for i, row in enumerate(rows):
        found = check_texts([row] if not isinstance(row, (list, tuple)) else row, f"y[{i}]")
        if not found:
            raise InputError(f"{name}: y[{i}] is an empty list; expected at least one text.")
        references.append(found)
    return sources, references
