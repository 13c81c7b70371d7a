"""Tasks on text: pipeline, vocabulary and word vectors; and the classifier of texts."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rnnkit.data.text import TextPipeline, check_texts
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.embeddings import METHODS, embedding_matrix, train_word_vectors
from rnnkit.embeddings.model import TRAINERS
from rnnkit.embeddings.vectors import Start
from rnnkit.errors import InputError, nearest
from rnnkit.tasks.base import Task
from rnnkit.tasks.classifier import Classifier


class TextTask(Task):
    """A Keras model that takes texts. Abstract: a subclass gives meaning to the labels.

    A task without a vocabulary learns it in the first `fit`, then builds its network.

    Args:
        build_network: `(vocabulary size, outputs) -> functional model` from token ids `(B, T)`;
            called once the vocabulary is known.
        pipeline: text -> tokens.
        vocabulary_size: keep at most this many tokens, padding and unknown included.
        min_count: keep tokens that occur at least this often.
        max_length: cut longer texts to this many tokens.
        embedding: how the words' vectors start: "random"; "skip-gram" or "cbow", trained by
            word2vec on the texts of the first `fit` and the unlabelled ones given beside them; or
            the path of a file of word vectors. The first `fit` reads it, and nothing does later.
        embedding_trainer: what trains "skip-gram" and "cbow": "gensim" or "keras".
        **options: see `rnnkit.tasks.base.Task`.

    Attributes:
        share_of_vectors: how many of the vocabulary's words were found among the vectors, 0 to 1;
            the others start from the mean vector. None before the first `fit`, and with "random".
        share_of_tokens: the same of the running words of the first `fit`.

    Raises:
        InputError: an `embedding` that is neither a known word nor a file, an unknown trainer.
    """

    noun = ("text", "texts")
    assets = ("vocabulary.json",)

    def __init__(
        self,
        build_network: Any = None,
        *,
        pipeline: TextPipeline | None = None,
        vocabulary_size: int | None = 20_000,
        min_count: int = 1,
        max_length: int | None = 400,
        embedding: str | os.PathLike[str] = "random",
        embedding_trainer: str = "gensim",
        **options: Any,
    ) -> None:
        super().__init__(build_network, max_length=max_length, **options)
        if self.network is None:  # one that was loaded needs its file of vectors no more
            _check_start(embedding)
        if embedding_trainer not in TRAINERS:
            raise InputError(
                f"embedding_trainer is {embedding_trainer!r}; expected one of {TRAINERS}."
                f"{nearest(str(embedding_trainer), TRAINERS)}"
            )
        self.pipeline = pipeline or TextPipeline()
        self.vocabulary_size = vocabulary_size
        self.min_count = min_count
        self.embedding = os.fspath(embedding)
        self.embedding_trainer = embedding_trainer
        self.share_of_vectors: float | None = None
        self.share_of_tokens: float | None = None
        self._news: list[str] = []  # what the first fit has to say before its first epoch
        self.vocabulary: Vocabulary | None = None

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the token ids of each text, uncut; unknown tokens are 1.

        Raises:
            InputError: something among the texts is no text, or there is no vocabulary yet.
        """
        if self.vocabulary is None:
            raise InputError(
                f"{type(self).__name__} has no vocabulary yet: it learns one from the texts of the "
                "first fit. Call fit first, or load a trained model with rnnkit.tasks.load."
            )
        return self.vocabulary.encode_many(self.pipeline.tokens(x))

    def _check(self, x: Any) -> list[str]:
        return check_texts(x)

    def _learn(
        self, examples: list[str], outputs: int, unlabelled: Sequence[str] = ()
    ) -> list[np.ndarray]:
        """Learn the vocabulary, build the network, return the encoded texts: tokenised once."""
        tokens = self.pipeline.tokens(examples)
        vocabulary = Vocabulary.learn(
            tokens, max_size=self.vocabulary_size, min_count=self.min_count
        )
        if len(vocabulary) <= 2:  # padding and unknown are always there
            raise InputError(
                f"No token of the {len(examples)} training texts occurs {self.min_count} times or "
                "more: there is nothing to learn from. Give texts with words, or lower min_count."
            )
        network = self._new_network(len(vocabulary), outputs)
        if self.embedding != "random":
            table = network.get_layer("embedding")
            vectors = self._word_vectors(tokens, unlabelled, table.output_dim)
            start = embedding_matrix(vectors, vocabulary)
            table.set_weights([start.matrix])
            self.share_of_vectors = start.share_of_words
            self.share_of_tokens = start.share_of_tokens
            self._news.append(_told(start, len(vocabulary) - 2))
        if len(unlabelled) and self.embedding not in METHODS:
            self._news.append(
                f"the {len(unlabelled):,} unlabelled texts are not used: only embedding="
                f"{' or '.join(map(repr, METHODS))} learns from them, and it is {self.embedding!r}"
            )
        self.vocabulary = vocabulary
        self._set_network(network)
        return vocabulary.encode_many(tokens)

    def _word_vectors(self, tokens: list[list[str]], unlabelled: Sequence[str], size: int) -> Any:
        """Return the vectors that the words start from: read from a file, or trained."""
        if self.embedding not in METHODS:
            from rnnkit.embeddings.files import load_vectors

            vectors = load_vectors(Path(self.embedding).expanduser())
            if vectors.vector_size != size:
                raise InputError(
                    f"{self.embedding} holds vectors of {vectors.vector_size} numbers, and "
                    f"embedding_size is {size}. Set embedding_size={vectors.vector_size}, or give "
                    f"a file of vectors of {size}."
                )
            return vectors
        return train_word_vectors(
            tokens + self.pipeline.tokens(list(unlabelled)),
            method=self.embedding,
            trainer=self.embedding_trainer,
            vector_size=size,
            min_count=self.min_count,
        )

    def _train(self, *args: Any, **options: Any) -> keras.callbacks.History:
        """Train, after a line on standard error for each thing that the first fit has to say."""
        news, self._news = self._news, []
        if options.get("verbose") != 0:
            for line in news:
                print(f"rnnkit: {line}", file=sys.stderr)
        return super()._train(*args, **options)

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the task again; the vocabulary travels beside it."""
        return {
            **super().get_config(),
            "pipeline": self.pipeline.get_config(),
            "vocabulary_size": self.vocabulary_size,
            "min_count": self.min_count,
            "embedding": self.embedding,
            "embedding_trainer": self.embedding_trainer,
            "shares": [self.share_of_vectors, self.share_of_tokens],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Task:
        """Build the task from what `get_config` returned."""
        config = {**config, "pipeline": TextPipeline.from_config(config["pipeline"])}
        shares = config.pop("shares", (None, None))  # files of earlier versions have none
        task = super().from_config(config, custom_objects)
        task.share_of_vectors, task.share_of_tokens = shares
        return task

    def save_assets(self, dir_path: str) -> None:
        """Put the vocabulary into the file; called by Keras."""
        if self.vocabulary is not None:
            Path(dir_path, "vocabulary.json").write_text(
                self.vocabulary.to_json(), encoding="utf-8"
            )

    def load_assets(self, dir_path: str) -> None:
        """Take the vocabulary out of the file; called by Keras."""
        text = Path(dir_path, "vocabulary.json").read_text(encoding="utf-8")
        self.vocabulary = Vocabulary.from_json(text)


def _check_start(embedding: Any) -> None:
    """Refuse what is neither a known start of the words' vectors nor a file."""
    known = ("random", *METHODS)
    hint = ""
    if isinstance(embedding, str | os.PathLike):
        path = Path(embedding).expanduser()
        if embedding in known or path.is_file():
            return
        beside = path.parent.iterdir() if path.parent.is_dir() else ()
        hint = nearest(str(embedding), [*known, *map(str, beside)])
    raise InputError(
        f"embedding is {embedding!r}; expected one of {known} or the path of a file of word "
        f"vectors, and there is no such file.{hint}"
    )


def _told(start: Start, words: int) -> str:
    rest = "; the others start from the mean vector" if start.share_of_tokens < 1 else ""
    return (
        f"word vectors for {start.share_of_words:.1%} of the vocabulary's {words:,} words and "
        f"{start.share_of_tokens:.1%} of the running words{rest}"
    )


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
        **options: see `TextTask` and `rnnkit.tasks.base.Task`.

    Raises:
        InputError: fewer than two classes.

    Example:
        >>> from rnnkit.recipes import lstm_sentiment
        >>> model = lstm_sentiment(units=8)
        >>> history = model.fit(["good", "bad"] * 8, [1, 0] * 8, verbose=0)
        >>> model.predict(["good"], verbose=0).shape
        (1, 1)
    """
