"""Sequence tagger: a tag for each word of a sentence, such as names or parts of speech."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np

from rnnkit.data.batches import Batches
from rnnkit.data.frames import InputForm
from rnnkit.data.tag_schemes import check_scheme, converted, detect_scheme, iob2_classes
from rnnkit.data.word_batches import Words
from rnnkit.errors import InputError, quote
from rnnkit.explain.question import Question
from rnnkit.hmm.inference.decoding import lowest_best
from rnnkit.hmm.layers.crf import CRFDecoder
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.spans import extract_spans, is_iob2, span_scores
from rnnkit.progress import track
from rnnkit.settings.tagging import TagScheme
from rnnkit.tasks.answer_tables import AnswerTable, span_table, tag_table
from rnnkit.tasks.answers import Answers, answer_spans, answer_tags
from rnnkit.tasks.inference import predict_batch
from rnnkit.tasks.tagging import sentence_io
from rnnkit.tasks.tagging.distinct_words import by_distinct_words
from rnnkit.tasks.tagging.tagger_networks import TaggerSpec
from rnnkit.tasks.tagging.word_char_task import WordCharTask
from rnnkit.tasks.task import Examples
from rnnkit.tasks.training.full_batches import without_filling


class TaggerParts(NamedTuple):
    """Named layers of a tagger: scores before softmax or CRF; CRF and frozen vectors, if any."""

    scores: keras.layers.Layer
    crf: Any = None
    vectors: keras.layers.Layer | None = None


@keras.saving.register_keras_serializable(package="rnnkit")
class SequenceTagger(WordCharTask):
    """Sequence tagger: a Keras model from sentences to a tag for each word.

    Vocabulary, characters, tags and network are learned in the first `fit`, which takes lists of
    words and a list of tags for each. Tags of the IOB2 scheme ("O", "B-PER", "I-PER" ...) mark
    spans, and are evaluated as spans, too; those of other schemes (IOB1, BIOES, BILOU ...) are
    converted to IOB2 wherever they come in, and an "I-X" that begins a span counts as "B-X".
    Sentences are never truncated; of words longer than `word_length` the characters at both ends
    are read.

    After each epoch the tags of the validation set are decoded and scored, and the epoch with the
    best F1 of spans is kept; without spans, the one with the best accuracy. (The loss rises before
    these fall.)

    Args:
        build_network: `(TaggerSpec) -> functional model` with a layer "scores", such as
            `rnnkit.tasks.tagging.tagger_networks.recurrent_tagger`.
        classes: names of the tags; learned from the first `fit` when left out.
        tag_scheme: how tags mark spans, one of `rnnkit.settings.tagging.TagScheme`; None = found
            from the tags; "plain" = they mark none.

    Example:
        >>> from rnnkit.recipes.tagging import name_tagger
        >>> model = name_tagger(units=4, epochs=1, word_length=8)
        >>> x, y = [["Ellen", "is", "here"]] * 4, [["B-PER", "O", "O"]] * 4
        >>> history = model.fit(x, y, verbose=0)
        >>> [len(row) for row in model.predict(["Ellen is here", "John"])]
        [3, 1]
    """

    renamed_attributes: ClassVar = {"show": "write_examples"}
    form: ClassVar[InputForm] = InputForm("tokens", "tags", 1)
    config_keys: ClassVar[tuple[str, ...]] = ("classes", "tag_scheme")
    network_parts = TaggerParts
    monitor_mode = "max"
    uses_sample_weight = True
    splits_batches = True

    def __init__(
        self,
        build_network: Callable[[TaggerSpec], keras.Model] | None = None,
        *,
        classes: Sequence[str] | None = None,
        tag_scheme: TagScheme | None = None,
        **options: Any,
    ) -> None:
        check_scheme([], tag_scheme, "tag_scheme")
        super().__init__(build_network, **options)
        self.classes = tuple(classes or ())
        self.tag_scheme = tag_scheme

    def marks_spans(self, tags: Sequence[str] | None = None) -> bool:
        """Return whether tags, by default those of this model, mark spans."""
        return self.tag_scheme != "plain" and is_iob2(self.classes if tags is None else tags)

    def to_scheme(self, rows: list[list[str]], spec: Sequence[str] | None = None) -> Any:
        """Return tags in IOB2, where the tags of the model (by default its classes) mark spans."""
        return converted(rows) if self.marks_spans(spec) else rows

    @property
    def monitored_metric(self) -> str:
        """F1 of the spans, where tags mark spans, else accuracy."""
        return "val_f1" if self.marks_spans() else "val_accuracy"

    def embedding_layers(self) -> Sequence[keras.layers.Layer]:
        """Return the layer that gives the words' vectors: the sum of frozen and learned ones."""
        layers = {one.name: one for one in self.network.layers}  # type: ignore[union-attr]
        names = ("start_and_learned", "embedding", "vectors")
        found = [layers[name] for name in names if name in layers]
        return found[:1] or super().embedding_layers()

    # The network has two outputs: scores to train on, decoded tags to predict.

    def _set_network(self, network: keras.Model) -> None:
        super()._set_network(network)
        scores, crf, _ = self.parts()
        scoring = keras.Model(network.input, scores.output)
        by_words = by_distinct_words(network, scoring)
        self.reads_distinct_words = by_words is not None
        # As functions: Keras would take models for layers of this one and save them once more.
        self._score_batch, self._decode_batch = scoring.__call__, _decoder(scoring, crf)
        if by_words is not None:
            self._score_words, self._decode_words = by_words.__call__, _decoder(by_words, crf)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the scores of the tags, `(B, T, K)`, that the loss is computed from."""
        if self.network is None:
            return super().call(inputs, training)  # which raises the error
        if isinstance(inputs, tuple | list):  # `Words`
            return self._score_words(*inputs, training=training)
        return self._score_batch(inputs, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the negative log-likelihood of the tags, averaged over the batch's words.

        With a CRF it is the one of the sentence's whole sequence of tags: see `rnnkit.layers.CRF`.
        """
        del x, training
        ops = keras.ops
        weight = ops.cast(without_filling(sample_weight)[0], y_pred.dtype)
        real = ops.maximum(ops.sum(ops.cast(weight > 0, y_pred.dtype)), 1.0)
        crf = self.parts().crf
        if crf is not None:
            losses = crf.nll(y_pred, y, weight > 0) * ops.max(weight, axis=-1)
        else:
            losses = weight * ops.sparse_categorical_crossentropy(y, y_pred, from_logits=True)
        loss = ops.sum(losses) / real
        for penalty in self.losses:
            loss = loss + penalty
        return loss

    def row_inputs(self, inputs: Any) -> Any:
        """Return the ids of words and characters: the distinct words belong to all rows."""
        return inputs[0] if isinstance(inputs, tuple | list) else inputs

    def loss_divisor(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        """Return the number of words with a weight above 0."""
        weight = without_filling(sample_weight)[0]
        return keras.ops.sum(keras.ops.cast(weight > 0, "float32"))

    # The steps of fit and evaluate.

    def check(self, x: Any, y: Any, name: str) -> Examples:
        """Return words and tags of each sentence, or refuse them."""
        examples = Examples(*sentence_io.pairs(x, y, name))
        check_scheme(examples.y, self.tag_scheme, name)
        return examples

    def fit_targets(self, train: Examples) -> tuple[str, ...]:
        """Return the tags, in IOB2 where they mark spans; refuse a single one."""
        plain = self.tag_scheme == "plain"
        spec = self.classes if plain else iob2_classes(self.classes)
        if not spec:
            spans = not plain and (self.tag_scheme or detect_scheme(train.y))
            rows = converted(train.y) if spans else train.y
            spec = tuple(sorted({tag for row in rows for tag in row}))
        if len(spec) < 2:
            raise InputError(
                f"All tags of the training set are {quote(spec[0])}: expected two or more."
            )
        return spec

    def encode_targets(self, examples: Examples, spec: Sequence[str], name: str) -> Any:
        """Return the number of each tag."""
        return sentence_io.numbers(self.to_scheme(examples.y, spec), spec, name)

    def target_spec(self) -> tuple[str, ...]:
        """Return the tags."""
        return self.classes

    def learn(
        self, train: Examples, targets: Any, spec: Sequence[str], unlabelled: Sequence[Any]
    ) -> None:
        """Learn the vocabularies and build the network."""
        self.fit_network(train.x, tuple(spec), unlabelled, spans=self.marks_spans(spec))
        self.classes = tuple(spec)

    def validation_callbacks(
        self, valid: Examples, batches: Batches
    ) -> Sequence[keras.callbacks.Callback]:
        """Return the callback that scores the decoded tags of the validation set."""
        return [TagScores(batches, self.to_scheme(valid.y))]

    def measure(
        self, test: Examples, batches: Batches, *, return_dict: bool, **options: Any
    ) -> Any:
        """Return "loss" and the scores of the decoded tags, see `score_tags`."""
        measured = super().measure(test, batches, return_dict=True, **options)
        scores = {"loss": measured["loss"], **self.score_tags(batches, self.to_scheme(test.y))}
        return scores if return_dict else list(scores.values())

    def score_tags(self, batches: Batches, tags: list[list[str]]) -> dict[str, float]:
        """Return the scores of the decoded tags.

        These are "accuracy" (the share of words with the right tag) and, of IOB2 tags,
        "precision", "recall", "f1" of the spans and "f1/TYPE"; see
        `rnnkit.monitor.spans.span_scores`.

        Args:
            batches: encoded sentences.
            tags: the true tags, in the order in which the batches got the sentences.
        """
        answers = self.tags_of(batches)
        pairs = zip(itertools.chain(*tags), itertools.chain(*answers), strict=True)
        scores = {"accuracy": float(np.mean([a == b for a, b in pairs]))}
        return scores | span_scores(tags, answers) if self.marks_spans() else scores

    def answers_by_example(
        self, test: Examples, batch_size: int | None = None
    ) -> dict[str, np.ndarray]:
        """Return of each sentence its words and those tagged right, and the same of spans."""
        tags = self.to_scheme(test.y)
        rows = self.encode_checked(test.x)
        answers = self.tags_of(self.make_batches(rows, batch_size=batch_size))
        pairs = list(zip(tags, answers, strict=True))
        right = [sum(map(operator.eq, row, answer)) for row, answer in pairs]
        found = {"words": np.array([len(row) for row in tags]), "words_right": np.array(right)}
        if self.marks_spans():
            spans = [(set(extract_spans(a)), set(extract_spans(b))) for a, b in pairs]
            found["spans"] = np.array([len(true) for true, _ in spans])
            found["spans_found"] = np.array([len(answer) for _, answer in spans])
            found["spans_right"] = np.array([len(true & answer) for true, answer in spans])
        return found

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        callbacks: Any = None,
        *,
        text_column: Any = None,
    ) -> list[list[str]]:
        """Return a tag for each word of each sentence.

        Args:
            x: one raw sentence, or a list of raw sentences (which `rnnkit.data.treebank` cuts into
                words) and lists of words.
            batch_size: sentences per batch.
            verbose: accepted as in Keras; nothing is shown.
            callbacks: accepted as in Keras.
            text_column: the column of the examples, where x is a table or has columns.

        Example:
            >>> model.predict("Why don't you ask John?")  # doctest: +SKIP
            [['O', 'O', 'O', 'O', 'O', 'B-PER', 'O']]
        """
        del verbose, callbacks
        x = self.read(x, name="x", targets=False, text_column=text_column).x
        rows = self.encode(x)
        self.notice_unknown(rows)
        return self.tags_of(self.make_batches(rows, batch_size=batch_size))

    def predict_spans(
        self, texts: Any, *, text_column: Any = None
    ) -> list[list[sentence_io.TextSpan]]:
        """Return the spans that the tags mark in each raw text, with their character offsets.

        Args:
            texts: one text, or many.
            text_column: the column of the texts, where they are in a table.

        Returns:
            A list of `(text, type, start, end)` for each text; `start` is the offset of the first
            character, `end` that after the last.

        Raises:
            InputError: the tags of this model mark no spans, or an item is no text.

        Example:
            >>> model.predict_spans("Why don't you ask John?")  # doctest: +SKIP
            [[TextSpan(text='John', type='PER', start=18, end=22)]]
        """
        if self.network is not None and not self.marks_spans():
            shown = ", ".join(self.classes[:3])
            raise InputError(f"The tags of this model mark no spans ({shown} ...): call predict.")
        found = self.read(texts, name="texts", targets=False, text_column=text_column).x
        raw = sentence_io.raw_texts(found)
        rows = sentence_io.sentences(raw)
        return [
            [
                sentence_io.TextSpan(text[a:b], span.type, a, b)
                for span in extract_spans(tags)
                for a, b in [(words[span.start].start, words[span.end - 1].end)]
            ]
            for text, words, tags in zip(raw, rows, self.predict(raw), strict=True)
        ]

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return the spans of each text; where tags mark no spans, all words with their tags."""
        answer = answer_spans if self.marks_spans() else answer_tags
        return answer(self, inputs, names)

    def answer_table(self, inputs: Sequence[Any]) -> AnswerTable:
        """Return the spans of each text; where tags mark no spans, its words and their tags."""
        return span_table(self, inputs) if self.marks_spans() else tag_table(self, inputs)

    def question(self, x: Any, target: Any, at: int | None) -> Question:
        """Return what is explained of one sentence: the log-odds of a word's tag."""
        from rnnkit.tasks.explaining.tags import question_of_tag

        return question_of_tag(self, x, target, at)

    def tags_of(self, batches: Batches) -> list[list[str]]:
        """Return the tags of each row, in the rows' own order."""
        found: list[list[str]] = [[] for _ in batches.order]
        places = iter(batches.order)
        for index in track(range(len(batches)), "Tagging"):
            inputs = batches[index][0]
            if isinstance(inputs, Words):
                ids, answers = inputs.ids, self._decode_words([*inputs])
            else:
                ids, answers = inputs, self._decode_batch(inputs)
            answers = np.asarray(answers)
            answers = answers.argmax(-1) if answers.ndim == 3 else answers
            for row, length in zip(answers, (ids[:, :, 0] != 0).sum(axis=1), strict=True):
                found[next(places)] = [self.classes[i] for i in row[:length]]
        return found

    def serving_models(self) -> dict[str, keras.Model]:
        """Return the network from ids to the scores of the tags and the number of each word's tag.

        The scores are those before softmax or CRF.
        """
        scoring, crf, _ = self.parts()
        network = keras.Model(self.network.input, scoring.output)  # type: ignore[union-attr]
        inputs, scores, tags = _decoded(network, crf)
        if tags is None:
            tags = lowest_best(scores, axis=-1)
        return {"serve": keras.Model(inputs[0], [scores, tags])}

    def write_examples(self, writer: EventWriter, x: Any, y: Any, step: int) -> None:
        """Write true and predicted tags of (200) validation sentences to TensorBoard."""
        rows, tags = sentence_io.pairs(list(x)[:200], list(y)[:200], "The examples")
        answers = self.predict(rows)
        sentence_io.write(writer, rows, self.to_scheme(tags), answers, self.classes, step)


def _decoder(scoring: Any, crf: Any) -> Callable[[Any], Any]:
    """Return the function from a batch to the numbers of its tags, or to their scores."""
    inputs, scores, tags = _decoded(scoring, crf)
    outputs = scores if tags is None else tags
    return partial(predict_batch, keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs))


def _decoded(scoring: Any, crf: Any) -> tuple[list[Any], Any, Any]:
    """Return symbolic inputs, the scores of the tags, and with a CRF the numbers of the tags."""
    # A graph of its own: in that of a loaded network names of operations would be duplicated.
    inputs = [keras.Input(one.shape[1:], dtype=one.dtype, name=one.name) for one in scoring.inputs]
    scores = scoring(*inputs)
    if crf is None:
        return inputs, scores, None
    return inputs, scores, CRFDecoder(crf)(scores, mask=keras.ops.not_equal(inputs[0][:, :, 0], 0))


class TagScores(keras.callbacks.Callback):
    """Score the decoded tags of the validation set after each epoch: `val_accuracy`, `val_f1` ...

    Callbacks after it in the list find the scores in their logs.
    """

    def __init__(self, batches: Batches, tags: list[list[str]]) -> None:
        super().__init__()
        self.batches, self.tags = batches, tags

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add the scores to the logs."""
        scores = self.model.score_tags(self.batches, self.tags)
        if logs is not None:
            logs.update({f"val_{name}": value for name, value in scores.items()})
