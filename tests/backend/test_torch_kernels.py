"""PyTorch's kernels: values and gradients against NumPy loops and the portable loop, any mask."""

import dataclasses
import itertools

import keras
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.backend import portable
from rnnkit.backend.kernels import KernelRequest, choose
from rnnkit.recurrent import cells

if keras.config.backend() != "torch":
    pytest.skip("the backend is not torch", allow_module_level=True)

import torch

from rnnkit.backend.torch import KERNELS, blocks, packing, whole
from rnnkit.backend.torch.recurrent import run_loop

B, T, D, U = 5, 7, 3, 5
MASK = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0, 0],
        [0, 0, 0, 1, 1, 1, 1],
        [0, 1, 0, 0, 1, 1, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ],
    bool,
)
ORACLES = {
    "simple_rnn": oracles.SimpleRNN,
    "lstm": oracles.LSTM,
    "gru_reset_after": oracles.GRUAfter,
    "gru_reset_before": oracles.GRUBefore,
}
RUNS = {f"loop {cell_type}": (run_loop, cell_type) for cell_type in ORACLES}
RUNS |= {f"whole {cell_type}": (whole.run, cell_type) for cell_type in whole.CELL_TYPES}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Several blocks even in the small batches here."""
    monkeypatch.setattr(packing, "BLOCK_ROWS", 6)
    monkeypatch.setattr(whole, "call_cost", lambda width, units: 2)


def draw(cell_type, shape=(B, T, D, U), seed=0):
    """Inputs, first states, parameters (kernel, recurrent kernel, bias) of a cell_type."""
    batch, time, width, units = shape
    cell, rng = ORACLES[cell_type], np.random.default_rng(seed)
    x = rng.normal(size=(batch, time, width))
    states = [rng.normal(size=(batch, units)) for _ in range(cell.states)]
    return cell, x, states, oracles.draw_weights(cell, width, units, rng)


def named(cell_type, weights):
    """The parameters by the names that kernels know."""
    kernel, recurrent_kernel, bias = weights
    params = {"kernel": kernel, "recurrent_kernel": recurrent_kernel, "bias": bias}
    if cell_type == "gru_reset_after":
        params |= {"bias": bias[0], "recurrent_bias": bias[1]}
    return params


def tensors(arrays):
    return [torch.tensor(a, dtype=torch.float32, requires_grad=True) for a in arrays]


def loss_of(outputs, states, d_outputs, d_states):
    """A loss with the given gradients by outputs and last states."""
    loss = sum((s * torch.tensor(d)).sum() for s, d in zip(states, d_states, strict=True))
    return loss if outputs is None else loss + (outputs * torch.tensor(d_outputs)).sum()


def everything(run, x, states, params, d_outputs, d_states, **options):
    """Outputs, last states, and the gradients by inputs, first states and parameters."""
    x, *states = tensors([x, *states])
    values = tensors(params.values())
    outputs, last = run(
        x, tuple(states), dict(zip(params, values, strict=True)), sequences=True, **options
    )
    loss = loss_of(outputs, last, d_outputs, d_states)
    found = torch.autograd.grad(loss, [x, *states, *values])
    return [t.detach().numpy() for t in (outputs, *last)], [t.numpy() for t in found]


def portably(request):
    """The portable twin, with the signature of a kernel."""
    options = {"activation": keras.activations.get(request.activation)}
    if request.cell_type != "simple_rnn":
        options["recurrent_activation"] = keras.ops.sigmoid
    before = request.cell_type == "gru_reset_before"
    prepare = cells.split_recurrent_kernel if before else cells.identity

    def step(x, states, params):
        return getattr(cells, request.cell_type)(x, states, params, **options)

    cell = cells.Cell(step, prepare=prepare)

    def run(x, states, params, mask=None, **options):
        return portable.recurrence(cell, portable.PassInputs(x, mask), states, params, **options)

    return run


def assert_same(found, wanted, tolerance):
    for value, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("reverse", [False, True], ids=["ahead", "backwards"])
@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
@pytest.mark.parametrize("name", RUNS)
def test_values_and_gradients_equal_the_numpy_loops(name, mask, reverse):
    run, cell_type = RUNS[name]
    cell, x, states, weights = draw(cell_type)
    rng = np.random.default_rng(1)
    d_outputs = rng.normal(size=(B, T, U)).astype("float32")
    d_states = [rng.normal(size=(B, U)).astype("float32") for _ in states]

    order = slice(None, None, -1 if reverse else 1)
    outputs, last, record = oracles.run(cell, x, weights, mask, states=states, backwards=reverse)
    dx, dw, first = oracles.gradients(cell, record, d_outputs[:, order], d_states)
    # Before the first real step the layers show zeros, the kernels the state they were given.
    real = np.ones((B, T), bool) if mask is None else mask
    unseen = (np.cumsum(real[:, order], 1) == 0)[:, order, None]
    outputs = np.where(unseen, states[0][:, None], outputs[:, order])
    first[0] = first[0] + np.sum(d_outputs * unseen, 1)

    values, gradients = everything(
        lambda *a, **k: run(KernelRequest(cell_type), *a, **k),
        x,
        states,
        named(cell_type, weights),
        d_outputs,
        d_states,
        mask=None if mask is None else torch.tensor(mask),
        reverse=reverse,
    )
    assert_same(values, [outputs, *last], 1e-5)
    assert_same(gradients, [dx, *first, *named(cell_type, dw).values()], 1e-4)


@settings(max_examples=40, deadline=None)
@given(
    cell_type=st.sampled_from([*ORACLES, "relu"]),
    whole_sequence=st.booleans(),
    drop=st.booleans(),
    biased=st.booleans(),
    reverse=st.booleans(),
    units=st.integers(1, 4),
    zero_output=st.booleans(),
    bits=st.integers(1, 4).flatmap(
        lambda t: st.lists(st.lists(st.booleans(), min_size=t, max_size=t), min_size=1, max_size=4)
    ),
)
def test_any_mask_gives_what_the_portable_loop_gives(
    cell_type, whole_sequence, drop, biased, reverse, units, zero_output, bits
):
    mask = np.array(bits)
    relu = cell_type == "relu"
    request = KernelRequest("simple_rnn", activation="relu") if relu else KernelRequest(cell_type)
    _, x, states, weights = draw(request.cell_type, (*mask.shape, 2, units))
    params = named(request.cell_type, weights)
    if not biased:
        params = {name: value for name, value in params.items() if "bias" not in name}
    run = run_loop
    if whole_sequence and request.cell_type in whole.CELL_TYPES:
        run, drop = whole.run, False
    rng = np.random.default_rng(1)
    if drop:
        kept = torch.tensor(rng.integers(0, 2, states[0].shape) * 2.0, dtype=torch.float32)

    def with_drop(kernel):
        def call(x, states, params, **options):
            return kernel(x, states, {**params, "drop": kept} if drop else params, **options)

        return call

    inputs = (x, states, params, rng.normal(size=(*mask.shape, units)).astype("float32"))
    d_states = [rng.normal(size=s.shape).astype("float32") for s in states]
    options = {"mask": torch.tensor(mask), "reverse": reverse}
    zero_output = zero_output and run is whole.run
    if zero_output:  # what the portable loop repeats counts for nothing, then
        request = dataclasses.replace(request, zero_output=True)
        inputs = (*inputs[:3], inputs[3] * mask[..., None])
    kernel = with_drop(lambda *a, **k: run(request, *a, **k))
    found = everything(kernel, *inputs, d_states, **options)
    wanted = everything(with_drop(portably(request)), *inputs, d_states, **options)
    if zero_output:
        wanted[0][0] = wanted[0][0] * mask[..., None]
    assert_same(found[0], wanted[0], 1e-5)
    assert_same(found[1], wanted[1], 1e-4)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("reverse", [False, True], ids=["ahead", "backwards"])
def test_blocks_hold_every_real_step_once_and_little_padding(share, reverse):
    mask = torch.tensor(np.random.default_rng(0).random((12, 40)) < share)
    mask[3] = False
    found = blocks.cut(mask, reverse, call_cost=20)
    assert all(rows <= before for (_, before), (_, rows) in itertools.pairwise(found.shapes))
    places = sum(steps * rows for steps, rows in found.shapes)
    assert places == len(found.source)
    assert len(found.padding) == places - int(mask.sum()) <= 20 * len(found.shapes)
    step = torch.arange(1.0, 12 * 40 + 1).view(12, 40, 1)
    packed = found.pack(step)
    torch.testing.assert_close(found.unpack(packed), torch.where(mask[..., None], step, 0.0))
    first, rows = packed[: found.shapes[0][1], 0], mask.sum(1).argsort(descending=True, stable=True)
    for row, value in zip(rows.tolist(), first.tolist(), strict=False):
        at = mask[row].nonzero()[-1 if reverse else 0].item()
        assert value == row * 40 + at + 1


@pytest.mark.parametrize("lengths", [[7, 7, 7], [40, 40, 3], [0, 0], [9, 1, 30, 2, 2, 40], [0, 5]])
def test_a_block_ends_before_its_padding_costs_more_than_a_call(lengths):
    for call_cost in (0, 10, 1000):
        shapes = blocks.block_shapes(lengths, call_cost)
        at = 0
        for steps, rows in shapes:
            assert rows == sum(length > at for length in lengths) or not any(lengths)
            padding = sum(min(max(at + steps - n, 0), steps) for n in lengths if n > at)
            assert padding <= call_cost or not any(lengths)
            at += steps
        assert at == max(1, *lengths)
    assert len(blocks.block_shapes(lengths, 10_000)) == 1


def test_a_traced_mask_is_not_read(monkeypatch):
    monkeypatch.setattr(blocks, "can_read", lambda flags: False)
    _, x, states, weights = draw("lstm")
    inputs = (x, states, named("lstm", weights), np.ones((B, T, U), "float32"))
    options = {"mask": torch.tensor(MASK), "reverse": True}
    d_states = [np.ones((B, U), "float32")] * 2
    request = KernelRequest("lstm")
    found = everything(lambda *a, **k: whole.run(request, *a, **k), *inputs, d_states, **options)
    wanted = everything(portably(request), *inputs, d_states, **options)
    assert_same(found[0], wanted[0], 1e-5)
    assert_same(found[1], wanted[1], 1e-4)


def test_without_the_cell_state_the_rest_is_the_same():
    _, x, states, weights = draw("lstm")
    x, *states = tensors([x, *states])
    params = dict(zip(("kernel", "recurrent_kernel", "bias"), tensors(weights), strict=True))
    options = {"mask": torch.tensor(MASK)}
    full = whole.run(KernelRequest("lstm"), x, tuple(states), params, **options)
    outputs, last = whole.run(KernelRequest("lstm", states=False), x, states, params, **options)
    torch.testing.assert_close(outputs, full[0], rtol=0, atol=1e-6)
    assert len(last) == 1
    torch.testing.assert_close(last[0], full[1][0], rtol=0, atol=1e-6)


def test_second_gradients_of_the_blocks_are_those_of_the_portable_loop():
    _, x, states, weights = draw("lstm")
    request = KernelRequest("lstm")

    def slope(run):
        inputs, *first = tensors([x, *states])
        params = dict(zip(("kernel", "recurrent_kernel", "bias"), tensors(weights), strict=True))
        outputs, _ = run(inputs, tuple(first), params, mask=torch.tensor(MASK))
        (by,) = torch.autograd.grad(outputs.square().sum(), inputs, create_graph=True)
        return torch.autograd.grad(by.square().sum(), [inputs, params["kernel"]])

    found = slope(lambda *a, **k: whole.run(request, *a, **k))
    for one, other in zip(found, slope(portably(request)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("mask", [None, torch.tensor(MASK)], ids=["no mask", "mask"])
@pytest.mark.parametrize("name", RUNS)
def test_last_state_alone_and_without_gradients(name, mask):
    run, cell_type = RUNS[name]
    request = KernelRequest(cell_type)
    _, x, states, weights = draw(cell_type)
    x, *states = tensors([x, *states])
    values = tensors(named(cell_type, weights).values())
    params = dict(zip(named(cell_type, weights), values, strict=True))
    outputs, wanted = run(request, x, tuple(states), params, mask=mask)
    assert outputs.shape == (B, T, U)
    nothing, last = run(request, x, tuple(states), params, mask=mask, sequences=False)
    assert nothing is None
    with torch.no_grad():
        inferred, states_ = run(request, x, tuple(states), params, mask=mask)
    assert not inferred.requires_grad
    for found, expected in zip(
        (inferred, *last, *states_), (outputs, *wanted, *wanted), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    frozen = {name: value.detach() for name, value in params.items()}
    by_last, by_frozen = (
        torch.autograd.grad(run(request, x, tuple(states), p, mask=mask)[1][0].sum(), x)[0]
        for p in (params, frozen)
    )
    torch.testing.assert_close(by_last, by_frozen)
    plain = run(request, x.detach(), tuple(s.detach() for s in states), frozen, mask=mask)
    assert not plain[0].requires_grad
    for found, expected in zip((plain[0], *plain[1]), (outputs, *wanted), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_the_first_states_are_left_as_they_were():
    _, x, states, weights = draw("lstm")
    x, *states = (t.detach() for t in tensors([x, *states]))
    before = [s.clone() for s in states]
    params = {k: torch.tensor(v, dtype=torch.float32) for k, v in named("lstm", weights).items()}
    for mask in (None, torch.tensor(MASK)):
        run_loop(KernelRequest("lstm"), x, tuple(states), params, mask=mask)
    for state, old in zip(states, before, strict=True):
        torch.testing.assert_close(state, old, rtol=0, atol=0)


def test_padding_that_is_no_number_reaches_nothing():
    for run, cell_type in RUNS.values():
        _, x, states, weights = draw(cell_type)
        x = np.where(MASK[..., None], x, np.nan)
        values, gradients = everything(
            lambda *a, run=run, cell_type=cell_type, **k: run(KernelRequest(cell_type), *a, **k),
            x,
            states,
            named(cell_type, weights),
            np.ones((B, T, U), "float32"),
            [np.ones((B, U), "float32")] * len(states),
            mask=torch.tensor(MASK),
        )
        assert all(np.isfinite(v).all() for v in [*values, *gradients]), cell_type


def test_steps_are_packed_by_falling_length():
    packed = packing.pack_steps(torch.zeros(B, T, D), torch.tensor(MASK), reverse=False)
    assert packed.sizes == [4, 4, 4, 2, 1, 1, 1]
    assert packed.order.tolist() == [0, 2, 1, 3, 4]
    assert packed.rows[:4].tolist() == [0, 2 * T + 3, T, 3 * T + 1]
    backwards = packing.pack_steps(torch.zeros(B, T, D), torch.tensor(MASK), reverse=True)
    assert backwards.rows[:4].tolist() == [T - 1, 3 * T - 1, T + 2, 3 * T + 5]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (KernelRequest("lstm"), "whole sequence"),
        (KernelRequest("lstm", masked=True), "whole sequence"),
        (KernelRequest("lstm", masked=True, training=True), "whole sequence"),
        (KernelRequest("lstm", recurrent_dropout=True), "packed loop"),
        (KernelRequest("gru_reset_after"), "packed loop"),
        (KernelRequest("gru_reset_before", masked=True), "packed loop"),
        (KernelRequest("simple_rnn", activation="relu"), "packed loop"),
        (KernelRequest("lstm", device="gpu", masked=True), "whole sequence"),
        (KernelRequest("gru_reset_after", device="gpu"), "whole sequence"),
        (KernelRequest("gru_reset_before", device="gpu"), None),
        (KernelRequest("gru_reset_after", device="gpu", recurrent_dropout=True), None),
        (KernelRequest("simple_rnn", activation="sigmoid"), None),
        (KernelRequest("lstm", recurrent_activation="hard_sigmoid"), None),
        (KernelRequest("lstm", dtype="bfloat16"), None),
        (KernelRequest("lstm", zoneout=True), "packed loop"),
        (KernelRequest("lstm", resets=True), "whole sequence"),
        (KernelRequest("gru_reset_after", resets=True, zoneout=True), "packed loop"),
        (KernelRequest("lstm", device="gpu", zoneout=True), None),
        (KernelRequest("lstm", device="gpu", resets=True), None),
        (KernelRequest("lstm", unroll=True), None),
        (KernelRequest("rg_lru"), None),
    ],
)
def test_the_kernel_follows_from_the_facts(asked, name):
    chosen = choose(asked, KERNELS)
    assert (chosen and chosen.name) == name
