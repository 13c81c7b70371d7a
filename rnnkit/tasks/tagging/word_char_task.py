"""Base class of tasks that read words and their characters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from rnnkit import backend
from rnnkit.data.batches import Batches
from rnnkit.data.batching import BucketedBatches
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.data.word_batches import WordBatches
from rnnkit.embeddings import embedding_matrix
from rnnkit.embeddings.vectors import EmbeddingInit
from rnnkit.errors import check_count, require_fitted
from rnnkit.tasks.network import find_parts
from rnnkit.tasks.tagging import sentence_io
from rnnkit.tasks.tagging.tagger_networks import TaggerSpec
from rnnkit.tasks.task import Task
from rnnkit.tasks.training.full_batches import program_cells
from rnnkit.tasks.word_task import VOCABULARY, WordTask

LETTERS = VOCABULARY._replace(attribute="letters")


class WordCharTask(WordTask):
    """A task that reads sentences as words and the characters of each word. Abstract.

    Sentences are never truncated; of words longer than `word_length` the characters at both ends
    are read.

    Args:
        build_network: `(TaggerSpec) -> functional model` from ids `(B, T, 1 + L)`.
        lowercase: look words up in lower case; their characters keep their case.
        vocabulary_size: keep at most this many words, those of a file of vectors among them.
        embedding_size: of a word's vector.
        word_length: number of characters of a word that are read; 0 = none.
    """

    noun = ("sentence", "sentences")
    reads_distinct_words = False  # whether the network has a form for `WordBatches`
    assets: ClassVar = {**WordTask.assets, "letters.json": LETTERS}
    config_keys: ClassVar[tuple[str, ...]] = ("lowercase", "embedding_size", "word_length")

    def __init__(
        self,
        build_network: Callable[[TaggerSpec], keras.Model] | None = None,
        *,
        lowercase: bool = True,
        vocabulary_size: int | None = 100_000,
        embedding_size: int = 100,
        word_length: int = 16,
        **options: Any,
    ) -> None:
        check_count("word_length", word_length, 0)
        super().__init__(build_network, vocabulary_size=vocabulary_size, max_length=None, **options)
        self.lowercase, self.embedding_size = lowercase, embedding_size
        self.word_length = word_length
        self.letters: Vocabulary | None = None

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the ids of each sentence, `(T, 1 + L)`: of the word, and of its characters.

        `x` is one raw sentence, or a list of raw sentences and lists of words.
        """
        self._known_vocabulary()
        rows = [[word.text for word in row] for row in sentence_io.sentences(x)]
        return self.encode_checked(rows)

    def encode_checked(self, rows: list[list[str]]) -> list[np.ndarray]:
        """Return the ids of lists of words, as `encode` does."""
        vocabulary, length = self.vocabulary, self.word_length
        assert vocabulary is not None

        @functools.cache
        def ids(word: str) -> np.ndarray:
            found = np.zeros(1 + length, np.int32)
            found[:1] = vocabulary.encode([self._lookup(word)])
            if length and self.letters is not None:
                spelled = word
                if len(word) > length:  # prefix and suffix carry most information
                    spelled = word[: length - length // 2] + word[-(length // 2) :]
                found[1 : 1 + len(spelled)] = self.letters.encode(list(spelled))
            return found

        nothing = np.zeros((0, 1 + length), np.int32)
        return [np.stack([ids(word) for word in row]) if row else nothing for row in rows]

    def make_batches(
        self, rows: list[Any], targets: Any = None, sample_weight: Any = None, **options: Any
    ) -> Batches:
        """Return batches of encoded sentences, with each distinct word once where that pays."""
        options.pop("training", None)
        options = self.batch_options(**options)
        options["program_cells"] = program_cells(require_fitted(self.network, self, "network"))
        # One batch to answer is not worth a program for each number of distinct words.
        few = targets is None and len(rows) <= options["batch_size"]
        if few or not self.reads_distinct_words:
            return BucketedBatches(rows, targets, sample_weight, **options)
        # XLA compiles each shape: Keras uses it with JAX, and with TensorFlow on a GPU.
        on_gpu = backend.name == "tensorflow" and backend.device() != "cpu"
        few_shapes = backend.name == "jax" or on_gpu
        return WordBatches(rows, targets, sample_weight, few_shapes=few_shapes, **options)

    def notice_unknown(self, rows: list[np.ndarray]) -> None:
        """Warn once of sentences without a known word, unless words are known by their letters."""
        if not self.word_length:
            super().notice_unknown(rows)

    def unknown_words(self, x: Any) -> list[list[str]]:
        """Return the words of each sentence that are not in the vocabulary.

        None are where the network reads the letters of words: no word is unknown to it.
        """
        found = super().unknown_words(x)
        return [[] for _ in found] if self.word_length else found

    def _lookup(self, word: str) -> str:
        return word.lower() if self.lowercase else word

    def tokenize_unlabelled(self, unlabelled: Sequence[Any]) -> list[list[str]]:
        """Return the words of each unlabelled sentence, as they are looked up."""
        rows = sentence_io.sentences(unlabelled, "unlabelled")
        return [[self._lookup(word.text) for word in row] for row in rows]

    def fit_network(
        self,
        rows: list[list[str]],
        tags: tuple[str, ...],
        unlabelled: Sequence[Any] = (),
        *,
        spans: bool = True,
    ) -> None:
        """Learn the vocabularies of words and characters, and build the network."""
        tokens = [[self._lookup(word) for word in row] for row in rows]
        vocabulary = self._learn_vocabulary(tokens)
        trained = len(vocabulary)
        letters = Vocabulary.learn([list("".join(row)) for row in rows])
        model = self._language_model()
        vectors = self._word_vectors(tokens, unlabelled, self.embedding_size, model)
        start: EmbeddingInit | None = None
        if vectors is not None:
            self._keep_shares(embedding_matrix(vectors, vocabulary), trained - 2)
            # Words that only the file has keep their vectors as well.
            vocabulary = self._add_words(vocabulary, vectors.index_to_key)
            start = embedding_matrix(vectors, vocabulary)
        known = (len(vocabulary), trained, start is not None, self.embedding_size)
        network = self._new_network(TaggerSpec(*known, len(letters), self.word_length, tags, spans))
        if start is not None:
            find_parts(network, self.network_parts).vectors.set_weights([start.matrix])
        self._start_recurrent_layers(network, model)
        self.vocabulary, self.letters = vocabulary, letters
        self._set_network(network)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Task:
        """Build the task from what `get_config` returned."""
        # Sentences are never truncated: there is no such setting.
        config = {k: v for k, v in config.items() if k not in ("max_length", "truncate")}
        return super().from_config(config, custom_objects)
