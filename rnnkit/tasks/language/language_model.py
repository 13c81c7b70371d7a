"""Running text in; what comes next, and how likely it was, out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rnnkit.backend import native
from rnnkit.data.batching import bucket_length
from rnnkit.data.text import check_texts
from rnnkit.data.text_units import TextUnits
from rnnkit.data.text_windows import TextWindows
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.errors import InputError, require_fitted, suggest
from rnnkit.tasks.answers import Answers
from rnnkit.tasks.base import Task
from rnnkit.tasks.feed import Feed
from rnnkit.tasks.labels import Label, learn_classes, one_for_each, to_numbers
from rnnkit.tasks.language.language_networks import language_network
from rnnkit.tasks.language.word_cache import WordCache, choose_cache
from rnnkit.tasks.language.writing import WritingModel


@keras.saving.register_keras_serializable(package="rnnkit")
class LanguageModel(WritingModel):
    """A Keras model that takes running text, foretells each token from all before it, and writes.

    Texts are read in windows of k tokens; the states go on from window to window and are zeroed
    where a text begins, in training and in evaluation; the gradient goes back to the first step of
    its window (truncated back-propagation through time). Texts may have a label each, such as a
    language, which the model is then told. Vocabulary, classes and network come into being in the
    first `fit`.

    Args:
        build_network: `(vocabulary size, classes) -> functional model`, see
            `rnnkit.tasks.language.language_networks.language_network`, which is taken when left
            out; classes is 0 where there are none.
        units: words or characters.
        vocabulary_size: keep at most this many tokens, two reserved ones included; None = all.
        min_count: keep tokens that occur at least this often.
        window: k, the steps that a gradient goes back; fewer where all texts are shorter.
        ends: whether to learn where texts end; None = where the first fit has more than one.
        classes: names of the classes, in the order of the labels 0, 1, ...; learned from the labels
            when left out.
        **options: see `rnnkit.tasks.base.Task`.

    Example:
        >>> from rnnkit.recipes.language import text_generator
        >>> model = text_generator(units=8, epochs=1)
        >>> history = model.fit(["ann", "anna"] * 8, verbose=0)
        >>> model.generate("an", n=2, length=5)  # doctest: +SKIP
        ['anna', 'ann']
    """

    noun = ("text", "texts")
    assets = ("vocabulary.json",)

    def __init__(
        self,
        build_network: Any = None,
        *,
        units: TextUnits | None = None,
        vocabulary_size: int | None = None,
        min_count: int = 1,
        window: int = 64,
        ends: bool | None = None,
        classes: Sequence[Label] | None = None,
        **options: Any,
    ) -> None:
        self.units = units or TextUnits()
        super().__init__(
            build_network or language_network, characters=self.units.unit == "character", **options
        )
        if isinstance(window, bool) or not isinstance(window, int) or window < 1:
            raise InputError(f"window is {window!r}; expected a whole number from 1 on.")
        self.vocabulary_size = vocabulary_size
        self.min_count = min_count
        self.window = window
        self.ends = ends
        self._classes: list[Label] = list(classes or ())
        self.vocabulary: Vocabulary | None = None

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the labels' classes, in their order; empty where texts have no label."""
        return tuple(map(str, self._classes))

    @property
    def told(self) -> bool:
        """Whether the model is told a label of each text."""
        return bool(self._classes)

    # Keras's verbs, on texts.

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        *,
        validation_data: Any = None,
        unlabelled: Any = (),
        epochs: int | None = None,
        batch_size: int | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        patience: int | None = None,
        keep_best: bool = True,
        shuffle: bool = True,
        initial_epoch: int = 0,
        verbose: str | int = "auto",
    ) -> keras.callbacks.History:
        """Train on texts; they are their own targets.

        Args:
            x: the texts, one or many.
            y: a label for each, which the model is told; or None.
            validation_data: texts, or `(x, y)`, that the model is measured on after each epoch.
            unlabelled: not used.
            epochs: how often to go through the texts; the task's own number when left out.
            batch_size: rows that are read side by side.
            callbacks: Keras callbacks, such as `rnnkit.monitor.TensorBoard`.
            patience: stop after this many epochs without a better validation loss.
            keep_best: end with the weights of the epoch of the best validation loss.
            shuffle: draw the order of the texts, and where windows begin, anew for every epoch.
            initial_epoch: the number of the first epoch, when training goes on.
            verbose: as in Keras.

        Returns:
            Keras's history.

        Raises:
            InputError: texts or labels that cannot be used; nothing was learned.
            NonFiniteLoss: the loss became NaN or infinite.
        """
        del unlabelled
        texts = self._texts(x, "The training set")
        held_out = None
        if validation_data is not None:
            if not (isinstance(validation_data, tuple) and len(validation_data) == 2):
                validation_data = (validation_data, None)
            held_out = self._texts(validation_data[0], "The validation set")
        fresh = self.network is None
        classes = self._classes
        if fresh and y is not None and not classes:
            labels = one_for_each(y, len(texts), "The training set", "texts")
            classes = learn_classes(labels)
        targets = self._labels(y, texts, classes if y is not None or not fresh else [], "training")
        held_targets = None
        if held_out is not None:
            told = classes if targets is not None else []
            held_targets = self._labels(validation_data[1], held_out, told, "validation")
        tokens = [self.units.cut(text) for text in texts]
        if fresh:
            vocabulary = Vocabulary.learn(tokens, self.vocabulary_size, self.min_count)
            if len(vocabulary) <= 3:
                raise InputError(
                    f"The {len(texts)} training texts hold {len(vocabulary) - 2} different tokens: "
                    "there is nothing to learn. Give texts with two or more."
                )
            told = classes if targets is not None else []
            network = self._new_network(len(vocabulary), len(told))
            self.vocabulary, self._classes = vocabulary, told
            self.ends = len(texts) > 1 if self.ends is None else self.ends
            self._set_network(network)
            self._reader = self._completer = None
        rows = self.vocabulary.encode_many(tokens)  # type: ignore[union-attr]
        train = self._windows(rows, targets, batch_size, shuffle=shuffle)
        valid = None
        if held_out is not None:
            valid = self._windows(self.encode(held_out), held_targets, batch_size)
        self._carry(train.rows)
        batches: Any = train
        held: Any = valid
        return self._train(
            batches,
            held,
            epochs=epochs,
            patience=patience,
            keep_best=keep_best,
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
        return_dict: bool = False,
        cache: WordCache | Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Measure loss (nats per token), perplexity and, of characters, bits per character.

        Texts are read in as many rows as `batch_size` says, the states carried along. Of a text
        that is cut into several rows all but the first begin without what came before: with
        `batch_size=1` nothing is cut.

        Args:
            x: the texts, one or many.
            y: a label for each, where the model learned labels.
            batch_size: rows that are read side by side; those of the training when left out.
            verbose: as in Keras.
            return_dict: return the numbers by name.
            cache: a `rnnkit.tasks.language.word_cache.WordCache`, or its settings, to read with;
                see `choose_cache`.
            **kwargs: as in Keras.

        Raises:
            InputError: texts or labels that cannot be used, or the model is not trained yet.
        """
        options = {"verbose": verbose, "return_dict": return_dict, **kwargs}
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's own call from inside fit
            return super().evaluate(x, y, **options)
        if cache is not None:
            cache = cache if isinstance(cache, WordCache) else WordCache(**cache)  # type: ignore[arg-type]
            parts = self.score(x, y, batch_size)
            found = self.numbers(
                np.concatenate([cache.nll(*part) for part in zip(*parts, strict=True)])
            )
            return found if return_dict else list(found.values())
        texts = self._texts(x, "The test set")
        windows = self._windows(self.encode(texts), self._labels(y, texts), batch_size)
        self._carry(windows.rows)
        if not self.compiled:
            self._compile()
        batches: Any = windows
        return keras.Model.evaluate(self, native.feed(Feed(batches)), **options)

    def numbers(self, losses: np.ndarray) -> dict[str, float]:
        """Return what `evaluate` returns, of the losses of single tokens."""
        mean = float(losses.mean())
        found = {"loss": mean, "perplexity": math.exp(mean)}
        characters = self.units.unit == "character"
        return found | ({"bits_per_character": mean / math.log(2)} if characters else {})

    def score(
        self, x: Any, y: Any = None, batch_size: int | None = None
    ) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
        """Return what the model makes of every token of texts.

        Args:
            x: the texts, one or many.
            y: a label for each, where the model learned labels.
            batch_size: rows that are read side by side.

        Returns:
            For each text the vectors `(T, D)` that its tokens were compared with, the tokens `(T,)`
            (with the end, where the model learned ends) and their losses `-log p`, `(T,)`. The sum
            of a text's losses is `-log p(text)`.

        Raises:
            InputError: texts or labels that cannot be used, or the model is not trained yet.
        """
        texts = self._texts(x, "The test set")
        if not all(texts) and not self.ends:
            raise InputError("One of the texts is empty: leave it out.")
        windows = self._windows(self.encode(texts), self._labels(y, texts), batch_size)
        reader, states, found = self.reader(), None, []
        for (ids, starts, *beside), targets, _ in (windows[i] for i in range(len(windows))):
            states = reader.start(windows.rows) if states is None else states
            states = [state * (1 - starts[:, None]) for state in states]
            labels = beside[0] if self.told else None
            hidden, losses, states = reader.score(ids, targets, states, labels)
            found.append((hidden, targets, losses))
        parts = [np.concatenate(part, axis=1) for part in zip(*found, strict=True)]
        return windows.restore(parts[0]), windows.restore(parts[1]), windows.restore(parts[2])

    def choose_cache(self, x: Any, batch_size: int | None = None, **grid: Any) -> WordCache:
        """Return the cache with which held-out texts are foretold best.

        Args:
            x: texts that are neither trained on nor measured with: those of valid.
            batch_size: rows that are read side by side.
            **grid: the values to try; see `rnnkit.tasks.language.word_cache.choose_cache`.

        Example:
            >>> cache = model.choose_cache(data.valid.x)  # doctest: +SKIP
            >>> model.evaluate(data.test.x, cache=cache, return_dict=True)  # doctest: +SKIP
            {'loss': 4.23, 'perplexity': 68.9}
        """
        return choose_cache(*self.score(x, batch_size=batch_size), **grid)

    # Texts -> windows.

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the token ids of each text; unknown tokens are 1.

        Raises:
            InputError: something among the texts is no text, or there is no vocabulary yet.
        """
        vocabulary = self._known()
        return vocabulary.encode_many(self.units.cut(text) for text in check_texts(x))

    def _known(self) -> Vocabulary:
        return require_fitted(self.vocabulary, self, "vocabulary")

    def _texts(self, x: Any, name: str) -> list[str]:
        texts = check_texts(x)
        if not any(texts):
            raise InputError(f"{name} holds no text. Give at least one.")
        return texts

    def _labels(
        self, y: Any, texts: list[str], classes: list[Label] | None = None, name: str = "test"
    ) -> np.ndarray | None:
        """Return the numbers of the labels, or None where the model is told none."""
        classes = self._classes if classes is None else classes
        if not classes:
            if y is not None:
                raise InputError(
                    f"The {name} texts come with labels, and the model learned none: leave them "
                    "out, or give labels in the first fit."
                )
            return None
        if y is None:
            raise InputError(
                f"The {name} texts have no label, and the model is told one of "
                f"{len(classes)} classes: {', '.join(map(str, classes[:20]))}. Give one for each."
            )
        labels = one_for_each(y, len(texts), f"The {name} set", "texts")
        known = list(map(str, classes))
        for label in labels:
            if isinstance(label, str) and label not in known:
                raise InputError(
                    f"There is no class {str(label)!r}.{suggest(str(label), known)} Known: "
                    f"{', '.join(known)}."
                )
        return to_numbers(labels, classes, name).astype("int32")

    def _windows(
        self,
        rows: list[np.ndarray],
        labels: np.ndarray | None,
        batch_size: int | None = None,
        shuffle: bool | None = None,
    ) -> TextWindows:
        """Return windows to train on (shuffle is given) or to measure on."""
        longest = max(map(len, rows), default=1) + int(bool(self.ends))
        table = self.network.get_layer("words")  # type: ignore[union-attr]
        needed = shuffle is not None or not getattr(table, "samples", 0)
        return TextWindows(
            rows,
            labels,
            window=min(self.window, bucket_length(longest)),
            rows=batch_size or self.batch_size,
            ends=bool(self.ends),
            shuffle=bool(shuffle),
            seed=self.seed,
            helper=table.helper if needed else None,
        )

    # One file.

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the task again; the vocabulary travels beside it."""
        return {
            **super().get_config(),
            "units": self.units.get_config(),
            "vocabulary_size": self.vocabulary_size,
            "min_count": self.min_count,
            "window": self.window,
            "ends": self.ends,
            "classes": self._classes or None,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Task:
        """Build the task from what `get_config` returned."""
        return super().from_config(
            {**config, "units": TextUnits(**config["units"])}, custom_objects
        )

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Refuse: a language model is asked by other commands."""
        raise InputError(
            'A language model continues a text: rnnkit generate RUN "TEXT". For the most probable '
            'next words: rnnkit complete RUN "TEXT".'
        )

    def save_assets(self, dir_path: str) -> None:
        """Put the vocabulary into the file; called by Keras."""
        if self.vocabulary is not None:
            Path(dir_path, self.assets[0]).write_text(self.vocabulary.to_json(), encoding="utf-8")

    def load_assets(self, dir_path: str) -> None:
        """Take the vocabulary out of the file; called by Keras."""
        text = Path(dir_path, self.assets[0]).read_text(encoding="utf-8")
        self.vocabulary = Vocabulary.from_json(text)
