"""Settings of words: word vectors, vocabulary, text pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypedDict, runtime_checkable

from rnnkit.options import Option
from rnnkit.settings.stack import rate


@runtime_checkable
class TokenizerLike(Protocol):
    """An object that splits texts, such as a tokenizer of KerasHub."""

    def tokenize(self, text: Any) -> Any:
        """Return the tokens of a text."""

    def detokenize(self, tokens: Any) -> Any:
        """Return the text of tokens."""


@runtime_checkable
class LanguageModelLike(Protocol):
    """A language model, such as `rnnkit.tasks.LanguageModel`."""

    def score_tokens(self, x: Any) -> Any:
        """Return hidden vector, token and loss of every token of texts."""


class PretrainedOption(TypedDict, total=False):
    """A language model to start from; see `rnnkit.tasks.pretraining`."""

    pretrained: Annotated[
        LanguageModelLike | str | Path | None,
        Option(
            None,
            "language model of words, such as `next_word` trains, whose word vectors (in place of "
            "`embedding`) and recurrent weights (forward direction) are the initial ones: a "
            "trained model, the folder of its run, or its .keras file; None = no such model.",
        ),
    ]


class SubwordTokenizerOption(TypedDict, total=False):
    """A tokenizer of KerasHub; see `rnnkit.data.hub_tokenizer`."""

    tokenizer: Annotated[
        TokenizerLike | str | Path | None,
        Option(
            None,
            "tokenizer of KerasHub that splits the texts as they are, in place of rnnkit's own: an "
            "object, or the folder or handle of a preset; None = no such tokenizer.",
        ),
    ]


class WordVectorOptions(TypedDict, total=False):
    """How word vectors are initialized; see `rnnkit.tasks.word_task`."""

    embedding: Annotated[
        str | Path,
        Option(
            "random",
            'initial word vectors: "random"; "skip-gram" or "cbow", word2vec trained on the '
            "training set and on `fit(..., unlabelled=texts)`; the path of a file of vectors; or a "
            "preset of KerasHub.",
        ),
    ]
    embedding_trainer: Annotated[
        Literal["gensim", "keras"], Option("gensim", 'trainer of "skip-gram" and "cbow".')
    ]


class EmbeddingSizeOption(TypedDict, total=False):
    """The size of word vectors."""

    embedding_size: Annotated[int, Option(100, "size of word vectors, as in a file.", least=1)]


class EmbeddingTrainableOption(TypedDict, total=False):
    """Whether word vectors are fine-tuned."""

    embedding_trainable: Annotated[bool, Option(True, "fine-tune word vectors; False = freeze.")]


class EmbeddingDropoutOption(TypedDict, total=False):
    """Dropout on word vectors."""

    embedding_dropout: Annotated[float, rate(0.0, "dropout rate of the embedding's components.")]


class VocabularyOptions(TypedDict, total=False):
    """Which tokens are in the vocabulary."""

    vocabulary_size: Annotated[
        int | None,
        Option(
            20_000,
            "maximum size of the vocabulary, padding and unknown token included; the most frequent "
            "tokens are kept. None = no limit.",
            least=2,
        ),
    ]
    min_count: Annotated[int, Option(1, "drop tokens that occur less often.", least=1)]


class PipelineOptions(TypedDict, total=False):
    """The steps from text to tokens; see `rnnkit.data.text.TextPipeline`."""

    lowercase: Annotated[bool, Option(True, "lower-case the text.")]
    expand_abbreviations: Annotated[
        bool, Option(True, 'expand abbreviations of chats, such as "u" to "you".')
    ]
    strip_html: Annotated[bool, Option(True, "remove HTML tags, resolve character references.")]
    strip_punctuation: Annotated[
        bool, Option(True, "replace all but letters, digits, apostrophes in words by spaces.")
    ]
    stop_words: Annotated[
        Literal["keep-negations", "full"] | None,
        Option(
            None,
            'stop words to remove: "full", the usual English list; "keep-negations", the list '
            "without not, no, never, but ...; None = remove none.",
        ),
    ]
    tokens: Annotated[
        Literal["words", "characters"],
        Option("words", 'what a token is; "characters" for languages without spaces.'),
    ]
