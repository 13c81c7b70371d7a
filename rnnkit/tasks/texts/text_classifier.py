"""Tasks on text: the pipeline from raw text to words; and the classifier of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnnkit.data.text import TextPipeline, check_texts
from rnnkit.embeddings import embedding_matrix
from rnnkit.tasks.classifier import Classifier
from rnnkit.tasks.task import Task
from rnnkit.tasks.word_task import WordTask


class TextTask(WordTask):
    """A Keras model that takes texts. Abstract: a subclass gives meaning to the labels.

    A task without a vocabulary learns it in the first `fit`, then builds its network.

    Args:
        build_network: `(vocabulary size, outputs) -> functional model` from token ids `(B, T)`;
            called once the vocabulary is known.
        pipeline: text -> tokens.
        max_length: cut longer texts to this many tokens.
        **options: see `rnnkit.tasks.word_task.WordTask` and `rnnkit.tasks.task.Task`.

    Raises:
        InputError: an `embedding` that is neither a known word nor a file, an unknown trainer.
    """

    noun = ("text", "texts")

    def __init__(
        self,
        build_network: Any = None,
        *,
        pipeline: TextPipeline | None = None,
        max_length: int | None = 400,
        **options: Any,
    ) -> None:
        super().__init__(build_network, max_length=max_length, **options)
        self.pipeline = pipeline or TextPipeline()

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the token ids of each text, uncut; unknown tokens are 1.

        Raises:
            InputError: something among the texts is no text, or there is no vocabulary yet.
        """
        return self._known_vocabulary().encode_many(self.pipeline.tokens(x))

    def _check(self, x: Any) -> list[str]:
        return check_texts(x)

    def _cut(self, unlabelled: Sequence[str]) -> list[list[str]]:
        return self.pipeline.tokens(list(unlabelled))

    def _learn(
        self, examples: list[str], outputs: int, unlabelled: Sequence[str] = ()
    ) -> list[np.ndarray]:
        """Learn the vocabulary, build the network, return the encoded texts: tokenised once."""
        tokens = self.pipeline.tokens(examples)
        vocabulary = self._learn_vocabulary(tokens)
        network = self._new_network(len(vocabulary), outputs)
        table = network.get_layer("embedding")
        vectors = self._word_vectors(tokens, unlabelled, table.output_dim)
        if vectors is not None:
            start = embedding_matrix(vectors, vocabulary)
            table.set_weights([start.matrix])
            self._tell(start, len(vocabulary) - 2)
        self.vocabulary = vocabulary
        self._set_network(network)
        return vocabulary.encode_many(tokens)

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the task again; the vocabulary travels beside it."""
        return {**super().get_config(), "pipeline": self.pipeline.get_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Task:
        """Build the task from what `get_config` returned."""
        config = {**config, "pipeline": TextPipeline.from_config(config["pipeline"])}
        return super().from_config(config, custom_objects)


@keras.saving.register_keras_serializable(package="rnnkit")
class TextClassifier(TextTask, Classifier):
    """A Keras model that takes texts and gives the probability of their class.

    Two classes: one sigmoid unit, the probability of the second. More: a softmax over all.
    Vocabulary, classes and network come into being in the first `fit`.

    Args:
        build_network: `(vocabulary size, outputs) -> functional model`, outputs being 1 or the
            number of classes.
        classes: names of the classes, in the order of the labels 0, 1, ...; learned from the labels
            when left out.
        **options: see `TextTask` and `rnnkit.tasks.task.Task`.

    Raises:
        InputError: fewer than two classes.

    Example:
        >>> from rnnkit.recipes import lstm_sentiment
        >>> model = lstm_sentiment(units=8)
        >>> history = model.fit(["good", "bad"] * 8, [1, 0] * 8, verbose=0)
        >>> model.predict(["good"], verbose=0).shape
        (1, 1)
    """
