"""The E-step of Baum-Welch over all sequences: on arrays where loops can run, else on blocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.hmm import inference
from rnnkit.hmm.emissions.base import Emission, Tensor
from rnnkit.hmm.estimators.array_passes import array_models, choose_arrays
from rnnkit.hmm.estimators.blocks import Block, Blocks, make_blocks
from rnnkit.hmm.estimators.em_steps import ExpectedCounts, compiled_e_step
from rnnkit.hmm.estimators.params import Params
from rnnkit.hmm.estimators.passes import add_parts, refuse_nan
from rnnkit.hmm.estimators.sequences import Sequences


class Expected(NamedTuple):
    """Result of an E-step.

    Args:
        x: `(N, ...)`, the observations in the order of the weights.
        counts: of each block; one where there are no blocks.
        log_likelihood: `(R,)`, of each restart, summed in float64.
    """

    x: Tensor
    counts: list[ExpectedCounts]
    log_likelihood: np.ndarray


@dataclass(frozen=True)
class EStep:
    """The E-step.

    Args:
        emission: of the model.
        sequences: lengths, known states, and which steps were observed.
        x: `(N, ...)`, the observations as the emission needs them.
        width: states times restarts.
        dtype: "float32" or "float64".
    """

    emission: Emission
    sequences: Sequences
    x: np.ndarray
    width: int
    dtype: str

    @property
    def features(self) -> int:
        """D."""
        return int(self.x.shape[1]) if self.x.ndim > 1 else 1

    @property
    def steps(self) -> int:
        """The number of observed steps."""
        return int(self.sequences.observed.sum())

    def __call__(self, params: Params, numerics: inference.Numerics) -> Expected:
        """Return what the M-step needs, under parameters with restarts."""
        density = self.emission.density()
        on_arrays = numerics == "scaled" and choose_arrays(density, self.sequences, params)
        found = self._on_arrays(params) if on_arrays else self._on_blocks(params, numerics)
        refuse_nan(found.log_likelihood, self.emission)
        return found

    def _on_arrays(self, params: Params) -> Expected:
        given = params.map(ops.convert_to_numpy)
        models = array_models(self.emission, given, self.sequences, self.x)
        log_prob, weights, first, transitions = models.smooth(self.dtype, transitions=True)
        assert weights is not None
        if not self.sequences.observed.all():
            weights[:, ~self.sequences.observed] = 0.0
        parts = (np.asarray(part, self.dtype) for part in (log_prob[..., None], first, transitions))
        counts = native.tensors(ExpectedCounts._make((*parts, weights)))
        return Expected(self._x, [counts], log_prob.sum(1))

    def _on_blocks(self, params: Params, numerics: inference.Numerics) -> Expected:
        run = compiled_e_step(self.emission.density(), numerics)
        counts = [run(params, block) for block in self._tensors]
        total = np.zeros(params.startprob.shape[0])
        for count, rows in zip(counts, self._blocks.rows, strict=True):
            total += add_parts(count.log_prob)[:, : len(rows)].sum(1)
        return Expected(self._x_of_blocks, counts, total)

    @cached_property
    def _x(self) -> Tensor:
        return native.tensors(self.x)

    @cached_property
    def _blocks(self) -> Blocks:
        return make_blocks(self.sequences, self.x, self.sequences.observed, self.width)

    @cached_property
    def _tensors(self) -> list[Block]:
        return [native.tensors(block) for block in self._blocks.blocks]

    @cached_property
    def _x_of_blocks(self) -> Tensor:
        parts = [block.x for block in self._tensors]
        return parts[0] if len(parts) == 1 else ops.concatenate(parts)
