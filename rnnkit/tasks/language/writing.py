"""What a trained language model writes: texts, the next word, and what it makes of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnkit.data.text import check_text, check_texts
from rnnkit.data.text_units import END_OF_LINE
from rnnkit.data.text_windows import BORDER
from rnnkit.data.vocabulary import UNKNOWN
from rnnkit.errors import InputError
from rnnkit.monitor.callbacks import sync_state
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.figures import escape_markdown, markdown_table
from rnnkit.tasks.language.carried_states import CarriedStates
from rnnkit.tasks.language.completion import Completer
from rnnkit.tasks.language.generation import Choice, Reader, go_on

_SHOWN, _LENGTH = 20, 200  # labels, and characters of a sample, on TensorBoard's page
_MANNERS: tuple[dict[str, Any], ...] = (
    {"strategy": "greedy"},
    {"strategy": "temperature", "temperature": 0.8},
    {"strategy": "top_p", "top_p": 0.9},
)


class WritingModel(CarriedStates):
    """A language model that writes. Abstract: a subclass learns, and says what texts are."""

    units: Any
    ends: bool | None
    vocabulary: Any
    classes: tuple[str, ...]
    _reader: Reader | None = None
    _completer: Completer | None = None
    _steps = 0  # of training, when the completer was made

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
                `rnnkit.tasks.language.generation.Choice`.
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
        options: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        choice = Choice(strategy, **options, seed=seed, rows=len(prompts) * n)
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
        return self.units.join([*self.units.cut(prompt), *written])

    def complete(self, prefix: str, k: int = 5) -> list[tuple[str, float]]:
        """Return the k likeliest next words after a prefix, or the likeliest ends of its last word.

        Fast enough to type against: the states after the prefix are kept for the next call.

        Args:
            prefix: what is typed so far. Behind white space a new word is wanted, else one that
                begins with the last letters.
            k: how many.

        Returns:
            Words with their probabilities among all that begin so.

        Raises:
            InputError: a model of characters, or one that is not trained yet.

        Example:
            >>> model.complete("the capital of fr", 2)  # doctest: +SKIP
            [('france', 0.81), ('friuli', 0.02)]
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InputError(f"k is {k!r}; expected a whole number from 1 on.")
        reader, optimizer = self.reader(), getattr(self, "optimizer", None)
        steps = 0 if optimizer is None else int(optimizer.iterations)
        if self._completer is None or steps != self._steps:  # states of other weights are no use
            self._completer, self._steps = Completer(self, reader), steps
        return self._completer(check_text(prefix, "The prefix"), k)

    def show(self, writer: EventWriter, x: Any, y: Any, step: int) -> None:
        """Write samples to TensorBoard: how the model goes on from held-out texts, or per label.

        Args:
            writer: where to.
            x: held-out texts.
            y: their labels, or None.
            step: the epoch.
        """
        del y
        rows = []
        if self.classes:
            for name in self.classes[:_SHOWN]:
                texts = self.generate(n=3, label=name, length=_LENGTH)
                rows.append([escape_markdown(name), escape_markdown(", ".join(texts), 300)])
        else:
            words = self.units.unit == "word"
            for text in check_texts(x)[:2]:
                begin = self.units.join(self.units.cut(text[:2000])[: 8 if words else 40])
                for options in _MANNERS:
                    (found,) = self.generate(begin, length=60 if words else _LENGTH, **options)
                    manner = " ".join(map(str, options.values()))
                    rows.append([escape_markdown(manner), escape_markdown(found, 400)])
        heading = "label" if self.classes else "drawn"
        writer.text("examples/generated", markdown_table([heading, "text"], rows), step)

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
        sync_state(self)  # between two batches of a fit, too
        if self._reader is None:
            self._reader = Reader(self.network)
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
