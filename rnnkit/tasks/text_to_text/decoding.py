"""Beam search with a trained encoder-decoder, and its attention weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.data.hub_subwords import HubSubwords
from rnnkit.data.pair_batches import padded
from rnnkit.data.subwords import BEGIN, END, Subwords
from rnnkit.data.text import check_texts
from rnnkit.errors import InputError, quote, require_fitted
from rnnkit.monitor.callbacks import sync_state
from rnnkit.monitor.events import EventWriter
from rnnkit.progress import track
from rnnkit.tasks.task import Task
from rnnkit.tasks.text_to_text.beam_search import BeamSearch, check_search
from rnnkit.tasks.text_to_text.seq2seq_networks import Decoding

_DRAWN = 30  # words of a picture of the attention, in each direction


class Attention(NamedTuple):
    """Attention weights of a decoder over its source.

    Attributes:
        source: the S sub-words of the source, with the end.
        output: the T sub-words of the output, with the end.
        weights: `(T, S)`, each row sums to 1.
    """

    source: list[str]
    output: list[str]
    weights: np.ndarray


class DecodingTask(Task):
    """A task that decodes texts from texts. Abstract: a subclass defines the training.

    Args:
        build_network: see `rnnkit.tasks.text_to_text.seq2seq.Seq2Seq`.
        max_target_length: truncate targets to this many sub-words; the longest output.
        beam_size: beams of the search, where `predict` gets no other number; 1 = greedy.
        length_penalty: exponent of the length normalisation; larger values favour longer outputs;
            see `rnnkit.tasks.text_to_text.beam_search`.
    """

    config_keys: ClassVar[tuple[str, ...]] = ("max_target_length", "beam_size", "length_penalty")

    def __init__(
        self,
        build_network: Any = None,
        *,
        max_target_length: int = 100,
        beam_size: int = 5,
        length_penalty: float = 1.0,
        **options: Any,
    ) -> None:
        check_search(beam_size, max_target_length, length_penalty)
        super().__init__(build_network, **options)
        self.max_target_length = max_target_length
        self.beam_size, self.length_penalty = beam_size, length_penalty
        self.source_subwords: Subwords | HubSubwords | None = None
        self.target_subwords: Subwords | HubSubwords | None = None

    def encode_outputs(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the ids of each target, truncated, without begin and end."""
        rows = self._known(self.target_subwords).encode_many(texts)
        return [row[: self.max_target_length - 1] for row in rows]

    def _known(self, subwords: Subwords | HubSubwords | None) -> Subwords | HubSubwords:
        fitted: Any = require_fitted(subwords, self, "sub-words")
        return fitted

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        callbacks: Any = None,
        *,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        max_length: int | None = None,
        text_column: Any = None,
    ) -> list[str]:
        """Return the output for each source, found by beam search.

        Args:
            x: one text or many.
            batch_size: texts per batch.
            verbose: accepted as in Keras; nothing is shown.
            callbacks: accepted as in Keras.
            beam_size: as in the constructor, like the next two.
            length_penalty: see above.
            max_length: longest output, in sub-words.
            text_column: the column of the examples, where x is a table or has columns.

        Example:
            >>> model.predict(["Ein Hund rennt."])  # doctest: +SKIP
            ['A dog is running.']
        """
        del verbose, callbacks
        x = self.read(x, name="x", targets=False, text_column=text_column).x
        return self._decode(self.encode(x), batch_size, beam_size, length_penalty, max_length)

    def attention(self, text: str, output: str | None = None) -> Attention:
        """Return the attention weights while an output is decoded.

        Args:
            text: a source.
            output: the output to decode; the result of the beam search when left out.

        Example:
            >>> model.attention("Ein Hund rennt.").weights.shape  # doctest: +SKIP
            (5, 5)
        """
        rows = self.encode([text])
        target = self._known(self.target_subwords)
        if output is None:
            words = self._search(rows)[0]
        else:
            words = self.encode_outputs(check_texts([output], "output"))[0]
        outputs = np.append(words, END)
        variables = self._decoder.weights()
        memory, states = self._decoder.read(variables, ops.convert_to_tensor(rows[0][None]))
        weights = []
        for word in [BEGIN, *words.tolist()]:
            ids = ops.convert_to_tensor(np.array([word], "int32"))
            states, looked = self._decoder.look(variables, ids, states, memory)
            weights.append(ops.convert_to_numpy(looked)[0])
        names = self._known(self.source_subwords).names(rows[0])
        return Attention(names, target.names(outputs), np.array(weights))

    def write_examples(self, writer: EventWriter, x: Any, y: Any, step: int) -> None:
        """Write a table of (12) sources, references and outputs, and pictures of the attention.

        A picture shows the first 30 words of source and output.
        """
        from rnnkit.monitor.attention import attention_png
        from rnnkit.monitor.figures import escape_markdown, markdown_table

        sources, references = check_pairs(x[:12], y[:12], "The examples")
        firsts = [row[0] for row in references]
        shown = zip(sources, firsts, self.predict(sources), strict=True)
        rows = [[escape_markdown(text, 300) for text in row] for row in shown]
        table = markdown_table(["source", "reference", "output"], rows)
        writer.text("examples/predictions", table, step)
        for i, source in enumerate(sources[:3], start=1):
            read, written, weights = self.attention(source)
            part = read[:_DRAWN], written[:_DRAWN], weights[:_DRAWN, :_DRAWN]
            writer.image(f"examples/attention_{i}", attention_png(*part), step)

    def serving_models(self) -> dict[str, keras.Model]:
        """Return `initial_state` and `step`; see `rnnkit.tasks.artifacts.steps`."""
        from rnnkit.tasks.artifacts.steps import decoding_models

        return decoding_models(self)

    def serving_calls(
        self, models: dict[str, keras.Model], x: list[Any]
    ) -> list[tuple[str, list[np.ndarray]]]:
        """Return signatures and inputs of calls; see `rnnkit.tasks.hooks`."""
        from rnnkit.tasks.artifacts.steps import decoding_calls

        return decoding_calls(self, models, x)

    # Decoding.

    @cached_property
    def _decoder(self) -> _Decoder:
        return _Decoder(self.network)

    def _set_network(self, network: keras.Model) -> None:
        super()._set_network(network)
        self.__dict__.pop("_decoder", None)

    def _decode(self, rows: list[np.ndarray], *options: Any) -> list[str]:
        words, target = self._search(rows, *options), self._known(self.target_subwords)
        return [target.decode(ids) for ids in words]

    def _search(
        self,
        rows: list[np.ndarray],
        batch_size: int | None = None,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        max_length: int | None = None,
    ) -> list[np.ndarray]:
        """Return the output ids for encoded sources, in their order."""
        found: list[np.ndarray] = [np.zeros(0, np.int32)] * len(rows)
        sync_state(self)
        weights = self._decoder.weights()
        # All batches have the size of the first: fewer shapes to compile.
        size = min(batch_size or self.batch_size, 1 << max(0, len(rows) - 1).bit_length())
        order = np.argsort([len(row) for row in rows], kind="stable").tolist()
        for start in track(range(0, len(order), size), "Decoding"):
            chosen = order[start : start + size]
            filled = chosen + chosen[-1:] * (size - len(chosen))
            source = padded([rows[i] for i in filled])
            memory, states = self._decoder.read(weights, ops.convert_to_tensor(source))
            words = self._decoder.search(
                weights,
                states,
                memory,
                beam_size=self.beam_size if beam_size is None else beam_size,
                length_penalty=self.length_penalty if length_penalty is None else length_penalty,
                max_length=self.max_target_length if max_length is None else max_length,
            ).words
            for i, ids in zip(chosen, words, strict=False):
                found[i] = ids
        return found


class _Decoder:
    """Encoder and decoder step, compiled separately; the weights are passed at each call."""

    def __init__(self, network: Any) -> None:
        self.decoding = Decoding(network)
        self._variables = network.variables

        def read(weights: Any, source: Any) -> Any:
            with self._with(weights):
                return self.decoding.read(source)

        def step(weights: Any, words: Any, states: Any, memory: Any) -> Any:
            with self._with(weights):
                return self.decoding.step(words, states, memory)[:2]

        def look(weights: Any, words: Any, states: Any, memory: Any) -> Any:
            with self._with(weights):
                return self.decoding.step(words, states, memory)[1:]

        self.read, self.look = native.compiled(read), native.compiled(look)
        self.search = BeamSearch(step)

    def weights(self) -> list:
        """Return the current weights, without a gradient."""
        return [ops.stop_gradient(variable.value) for variable in self._variables]

    def _with(self, weights: list) -> keras.StatelessScope:
        return keras.StatelessScope(list(zip(self._variables, weights, strict=True)))


def check_pairs(x: Any, y: Any, name: str) -> tuple[list[str], list[list[str]]]:
    """Return sources and their references, or refuse them.

    Args:
        x: the sources.
        y: a text, or a list of at least one, for each.
        name: what the message calls them.

    Raises:
        InputError: an item that is no text, other than one y for each x, or no text at all.

    Example:
        >>> check_pairs(["ein Hund"], [["a dog", "one dog"]], "The set")
        (['ein Hund'], [['a dog', 'one dog']])
    """
    sources = check_texts(x, "x")
    if y is None or isinstance(y, str):
        raise InputError(f"{name} has y = {quote(y)}: expected a list with a target for each text.")
    rows = y.tolist() if hasattr(y, "tolist") else list(y)
    if len(rows) != len(sources):
        raise InputError(f"{name} has {len(rows)} targets for {len(sources)} texts.")
    if not sources:
        raise InputError(f"{name} holds no text. Give at least one text with its target.")
    references = []
    for i, row in enumerate(rows):
        found = check_texts([row] if not isinstance(row, (list, tuple)) else row, f"y[{i}]")
        if not found:
            raise InputError(f"{name}: y[{i}] is an empty list; expected at least one text.")
        references.append(found)
    return sources, references
