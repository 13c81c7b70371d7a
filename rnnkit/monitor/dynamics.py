"""Dynamics of recurrent layers: gradient flow by time lag, gates, step Jacobians."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rnnkit.errors import check_count
from rnnkit.monitor.gates import CLOSED, OPEN, decay_factors, gate_values, saturation
from rnnkit.monitor.gradients import last_state_gradients
from rnnkit.monitor.recurrent_passes import Pass, record_passes, states_before
from rnnkit.monitor.step_jacobians import StepJacobians, kernel_spectral_radius, step_jacobians

BINS = 20  # of the histograms in a record
_SMALLEST = 1e-30  # below it float32 loses digits: left out of slopes


@dataclass(frozen=True)
class LayerDynamics:
    """What a recurrent layer does with its state and with gradients, on some examples.

    Attributes:
        name: of the layer in its model.
        kind: the class of the layer, such as "LSTM".
        units: size of its output.
        flow: `(B, K)`, the gradient flow by time lag: at k the root mean square, over directions v
            of unit length, of `‖vᵀ ∂h_T/∂s_{T-k}‖`, where T is the last real step of the row and s
            all states of the layer, h or h and c. It is 1 at k = 0; a row with fewer than k real
            steps before T, since the last reset, has NaN.
        gates: name -> `(N, U)`, the values of the gates at all real steps.
        decay: `(N, U)`, the factors a of a linear recurrence; None for other layers.
        step: spectral radius and largest singular value of the Jacobian of single steps.
        kernel_spectral_radius: of the recurrent kernel of a SimpleRNN; None for other layers.
    """

    name: str
    kind: str
    units: int
    flow: np.ndarray
    gates: dict[str, np.ndarray]
    decay: np.ndarray | None
    step: StepJacobians
    kernel_spectral_radius: float | None

    @cached_property
    def flow_per_step(self) -> float:
        """The factor by which gradients change per step back; NaN with fewer than two steps.

        `exp` of the slope of `log flow` over the lag, by least squares for each row; the median of
        the rows. Below 1 gradients vanish, above 1 they explode.
        """
        slopes = [_slope(row) for row in self.flow]
        known = [slope for slope in slopes if np.isfinite(slope)]
        return float(np.exp(np.median(known))) if known else float("nan")

    @cached_property
    def saturation(self) -> dict[str, tuple[float, float]]:
        """Name of the gate -> share of values below 0.1, and above 0.9."""
        pairs = self.unit_saturation.items()
        return {name: (float(low.mean()), float(high.mean())) for name, (low, high) in pairs}

    @cached_property
    def unit_saturation(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Name of the gate -> the same shares for each unit, each `(U,)`."""
        return {name: saturation(gate) for name, gate in self.gates.items() if gate.size}

    @cached_property
    def memory_length(self) -> float | None:
        """Median of `1 / (1 - |a|)`, the effective memory in steps; None without a decay."""
        if self.decay is None or not self.decay.size:
            return None
        with np.errstate(divide="ignore"):
            return float(np.median(1 / (1 - np.abs(self.decay.astype("float64")))))

    def numbers(self) -> dict[str, float]:
        """Return the figures that one number tells, by name; what does not apply is left out.

        Example:
            >>> from rnnkit.layers import SimpleRNN
            >>> one, = recurrent_dynamics(SimpleRNN(4), np.ones((2, 5, 3)))
            >>> list(one.numbers())
            ['flow_per_step', 'step_spectral_radius', 'step_singular_value', 'kernel_spectral_radius']
        """  # noqa: E501  the result of an example does not break
        found: dict[str, float | None] = {"flow_per_step": self.flow_per_step}
        if len(self.step.spectral_radius):
            found["step_spectral_radius"] = float(np.median(self.step.spectral_radius))
            found["step_singular_value"] = float(np.median(self.step.largest_singular_value))
        found["kernel_spectral_radius"] = self.kernel_spectral_radius
        found["memory_length"] = self.memory_length
        for gate, (low, high) in self.saturation.items():
            found |= {f"below_0.1/{gate}": low, f"above_0.9/{gate}": high}
        return {name: value for name, value in found.items() if value is not None}

    def record(self) -> dict[str, Any]:
        """Return everything that figures show, as numbers and lists for a JSON file.

        `flow` has the quartiles over the rows and their number at each lag; gates have their
        histogram, and for each unit the share of steps at which it is saturated. Numbers that are
        not finite are None.
        """
        rows = (~np.isnan(self.flow)).sum(0)
        known = self.flow if rows.all() else np.zeros((1, 0))  # without a real step there is none
        low, middle, high = np.nanquantile(known, (0.25, 0.5, 0.75), axis=0)
        gates = {}
        for name, (closed, opened) in self.unit_saturation.items():
            counts, _ = np.histogram(np.clip(self.gates[name], 0, 1), BINS, (0, 1))
            gates[name] = {
                "histogram": (counts / counts.sum()).round(5).tolist(),
                f"below_{CLOSED}": closed.round(4).tolist(),
                f"above_{OPEN}": opened.round(4).tolist(),
            }
        flow = {"rows": rows.tolist(), "q25": _plain(low), "median": _plain(middle)}
        numbers = self.numbers()
        record: dict[str, Any] = {"layer": self.name, "kind": self.kind, "units": self.units}
        record["numbers"] = dict(zip(numbers, _plain(numbers.values()), strict=True))
        record |= {"flow": flow | {"q75": _plain(high)}, "gates": gates}
        if self.decay is not None and self.decay.size:
            quantiles = np.quantile(self.decay, np.linspace(0, 1, 21))
            record["decay_quantiles"] = _plain(quantiles)  # 0 %, 5 %, ..., 100 %
        return record


def recurrent_dynamics(
    model: Any, inputs: Any, *, directions: int | None = 4, steps: int = 16, seed: int = 0
) -> list[LayerDynamics]:
    """Return gradient flow, gates and step Jacobians of each recurrent layer of a model.

    The model is called once, without dropout. It computes the same on every backend.

    Args:
        model: a Keras model or layer with layers of `rnnkit.layers`, or SimpleRNN, LSTM or GRU of
            Keras; also inside of `Bidirectional` and `Stack`. Not a task: see
            `rnnkit.tasks.Task.dynamics`.
        inputs: what its call takes; some 16 examples are enough.
        directions: random orthogonal directions v for each row from which the flow is estimated;
            None = all, which is exact: `‖∂h_T/∂s_t‖_F / √U`.
        steps: single steps whose Jacobian is analysed, at most; fewer for wide layers.
        seed: of directions and steps.

    Returns:
        One for each call of a layer, in the order of the calls.

    Raises:
        InputError: no recurrent layer, or a number out of range.

    Example:
        >>> from rnnkit.layers import GRU
        >>> one, = recurrent_dynamics(GRU(4), np.ones((2, 5, 3)))
        >>> one.flow.shape, float(one.flow[0, 0]), list(one.saturation)
        ((2, 5), 1.0, ['z', 'r'])
    """
    if directions is not None:
        check_count("directions", directions)
    check_count("steps", steps)
    passes = record_passes(model, inputs)
    return [_dynamics(one, directions, steps, seed) for one in passes]


def flow_by_lag(one: Pass, flow: Any) -> np.ndarray:
    """Return a flow `(B, T)` over the steps of a pass by the number of real steps before the last.

    Returns:
        `(B, K)`; K is the largest number of real steps of a row, and at least 1. NaN beyond the
        steps of a row; also before a reset, which ends the flow.
    """
    real, flow = one.real, np.asarray(flow, "float64")
    resets = np.zeros_like(real) if one.resets is None else one.resets
    if not one.layer.go_backwards:  # from the last step of the pass to the first
        real, flow, resets = real[:, ::-1], flow[:, ::-1], resets[:, ::-1]
    # A reset comes before its step: it cuts off the steps behind it.
    since = np.cumsum(resets, 1) - resets == 0
    counts = real & since
    lags = np.full((len(flow), max(int(counts.sum(1).max(initial=0)), 1)), np.nan)
    rows, steps = np.nonzero(counts)
    lags[rows, (np.cumsum(counts, 1) - 1)[rows, steps]] = flow[rows, steps]
    return lags


def _dynamics(one: Pass, directions: int | None, steps: int, seed: int) -> LayerDynamics:
    before = states_before(one)
    return LayerDynamics(
        one.name,
        type(one.layer).__name__,
        one.layer.units,
        flow_by_lag(one, _flow(one, directions, seed)),
        gate_values(one, before),
        decay_factors(one),
        step_jacobians(one, before, steps=steps, seed=seed),
        kernel_spectral_radius(one.layer),
    )


def _flow(one: Pass, directions: int | None, seed: int) -> np.ndarray:
    """Return `(B, T)`, the root mean square of `‖vᵀ ∂h_T/∂s_t‖` over directions v."""
    size = one.layer.state_size[0]
    count = min(size, directions or size)
    if count == size:
        vectors = np.broadcast_to(np.eye(size), (len(one.x), size, size))
    else:
        drawn = np.random.default_rng(seed).normal(size=(len(one.x), size, count))
        vectors = np.linalg.qr(drawn).Q.swapaxes(1, 2)
    with np.errstate(over="ignore"):
        squares = sum(
            (gradient.astype("float64") ** 2).sum((1, 3))
            for gradient in last_state_gradients(one, vectors)
        )
    return np.sqrt(np.where(np.isnan(squares), np.inf, squares) / count)


def _slope(flow: np.ndarray) -> float:
    """Return the slope of the logarithm of a row over the lag, by least squares."""
    lags = np.flatnonzero(np.isfinite(flow) & (flow > _SMALLEST))
    if len(lags) < 2:
        return float("nan")
    return float(np.polyfit(lags, np.log(flow[lags]), 1)[0])


def _plain(values: Any) -> list[float | None]:
    """Return numbers of seven digits; None for those that are not finite."""
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in values]
