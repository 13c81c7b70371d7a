"""Step-by-step inference of a language model, and sampling strategies."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from rnnkit import backend
from rnnkit.errors import InputError, check_choice, check_count
from rnnkit.tasks.inference import predict_batch
from rnnkit.tasks.network import find_parts

STRATEGIES = ("greedy", "temperature", "top_k", "top_p")
CHUNK = 32  # tokens of a prompt that JAX reads in one go; what is left over is read one by one
LONGEST = 1024  # tokens that the others read in one go: no program is compiled for each length
States = list[np.ndarray]


class LanguageParts(NamedTuple):
    """The named layers of a language model: the table of token vectors and the softmax over it."""

    words: Any


class _OfTable(keras.layers.Layer):
    def __init__(self, table: keras.layers.Layer, **options: Any) -> None:
        super().__init__(**options)
        self.table = table


@keras.saving.register_keras_serializable(package="rnnkit")
class NextToken(_OfTable):
    """Log-probabilities of the token after the last step: `(B, V)`."""

    def call(self, hidden: Any) -> Any:
        """Take `(B, T, D)`."""
        return self.table.log_probabilities(hidden[:, -1])


@keras.saving.register_keras_serializable(package="rnnkit")
class TokenLoss(_OfTable):
    """Negative log-likelihood of every target: `-log p`, `(B, T)`."""

    def call(self, hidden: Any, targets: Any) -> Any:
        """Take `(B, T, D)` and `(B, T)`."""
        flat = keras.ops.reshape(hidden, (-1, hidden.shape[-1]))
        found = self.table.nll(flat, keras.ops.reshape(targets, (-1,)))
        return keras.ops.reshape(found, keras.ops.shape(targets))


class Reader:
    """Inference with a `language_network` from given states; compiled once per shape.

    Example:
        >>> from rnnkit.tasks.language.language_networks import language_network
        >>> reader = Reader(language_network(20, units=4, embedding_size=4))
        >>> log_p, states = reader.read(np.array([[3, 5, 7]]), reader.start(1))
        >>> log_p.shape, [state.shape for state in states]
        ((1, 20), [(1, 4), (1, 4)])
    """

    def __init__(self, network: keras.Model) -> None:
        self.network = network
        table = find_parts(network, LanguageParts).words
        hidden, *states = network.outputs
        self._next = keras.Model(network.inputs, [NextToken(table)(hidden), *states])
        targets = keras.Input((None,), dtype="int32", name="targets")
        losses = TokenLoss(table)(hidden, targets)
        self._score = keras.Model([*network.inputs, targets], [hidden, losses, *states])
        self._sizes = [part.shape[-1] for part in network.inputs if part.name.startswith("state_")]

    def start(self, rows: int) -> States:
        """Return the initial states."""
        return [np.zeros((rows, size), "float32") for size in self._sizes]

    def read(
        self, ids: np.ndarray, states: States, labels: np.ndarray | None = None
    ) -> tuple[np.ndarray, States]:
        """Read `(B, T)` ids; return `(B, V)` log-probabilities of the next token, and states."""
        steps = ids.shape[1]
        chunk, rest = (CHUNK, 1) if backend.name == "jax" else (LONGEST, LONGEST)
        whole = steps - steps % chunk
        cuts = [*range(0, whole, chunk), *range(whole, steps, rest), steps]
        beside = [] if labels is None else [labels]
        log_p = np.zeros(0)
        for begin, end in itertools.pairwise(cuts):
            piece = np.ascontiguousarray(ids[:, begin:end], "int32")
            log_p, *states = predict_batch(self._next, [piece, *beside, *states])
        return log_p, states

    def score(
        self, ids: np.ndarray, targets: np.ndarray, states: States, labels: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, States]:
        """Return hidden vectors `(B, T, D)`, `-log p` of the targets `(B, T)`, and states."""
        beside = [] if labels is None else [labels]
        inputs = [ids, *beside, *states, targets]
        hidden, losses, *states = predict_batch(self._score, inputs)
        return hidden, losses, states


class Sampler:
    """Sampling strategy: greedy, temperature, top-k or top-p (nucleus) sampling.

    NumPy draws each row from a generator of its own: the same seed gives the same tokens on every
    backend (those of KerasHub use the backend's generator: see `HubSampler`), and a row does not
    depend on the others. "temperature" samples from `p^(1/τ)`, "top_k" from its k most probable
    tokens, "top_p" from the fewest most probable ones whose sum is at least p; "greedy" takes the
    most probable.

    Args:
        strategy: "greedy", "temperature", "top_k" or "top_p".
        temperature: τ above 0.
        top_k: k, at least 1.
        top_p: p above 0, at most 1.
        seed: of the sampling.
        rows: B.

    Raises:
        InputError: an unknown strategy, a number out of range.

    Source: top-p: Holtzman et al. 2020, arXiv:1904.09751.

    Example:
        >>> Sampler("greedy", rows=1)(np.log([[0.2, 0.5, 0.3]]))
        array([1], dtype=int32)
    """

    def __init__(
        self,
        strategy: str = "temperature",
        *,
        temperature: float = 1.0,
        top_k: int = 40,
        top_p: float = 0.9,
        seed: int = 0,
        rows: int = 1,
    ) -> None:
        check_choice("strategy", strategy, STRATEGIES)
        if not temperature > 0:
            raise InputError(f"temperature is {temperature}; expected a number above 0.")
        if not 0 < top_p <= 1:
            raise InputError(f"top_p is {top_p}; expected a number above 0, at most 1.")
        self.strategy, self.temperature = strategy, temperature
        self.top_k, self.top_p = check_count("top_k", top_k), top_p
        self._random = [np.random.default_rng([seed, row]) for row in range(rows)]

    def __call__(self, log_p: np.ndarray) -> np.ndarray:
        """Return the chosen ids `(B,)` of `(B, V)`; a token with -inf is never chosen."""
        if self.strategy == "greedy":
            return log_p.argmax(axis=1).astype("int32")
        scores = log_p.astype("float64") / self.temperature
        pairs = zip(scores, self._random, strict=True)
        return np.array([self._draw(row, random.random()) for row, random in pairs], "int32")

    def _draw(self, scores: np.ndarray, place: float) -> int:
        p = np.exp(scores - scores.max())
        order = np.argsort(-p, kind="stable")
        p = p[order]
        kept = int((p > 0).sum())
        if self.strategy == "top_k":
            kept = min(kept, self.top_k)
        elif self.strategy == "top_p":
            reached = np.cumsum(p) / p.sum()
            kept = min(kept, int(np.searchsorted(reached, self.top_p * (1 - 1e-12))) + 1)
        sums = np.cumsum(p[:kept])
        return int(order[min(int(np.searchsorted(sums, place * sums[-1], "right")), kept - 1)])


def sample_tokens(
    reader: Reader,
    log_p: np.ndarray,
    states: States,
    labels: np.ndarray | None,
    sampler: Callable[[np.ndarray], np.ndarray],
    *,
    length: int,
    never: Sequence[int] = (),
    stop: int | None = None,
) -> list[list[int]]:
    """Sample up to `length` tokens for each row, one step at a time on the carried states.

    Args:
        reader: the network.
        log_p: `(B, V)`, of the first token.
        states: after the prompt, of B rows.
        labels: `(B,)`, or None.
        sampler: the sampling strategy.
        length: the largest number of tokens of a row.
        never: tokens that are never sampled.
        stop: the token that ends a row; it is not returned.
    """
    rows: list[list[int]] = [[] for _ in log_p]
    alive = np.ones(len(rows), bool)
    never = list(never)
    for step in range(length):
        log_p = np.array(log_p)
        log_p[:, never] = -np.inf
        ids = sampler(log_p)
        alive &= ids != (-1 if stop is None else stop)
        for row, token, going in zip(rows, ids.tolist(), alive, strict=True):
            if going:
                row.append(token)
        if not alive.any() or step == length - 1:
            break
        log_p, states = reader.read(ids[:, None], states, labels)
    return rows
