"""Text generation and autocompletion with a trained language model."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnkit.data.inputs import values
from rnnkit.data.text import check_text, check_texts
from rnnkit.data.text_windows import BOS_EOS_ID
from rnnkit.data.token_files import first_texts
from rnnkit.data.tokenizer import END_OF_LINE
from rnnkit.data.vocabulary import UNKNOWN
from rnnkit.errors import InputError, check_count
from rnnkit.monitor.callbacks import sync_state
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.figures import escape_markdown, markdown_table
from rnnkit.progress import track
from rnnkit.tasks.language.carried_states import CarriedStates
from rnnkit.tasks.language.completion import Completer
from rnnkit.tasks.language.generation import Reader, Sampler, sample_tokens
from rnnkit.tasks.language.hub_samplers import HubSampler

_SHOWN, _LENGTH = 20, 200  # labels, and characters of a sample, on TensorBoard's page
_STRATEGIES: tuple[dict[str, Any], ...] = (
    {"strategy": "greedy"},
    {"strategy": "temperature", "temperature": 0.8},
    {"strategy": "top_p", "top_p": 0.9},
)
_SAMPLING = {"strategy": "temperature", "temperature": 1.0, "top_k": 40, "top_p": 0.9, "seed": 0}


class GenerationModel(CarriedStates):
    """A language model that generates text. Abstract: a subclass defines the training."""

    tokenizer: Any
    learn_eos: bool | None
    vocabulary: Any
    classes: tuple[str, ...]
    _reader: Reader | None = None
    _completer: Completer | None = None
    _steps = 0  # of training, when the completer was made

    def predict(  # type: ignore[override]
        self,
        x: Any,
        y: Any = None,
        batch_size: Any = None,
        verbose: Any = "auto",
        callbacks: Any = None,
        *,
        text_column: Any = None,
    ) -> np.ndarray:
        """Return the probability of each token to be the next one after each text.

        Args:
            x: one text or many.
            y: a label for each, where the model learned labels.
            batch_size: accepted as in Keras; texts are read one by one.
            verbose: accepted as in Keras; nothing is shown.
            callbacks: accepted as in Keras.
            text_column: the column of the examples, where x is a table or has columns.

        Returns:
            `(N, V)`, in the order of `vocabulary.tokens`; the first is the end of the text.
        """
        del batch_size, verbose, callbacks
        x, y = self.read(x, y, name="x", targets=False, text_column=text_column)[:2]
        texts = check_texts(x)
        found = [log_p for log_p, _ in self._read(texts, self._labels(y, texts))]
        nothing = np.zeros((0, len(self._known())), "float32")
        return np.exp(np.concatenate(found)) if found else nothing

    def generate(
        self,
        prompt: Any = "",
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
        sampler: Any = None,
    ) -> list[str]:
        """Generate text from a prompt, one token at a time on the carried state.

        Args:
            prompt: the beginning of the text; one, or several, as `predict` takes texts.
            n: number of texts per prompt.
            length: the largest number of tokens to generate; fewer where the model ends the text.
            label: one label, or one for each prompt, where the model learned labels.
            strategy: "greedy", "temperature", "top_k" or "top_p"; see
                `rnnkit.tasks.language.generation.Sampler`.
            temperature: below 1 sharpens the distribution, above 1 flattens it.
            top_k: for strategy "top_k", the number of most probable tokens to sample from.
            top_p: for strategy "top_p", the total probability of the tokens to sample from.
            seed: of the sampling; the same on every backend.
            unknown: whether the token for unknown words may be generated.
            sampler: a sampler of KerasHub, such as `keras_hub.samplers.TopKSampler`, in place of
                strategy, temperature, top_k, top_p and seed; see
                `rnnkit.tasks.language.hub_samplers.HubSampler`.

        Returns:
            The texts with their prompts, n for the first prompt, then n for the next.

        Raises:
            InputError: an unknown strategy or label, a number out of range, a sampler that cannot
                be used, or the model is not trained yet.

        Example:
            >>> model.generate(label="Italian", n=2)  # doctest: +SKIP
            ['Santaro', 'Bellini']
        """
        prompts = check_texts(self.read(prompt, name="prompt", targets=False).x, "prompt")
        label = values(label)
        check_count("n", n)
        check_count("length", length)
        labels = label if isinstance(label, list) else [label] * len(prompts)
        given = self._labels(None if label is None else labels, prompts)
        options: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        options |= {"strategy": strategy, "seed": seed}
        choice = _sampler(sampler, options, len(prompts) * n)
        starts, of_prompts = zip(*self._read(prompts, given), strict=True)
        log_p = np.repeat(np.concatenate(starts), n, axis=0)
        of_layers = zip(*of_prompts, strict=True)
        states = [np.repeat(np.concatenate(parts), n, axis=0) for parts in of_layers]
        given = None if given is None else np.repeat(given, n)
        never, stop = self._never(unknown), BOS_EOS_ID if self.learn_eos else None
        rows = sample_tokens(
            self.reader(), log_p, states, given, choice, length=length, never=never, stop=stop
        )
        texts = [self._known().decode(row) for row in rows]
        return [self._continued(prompts[i // n], text) for i, text in enumerate(texts)]

    def _continued(self, prompt: str, generated: list[str]) -> str:
        if self.tokenizer.unit == "character":
            return prompt + "".join(generated)
        if self.tokenizer.unit == "subword":
            return self.tokenizer.continued(prompt, generated)
        return self.tokenizer.detokenize([*self.tokenizer.tokenize(prompt), *generated])

    def complete(self, prefix: str, k: int = 5) -> list[tuple[str, float]]:
        """Return the k most probable next words after a prefix, or completions of its last word.

        Fast enough for typing: the states after the prefix are kept for the next call.

        Args:
            prefix: the text typed so far. After white space a new word is predicted, else one that
                begins with the last letters.
            k: number of words.

        Returns:
            Words with their probabilities among all that begin with these letters.

        Raises:
            InputError: a model of characters, or one that is not trained yet.

        Example:
            >>> model.complete("the capital of fr", 2)  # doctest: +SKIP
            [('france', 0.81), ('friuli', 0.02)]
        """
        check_count("k", k)
        reader, optimizer = self.reader(), getattr(self, "optimizer", None)
        steps = 0 if optimizer is None else int(optimizer.iterations)
        if self._completer is None or steps != self._steps:  # states of other weights are useless
            self._completer, self._steps = Completer(self, reader), steps
        return self._completer(check_text(prefix, "The prefix"), k)

    def write_examples(self, writer: EventWriter, x: Any, y: Any, step: int) -> None:
        """Write generated texts to TensorBoard: for validation texts, or for each label."""
        del y
        rows = []
        if self.classes:
            for name in self.classes[:_SHOWN]:
                texts = self.generate(n=3, label=name, length=_LENGTH)
                rows.append([escape_markdown(name), escape_markdown(", ".join(texts), 300)])
        else:
            words = self.tokenizer.unit == "word"
            for text in first_texts(x, 2, tokens=200):
                tokens = self.tokenizer.tokenize(text[:2000])[: 8 if words else 40]
                begin = self.tokenizer.detokenize(tokens)
                for options in _STRATEGIES:
                    (found,) = self.generate(begin, length=60 if words else _LENGTH, **options)
                    strategy = " ".join(map(str, options.values()))
                    rows.append([escape_markdown(strategy), escape_markdown(found, 400)])
        heading = "label" if self.classes else "sampling"
        writer.text("examples/generated", markdown_table([heading, "text"], rows), step)

    def _never(self, unknown: bool) -> list[int]:
        """Return the tokens that may not be generated."""
        vocabulary = self._known()
        never = [] if self.learn_eos else [BOS_EOS_ID]
        if not unknown:
            never.append(UNKNOWN)
            never += vocabulary.encode(["<unk>"]).tolist() if "<unk>" in vocabulary else []
        return never

    def reader(self) -> Reader:
        """Return the step-by-step reader of the network, which takes and returns states."""
        self._known()
        sync_state(self)  # between two batches of a fit, too
        if self._reader is None:
            self._reader = Reader(self.network)
        return self._reader

    def first_token(self) -> int:
        """Return the token before the first: the border, or a line end where texts have no ends."""
        line = END_OF_LINE if self.tokenizer.unit == "word" else "\n"
        vocabulary = self._known()
        if self.learn_eos or line not in vocabulary:
            return BOS_EOS_ID
        return int(vocabulary.encode([line])[0])

    def _read(
        self, texts: list[str], labels: np.ndarray | None
    ) -> list[tuple[np.ndarray, list[np.ndarray]]]:
        """Read texts; return for each the log-probabilities of the next token, and the states."""
        reader, first, vocabulary = self.reader(), self.first_token(), self._known()
        found = []
        for i, text in enumerate(track(texts, "Reading")):
            ids = [first, *vocabulary.encode(self.tokenizer.tokenize(text)).tolist()]
            label = None if labels is None else labels[i : i + 1]
            found.append(reader.read(np.array([ids], "int32"), reader.start(1), label))
        return found


def _sampler(sampler: Any, options: dict[str, Any], rows: int) -> Sampler | HubSampler:
    """Return KerasHub's sampler where one is given, else the strategy that the options name."""
    if sampler is None:
        return Sampler(**options, rows=rows)
    if ignored := [name for name, value in options.items() if value != _SAMPLING[name]]:
        raise InputError(
            f"{ignored[0]} is {options[ignored[0]]!r}, and a sampler is given, which has settings "
            f"of its own. Leave out {', '.join(ignored)}, or the sampler."
        )
    return HubSampler(sampler)
