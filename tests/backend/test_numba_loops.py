"""Loops in machine code on PyTorch's CPU, against the loops of operations and their own Python."""

import os
import sys
import threading

import forking
import keras
import numpy as np
import pytest
from keras import ops

if keras.config.backend() != "torch":
    pytest.skip("PyTorch alone has these loops", allow_module_level=True)

import torch
from torch._subclasses import FakeTensorMode

from rnnkit.backend import explain_kernels, linear
from rnnkit.backend.numba import available, jit, layout, log_space, recurrence, scaled, viterbi
from rnnkit.backend.numba import threads as sharing
from rnnkit.backend.torch import loops
from rnnkit.hmm import inference
from rnnkit.hmm.inference.steps import LOG_ZERO
from rnnkit.layers import CRF, RGLRU

NUMERICS = ("scaled", "log")


def draw(seed, states, lead=(), rows=3, steps=7, zeros=False, dtype="float64"):
    """A model or several, log-likelihoods with impossible ones, and a mask of any pattern."""
    rng = np.random.default_rng(seed)
    pi = rng.dirichlet(np.ones(states), lead or None)
    A = rng.dirichlet(np.ones(states), (*lead, states))
    if zeros:
        A = np.where(rng.random(A.shape) < 0.4, 0.0, A)
        A[..., 0] += 1e-3
    log_lik = rng.normal(size=(*lead, rows, steps, states)) * rng.choice([1, 30, 2000])
    log_lik[rng.random(log_lik.shape) < 0.1] = -np.inf
    log_lik[..., steps // 2, :] = -np.inf  # no state explains it
    mask = rng.random((rows, steps)) < 0.7
    mask[0] = seed % 2  # no real step, or all are
    with np.errstate(divide="ignore"):
        arrays = np.log(pi), np.log(A), log_lik
    return [torch.from_numpy(array.astype(dtype)) for array in arrays], mask


CASES = [
    {"states": 1},
    {"states": 3, "zeros": True},
    {"states": 8, "lead": (2,)},
    {"states": 9, "zeros": True, "lead": (2,)},
    {"states": 4, "steps": 1},
    {"states": 3, "rows": 1, "steps": 40},
]
if os.environ.get("RNNKIT_DEEP"):
    CASES += [{"states": k, "lead": lead} for k in range(1, 20) for lead in ((), (1,), (2, 3))]


@pytest.fixture
def operations(monkeypatch):
    """Call a function without loops in machine code."""

    def run(function, *arguments, **options):
        with monkeypatch.context() as patch:
            patch.setattr(loops, "LOOPS", ())
            return function(*arguments, **options)

    return run


def everything(inputs, mask, numerics):
    """All results of inference."""
    smoothed = inference.smooth(*inputs, mask, numerics=numerics)
    filtered = inference.filter(*inputs, mask, numerics=numerics)
    return [*smoothed, *filtered, *inference.viterbi(*inputs, mask)]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_inference_is_that_of_the_loop_of_operations(case, masked, operations):
    for seed, numerics in enumerate(NUMERICS):
        if numerics == "scaled" and case.get("zeros"):
            continue
        inputs, mask = draw(seed, **case)
        mask = mask if masked else None
        found = everything(inputs, mask, numerics)
        wanted = operations(everything, inputs, mask, numerics)
        for one, other in zip(found, wanted, strict=True):
            assert one.dtype == other.dtype
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_float32_is_computed_in_float64_and_any_layout_is_read():
    inputs, mask = draw(0, states=5, rows=4, steps=30)
    narrow = [part.float() for part in inputs]
    narrow[2] = narrow[2].transpose(0, 1).contiguous().transpose(0, 1)
    assert not narrow[2].is_contiguous()
    for numerics in NUMERICS:
        wanted = everything([part.float().double() for part in inputs], mask, numerics)
        for one, other in zip(everything(narrow, mask, numerics), wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_inputs_stay_as_they_are():
    inputs, mask = draw(0, states=8)
    copies = [part.clone() for part in inputs]
    for numerics in NUMERICS:
        everything(inputs, mask, numerics)
    for part, copy in zip(inputs, copies, strict=True):
        assert torch.equal(part, copy)


def weighted(inputs, mask, numerics):
    """A number that depends on all differentiable results."""
    found = inference.smooth(*inputs, mask, numerics=numerics)
    log_prob = inference.viterbi(*inputs, mask).log_prob
    parts = [found.smoothed, found.filtered, found.transitions, found.first, found.log_prob]
    return (
        sum((part * torch.arange(part.numel()).view(part.shape).cos()).sum() for part in parts)
        + (log_prob * log_prob).sum()
    )


@pytest.mark.parametrize("numerics", NUMERICS)
def test_gradients_and_their_gradients_are_those_of_the_loop(numerics, operations):
    inputs, mask = draw(1, states=3, rows=2, steps=5)
    inputs = [part.clamp(min=-5.0).requires_grad_() for part in inputs]

    def twice(inputs):
        first = torch.autograd.grad(weighted(inputs, mask, numerics), inputs, create_graph=True)
        second = torch.autograd.grad(sum((part**2).sum() for part in first), inputs)
        once = torch.autograd.grad(weighted(inputs, mask, numerics), inputs)
        return [*first, *second, *once]

    for one, other in zip(twice(inputs), operations(twice, inputs), strict=True):
        np.testing.assert_allclose(one.detach(), other.detach(), rtol=1e-7, atol=1e-8)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # PyTorch's own
def test_transforms_of_functions_run_operations():
    inputs, mask = draw(1, states=3, rows=2, steps=5)
    inputs = [part.clamp(min=-5.0) for part in inputs]

    def value(log_lik):
        return inference.filter(inputs[0], inputs[1], log_lik, mask).log_prob.sum()

    leaf = inputs[2].clone().requires_grad_()
    wanted = torch.autograd.grad(value(leaf), leaf)[0]
    np.testing.assert_allclose(torch.func.grad(value)(inputs[2]), wanted, atol=1e-9)
    direction = torch.ones_like(inputs[2])
    slope = torch.func.jvp(value, (inputs[2],), (direction,))[1]
    np.testing.assert_allclose(slope, wanted.sum(), rtol=1e-9)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(inputs[2], direction)
        slope = torch.autograd.forward_ad.unpack_dual(value(dual)).tangent
    np.testing.assert_allclose(slope, wanted.sum(), rtol=1e-9)


def test_the_operators_describe_themselves_to_compilers():
    inputs, mask = draw(0, states=3, rows=2, steps=5)
    chain = [inputs[0][None], inputs[1][None], inputs[2], torch.from_numpy(mask)]
    a, h0, x, means = torch.rand(2, 4, 3), torch.rand(2, 3), torch.rand(9, 2), torch.rand(1, 3, 2)
    rnnkit = torch.ops.rnnkit
    for operator, *given in (
        (rnnkit.hmm_smooth, *chain, True, True, True, True),
        (rnnkit.hmm_smooth, *chain, False, False, True, False),
        (rnnkit.hmm_smooth, *chain, False, True, False, False),
        (rnnkit.hmm_viterbi, *chain),
        (rnnkit.linear_scan, a, a, h0, True),
        (rnnkit.linear_scan_gradient, a, h0, a, a, False),
        (rnnkit.diagonal_density, x, means, means),
        (rnnkit.diagonal_scatter, x, means, torch.rand(1, 9, 3)),
    ):
        real = operator(*given)
        with FakeTensorMode() as mode:
            fake = operator(*(mode.from_tensor(g) if torch.is_tensor(g) else g for g in given))
        pairs = zip(real, fake, strict=True) if isinstance(real, tuple) else [(real, fake)]
        for one, other in pairs:
            assert (one.shape, one.dtype) == (other.shape, other.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reverse", [False, True])
def test_scans_and_their_gradients_are_those_of_operations(dtype, reverse, operations):
    rng = np.random.default_rng(0)
    tolerance = {"float32": 1e-4, "float64": 1e-9}[dtype]
    for shape in ((2, 1, 3), (3, 70, 2), (1, 530, 2)):
        a, b, by = (torch.from_numpy(rng.normal(size=shape).astype(dtype)) for _ in range(3))
        h0 = torch.from_numpy(rng.normal(size=(shape[0], shape[2])).astype(dtype))
        given = [part.tanh().requires_grad_() for part in (a.mT.contiguous().mT, b, h0)]

        def twice(given=given, by=by):
            h = linear.linear_scan(*given, reverse=reverse)
            once = torch.autograd.grad((h * by).sum(), given, retain_graph=True)
            first = torch.autograd.grad((h * h * by).sum(), given, create_graph=True)
            return h, *once, *first, *torch.autograd.grad(sum(p.sum() for p in first), given)

        for one, other in zip(twice(), operations(twice), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one.detach(), other.detach(), rtol=tolerance, atol=tolerance)


def test_half_precision_runs_operations():
    a = torch.full((1, 3, 2), 0.5, dtype=torch.bfloat16)
    found = linear.linear_scan(a, torch.ones_like(a), torch.zeros_like(a[:, 0]))
    assert found.dtype == torch.bfloat16
    assert found[0, :, 0].tolist() == [1.0, 1.5, 1.75]


def arrays_of(loop):
    """Small arguments of a loop, in the layout of its module."""
    rng = np.random.default_rng(0)
    model, batch = (1, 3, 1, 8), (2, 4, 1, 8)
    chances = np.zeros(model)
    chances[..., :3] = rng.dirichlet(np.ones(3), (1, 3, 1))
    mask = np.array([[1, 0, 1, 1], [0, 1, 1, 0]], bool)
    begins = np.array([0, 1])
    start = np.zeros(batch)
    start[..., :3] = 1 / 3
    seen, totals = rng.random(batch), np.zeros((2, 4))
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(chances[0, :, 0, :3])[None], LOG_ZERO)
        log_start, wide = np.maximum(np.log(start), LOG_ZERO), np.maximum(np.log(chances), LOG_ZERO)
    narrow = np.log(seen[:, :, 0, :3])
    pairs, messages = np.zeros((2, *model[1:])), np.zeros((2, 3, 1, 8))
    states = np.zeros((2, 4), np.int32)
    return {
        scaled.exponential_rows: (
            *(narrow, np.zeros((2, 32)), totals, bits := np.zeros(32, np.int64)),
            bits.view(np.float64),
        ),
        scaled.forward_rows: (chances, mask, begins, seen, start, totals),
        scaled.backward_rows: (chances, mask, begins, seen, start, messages, seen.copy(), pairs),
        log_space.forward_rows: (
            *(logs, chances, np.zeros(1), mask, begins, np.log(seen), log_start, start, totals),
        ),
        log_space.backward_rows: (
            *(logs, chances, np.zeros(1), mask, begins, np.log(seen), log_start, start, messages),
            *(seen.copy(), pairs, pairs.copy()),
        ),
        viterbi.score_rows: (log_start[:1, 0], wide, mask, begins, narrow, np.zeros(batch)),
        viterbi.backtrack_rows: (
            *(log_start[:1, 0], logs, mask, begins, narrow, log_start, totals, states),
        ),
        recurrence.scan_rows: (
            seen[:, :, 0],
            seen[:, :, 0] + 1,
            start[:, 0, 0],
            True,
            start[:, :, 0],
        ),
    }[loop]


@pytest.mark.parametrize(
    "loop",
    [
        *(scaled.exponential_rows, scaled.forward_rows, scaled.backward_rows),
        *(log_space.forward_rows, log_space.backward_rows),
        *(viterbi.score_rows, viterbi.backtrack_rows, recurrence.scan_rows),
    ],
    ids=lambda loop: f"{loop.py_func.__module__.rpartition('.')[2]}.{loop.py_func.__name__}",
)
def test_a_loop_does_what_its_python_does(loop):
    compiled, python = arrays_of(loop), arrays_of(loop)
    loop(0, 2, *compiled)
    loop.py_func(0, 2, *python)
    for one, other in zip(compiled, python, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_several_threads_may_call_at_once(monkeypatch):
    monkeypatch.setattr(sharing, "OPERATIONS", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    given = [draw(seed, states=3, rows=8, steps=50) for seed in range(6)]
    wanted = [everything(*one, "log") for one in given]
    wrong = []

    def work(place):
        for _ in range(5):
            found = everything(*given[place], "log")
            pairs = zip(found, wanted[place], strict=True)
            wrong.extend(place for one, other in pairs if not torch.equal(one, other))

    runners = [threading.Thread(target=work, args=(place,)) for place in range(6)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert not wrong


def test_an_error_in_a_thread_is_raised():
    def loop(start, stop):
        if start > 0:
            raise ZeroDivisionError(start)

    with pytest.raises(ZeroDivisionError):
        sharing.over_rows(loop, 2, 1 << 30, 2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_has_threads_of_its_own():
    a = np.full((4, 9, 2), 0.5)

    def scan():
        h = np.empty_like(a)
        sharing.over_rows(recurrence.scan_rows, 4, 1 << 30, 4, a, a, a[:, 0].copy(), False, h)
        return h

    wanted = scan()

    def child():
        np.testing.assert_array_equal(scan(), wanted)

    assert forking.Process(child).wait() == 0
    np.testing.assert_array_equal(scan(), wanted)


def test_without_numba_operations_run_and_it_is_said(monkeypatch, operations):
    inputs, mask = draw(1, states=3)
    wanted = operations(everything, inputs, mask, "log")
    monkeypatch.setitem(sys.modules, "numba", None)
    available.missing.cache_clear()
    try:
        found = everything(inputs, mask, "log")
        said = str(explain_kernels(CRF(3))[0])
    finally:
        available.missing.cache_clear()
    for one, other in zip(found, wanted, strict=True):
        assert torch.equal(one, other)
    assert "portable" in said
    assert 'not numba: numba is not installed (pip install "rnnkit[fast]")' in said


def test_a_numba_that_fails_to_load_is_none(monkeypatch):
    def fail(name):
        raise ImportError("Numba needs NumPy 2.5 or less")

    monkeypatch.setattr(available.importlib, "import_module", fail)
    available.missing.cache_clear()
    try:
        assert available.missing() == "numba cannot be imported: Numba needs NumPy 2.5 or less"
    finally:
        available.missing.cache_clear()


def test_the_choice_can_be_asked():
    assert "numba" in str(explain_kernels(CRF(3))[0])
    assert "numba" in str(explain_kernels(RGLRU(3))[0])
    request = loops.request_for("linear_scan", torch.zeros(1, dtype=torch.float16))
    assert "float16" in loops.LOOPS[0].unsupported_reason(request)
    gpu = loops.request_for("hidden_markov", torch.zeros(1, device="meta"))
    assert loops.LOOPS[0].unsupported_reason(gpu) == "the device is meta, not cpu"


def test_a_folder_that_nobody_can_write_to_keeps_nothing(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    for parent in ("file", "new"):
        monkeypatch.setattr(jit, "cache_folder", lambda parent=parent: tmp_path / parent)
        assert jit.jit(_plus_one)(1) == 2
    assert list((tmp_path / "new").rglob("*.nbi"))


def _plus_one(x):
    return x + 1


def test_both_places_mean_the_same_by_zero():
    assert layout.LOG_ZERO == LOG_ZERO
    assert ops.convert_to_tensor(LOG_ZERO).isfinite()
