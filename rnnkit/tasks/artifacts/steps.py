"""Step models: networks whose states the caller keeps from one call to the next."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.data.pair_batches import padded
from rnnkit.data.subwords import BEGIN
from rnnkit.data.text_windows import BOS_EOS_ID
from rnnkit.recurrent.attention_decoder import Memory
from rnnkit.tasks.artifacts.exporting import run_flat
from rnnkit.tasks.text_to_text.seq2seq_networks import Decoding

Calls = list[tuple[str, list[np.ndarray]]]


class ZeroStates(keras.layers.Layer):
    """Layer that returns states of zeros, `(B, S)` each, for B numbers of any value.

    Args:
        sizes: S of each state.

    Example:
        >>> [tuple(state.shape) for state in ZeroStates([3, 4])(ops.zeros((2,), "int32"))]
        [(2, 3), (2, 4)]
    """

    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self.sizes = sizes

    def call(self, rows: Any) -> list[Any]:
        """Return the states."""
        return [ops.zeros((ops.shape(rows)[0], size)) for size in self.sizes]


class SourceReader(keras.layers.Layer):
    """Layer that reads sources `(B, S)`: the decoder's first states, then what it attends to.

    Args:
        network: of a translator; see `rnnkit.tasks.text_to_text.seq2seq_networks.Decoding`.
    """

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network, self.decoding = network, Decoding(network)

    def call(self, source: Any) -> list[Any]:
        """Return the states `(B, U)`, keys, values, mask, and the source itself."""
        memory, states = self.decoding.read(source)
        return [*states, *memory]


class DecoderStep(keras.layers.Layer):
    """Layer that runs one step of a decoder: log-probabilities `(B, V)` and the new states.

    Args:
        network: as in `SourceReader`.
        states: the number of states.
    """

    def __init__(self, network: keras.Model, states: int) -> None:
        super().__init__()
        self.network, self.decoding, self.states = network, Decoding(network), states

    def call(self, words: Any, *kept: Any) -> list[Any]:
        """Run a step on words `(B,)` and what `SourceReader` returned, with the states so far."""
        scores, states, _ = self.decoding.step(words, kept[: self.states], kept[self.states :])
        return [scores, *states]


def language_models(task: Any) -> dict[str, keras.Model]:
    """Return `initial_state`, from B numbers of any value to zeros, and `step` of a language model.

    `step` takes tokens `(B, T)`, where 0 begins a text, the labels of a conditioned model, and the
    states; it returns the log-probabilities `(B, V)` of the next token, and the new states.
    """
    step = task.serving_network()
    sizes = [one.shape[-1] for one in step.inputs if one.name.startswith("state_")]
    rows = keras.Input((), dtype="int32", name="rows")
    return {"initial_state": keras.Model(rows, ZeroStates(sizes)(rows)), "step": step}


def language_calls(task: Any, models: dict[str, keras.Model], x: list[str]) -> Calls:
    """Return calls that read the beginnings of texts in two parts, the states carried along."""
    rows = [np.append(BOS_EOS_ID, row) for row in task.encode(x)]
    first = max(1, min(map(len, rows)) - 1)
    ids = np.array([row[:first] for row in rows], "int32")
    numbers = np.arange(len(rows), dtype="int32")
    labels = [numbers % len(task.classes)] if task.conditioned else []
    states = run_flat(models["initial_state"], [numbers])
    calls: Calls = [("initial_state", [numbers]), ("step", [ids, *labels, *states])]
    _, *states = run_flat(models["step"], calls[-1][1])
    last = np.array([row[-1:] for row in rows], "int32")
    return [*calls, ("step", [last, *labels, *states])]


def decoding_models(task: Any) -> dict[str, keras.Model]:
    """Return `initial_state`, which reads a source, and `step`, which decodes a sub-word.

    `initial_state` takes sub-words `(B, S)`, 0 = padding, and returns the states, then the memory.
    `step` takes the sub-word before `(B,)`, at first that which begins an output, the states and
    the memory; it returns the log-probabilities `(B, V)` of the next one, and the new states.
    """
    source = keras.Input((None,), dtype="int32", name="source")
    read = keras.Model(source, SourceReader(task.network)(source))
    count = len(read.outputs) - len(Memory._fields) - 1  # and the source
    words = keras.Input((), dtype="int32", name="words")
    kept = [
        keras.Input(one.shape[1:], dtype=one.dtype, name=f"kept_{i}")
        for i, one in enumerate(read.outputs)
    ]
    step = keras.Model([words, *kept], DecoderStep(task.network, count)(words, *kept))
    return {"initial_state": read, "step": step}


def decoding_calls(task: Any, models: dict[str, keras.Model], x: list[str]) -> Calls:
    """Return calls that read sources and decode two sub-words, the most probable ones."""
    source = padded(task.encode(x))
    calls: Calls = [("initial_state", [source])]
    kept = run_flat(models["initial_state"], [source])
    words = np.full(len(source), BEGIN, "int32")
    for _ in range(2):
        calls.append(("step", [words, *kept]))
        scores, *states = run_flat(models["step"], [words, *kept])
        words, kept = scores.argmax(-1).astype("int32"), [*states, *kept[len(states) :]]
    return calls
