"""The fused scan on JAX against NumPy loops in float64 and the portable loop."""

from functools import partial

import keras
import numpy as np
import pytest

if keras.config.backend() != "jax":
    pytest.skip("these kernels run on JAX alone", allow_module_level=True)

import jax
import jax.numpy as jnp

from rnnkit.backend import portable
from rnnkit.backend.jax import KERNELS
from rnnkit.backend.kernels import KernelRequest
from rnnkit.recurrent import cells
from tests import oracles

(KERNEL,) = KERNELS
CELLS = {
    "simple_rnn": oracles.SimpleRNN,
    "lstm": oracles.LSTM,
    "gru_reset_after": oracles.GRUAfter,
    "gru_reset_before": oracles.GRUBefore,
}
STEPS, WIDTH, UNITS = 9, 3, 5


def masks(rows, steps):
    """Full, right-padded, left-padded, gaps, no step at all, one step, and more gaps."""
    mask = np.ones((rows, steps), bool)
    mask[1, -4:] = False
    mask[2, :3] = False
    mask[3, ::2] = False
    mask[4] = False
    mask[5] = np.arange(steps) == 6
    mask[6:] = np.random.default_rng(5).random((rows - 6, steps)) < 0.5
    return mask


def draw(cell_type, rows, steps=STEPS, width=WIDTH, units=UNITS):
    """Inputs, first states, parameters, and gradients of outputs and last states."""
    rng, cell = np.random.default_rng(1), CELLS[cell_type]
    x = rng.normal(size=(rows, steps, width))
    states = [rng.normal(size=(rows, units)) for _ in range(cell.states)]
    weights = oracles.draw_weights(cell, width, units, rng)
    d_outputs = rng.normal(size=(rows, steps, units))
    d_last = [rng.normal(size=(rows, units)) for _ in range(cell.states)]
    return x, states, weights, d_outputs, d_last


def named(cell_type, weights):
    """The parameters as a kernel takes them."""
    kernel, recurrent_kernel, bias = (jnp.asarray(w, "float32") for w in weights)
    params = {"kernel": kernel, "recurrent_kernel": recurrent_kernel, "bias": bias}
    if cell_type == "gru_reset_after":
        params |= {"bias": bias[0], "recurrent_bias": bias[1]}
    return params


def expected(cell_type, x, states, weights, d_outputs, d_last, mask, reverse):
    """Outputs in the order of x, last states, gradients; before the first step the state shows."""
    cell = CELLS[cell_type]
    outputs, last, record = oracles.run(cell, x, weights, mask, states, backwards=reverse)
    in_pass = slice(None, None, -1 if reverse else 1)
    seen = np.cumsum((np.ones(x.shape[:2], bool) if mask is None else mask)[:, in_pass], axis=1) > 0
    outputs = np.where(seen[:, :, None], outputs, states[0][:, None])
    d_pass = d_outputs[:, in_pass]
    dx, dw, d_first = oracles.gradients(cell, record, np.where(seen[..., None], d_pass, 0), d_last)
    d_first[0] = d_first[0] + np.where(seen[..., None], 0, d_pass).sum(1)
    return outputs[:, in_pass], last, dx, dw, d_first


def run(cell_type, x, states, params, d_outputs, d_last, mask, reverse, activation="tanh"):
    """The kernel's outputs, last states, and gradients by inputs, first states, parameters."""
    request = KernelRequest(cell_type, activation=activation, masked=mask is not None)

    def loss(x, states, params):
        outputs, last = KERNEL.run(
            request, x, states, params, mask=mask, reverse=reverse, sequences=d_outputs is not None
        )
        total = sum((a * d).sum() for a, d in zip(last, d_last, strict=True))
        if d_outputs is not None:
            total = total + (outputs * d_outputs).sum()
        return total, (outputs, last)

    x = jnp.asarray(x, "float32")
    states = tuple(jnp.asarray(s, "float32") for s in states)
    grads, (outputs, last) = jax.jit(jax.grad(loss, argnums=(0, 1, 2), has_aux=True))(
        x, states, params
    )
    return outputs, last, *grads


def weights_of(cell_type, params):
    """The gradients by the parameters, in the order and shape of the oracle."""
    bias = params["bias"]
    if cell_type == "gru_reset_after":
        bias = np.stack([bias, params["recurrent_bias"]])
    return [params["kernel"], params["recurrent_kernel"], bias]


def check(found, wanted, tolerance):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# Compiling is what costs, so each cell_type meets each way once, half of them in each direction.
@pytest.mark.parametrize(("masked", "sequences"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("cell_type", CELLS)
def test_equals_the_loops_for_any_mask(cell_type, masked, sequences):
    reverse = (cell_type in ("lstm", "gru_reset_after")) == sequences
    x, states, weights, d_outputs, d_last = draw(cell_type, 9)
    mask = masks(9, STEPS) if masked else None
    d_outputs = d_outputs if sequences else np.zeros_like(d_outputs)
    wanted = expected(cell_type, x, states, weights, d_outputs, d_last, mask, reverse)
    outputs, last, dx, d_states, d_params = run(
        cell_type,
        x,
        states,
        named(cell_type, weights),
        d_outputs if sequences else None,
        d_last,
        mask,
        reverse,
    )
    if sequences:
        check([outputs], wanted[:1], 1e-5)
    else:
        assert outputs is None
    check(last, wanted[1], 1e-5)
    check([dx], wanted[2:3], 1e-4)
    check(weights_of(cell_type, d_params), wanted[3], 1e-4)
    check(d_states, wanted[4], 1e-4)


@pytest.mark.parametrize("cell_type", CELLS)
def test_recurrent_dropout_scales_the_rows_of_the_recurrent_kernel(cell_type):
    """Dropping the state on its way into the product is, row by row, another recurrent kernel."""
    x, states, weights, d_outputs, d_last = draw(cell_type, 7)
    mask, reverse = (masks(7, STEPS), True) if cell_type == "lstm" else (None, False)
    drop = np.random.default_rng(2).integers(0, 2, size=(7, UNITS)) / 0.5
    params = {**named(cell_type, weights), "drop": jnp.asarray(drop, "float32")}
    outputs, last, dx, d_states, d_params = run(
        cell_type, x, states, params, d_outputs, d_last, mask, reverse
    )
    d_weights = [0, 0, 0]
    for row in range(7):
        one = slice(row, row + 1)
        own = [weights[0], drop[row][:, None] * weights[1], weights[2]]
        wanted = expected(
            cell_type,
            x[one],
            [s[one] for s in states],
            own,
            d_outputs[one],
            [d[one] for d in d_last],
            None if mask is None else mask[one],
            reverse,
        )
        check([outputs[one]], wanted[:1], 1e-5)
        check([s[one] for s in last], wanted[1], 1e-5)
        check([dx[one], *(d[one] for d in d_states)], [wanted[2], *wanted[4]], 1e-4)
        parts = [wanted[3][0], drop[row][:, None] * wanted[3][1], wanted[3][2]]
        d_weights = [total + part for total, part in zip(d_weights, parts, strict=True)]
    check(weights_of(cell_type, d_params), d_weights, 1e-4)


@pytest.mark.parametrize(("cell_type", "masked"), [("lstm", True), ("gru_reset_after", False)])
def test_one_row_one_step_one_unit(cell_type, masked):
    x, states, weights, d_outputs, d_last = draw(cell_type, 1, steps=1, width=1, units=1)
    mask = np.ones((1, 1), bool) if masked else None
    wanted = expected(cell_type, x, states, weights, d_outputs, d_last, mask, False)
    outputs, last, dx, *_ = run(
        cell_type, x, states, named(cell_type, weights), d_outputs, d_last, mask, False
    )
    check([outputs, *last], [wanted[0], *wanted[1]], 1e-5)
    check([dx], [wanted[2]], 1e-4)


def test_relu_and_no_bias_equal_the_portable_loop():
    x, states, weights, d_outputs, d_last = draw("simple_rnn", 8)
    params = named("simple_rnn", weights)
    del params["bias"]
    mask = masks(8, STEPS)
    found = run("simple_rnn", x, states, params, d_outputs, d_last, mask, False, "relu")
    cell = cells.Cell(partial(cells.simple_rnn, activation=keras.activations.relu))

    def loss(x, states, params):
        outputs, last = portable.recurrence(
            cell, portable.PassInputs(x, jnp.asarray(mask)), states, params
        )
        return (outputs * d_outputs).sum() + (last[0] * d_last[0]).sum(), (outputs, last)

    x, states = jnp.asarray(x, "float32"), (jnp.asarray(states[0], "float32"),)
    grads, (outputs, last) = jax.jit(jax.grad(loss, argnums=(0, 1, 2), has_aux=True))(
        x, states, params
    )
    check([found[0], *found[1]], [outputs, *last], 1e-5)
    check(jax.tree.leaves(found[2:]), jax.tree.leaves(grads), 1e-4)


def test_runs_without_jit():
    x, states, weights, *_ = draw("lstm", 3)
    states = tuple(jnp.asarray(s, "float32") for s in states)
    arguments = KernelRequest("lstm"), jnp.asarray(x, "float32"), states, named("lstm", weights)
    outputs, last = KERNEL.run(*arguments, mask=None, reverse=False, sequences=True)
    wanted, wanted_last, _ = oracles.run(oracles.LSTM, x, weights, None, states)
    check([outputs, *last], [wanted, *wanted_last], 1e-5)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (KernelRequest("lstm", dtype="float16"), "float16"),
        (KernelRequest("lstm", activation="relu"), "relu"),
        (KernelRequest("gru_reset_after", recurrent_activation="hard_sigmoid"), "hard_sigmoid"),
        (KernelRequest("simple_rnn", activation="gelu"), "gelu"),
        (KernelRequest("jordan_rnn"), "jordan_rnn"),
        (KernelRequest("lstm", unroll=True), "unrolled"),
    ],
)
def test_says_what_stands_in_the_way(asked, word):
    assert word in KERNEL.unsupported_reason(asked)
    assert KERNEL.unsupported_reason(KernelRequest("simple_rnn", activation="relu")) is None
    assert KERNEL.unsupported_reason(KernelRequest("lstm", zoneout=True, resets=True)) is None
