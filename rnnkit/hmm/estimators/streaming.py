"""Live data: one observation in, the posterior of the state out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.hmm import inference
from rnnkit.hmm.estimators.passes import Model, Same, log_likelihood


class Stepper:
    """Takes one observation after the other and says what is known of the state by then.

    Made by the `stream` method of a model.

    Args:
        same: the emission.
        model: the parameters, one restart.
        prepare: turns one observation into what the emission wants `(1, ...)`, and says whether
            it was observed.

    Attributes:
        log_prob: `log P(x_1..x_t)` of all that came so far.
    """

    def __init__(
        self, same: Same, model: Model, prepare: Callable[[Any], tuple[np.ndarray, bool]]
    ) -> None:
        self._same, self._model, self._prepare = same, native.tensors(model), prepare
        self.reset()

    def reset(self) -> None:
        """Begin a new sequence."""
        self.log_prob = 0.0
        self._filtered: Any = None

    def step(self, x: Any) -> np.ndarray:
        """Take one observation in.

        `P(z_t | x_1..x_t)`

        Args:
            x: `(D,)`, or a number; NaN = not observed: time passes.

        Returns:
            `(K,)`, the filtered posterior.
        """
        prepared, observed = self._prepare(x)
        block = {
            "x": prepared,
            "mask": np.ones((1, 1), bool),
            "observed": np.full((1, 1), observed),
        }
        begin = self._filtered is None
        run = _step(self._same, begin)
        self._filtered, log_prob = run(self._model, block, *(() if begin else (self._filtered,)))
        self.log_prob += float(ops.convert_to_numpy(log_prob)[0, 0])
        return ops.convert_to_numpy(self._filtered)[0, 0]


@functools.lru_cache(maxsize=64)
def _step(same: Same, begin: bool) -> Callable[..., Any]:
    """Return the compiled step; the first one knows no posterior before it."""

    def run(model: Model, block: Mapping[str, Any], *filtered: Any) -> tuple[Any, Any]:
        log_lik = log_likelihood(same.emission, model, block)[..., 0, :]
        log_pi, log_A = ops.log(model["startprob"]), ops.log(model["transmat"])
        return inference.step(log_pi, log_A, log_lik, *filtered)

    del begin
    return native.compiled(run)
