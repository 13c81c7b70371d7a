"""Running text in; what comes next, and how likely it was, out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.data.batching import bucket_length
from rnnkit.data.text import check_texts
from rnnkit.data.text_units import END_OF_LINE, TextUnits
from rnnkit.data.text_windows import BORDER, TextWindows
from rnnkit.data.vocabulary import UNKNOWN, Vocabulary
from rnnkit.errors import InputError, nearest
from rnnkit.tasks.base import Task
from rnnkit.tasks.feed import Feed
from rnnkit.tasks.generation import Choice, Reader, go_on
from rnnkit.tasks.labels import Label, learn_classes, one_for_each, to_numbers


@keras.saving.register_keras_serializable(package="rnnkit")
class LossOfTokens(keras.metrics.Metric):
    """The mean loss of all tokens so far, in nats, and what follows from it.

    `loss = -1/n Σ log p(x_t | x_<t)`, `perplexity = e^loss`, `bits_per_character = loss / log 2`.

    Args:
        characters: the tokens are characters.
        name: of the metric.

    Example:
        >>> metric = LossOfTokens()
        >>> metric.update_state(ops.array(2 * math.log(8.0)), ops.array(2.0))
        >>> round(float(metric.result()["perplexity"]), 3)
        8.0
    """

    def __init__(self, characters: bool = False, name: str = "tokens", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.characters = characters
        self.total = self.add_variable((), initializer="zeros", name="total")
        self.count = self.add_variable((), initializer="zeros", name="count")

    def update_state(self, total: Any, count: Any) -> None:
        """Add the sum of the losses of so many tokens."""
        self.total.assign_add(ops.cast(total, self.dtype))
        self.count.assign_add(ops.cast(count, self.dtype))

    def result(self) -> dict[str, Any]:
        """Return loss, perplexity and, of characters, bits."""
        mean = ops.divide_no_nan(self.total, self.count)
        found = {"loss": mean, "perplexity": ops.exp(mean)}
        return found | ({"bits_per_character": mean / math.log(2)} if self.characters else {})


@keras.saving.register_keras_serializable(package="rnnkit")
class LanguageModel(Task):
    """A Keras model that takes running text, foretells each token from all before it, and writes.

    Texts are read in windows of k tokens; the states go on from window to window and are zeroed
    where a text begins, in training and in evaluation; the gradient goes back to the first step of
    its window (truncated back-propagation through time). Texts may have a label each, such as a
    language, which the model is then told. Vocabulary, classes and network come into being in the
    first `fit`.

    Args:
        build_network: `(vocabulary size, classes) -> functional model`, see
            `rnnkit.tasks.language_networks.language_network`; classes is 0 where there are none.
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
        self._carried: list[keras.Variable] = []
        self._reader: Reader | None = None
        super().__init__(build_network, **options)
        if isinstance(window, bool) or not isinstance(window, int) or window < 1:
            raise InputError(f"window is {window!r}; expected a whole number from 1 on.")
        self.vocabulary_size = vocabulary_size
        self.min_count = min_count
        self.window = window
        self.ends = ends
        self._classes: list[Label] = list(classes or ())
        self.vocabulary: Vocabulary | None = None
        self.tokens = LossOfTokens(self.units.unit == "character")

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels' classes, in their order; empty where texts have no label."""
        return tuple(map(str, self._classes))

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
        **kwargs: Any,
    ) -> Any:
        """Measure loss (nats per token), perplexity and, of characters, bits per character.

        Texts are read in as many rows as `batch_size` says, the states carried along. Of a text
        that is cut into several rows all but the first begin without what came before: with
        `batch_size=1` nothing is cut.

        Raises:
            InputError: texts or labels that cannot be used, or the model is not trained yet.
        """
        options = {"verbose": verbose, "return_dict": return_dict, **kwargs}
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's own call from inside fit
            return super().evaluate(x, y, **options)
        texts = self._texts(x, "The test set")
        windows = self._windows(self.encode(texts), self._labels(y, texts), batch_size)
        self._carry(windows.rows)
        if not self.compiled:
            self._compile()
        return keras.Model.evaluate(self, native.feed(Feed(windows)), **options)  # type: ignore[arg-type]

    def predict(  # type: ignore[override]
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        callbacks: Any = None,
    ) -> np.ndarray:
        """Return the probability of every token to come next after each text.

        Args:
            x: one text or many.
            y: a label for each, where the model learned labels.
            batch_size: not used: texts are read one by one.
            verbose: not used.
            callbacks: not used.

        Returns:
            `(N, V)`, in the order of `vocabulary.tokens`; the first is that the text ends.

        Raises:
            InputError: what is no text, or the model is not trained yet.
        """
        del batch_size, verbose, callbacks
        texts = check_texts(x)
        labels = self._labels(y, texts)
        if not texts:
            return np.zeros((0, len(self._known())), "float32")
        found = [
            self._read(text, None if labels is None else labels[i : i + 1])[0]
            for i, text in enumerate(texts)
        ]
        return np.exp(np.concatenate(found))

    # Writing.

    def generate(
        self,
        prompt: str | Sequence[str] = "",
        n: int = 1,
        *,
        length: int = 100,
        label: Any = None,
        strategy: str = "temperature",
        temperature: float = 1.0,
        top_k: int = 40,
        top_p: float = 0.9,
        seed: int = 0,
        unknown: bool = False,
    ) -> list[str]:
        """Write on from a prompt, token by token on the carried state.

        Args:
            prompt: what the text begins with; one, or several.
            n: how many texts are written for each prompt.
            length: the most tokens that are written; fewer where the model ends the text.
            label: one label, or one for each prompt, where the model learned labels.
            strategy: "greedy", "temperature", "top_k" or "top_p"; see
                `rnnkit.tasks.generation.Choice`.
            temperature: below 1 sticks to what is likely, above 1 strays from it.
            top_k: for strategy "top_k", how many of the likeliest tokens are drawn from.
            top_p: for strategy "top_p", the probability that those drawn from have together.
            seed: of the draws; the same on every backend.
            unknown: whether the token for unknown words may be written.

        Returns:
            The texts with their prompts, n for the first prompt, then n for the next.

        Raises:
            InputError: an unknown strategy or label, a number out of range, or the model is not
                trained yet.

        Example:
            >>> model.generate(label="Italian", n=2)  # doctest: +SKIP
            ['Santaro', 'Bellini']
        """
        prompts = check_texts(prompt)
        for name, number in (("n", n), ("length", length)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise InputError(f"{name} is {number!r}; expected a whole number from 1 on.")
        labels = label if isinstance(label, (list, tuple)) else [label] * len(prompts)
        given = self._labels(None if label is None else labels, prompts)
        options = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
        choice = Choice(strategy, **options, rows=len(prompts) * n)  # type: ignore[arg-type]
        starts = [
            self._read(text, None if given is None else given[i : i + 1])
            for i, text in enumerate(prompts)
        ]
        log_p = np.repeat(np.concatenate([start[0] for start in starts]), n, axis=0)
        states = [
            np.repeat(np.concatenate(parts), n, axis=0)
            for parts in zip(*(start[1] for start in starts), strict=True)
        ]
        rows = go_on(
            self.reader(),
            log_p,
            states,
            None if given is None else np.repeat(given, n),
            choice,
            length=length,
            never=self._never(unknown),
            stop=BORDER if self.ends else None,
        )
        vocabulary = self._known()
        return [self._joined(prompts[i // n], vocabulary.decode(row)) for i, row in enumerate(rows)]

    def _joined(self, prompt: str, written: list[str]) -> str:
        if self.units.unit == "character":
            return prompt + "".join(written)
        text = self.units.join([*self.units.cut(prompt), *written])
        return text

    def _never(self, unknown: bool) -> list[int]:
        """Return the tokens that are not to be written."""
        vocabulary = self._known()
        never = [] if self.ends else [BORDER]
        if not unknown:
            never.append(UNKNOWN)
            never += vocabulary.encode(["<unk>"]).tolist() if "<unk>" in vocabulary else []
        return never

    def reader(self) -> Reader:
        """Return what reads on from given states, for those who want to go step by step."""
        self._known()
        if self._reader is None:
            self._reader = Reader(self.network)  # type: ignore[arg-type]
        return self._reader

    def first_token(self) -> int:
        """Return the token before the first: the border, or a line end where texts have no ends."""
        line = END_OF_LINE if self.units.unit == "word" else "\n"
        vocabulary = self._known()
        return BORDER if self.ends or line not in vocabulary else int(vocabulary.encode([line])[0])

    def _read(self, text: str, labels: np.ndarray | None) -> tuple[np.ndarray, list[np.ndarray]]:
        """Read a text; return the log-probabilities of the next token, and the states."""
        ids = [self.first_token(), *self._known().encode(self.units.cut(text)).tolist()]
        reader = self.reader()
        return reader.read(np.array([ids], "int32"), reader.start(1), labels)

    # Texts -> windows.

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the token ids of each text; unknown tokens are 1.

        Raises:
            InputError: something among the texts is no text, or there is no vocabulary yet.
        """
        vocabulary = self._known()
        return vocabulary.encode_many(self.units.cut(text) for text in check_texts(x))

    def _known(self) -> Vocabulary:
        if self.vocabulary is None:
            raise InputError(
                f"{type(self).__name__} has no vocabulary yet: it learns one from the texts of the "
                "first fit. Call fit first, or load a trained model with rnnkit.tasks.load."
            )
        return self.vocabulary

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
                    f"There is no class {str(label)!r}.{nearest(str(label), known)} Known: "
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

    # The model in Keras's eyes.

    def _carry(self, rows: int) -> None:
        """Make room for the states of so many rows; what was compiled for others is forgotten."""
        sizes = [
            (rows, part.shape[-1])
            for part in self.network.inputs  # type: ignore[union-attr]
            if part.name.startswith("state_")
        ]
        if [tuple(state.shape) for state in self._carried] == sizes:
            return
        self._carried.clear()
        for size in sizes:
            self._carried.append(keras.Variable(np.zeros(size, "float32"), trainable=False))
        self.train_function = self.test_function = self.predict_function = None

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Read a window from the carried states; return `(B, T, D)` and carry the states on."""
        ids, starts, *beside = inputs
        going_on = ops.expand_dims(1.0 - ops.cast(starts, "float32"), 1)
        states = [ops.cast(state, "float32") * going_on for state in self._carried]
        labels = beside[: bool(self._classes)]
        hidden, *states = self.network([ids, *labels, *states], training=training)  # type: ignore[misc]
        for variable, state in zip(self._carried, states, strict=True):
            variable.assign(ops.stop_gradient(ops.cast(state, variable.dtype)))
        return hidden

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the mean loss of the window's tokens."""
        table = self.network.get_layer("words")  # type: ignore[union-attr]
        weights = ops.cast(ops.reshape(sample_weight, (-1,)), "float32")
        hidden = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
        targets = ops.cast(ops.reshape(y, (-1,)), "int32")
        help_ = x[2 + bool(self._classes) :]
        total = table.loss(hidden, targets, weights, help_, training=training)
        count = ops.sum(weights)
        self.tokens.update_state(total, count)
        return total / ops.maximum(count, 1.0) + sum(self.losses)

    def _compile(self) -> None:
        self.compile(optimizer=self._make_optimizer())

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

    def save_own_variables(self, store: Any) -> None:
        """Save nothing: the carried states belong to no text that comes later."""

    def load_own_variables(self, store: Any) -> None:
        """Load nothing."""

    def save_assets(self, dir_path: str) -> None:
        """Put the vocabulary into the file; called by Keras."""
        if self.vocabulary is not None:
            Path(dir_path, self.assets[0]).write_text(self.vocabulary.to_json(), encoding="utf-8")

    def load_assets(self, dir_path: str) -> None:
        """Take the vocabulary out of the file; called by Keras."""
        text = Path(dir_path, self.assets[0]).read_text(encoding="utf-8")
        self.vocabulary = Vocabulary.from_json(text)
