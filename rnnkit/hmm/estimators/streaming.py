"""Online filtering of live data."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.hmm import inference
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.estimators.blocks import Block
from rnnkit.hmm.estimators.params import Params
from rnnkit.hmm.estimators.passes import log_likelihood


class StreamingFilter:
    """Online filter: takes one observation at a time and returns the posterior of the state.

    The method `stream` of a model creates it. `prepare` returns an observation as the emission
    needs it, `(1, ...)`, and whether it was observed.

    Attributes:
        log_prob: `log P(x_1..x_t)` of all observations since the last reset.
    """

    def __init__(
        self,
        emission: Emission,
        params: Params,
        prepare: Callable[[Any], tuple[np.ndarray, bool]],
        log_jacobian: float = 0.0,
    ) -> None:
        self._params, self._prepare = native.tensors(params), prepare
        self._log_jacobian = log_jacobian  # that of `Coordinates`
        self._first, self._next = (_compiled_step(emission, first) for first in (True, False))
        self.reset()

    def reset(self) -> None:
        """Begin a new sequence."""
        self.log_prob = 0.0
        self._filtered: Any = None

    def step(self, x: Any) -> np.ndarray:
        """Return the filtered posterior `P(z_t | x_1..x_t)`, `(K,)`.

        Args:
            x: `(D,)`, or a number; NaN = a missing observation.
        """
        prepared, observed = self._prepare(x)
        block = Block(prepared, np.ones((1, 1), bool), np.full((1, 1), observed))
        if self._filtered is None:
            self._filtered, log_prob = self._first(self._params, block)
        else:
            self._filtered, log_prob = self._next(self._params, block, self._filtered)
        self.log_prob += float(ops.convert_to_numpy(log_prob)[0, 0])
        self.log_prob -= self._log_jacobian * observed
        return ops.convert_to_numpy(self._filtered)[0, 0]


@functools.lru_cache(maxsize=64)
def _compiled_step(emission: Emission, first: bool) -> Callable[..., Any]:
    """Return the compiled step; the first one takes no previous posterior."""

    def run(params: Params, block: Block, *filtered: Any) -> tuple[Any, Any]:
        log_lik = log_likelihood(emission, params, block)[..., 0, :]
        log_pi, log_A = ops.log(params.startprob), ops.log(params.transmat)
        return inference.filter_step(log_pi, log_A, log_lik, *filtered)

    del first  # part of the cache key alone
    return native.compiled(run)
