"""A tag for each word of a sentence: names, parts of speech."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from rnnkit.data.batching import BucketedBatches
from rnnkit.errors import InputError
from rnnkit.hmm.layers.crf import CRFDecoder
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.spans import as_iob2, is_iob2, span_scores, spans
from rnnkit.tasks.answers import Answers, answer_spans, answer_tags
from rnnkit.tasks.tagging import tagged
from rnnkit.tasks.tagging.spelled import SpelledTask
from rnnkit.tasks.tagging.tagger_networks import Learned


@keras.saving.register_keras_serializable(package="rnnkit")
class SequenceTagger(SpelledTask):
    """A Keras model that takes sentences and gives a tag for each of their words.

    Words, characters, tags and network come into being in the first `fit`. Tags of the IOB2 scheme
    ("O", "B-PER", "I-PER" ...) mark spans, and are measured as spans too. Sentences are read whole,
    however long; of words longer than `word_length` the spelling is read at both ends.

    Args:
        build_network: `(Learned) -> functional model`, such as
            `rnnkit.tasks.tagging.tagger_networks.recurrent_tagger`.
        classes: names of the tags; learned from the first `fit` when left out.
        **options: see `rnnkit.tasks.tagging.spelled.SpelledTask`,
            `rnnkit.tasks.word_start.WordTask` and `rnnkit.tasks.base.Task`.

    Raises:
        InputError: a setting that cannot be used.

    Example:
        >>> from rnnkit.recipes.tagging import name_tagger
        >>> model = name_tagger(units=4, epochs=1, word_length=8)
        >>> x, y = [["Ellen", "is", "here"]] * 4, [["B-PER", "O", "O"]] * 4
        >>> history = model.fit(x, y, verbose=0)
        >>> [len(row) for row in model.predict(["Ellen is here", "John"])]
        [3, 1]
    """

    def __init__(
        self,
        build_network: Callable[[Learned], keras.Model] | None = None,
        *,
        classes: Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(build_network, **options)
        self.classes = tuple(classes or ())

    monitor_mode = "max"

    @property
    def monitor(self) -> str:  # type: ignore[override]
        """What tells the best epoch: F1 of the spans, where tags mark spans, else accuracy."""
        return "val_f1" if is_iob2(self.classes) else "val_accuracy"

    # The network's two faces: scores to learn by, tags to answer with.

    def _set_network(self, network: keras.Model) -> None:
        super()._set_network(network)
        scores = network.get_layer("scores").output
        self._crf_there = "crf" in [layer.name for layer in network.layers]
        scoring = keras.Model(network.input, scores)
        # A graph of its own: in that of a loaded network names of operations would stand twice.
        ids = keras.Input(network.input.shape[1:], dtype=network.input.dtype)
        found = scoring(ids)
        if self._crf_there:
            mask = keras.ops.not_equal(ids[:, :, 0], 0)
            found = CRFDecoder(network.get_layer("crf"))(found, mask=mask)
        # As functions: Keras would take models for layers of this one and save them once more.
        self._score = scoring.__call__
        self._find = keras.Model(ids, found).predict_on_batch

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the scores of the tags, `(B, T, K)`, that the loss is made of."""
        if self.network is None:
            return super().call(inputs, training)  # which says what is missing
        return self._score(inputs, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the negative log-likelihood of the tags, a mean over the batch's words.

        With a CRF it is that of the whole sentence's tags: see `rnnkit.layers.CRF`.
        """
        del x, training
        ops = keras.ops
        weight = ops.cast(sample_weight, y_pred.dtype)
        real = ops.maximum(ops.sum(ops.cast(weight > 0, y_pred.dtype)), 1.0)
        if self._crf_there:
            crf = self.network.get_layer("crf")  # type: ignore[union-attr]
            losses = crf.nll(y_pred, y, weight > 0) * ops.max(weight, axis=-1)
        else:
            losses = weight * ops.sparse_categorical_crossentropy(y, y_pred, from_logits=True)
        loss = ops.sum(losses) / real
        for penalty in self.losses:
            loss = loss + penalty
        return loss

    def _compile(self) -> None:
        # No metric beside the loss: the best score of each word is not what a CRF answers.
        self.compile(optimizer=self._make_optimizer())

    # Keras's three verbs, on sentences.

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
        sample_weight: Any = None,
        shuffle: bool = True,
        initial_epoch: int = 0,
        verbose: str | int = "auto",
    ) -> keras.callbacks.History:
        """Train on sentences and their tags.

        The tags that the model gives the validation set are measured after each epoch, and the
        epoch with the best F1 of spans is kept; where tags mark no spans, that with the best
        accuracy. (The loss grows before they fall: fewer mistakes, of which the model is surer.)

        Args:
            x: lists of words.
            y: for each a list of tags, one for each word. "I-X" that begins a span counts as "B-X".
            validation_data: `(x, y)` that the model is measured on after each epoch.
            unlabelled: more sentences, raw or as words, for the word vectors of the first `fit`.
            epochs: how often to go through the sentences; the task's own number when left out.
            batch_size: sentences of a batch.
            callbacks: Keras callbacks, such as `rnnkit.monitor.TensorBoard`.
            patience: stop after this many epochs without a better one on the validation set.
            keep_best: end with the weights of the best epoch.
            sample_weight: weight of each sentence in the loss.
            shuffle: draw a new order for every epoch.
            initial_epoch: the number of the first epoch, when training goes on.
            verbose: as in Keras.

        Returns:
            Keras's history.

        Raises:
            InputError: sentences or tags that cannot be used; nothing was learned.
            NonFiniteLoss: the loss became NaN or infinite.
        """
        rows, tags = tagged.pairs(x, y, "The training set")
        classes = self.classes
        spanned = is_iob2(classes or {tag for row in tags for tag in row})
        tags = [as_iob2(row) for row in tags] if spanned else tags
        classes = classes or tuple(sorted({tag for row in tags for tag in row}))
        if len(classes) < 2:
            raise InputError(
                f"All tags of the training set are {classes[0]!r}: there is nothing to tell apart."
            )
        targets: Any = tagged.numbers(tags, classes, "training")
        held_rows: list[list[str]] = []
        held_targets: Any = None
        if validation_data is not None:
            held_rows, held_tags = tagged.pairs(*validation_data, "The validation set")
            held_tags = [as_iob2(row) for row in held_tags] if spanned else held_tags
            held_targets = tagged.numbers(held_tags, classes, "validation")
        if self.network is None:
            self._learn(rows, classes, unlabelled)
            self.classes = classes
        held_out = self._batches(self._encode(held_rows), held_targets) if held_rows else None
        return self._train(
            self._batches(self._encode(rows), targets, sample_weight, batch_size, shuffle),
            held_out,
            epochs=epochs,
            patience=patience,
            keep_best=keep_best,
            measures=[] if held_out is None else [MeasuredTags(held_out, held_tags)],
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
        sample_weight: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Measure the loss and the tags that `predict` gives, against the right ones.

        Args:
            x: lists of words.
            y: for each a list of tags.
            batch_size: sentences of a batch.
            verbose: as in Keras.
            sample_weight: weight of each sentence in the loss.
            return_dict: return names and numbers; else the numbers alone, in the same order.
            **kwargs: Keras's own.

        Returns:
            "loss", "accuracy" (the share of words with the right tag) and, of IOB2 tags,
            "precision", "recall", "f1" of the spans and "f1/TYPE": see
            `rnnkit.monitor.spans.span_scores`.

        Raises:
            InputError: sentences or tags that cannot be used, or the model is not trained yet.
        """
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's own call from inside fit
            return super().evaluate(x, y, verbose=verbose, return_dict=return_dict, **kwargs)
        rows, tags = tagged.pairs(x, y, "The test set")
        self._known_vocabulary()
        spanned = is_iob2(self.classes)
        corrected = [as_iob2(row) for row in tags] if spanned else tags
        targets: Any = tagged.numbers(corrected, self.classes, "test")
        batches = self._batches(self._encode(rows), targets, sample_weight, batch_size)
        measured = self._measure(batches, verbose=verbose, return_dict=True)
        scores = {"loss": measured["loss"], **self.score(batches, tags)}
        return scores if return_dict else list(scores.values())

    def score(self, batches: BucketedBatches, tags: list[list[str]]) -> dict[str, float]:
        """Measure the model's tags of encoded sentences: accuracy and, of IOB2, the spans.

        Args:
            batches: the sentences.
            tags: the right tags, in the order in which the batches were given the sentences.
        """
        answers = self._tags(batches)
        right = [
            a == b
            for row, answer in zip(tags, answers, strict=True)
            for a, b in zip(row, answer, strict=True)
        ]
        scores = {"accuracy": float(np.mean(right))}
        return scores | span_scores(tags, answers) if is_iob2(self.classes) else scores

    def predict(  # type: ignore[override]
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        callbacks: Any = None,
    ) -> list[list[str]]:
        """Return a tag for each word of each sentence.

        Args:
            x: one raw sentence, or a list of raw sentences (which `rnnkit.data.treebank` cuts into
                words) and lists of words.
            batch_size: sentences of a batch.
            verbose: not used.
            callbacks: not used.

        Raises:
            InputError: something among them is no sentence, or the model is not trained yet.

        Example:
            >>> model.predict("Why don't you ask John?")  # doctest: +SKIP
            [['O', 'O', 'O', 'O', 'O', 'B-PER', 'O']]
        """
        del verbose, callbacks
        return self._tags(self._batches(self.encode(x), batch_size=batch_size))

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return the spans of each text; of tags that mark no spans, all words with their tags."""
        answer = answer_spans if is_iob2(self.classes) else answer_tags
        return answer(self, inputs, names)

    def predict_spans(self, texts: Any) -> list[list[tagged.Found]]:
        """Return the marked pieces of each raw text, with the characters they span.

        Args:
            texts: one text, or many.

        Returns:
            A list of `(text, type, start, end)` for each text; the piece goes from the character
            `start` to the one before `end`.

        Raises:
            InputError: the tags of this model mark no spans, or something is no text.

        Example:
            >>> model.predict_spans("Why don't you ask John?")  # doctest: +SKIP
            [[Found(text='John', type='PER', start=18, end=22)]]
        """
        if self.network is not None and not is_iob2(self.classes):
            raise InputError(
                f"The tags of this model mark no spans ({', '.join(self.classes[:3])} ...): ask it "
                "with predict."
            )
        raw = tagged.raw_texts(texts)
        rows = tagged.sentences(raw)
        return [
            [
                tagged.Found(text[a:b], span.type, a, b)
                for span in spans(tags)
                for a, b in [(words[span.start].start, words[span.end - 1].end)]
            ]
            for text, words, tags in zip(raw, rows, self.predict(raw), strict=True)
        ]

    def _tags(self, batches: BucketedBatches) -> list[list[str]]:
        """Return the tags of each row, in the rows' own order."""
        found: list[list[str]] = [[] for _ in batches.order]
        for places, ids in self._rows_of(batches):
            answers = np.asarray(self._find(ids))
            answers = answers.argmax(-1) if answers.ndim == 3 else answers
            for place, row, length in zip(
                places, answers, (ids[:, :, 0] != 0).sum(axis=1), strict=True
            ):
                found[place] = [self.classes[i] for i in row[:length]]
        return found

    @staticmethod
    def _rows_of(batches: BucketedBatches) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        done = 0
        for index in range(len(batches)):
            ids = batches[index][0]
            yield batches.order[done : done + len(ids)], np.asarray(ids)
            done += len(ids)

    def show(self, writer: EventWriter, x: Any, y: Any, step: int) -> None:
        """Write what the model makes of held-out sentences to TensorBoard.

        Args:
            writer: where it goes.
            x: lists of words.
            y: their tags; both are cut to the first 200 sentences.
            step: the number of the epoch.
        """
        rows, tags = tagged.pairs(list(x)[:200], list(y)[:200], "The examples")
        tagged.write(writer, rows, tags, self.predict(rows), self.classes, step)

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the task again; words and characters travel beside it."""
        return {**super().get_config(), "classes": list(self.classes)}


class MeasuredTags(keras.callbacks.Callback):
    """Measure the tags of held-out sentences after each epoch: `val_accuracy`, `val_f1` ...

    What comes after it in the list of callbacks finds the numbers among its own.

    Args:
        batches: the sentences.
        tags: the right tags, in the order in which the batches were given the sentences.
    """

    def __init__(self, batches: BucketedBatches, tags: list[list[str]]) -> None:
        super().__init__()
        self.batches = batches
        self.tags = tags

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Measure, and put the numbers beside the others."""
        scores = self.model.score(self.batches, self.tags)
        (logs if logs is not None else {}).update(
            {f"val_{name}": value for name, value in scores.items()}
        )
