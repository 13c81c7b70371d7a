"""Resets and zoneout in the fast kernels: what the portable loop gives, for any mask."""

import itertools

import numpy as np
import pytest
from autodiff import gradients, penalty
from keras import ops
from parity import MASK, RESETS
from systems import ALL, DEEP, FUSED, numpy, total

from rnnkit.backend import explain_kernels

B, T, D, U = *MASK.shape, 3, 3
WAYS = {
    "resets": {},
    "zoneout": {"zoneout": 0.4},
    "resets, zoneout": {"zoneout": 0.4, "recurrent_dropout": 0.3},
}
CASES = [
    (name, way, masked, training, backwards)
    for (name, way, masked, training), backwards in zip(
        itertools.product(FUSED, WAYS, (True, False), (True, False)), itertools.cycle([1, 0, 0, 1])
    )
]
if not DEEP:  # few programs to compile: each effect in each cell's loop, once
    CASES = [
        ("SimpleRNN", "resets, zoneout", True, False, 1),
        ("LSTM", "resets, zoneout", True, True, 1),
        ("LSTM", "resets", False, True, 0),
        ("GRU", "resets, zoneout", True, True, 0),
    ]


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def make(name, backwards, kernel, **options):
    """A built layer; two of the same name draw the same numbers."""
    if "zoneout" in options and name == "LSTM":
        options["zoneout"] = (0.4, 0.2)
    layer = ALL[name](
        return_sequences=True,
        return_state=True,
        go_backwards=bool(backwards),
        kernel=kernel,
        **{"seed": 3, **options},
    )
    layer.build((B, T, D))
    for place, weight in enumerate(layer.trainable_variables):
        weight.assign(0.5 * draw(*weight.shape, seed=place + 1))
    return layer


def everything(layer, mask, resets, training):
    """Outputs, states, and the gradients by inputs, first states and weights."""
    arrays = [draw(B, T, D), *(draw(B, U, seed=i + 5) for i in range(len(layer.state_size)))]

    def run(x, *states):
        shared = {"mask": mask, "resets": resets, "training": training}
        return layer(x, initial_state=list(states), **shared)

    values = [numpy(part) for part in run(*map(ops.convert_to_tensor, arrays))]
    by_arrays, by_weights = gradients(lambda *a: total(run(*a)), arrays, layer.trainable_variables)
    return values, [*by_arrays, *by_weights]


@pytest.mark.parametrize(("name", "way", "masked", "training", "backwards"), CASES)
def test_a_kernel_gives_what_the_portable_loop_gives(name, way, masked, training, backwards):
    mask = MASK if masked else None
    resets = RESETS if "resets" in way else None
    found, wanted = (
        everything(make(name, backwards, kernel, **WAYS[way]), mask, resets, training)
        for kernel in ("fused", "portable")
    )
    for tolerance, ours, theirs in zip((1e-5, 1e-4), found, wanted, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, atol=tolerance, rtol=tolerance)
    if training and "zoneout" in way and masked:  # a unit that keeps its value keeps all of it
        outputs = found[0][0][:, :: -1 if backwards else 1]
        assert (outputs[0, 1:] == outputs[0, :-1]).any()
        assert (outputs[0, 1:] != outputs[0, :-1]).any()


@pytest.mark.parametrize("memory", ["recompute", "sqrt"] if DEEP else ["sqrt"])
@pytest.mark.parametrize("name", FUSED if DEEP else ("SimpleRNN",))
def test_checkpointing_changes_nothing(name, memory):
    found, wanted = (
        everything(make(name, True, kernel, zoneout=0.3, **options), MASK, RESETS, True)
        for kernel, options in (("fused", {"memory": memory}), ("portable", {}))
    )
    for one, other in zip([*found[0], *found[1]], [*wanted[0], *wanted[1]], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "options"),
    [(name, options) for name in FUSED for options in ({}, {"zoneout": 0.4})]
    if DEEP
    else [("GRU", {"zoneout": 0.4})],
    ids=str,
)
def test_second_gradients_are_those_of_the_portable_loop(name, options):
    def penalised(kernel):
        layer = make(name, True, kernel, **options)
        flags = {"mask": MASK, "resets": RESETS, "training": True}
        return penalty(lambda x: total(layer(x, **flags)), layer.trainable_variables)(draw(B, T, D))

    found, wanted = penalised("fused"), penalised("portable")
    for one, other in zip([found[0], *found[1]], [wanted[0], *wanted[1]], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.one_backend
@pytest.mark.parametrize("resets", [np.zeros((B, T), bool), np.ones((B, T), bool)])
def test_no_reset_at_all_and_one_at_every_step(resets):
    found, wanted = (
        everything(make("LSTM", False, kernel), None, resets, True)
        for kernel in ("fused", "portable")
    )
    for one, other in zip([*found[0], *found[1]], [*wanted[0], *wanted[1]], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", FUSED)
def test_the_choice_can_be_asked_for(name):
    for options, training in itertools.product(({}, {"zoneout": 0.1}), (True, False)):
        (answer,) = explain_kernels(
            ALL[name](**options), masked=True, training=training, resets=True
        )
        assert answer.kernel != "portable"
        assert answer.request.resets
        assert answer.request.zoneout == bool(options)


@pytest.mark.one_backend
def test_the_same_seed_holds_back_the_same_units():
    def run(seed, calls=1):
        layer = make("GRU", False, "fused", zoneout=0.5, seed=seed)
        for _ in range(calls):
            outputs = numpy(layer(draw(B, T, D), training=True)[0])
        return outputs

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))
    assert not np.array_equal(run(1), run(1, calls=2))
