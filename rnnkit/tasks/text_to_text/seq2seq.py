"""A text in, another text out: translation, summaries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rnnkit.data.pair_batches import PairBatches
from rnnkit.data.subwords import END, KINDS, Subwords
from rnnkit.data.text import check_texts
from rnnkit.errors import InputError, suggest
from rnnkit.tasks.answers import Answers, answer_texts
from rnnkit.tasks.text_to_text.seq2seq_losses import (
    SmoothedCrossentropy,
    TokenAccuracy,
    TokenPerplexity,
)
from rnnkit.tasks.text_to_text.text_scores import SCORES, References
from rnnkit.tasks.text_to_text.writing import TextWriter, check_pairs

VOCABULARIES = ("joint", "separate")


@keras.saving.register_keras_serializable(package="rnnkit")
class Seq2Seq(TextWriter):
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
                    f"{name} is {word!r}; expected one of {words}.{suggest(str(word), words)}"
                )
        if not 0 <= label_smoothing < 1:
            raise InputError(f"label_smoothing is {label_smoothing}; expected 0 to below 1.")
        super().__init__(
            build_network,
            max_length=max_length,
            max_target_length=max_target_length,
            beam_size=beam_size,
            length_penalty=length_penalty,
            **options,
        )
        self.vocabulary, self.vocabulary_size, self.subwords = vocabulary, vocabulary_size, subwords
        self.label_smoothing, self.score = label_smoothing, score
        self.signature: str | None = None

    # Texts -> ids.

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the ids of each source, cut, with the end behind them.

        Raises:
            InputError: something among the texts is no text, or the model is not trained yet.
        """
        rows = self._known(self.source_subwords).encode_many(check_texts(x))
        most = None if self.max_length is None else self.max_length - 1
        return [np.append(row[:most], END).astype(np.int32) for row in rows]

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

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return the text generated for each text."""
        return answer_texts(self, inputs, names)

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
