"""Base class of tasks that read words: vocabulary and initial word vectors."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rnnkit.data.hub_presets import is_preset
from rnnkit.data.scripts import language_without_spaces
from rnnkit.data.vocabulary import UNKNOWN, Vocabulary
from rnnkit.embeddings import METHODS, train_word_vectors
from rnnkit.embeddings.model import TRAINERS
from rnnkit.embeddings.vectors import EmbeddingInit
from rnnkit.errors import (
    InputError,
    UnknownWordsWarning,
    check_choice,
    require_fitted,
    suggest,
)
from rnnkit.settings.words import LanguageModelLike
from rnnkit.tasks.pretraining import (
    check_pretrained,
    open_language_model,
    take_recurrent_weights,
    word_vectors,
)
from rnnkit.tasks.task import Task, json_asset

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

    from rnnkit.tasks.language.language_model import LanguageModel


VOCABULARY = json_asset("vocabulary", Vocabulary)


class WordTask(Task):
    """A task that reads words. Abstract: a subclass defines how its examples are tokenised.

    The vocabulary is learned in the first `fit`, then the network is built.

    Args:
        build_network: builds the network; called once the vocabulary is known.
        vocabulary_size: keep at most this many words, padding and unknown included.
        min_count: keep words that occur at least this often.
        embedding: initial word vectors: "random"; "skip-gram" or "cbow", trained by word2vec on the
            words of the first `fit` and of `unlabelled`; or the path of a file of word vectors, or
            a preset of KerasHub, whose token embeddings they are; only the first `fit` reads it.
        embedding_trainer: the trainer of "skip-gram" and "cbow": "gensim" or "keras".
        pretrained: a language model of words, trained, or the path of its run or file, whose word
            vectors, in place of `embedding`, and recurrent weights are the initial ones; only the
            first `fit` reads it. See `rnnkit.tasks.pretraining`.
        **options: see `rnnkit.tasks.Task`.

    Attributes:
        share_of_vectors: share of the vocabulary's words that were found among the vectors, 0 to 1;
            the others start from the mean vector. None before the first `fit`, and with "random".
        share_of_tokens: the same of the running words of the first `fit`.

    Raises:
        InputError: an `embedding` that is neither a known word nor a file or preset, an unknown
            trainer, or a `pretrained` that is no language model.
    """

    assets: ClassVar = {"vocabulary.json": VOCABULARY}
    config_keys: ClassVar[tuple[str, ...]] = (
        "vocabulary_size",
        "min_count",
        "embedding",
        "embedding_trainer",
    )
    uses_unlabelled = True

    def __init__(
        self,
        build_network: Any = None,
        *,
        vocabulary_size: int | None = 20_000,
        min_count: int = 1,
        embedding: str | os.PathLike[str] = "random",
        embedding_trainer: str = "gensim",
        pretrained: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(build_network, **options)
        if self.network is None:  # a loaded one needs its file of vectors no more
            _check_embedding(embedding)
            check_pretrained(pretrained)
        self.__dict__["pretrained"] = pretrained  # past Keras: its weights are none of this model
        check_choice("embedding_trainer", embedding_trainer, TRAINERS)
        self.vocabulary_size, self.min_count = vocabulary_size, min_count
        self.embedding, self.embedding_trainer = os.fspath(embedding), embedding_trainer
        self.share_of_vectors: float | None = None
        self.share_of_tokens: float | None = None
        self.vocabulary: Vocabulary | None = None
        self._warned_of_unknown = False

    def _known_vocabulary(self) -> Vocabulary:
        return require_fitted(self.vocabulary, self, "vocabulary")

    def _learn_vocabulary(self, tokens: Sequence[Sequence[str]]) -> Vocabulary:
        vocabulary = Vocabulary.learn(tokens, self.vocabulary_size, self.min_count)
        if len(vocabulary) <= 2:  # padding and unknown are always there
            raise InputError(
                f"No token of the {len(tokens)} training {self.noun[1]} occurs {self.min_count} "
                f"times or more: there is nothing to learn from. Give {self.noun[1]} with words, "
                "or lower min_count."
            )
        return vocabulary

    def _notice_language(self, texts: Sequence[str]) -> None:
        """Report before the first epoch that texts have no spaces, and what can be done."""
        language = language_without_spaces(texts)
        if language:
            self._startup_messages.append(
                f"these texts look {language}, which is written without spaces: all that stands "
                'between two spaces became one "word". With tokens="characters" each character is '
                "a token; or put spaces between the words"
            )

    def notice_unknown(self, rows: list[np.ndarray]) -> None:
        """Warn once of examples that have words, and none that the model knows."""
        ids = [row.reshape(len(row), -1)[:, 0] if len(row) else row for row in rows]
        unknown = [i for i, row in enumerate(ids) if len(row) and (row == UNKNOWN).all()]
        if not unknown or self._warned_of_unknown:
            return
        self._warned_of_unknown = True
        one, many = self.noun
        noun = one if len(rows) == 1 else many
        warnings.warn(
            f"{len(unknown)} of {len(rows)} {noun} (the first at index {unknown[0]}) have no word "
            "that this model knows from its training: its answers about them are guesses. Is it "
            "the language that the model was trained on? This is said once for each model.",
            UnknownWordsWarning,
            stacklevel=4,
        )

    def unknown_words(self, x: Any) -> list[list[str]]:
        """Return the words of each example that are not in the vocabulary, as they are looked up.

        The network reads all of them as one and the same unknown word.

        Args:
            x: one example or many.

        Example:
            >>> model.unknown_words(["A flabbergasting film."])  # doctest: +SKIP
            [['flabbergasting']]
        """
        vocabulary = self._known_vocabulary()
        found = self.read(x, name="x", targets=False).x
        found = [found] if isinstance(found, str | bytes) else found
        return vocabulary.unknown_tokens(self.tokenize_unlabelled(found))

    def tokenize_unlabelled(self, unlabelled: Sequence[Any]) -> list[list[str]]:
        """Return the words of each of the unlabelled examples."""
        raise NotImplementedError

    def setting_objects(self) -> dict[str, Any]:
        """Return the settings that a record of them, which is text, cannot hold."""
        given = isinstance(self.pretrained, LanguageModelLike)
        own = {"pretrained": self.pretrained} if given else {}
        return {**super().setting_objects(), **own}

    def _language_model(self) -> LanguageModel | None:
        """Return the language model that the first `fit` starts from, if any."""
        return None if self.pretrained is None else open_language_model(self.pretrained)

    def _start_recurrent_layers(self, network: Any, model: LanguageModel | None) -> None:
        """Give a new network the recurrent weights of a language model, and tell which."""
        if model is not None:
            self._startup_messages.append(take_recurrent_weights(network, model))

    def _add_words(self, vocabulary: Vocabulary, words: Sequence[str]) -> Vocabulary:
        """Return a vocabulary with more words behind its own, as far as there is room."""
        room = (self.vocabulary_size or len(words) + len(vocabulary)) - len(vocabulary)
        more = [word for word in words if word not in vocabulary][: max(room, 0)]
        counts = dict(zip(vocabulary.tokens[2:], vocabulary.counts[2:], strict=True))
        return Vocabulary(counts | dict.fromkeys(more, 0), unknown_count=vocabulary.counts[1])

    def _word_vectors(
        self,
        tokens: list[list[str]],
        unlabelled: Sequence[Any],
        size: int,
        model: LanguageModel | None = None,
    ) -> KeyedVectors | None:
        """Return the initial word vectors, read or trained; None for random ones."""
        if len(unlabelled) and (model is not None or self.embedding not in METHODS):
            instead = f"it is {self.embedding!r}"
            if model is not None:
                instead = "the vectors are those of the pretrained language model"
            self._startup_messages.append(
                f"the {len(unlabelled):,} unlabelled {self.noun[1]} are not used for word vectors: "
                f"only embedding={' or '.join(map(repr, METHODS))} learns from them, and {instead}"
            )
        if model is not None:
            return word_vectors(model, size)
        if self.embedding == "random":
            return None
        if self.embedding in METHODS:
            return train_word_vectors(
                tokens + self.tokenize_unlabelled(unlabelled),
                method=self.embedding,
                trainer=self.embedding_trainer,
                vector_size=size,
                min_count=self.min_count,
            )
        if is_preset(self.embedding):
            from rnnkit.embeddings.preset_vectors import load_preset_vectors

            pieces = getattr(self, "hub_tokenizer", None) is not None
            return load_preset_vectors(self.embedding, size=size, whole_words=not pieces)
        from rnnkit.embeddings.files import load_vectors

        vectors = load_vectors(Path(self.embedding).expanduser())
        if vectors.vector_size != size:
            raise InputError(
                f"{self.embedding} holds vectors of {vectors.vector_size} numbers, and "
                f"embedding_size is {size}. Set embedding_size={vectors.vector_size}."
            )
        return vectors

    def _keep_shares(self, start: EmbeddingInit, words: int) -> None:
        """Keep, and print before the first epoch, how many words a vector was found for."""
        self.share_of_vectors, self.share_of_tokens = start.share_of_words, start.share_of_tokens
        rest = "; the others start from the mean vector" if start.share_of_tokens < 1 else ""
        self._startup_messages.insert(
            0,
            f"word vectors for {start.share_of_words:.1%} of the vocabulary's {words:,} words and "
            f"{start.share_of_tokens:.1%} of the running words{rest}",
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments and the network; the vocabulary is an asset."""
        shares = [self.share_of_vectors, self.share_of_tokens]
        return {**super().get_config(), "shares": shares}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Task:
        """Build the task from what `get_config` returned."""
        config = dict(config)
        shares = config.pop("shares", (None, None))  # files of earlier versions have none
        task = super().from_config(config, custom_objects)
        task.share_of_vectors, task.share_of_tokens = shares
        return task


def _check_embedding(embedding: Any) -> None:
    """Refuse an initialisation of word vectors that is neither known nor a file."""
    known = ("random", *METHODS)
    hint = ""
    if isinstance(embedding, str | os.PathLike):
        path = Path(embedding).expanduser()
        if embedding in known or path.is_file() or is_preset(embedding):
            return
        beside = path.parent.iterdir() if path.parent.is_dir() else ()
        hint = suggest(str(embedding), [*known, *map(str, beside)])
    raise InputError(
        f"embedding is {embedding!r}; expected one of {known} or the path of a file of word "
        f"vectors, or a preset of KerasHub, and there is no such file.{hint}"
    )
