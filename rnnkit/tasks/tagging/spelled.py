"""Tasks that read words and how they are spelled: sentences -> ids of words and characters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rnnkit.data.vocabulary import Vocabulary
from rnnkit.embeddings import embedding_matrix
from rnnkit.embeddings.vectors import EmbeddingInit
from rnnkit.errors import InputError
from rnnkit.tasks.base import Task
from rnnkit.tasks.tagging import tagged
from rnnkit.tasks.tagging.tagger_networks import Learned
from rnnkit.tasks.word_start import WordTask


class SpelledTask(WordTask):
    """A Keras model that reads sentences word by word, and the characters of each. Abstract.

    Sentences are read whole, however long; of words longer than `word_length` the spelling is read
    at both ends.

    Args:
        build_network: `(Learned) -> functional model` from ids `(B, T, 1 + L)`.
        lowercase: look words up in lower case; their characters are read as they stand.
        vocabulary_size: the most words there may be, those of a file of vectors among them.
        embedding_size: of a word's vector.
        word_length: how many characters of a word are read; 0 = none.
        **options: see `rnnkit.tasks.word_start.WordTask` and `rnnkit.tasks.base.Task`.

    Raises:
        InputError: a setting that cannot be used.
    """

    noun = ("sentence", "sentences")
    assets = ("vocabulary.json", "letters.json")

    def __init__(
        self,
        build_network: Callable[[Learned], keras.Model] | None = None,
        *,
        lowercase: bool = True,
        vocabulary_size: int | None = 100_000,
        embedding_size: int = 100,
        word_length: int = 16,
        **options: Any,
    ) -> None:
        if word_length < 0:
            raise InputError(f"word_length is {word_length}; expected 0 (no characters) or more.")
        super().__init__(build_network, vocabulary_size=vocabulary_size, max_length=None, **options)
        self.lowercase = lowercase
        self.embedding_size = embedding_size
        self.word_length = word_length
        self.letters: Vocabulary | None = None

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the ids of each sentence, `(T, 1 + L)`: of the word, and of its characters.

        Args:
            x: one raw sentence, or a list of raw sentences and lists of words.

        Raises:
            InputError: something among them is no sentence, or there is no vocabulary yet.
        """
        self._known_vocabulary()
        return self._encode([[word.text for word in row] for row in tagged.sentences(x)])

    def _encode(self, rows: list[list[str]]) -> list[np.ndarray]:
        vocabulary, length = self.vocabulary, self.word_length
        assert vocabulary is not None

        @functools.cache
        def ids(word: str) -> np.ndarray:
            found = np.zeros(1 + length, np.int32)
            found[:1] = vocabulary.encode([self._lookup(word)])
            if length and self.letters is not None:
                spelled = word
                if len(word) > length:  # its ends say most of what it is
                    spelled = word[: length - length // 2] + word[-(length // 2) :]
                found[1 : 1 + len(spelled)] = self.letters.encode(list(spelled))
            return found

        nothing = np.zeros((0, 1 + length), np.int32)
        return [np.stack([ids(word) for word in row]) if row else nothing for row in rows]

    def _lookup(self, word: str) -> str:
        return word.lower() if self.lowercase else word

    def _cut(self, unlabelled: Sequence[Any]) -> list[list[str]]:
        rows = tagged.sentences(unlabelled, "unlabelled")
        return [[self._lookup(word.text) for word in row] for row in rows]

    def _learn(
        self, rows: list[list[str]], tags: tuple[str, ...], unlabelled: Sequence[Any] = ()
    ) -> None:
        """Learn words and characters, and build the network."""
        tokens = [[self._lookup(word) for word in row] for row in rows]
        vocabulary = self._learn_vocabulary(tokens)
        trained = len(vocabulary)
        letters = Vocabulary.learn([list("".join(row)) for row in rows])
        vectors = self._word_vectors(tokens, unlabelled, self.embedding_size)
        start: EmbeddingInit | None = None
        if vectors is not None:
            self._tell(embedding_matrix(vectors, vocabulary), trained - 2)
            # Words that only the file knows: their vectors are worth as much as any other's.
            room = (self.vocabulary_size or len(vectors) + trained) - trained
            more = [word for word in vectors.index_to_key if word not in vocabulary][: max(room, 0)]
            counts = dict(zip(vocabulary.tokens[2:], vocabulary.counts[2:], strict=True))
            vocabulary = Vocabulary(
                counts | dict.fromkeys(more, 0), unknown_count=vocabulary.counts[1]
            )
            start = embedding_matrix(vectors, vocabulary)
        network = self._new_network(
            Learned(
                words=len(vocabulary),
                trained=trained,
                vectors=start is not None,
                embedding_size=self.embedding_size,
                letters=len(letters),
                word_length=self.word_length,
                tags=tags,
            )
        )
        if start is not None:
            network.get_layer("vectors").set_weights([start.matrix])
        self.vocabulary, self.letters = vocabulary, letters
        self._set_network(network)

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the task again; words and characters travel beside it."""
        return {
            **super().get_config(),
            "lowercase": self.lowercase,
            "embedding_size": self.embedding_size,
            "word_length": self.word_length,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Task:
        """Build the task from what `get_config` returned."""
        # Nothing is cut: there is no such setting.
        config = {k: v for k, v in config.items() if k not in ("max_length", "truncate")}
        return super().from_config(config, custom_objects)

    def save_assets(self, dir_path: str) -> None:
        """Put words and characters into the file; called by Keras."""
        super().save_assets(dir_path)
        if self.letters is not None:
            Path(dir_path, "letters.json").write_text(self.letters.to_json(), encoding="utf-8")

    def load_assets(self, dir_path: str) -> None:
        """Take words and characters out of the file; called by Keras."""
        super().load_assets(dir_path)
        self.letters = Vocabulary.from_json(
            Path(dir_path, "letters.json").read_text(encoding="utf-8")
        )
