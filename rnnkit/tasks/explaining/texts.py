"""Explanation of a text's class: word vectors, and bags of n-grams beside them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.bags import EmbeddingBag, NaiveBayesLogits
from rnnkit.data.batching import BucketedBatches
from rnnkit.errors import InputError
from rnnkit.explain.question import Outputs, Question, check_length
from rnnkit.tasks.explaining.features import (
    Feature,
    add_features,
    largest,
    ngram_features,
    unknown_note,
)
from rnnkit.tasks.explaining.scores import (
    ClassScores,
    best_class,
    find_class,
    log_odds,
    one_example,
    probability_of,
)
from rnnkit.tasks.explaining.sources import Sources, blinded, is_bag
from rnnkit.tasks.training.datasets import fill_last_batch

WITHOUT_BAGS = "Connectivity is that of the recurrent network, without n-grams."
RECURRENT, NGRAMS = "recurrent network", "n-grams"
DOCUMENT, VECTORS = "document vectors", "n-gram vectors"


class TextClasses:
    """A text for a text classifier, the log-odds of its classes, and which of them is asked about.

    Args:
        task: a trained text classifier.
        x: one text.
        target: the name of the class; None = the most probable one.
        most: words that are read, at most; None = all. Of a longer text those are kept that can be.

    Attributes:
        tokens: the words.
        count: of the words of the whole text.

    Raises:
        InputError: no text with a word, several texts, or an unknown class.
    """

    def __init__(self, task: Any, x: Any, target: Any, most: int | None = None) -> None:
        (text,) = task.check_examples([one_example(x, "text")])
        self.task, self.tokens = task, task.split_words([text])[0]
        if not self.tokens:
            raise InputError(
                "There is no word in the text: expected one at least. (Markup and punctuation are "
                "taken away before words are counted.)"
            )
        self.count = len(self.tokens)
        if most is not None and self.count > 2 * most + 2:
            # The first or last ones are read, and one more where one of them is left out.
            self.tokens = self.tokens[: most + 1] + self.tokens[-most - 1 :]
        self.scores = ClassScores(task.network)
        (own,) = self.of_tokens([self.tokens])
        self.best = best_class(own)
        self.place = find_class(target, task.classes, self.best)
        self.value = float(ops.convert_to_numpy(log_odds(own, self.place)))

    def about(self, **more: Any) -> dict[str, Any]:
        """Return what is known of the explanation before it."""
        name = self.task.classes[self.place]
        answered = self.task.classes[self.best]
        probability = f"probability {probability_of(self.value):.4f}"
        answer = f"{answered}, with the {probability}"
        if self.best != self.place:
            answer = f"{answered}; {name} has the {probability}"
        question = f"log-odds of the class {name!r}"
        known = {"question": question, "target": name, "answer": answer, "unit": "log-odds"}
        return known | {"without": "the text without the word", **more}

    def odds(self, found: Any) -> Any:
        """Return the log-odds of the class, `(N,)`, from what the network's model returns."""
        return log_odds(self.scores.finish(found), self.place)

    def outputs(
        self, sources: Sources, columns: np.ndarray, sequences: int = 1, note: str = ""
    ) -> Outputs:
        """Return the outputs that connectivity is measured of: the log-odds of each class.

        Of two classes there is one: those of the other are their negative.
        """
        several = len(self.task.classes) > 2
        places = range(len(self.task.classes)) if several else [self.place]
        every = sources.function(lambda found: self._each(found, places))
        return Outputs(
            lambda *given: ops.sum(every(*given[:-1]) * given[-1], axis=-1),
            [self.task.classes[place] for place in places],
            columns,
            sequences,
            note,
        )

    def _each(self, found: Any, places: Sequence[int]) -> Any:
        scores = self.scores.finish(found)
        return ops.stack([log_odds(scores, place) for place in places], axis=-1)

    def of_tokens(self, rows: Sequence[list[str]]) -> np.ndarray:
        """Return the scores of texts that are split into words already, `(N, O)`."""
        size = self.task.batch_size
        encoded = fill_last_batch(self.task.encode_words(list(map(list, rows))), size)
        return self.scores.of_rows(self.task.make_batches(encoded))[: len(rows)]

    def without(self, words: Sequence[int]) -> np.ndarray:
        """Return the log-odds without each of these tokens, by their numbers."""
        rows = [self.tokens[:i] + self.tokens[i + 1 :] for i in words]
        return ops.convert_to_numpy(log_odds(self.of_tokens(rows), self.place))


def question_of_text(task: Any, x: Any, target: Any) -> Question:
    """Return what is asked about the class of a text.

    Args:
        task: a trained `TextClassifier`, also `NGramTextClassifier`.
        x: one text.
        target: the name of the class; None = the most probable one.

    Raises:
        InputError: as `TextClasses`; or more words than can be explained.
    """
    embeddings = list(task.embedding_layers())
    bags = [layer for layer in task.network.layers if is_bag(layer)]
    text = TextClasses(task, x, target, None if bags else task.max_length)
    read = read_places(task, len(text.tokens))
    shown = np.arange(len(text.tokens)) if bags else read
    check_length(len(shown), "words", "Give a part of the text.")
    (row,) = task.encode_words([text.tokens])
    found = task.make_batches([row])[0][0]
    inputs = list(found) if isinstance(found, tuple) else [found]
    features: list[Feature] = []
    numbers = None
    if bags:
        numbers = row.ngrams
        features = ngram_features(task.ngram_vocabulary, text.tokens, numbers)
    sources = Sources(
        functools.partial(native.run_network, text.scores.model),
        inputs,
        [*embeddings, *bags],
        numbers,
    )

    def share(parts: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        shares: dict[str, np.ndarray] = {}
        for layer, part in zip(sources.layers, parts, strict=True):
            amounts = part.sum(-1)
            if is_bag(layer):
                words = add_features(features, amounts, len(shown))
            else:
                words = np.zeros(len(shown))
                words[read if bags else slice(None)] = amounts[: len(read)]
            name = _branch(layer)
            shares[name] = shares.get(name, 0) + words
        return shares

    def features_of(parts: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        amounts = [part.sum(-1) for part in parts[len(embeddings) :]]
        return largest(features, np.sum(amounts, axis=0)) if features else []

    baseline = "zero vectors in the place of the words' vectors" + (
        ", and no n-gram" if bags else ""
    )
    columns = np.full(len(shown), -1)
    columns[read if bags else slice(None)] = np.arange(len(read))
    return Question(
        about=text.about(baseline=baseline),
        words=[text.tokens[i] for i in shown],
        function=sources.function(text.odds),
        inputs=sources.outputs,
        baselines=sources.baselines(len(read)),
        share=share,
        occluded=lambda: text.without(shown.tolist()),
        blind=sources.function(text.odds, blinded(inputs)),
        outputs=text.outputs(sources, columns, len(embeddings), WITHOUT_BAGS if bags else ""),
        features=features_of,
        notes=[
            *_notes(text.count, len(read), bool(bags)),
            *unknown_note(task.vocabulary, [text.tokens[i] for i in shown]),
        ],
    )


def read_places(task: Any, count: int) -> np.ndarray:
    """Return the numbers of the tokens that a recurrent network reads of a text, after truncation.

    Args:
        task: a text classifier.
        count: of the tokens.
    """
    places = np.arange(1, count + 1)  # 0 is padding
    options = {"max_length": task.max_length, "truncate": task.truncate}
    found: Any = BucketedBatches([places], batch_size=1, **options)[0][0]
    return found[found > 0] - 1


def _branch(layer: Any) -> str:
    """Return the name of the part of the network that a layer begins."""
    if isinstance(layer, NaiveBayesLogits):
        return NGRAMS
    if isinstance(layer, EmbeddingBag):
        return DOCUMENT if layer.name == "document_logits" else VECTORS
    return RECURRENT


def _notes(count: int, read: int, bags: bool) -> list[str]:
    if read == count:
        return []
    rest = f"{count - read:,} of {count:,} words are not read by the recurrent network"
    return [f"{rest}, which reads {read:,} of a text{': they count as n-grams alone' * bags}."]
