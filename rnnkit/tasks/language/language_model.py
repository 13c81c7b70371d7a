"""Autoregressive language model trained by truncated back-propagation through time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from rnnkit.data.batching import bucket_length
from rnnkit.data.frames import InputForm
from rnnkit.data.hub_tokenizer import HubTokenizer
from rnnkit.data.text import check_texts
from rnnkit.data.text_windows import TextWindows
from rnnkit.data.token_files import TokenTexts
from rnnkit.data.tokenizer import Tokenizer
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.deprecation import renamed_options
from rnnkit.errors import InputError, check_count, quote, require_fitted, suggest
from rnnkit.explain.question import Question
from rnnkit.options import extends
from rnnkit.tasks.answer_tables import AnswerTable
from rnnkit.tasks.answers import Answers
from rnnkit.tasks.hub_tokens import HubTokens
from rnnkit.tasks.labels import Label, learn_classes, one_for_each, to_numbers
from rnnkit.tasks.language.generation import LanguageParts, NextToken
from rnnkit.tasks.language.generation_model import GenerationModel
from rnnkit.tasks.language.language_networks import language_network
from rnnkit.tasks.language.word_cache import WordCache, choose_cache
from rnnkit.tasks.task import Examples, Task
from rnnkit.tasks.word_task import VOCABULARY

OTHER_COMMANDS = (
    'A language model continues a text: rnnkit generate RUN "TEXT". For the most probable next '
    'words: rnnkit complete RUN "TEXT".'
)
PIECE = 200  # tokens whose losses are one example of `evaluate_examples`

_rename = renamed_options("LanguageModel", {"units": "tokenizer", "ends": "learn_eos"})


def _saved_tokenizer(config: dict[str, Any]) -> Tokenizer:
    """Build the tokenizer of a saved model; one of KerasHub is read after it, as an asset."""
    return Tokenizer() if "keras_hub" in config else Tokenizer(**config)


@keras.saving.register_keras_serializable(package="rnnkit")
class LanguageModel(HubTokens, GenerationModel):
    """Language model: a Keras model that predicts each token from all before it, and generates.

    `fit` takes texts, which are their own targets (or those of a token file, see
    `rnnkit.data.token_files`), and optionally a label for each, such as a language, that the model
    is conditioned on. Vocabulary, classes and network are learned in the first `fit`. Texts are
    read in windows of k tokens; the states are carried from window to window and reset where a text
    begins, in training and in evaluation; the gradient is truncated at the first step of its
    window. `batch_size` is the number of texts read side by side.

    Args:
        build_network: `(vocabulary size, classes) -> functional model` with a layer "words", see
            `rnnkit.tasks.language.language_networks.language_network`, the default; classes is 0
            where texts have no labels.
        tokenizer: words or characters; or a tokenizer of KerasHub, or a preset with one, see
            `rnnkit.data.hub_tokenizer.HubTokenizer`.
        vocabulary_size: keep at most this many tokens, two reserved ones included; None = all.
        min_count: keep tokens that occur at least this often.
        window: k, the steps of back-propagation; fewer where all texts are shorter.
        learn_eos: whether to predict the end of a text; None = if the first fit has more than one.
        classes: names of the classes, in the order of the labels 0, 1, ...; learned from the labels
            when left out.

    Example:
        >>> from rnnkit.recipes.language import text_generator
        >>> model = text_generator(units=8, epochs=1)
        >>> history = model.fit(["ann", "anna"] * 8, verbose=0)
        >>> model.generate("an", n=2, length=5)  # doctest: +SKIP
        ['anna', 'ann']
    """

    renamed_attributes: ClassVar = {
        "show": "write_examples",
        "units": "tokenizer",
        "told": "conditioned",
        "score": "score_tokens",
        "numbers": "summarize",
        "ends": "learn_eos",
    }
    form: ClassVar[InputForm] = InputForm(label_depth=0, optional=True)
    noun = ("text", "texts")
    assets: ClassVar = {"vocabulary.json": VOCABULARY, **HubTokens.assets}
    splits_vocabulary = True  # the clusters of an adaptive softmax
    config_keys = ("tokenizer", "vocabulary_size", "min_count", "window", "learn_eos")
    config_types: ClassVar = {"tokenizer": _saved_tokenizer}
    renamed_keys: ClassVar = {"units": "tokenizer", "ends": "learn_eos"}
    network_parts = LanguageParts
    self_supervised = True

    def __init__(
        self,
        build_network: Any = None,
        *,
        tokenizer: Any = None,
        vocabulary_size: int | None = None,
        min_count: int = 1,
        window: int = 64,
        learn_eos: bool | None = None,
        classes: Sequence[Label] | None = None,
        **options: Any,
    ) -> None:
        options = _rename(options)
        tokenizer = options.pop("tokenizer", None) or tokenizer or Tokenizer()
        own = isinstance(tokenizer, Tokenizer)
        self.tokenizer = tokenizer if own else HubTokenizer.of(tokenizer)
        self.learn_eos = options.pop("learn_eos", learn_eos)
        characters = self.tokenizer.unit == "character"
        super().__init__(build_network or language_network, characters=characters, **options)
        self.window = check_count("window", window)
        self.vocabulary_size, self.min_count = vocabulary_size, min_count
        self._classes: list[Label] = list(classes or ())
        self.vocabulary: Vocabulary | None = None

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the labels' classes, in their order; empty where texts have no label."""
        return tuple(map(str, self._classes))

    @property
    def conditioned(self) -> bool:
        """Whether the model is conditioned on a label of each text."""
        return bool(self._classes)

    # The steps of fit and evaluate.

    def embedding_layers(self) -> Sequence[keras.layers.Layer]:
        """Return the table of the words; that of the labels is left as it is."""
        return [self.parts().words]

    def check(self, x: Any, y: Any, name: str) -> Examples:
        """Return the texts as a list, or those of a token file, or refuse what is none."""
        if isinstance(x, TokenTexts):
            self._check_token_texts(x, name)
            return Examples(x, y)  # type: ignore[arg-type]
        texts = check_texts(x)
        if not any(texts):
            raise InputError(f"{name} holds no text. Give at least one.")
        return Examples(texts, y)

    def fit_targets(self, train: Examples) -> list[Label]:
        """Return the classes of the labels; none where texts have no labels."""
        if self.network is not None:
            return self._classes
        if train.y is None:
            return []
        labels = one_for_each(train.y, len(train.x), "The training set", "texts")
        return self._classes or list(self._class_order or ()) or learn_classes(labels)

    def encode_targets(self, examples: Examples, spec: list[Label], name: str) -> np.ndarray | None:
        """Return the class numbers of the labels, or None where texts have no labels."""
        return self._labels(examples.y, examples.x, spec, name)

    def target_spec(self) -> list[Label]:
        """Return the classes."""
        return self._classes

    def learn(
        self, train: Examples, targets: Any, spec: list[Label], unlabelled: Sequence[Any]
    ) -> list[np.ndarray]:
        """Learn the vocabulary, build the network, return the encoded texts: tokenised once."""
        if isinstance(train.x, TokenTexts):
            self._learn_vocabulary(train.x.vocabulary, len(train.x), spec)
            return train.x
        tokens = self.split_texts(train.x)
        self._check_tokenizer(train.x, tokens)
        vocabulary = Vocabulary.learn(tokens, self.vocabulary_size, self.min_count)
        if len(vocabulary) <= 3:
            raise InputError(
                f"The {len(train.x)} training texts hold {len(vocabulary) - 2} different tokens: "
                "there is nothing to learn. Give texts with two or more."
            )
        self._learn_vocabulary(vocabulary, len(train.x), spec)
        return vocabulary.encode_many(tokens)

    def _learn_vocabulary(self, vocabulary: Vocabulary, texts: int, spec: list[Label]) -> None:
        """Take a vocabulary and build the network for it; `texts` is the number of texts."""
        self._set_network(self._new_network(len(vocabulary), len(spec)))
        self.vocabulary, self._classes = vocabulary, list(spec)
        self.learn_eos = texts > 1 if self.learn_eos is None else self.learn_eos
        self._reader = self._completer = None

    def _check_token_texts(self, x: TokenTexts, name: str) -> None:
        """Refuse a token file that was split otherwise, or has another vocabulary."""
        own = self.tokenizer.get_config()
        if not isinstance(self.tokenizer, Tokenizer) or own != x.tokenizer.get_config():
            raise InputError(
                f"{name} is from {x.file.path}, which was split by {x.tokenizer.get_config()}, and "
                f"this model splits by {own}: give both the same tokenizer."
            )
        most = self.vocabulary_size
        if most is not None and len(x.vocabulary) > most:
            raise InputError(
                f"vocabulary_size is {most}, and {x.file.path} has {len(x.vocabulary)} tokens: "
                "write the file with that vocabulary_size, or leave it out here."
            )
        if self.vocabulary is not None and self.vocabulary.tokens != x.vocabulary.tokens:
            raise InputError(
                f"{name} is from {x.file.path}, whose vocabulary of {len(x.vocabulary)} tokens is "
                f"not that of the model ({len(self.vocabulary)}): give its texts instead."
            )

    def make_batches(
        self, rows: list[Any], targets: Any = None, sample_weight: Any = None, **options: Any
    ) -> TextWindows:
        """Return windows of texts that are read side by side."""
        training = options.pop("training", False)
        order = self.batch_options(**options)
        lengths = rows.lengths if isinstance(rows, TokenTexts) else list(map(len, rows))
        longest = int(max(lengths, default=1)) + int(bool(self.learn_eos))
        table = self.parts().words
        needed = training or not getattr(table, "samples", 0)
        return TextWindows(
            rows,
            targets,
            window=min(self.window, bucket_length(longest)),
            rows=order.pop("batch_size"),
            ends=bool(self.learn_eos),
            extra_inputs=table.helper if needed else None,
            **order,
        )

    @extends(Task.evaluate)
    def evaluate(  # type: ignore[override]
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        *,
        cache: WordCache | Mapping[str, float] | None = None,
        **options: Any,
    ) -> Any:
        """Measure loss (nats per token), perplexity and, of characters, bits per character.

        `batch_size` texts are read side by side, the states carried along. A text that is split
        over several rows starts without context in all but the first: with `batch_size=1` nothing
        is split.

        Args:
            x: the texts, one or many.
            y: a label for each, where the model learned labels.
            batch_size: texts read side by side; that of the training when left out.
            cache: a `rnnkit.tasks.language.word_cache.WordCache`, or its settings, to mix the
                predictions with; see `choose_cache`.
            **options: as in Keras.
        """
        if cache is None:
            return super().evaluate(x, y, batch_size, **options)
        cache = cache if isinstance(cache, WordCache) else WordCache(**cache)  # type: ignore[arg-type]
        columns = {n: options.pop(n, None) for n in ("text_column", "label_column", "steps")}
        x, y = self.read(x, y, name="The test set", option="steps", **columns)[:2]
        parts = self.score_tokens(x, y, batch_size)
        losses = np.concatenate([cache.nll(*part) for part in zip(*parts, strict=True)])
        found = self.summarize(losses)
        return found if options.get("return_dict") else list(found.values())

    def summarize(self, losses: np.ndarray) -> dict[str, float]:
        """Return loss, perplexity and, of characters, bits per character of token losses."""
        mean = float(losses.mean())
        found = {"loss": mean, "perplexity": math.exp(mean)}
        characters = self.tokenizer.unit == "character"
        return found | ({"bits_per_character": mean / math.log(2)} if characters else {})

    def score_tokens(
        self, x: Any, y: Any = None, batch_size: int | None = None
    ) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
        """Return hidden vector, token and loss of every token of texts.

        Args:
            x: the texts, one or many.
            y: a label for each, where the model learned labels.
            batch_size: texts read side by side.

        Returns:
            For each text the hidden vectors `(T, D)` before the softmax, the tokens `(T,)` (with
            the end, where the model learned ends) and their losses `-log p`, `(T,)`. The sum of a
            text's losses is `-log p(text)`.
        """
        x, y = self.read(x, y, name="The test set")[:2]
        texts = self.check(x, y, "The test set").x
        if not all(map(len, texts)) and not self.learn_eos:
            raise InputError("One of the texts is empty: leave it out.")
        windows = self._windows(texts, y, batch_size)
        parts = (np.concatenate(part, axis=1) for part in zip(*self._scored(windows), strict=True))
        vectors, tokens, nlls = map(windows.restore, parts)
        return vectors, tokens, nlls

    def _windows(self, texts: list[str], y: Any, batch_size: int | None) -> TextWindows:
        """Return windows of checked texts, to measure the model on."""
        return self.make_batches(self.encode(texts), self._labels(y, texts), batch_size=batch_size)

    def _scored(self, windows: TextWindows) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield hidden vectors, tokens and losses of each window, the states carried along."""
        reader, states = self.reader(), None
        for (ids, starts, *beside), targets, _ in (windows[i] for i in range(len(windows))):
            states = reader.start(windows.rows) if states is None else states
            states = [state * (1 - starts[:, None]) for state in states]
            labels = beside[0] if self.conditioned else None
            hidden, losses, states = reader.score(ids, targets, states, labels)
            yield hidden, targets, losses

    def answers_by_example(
        self, test: Examples, batch_size: int | None = None
    ) -> dict[str, np.ndarray]:
        """Return the loss, summed, and the number of tokens of each piece of the texts.

        A piece is 200 tokens, or what is left of a text: losses of neighbouring tokens are alike,
        so that tokens one by one would be no sample of their own.
        """
        windows = self._windows(test.x, test.y, batch_size)
        nlls = windows.restore(np.concatenate([nll for *_, nll in self._scored(windows)], axis=1))
        starts = [np.arange(0, len(row), PIECE) for row in nlls]
        sums = [
            np.add.reduceat(row.astype("float64"), at) for row, at in zip(nlls, starts, strict=True)
        ]
        tokens = [np.diff(np.append(at, len(row))) for row, at in zip(nlls, starts, strict=True)]
        return {"loss": np.concatenate(sums), "tokens": np.concatenate(tokens)}

    def question(self, x: Any, target: Any, at: int | None, label: Any = None) -> Question:
        """Return what is explained of one text: the log-probability of a token."""
        from rnnkit.tasks.explaining.next_token import question_of_token

        return question_of_token(self, x, target, at, label)

    def choose_cache(self, x: Any, batch_size: int | None = None, **grid: Any) -> WordCache:
        """Choose the cache with the lowest perplexity on validation texts.

        Args:
            x: validation texts, neither trained nor tested on.
            batch_size: texts read side by side.
            **grid: the values to try; see `rnnkit.tasks.language.word_cache.choose_cache`.

        Example:
            >>> cache = model.choose_cache(data.valid.x)  # doctest: +SKIP
            >>> model.evaluate(data.test.x, cache=cache, return_dict=True)  # doctest: +SKIP
            {'loss': 4.23, 'perplexity': 68.9}
        """
        return choose_cache(*self.score_tokens(x, batch_size=batch_size), **grid)

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Refuse: a language model is asked by other commands."""
        raise InputError(OTHER_COMMANDS)

    def answer_table(self, inputs: Sequence[Any]) -> AnswerTable:
        """Refuse: a language model is asked by other commands."""
        raise InputError(OTHER_COMMANDS)

    # Texts -> numbers.

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the token ids of each text; unknown tokens are 1."""
        if isinstance(x, TokenTexts):
            self._check_token_texts(x, "The set")
            return x  # type: ignore[return-value]
        return self._known().encode_many(self.split_texts(check_texts(x)))

    def unknown_words(self, x: Any) -> list[list[str]]:
        """Return the tokens of each text that are not in the vocabulary, each once.

        Example:
            >>> model.unknown_words("a xylophone")  # doctest: +SKIP
            [['xylophone']]
        """
        return self._known().unknown_tokens(self.split_texts(check_texts(x)))

    def split_texts(self, texts: list[str]) -> list[list[str]]:
        """Return the tokens of each text, as the vocabulary counts them."""
        if self.hub_tokenizer is not None:
            return self.hub_tokenizer.tokens(texts)
        return [self.tokenizer.tokenize(text) for text in texts]

    def _known(self) -> Vocabulary:
        return require_fitted(self.vocabulary, self, "vocabulary")

    def _labels(
        self, y: Any, texts: list[str], classes: list[Label] | None = None, name: str = "test"
    ) -> np.ndarray | None:
        """Return the class numbers of the labels, or None where texts have no labels."""
        classes = self._classes if classes is None else classes
        if not classes:
            if y is not None:
                raise InputError(
                    f"The {name} texts come with labels, and the model learned none: leave them "
                    "out, or give labels in the first fit."
                )
            return None
        known = list(map(str, classes))
        if y is None:
            raise InputError(
                f"The {name} texts have no label, and the model is conditioned on one of "
                f"{len(classes)} classes: {', '.join(known[:20])}. Give one for each."
            )
        labels = one_for_each(y, len(texts), f"The {name} set", "texts")
        for label in labels:
            if isinstance(label, str) and label not in known:
                hint = suggest(str(label), known)
                raise InputError(f"No class {quote(str(label))}.{hint} Known: {', '.join(known)}.")
        return to_numbers(labels, classes, name).astype("int32")

    # One file.

    def serving_network(self) -> keras.Model:
        """Return the model that `export` writes: also the log-probabilities of the next token.

        From tokens `(B, T)`, the labels of a conditioned model, and the states before the first
        token: log-probabilities `(B, V)` after the last token, and the states after it.
        """
        network = super().serving_network()
        hidden, *states = network.outputs
        return keras.Model(network.inputs, [NextToken(self.parts().words)(hidden), *states])

    def serving_models(self) -> dict[str, keras.Model]:
        """Return `initial_state` and `step`; see `rnnkit.tasks.artifacts.steps`."""
        from rnnkit.tasks.artifacts.steps import language_models

        return language_models(self)

    def serving_calls(
        self, models: dict[str, keras.Model], x: list[Any]
    ) -> list[tuple[str, list[np.ndarray]]]:
        """Return signatures and inputs of calls; see `rnnkit.tasks.hooks`."""
        from rnnkit.tasks.artifacts.steps import language_calls

        return language_calls(self, models, x)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments and the network; the vocabulary is an asset."""
        return {**super().get_config(), "classes": self._classes or None}
