"""Which kernel runs: a rule that can be asked, and an error where a wish cannot be met."""

import keras
import numpy as np
import pytest

from rnnkit import layers
from rnnkit.backend import device, explain_kernels, native
from rnnkit.backend.kernels import Kernel, KernelRequest, choose, explain_request
from rnnkit.errors import InputError


def kernel(name, unsupported_reason):
    return Kernel(name, f"about {name}", unsupported_reason, run=None)


ONLY_PLAIN = kernel("plain", lambda request: "a mask is given" if request.masked else None)
ONLY_LSTM = kernel(
    "lstm only", lambda r: None if r.cell_type == "lstm" else f"it is a {r.cell_type}"
)
BOTH = (ONLY_PLAIN, ONLY_LSTM)


def test_the_first_kernel_that_can_runs():
    assert choose(KernelRequest("lstm"), BOTH) is ONLY_PLAIN
    assert choose(KernelRequest("lstm", masked=True), BOTH) is ONLY_LSTM
    assert choose(KernelRequest("jordan", masked=True), BOTH) is None
    assert choose(KernelRequest("lstm"), BOTH, "portable") is None


def test_a_wish_that_cannot_be_met_says_what_stands_in_the_way():
    with pytest.raises(InputError, match="plain: a mask is given; lstm only: it is a jordan"):
        choose(KernelRequest("jordan", masked=True), BOTH, "fused")
    assert choose(KernelRequest("lstm", masked=True), BOTH, "fused") is ONLY_LSTM
    with pytest.raises(InputError, match="kernel is 'quick'"):
        choose(KernelRequest("lstm"), BOTH, "quick")


def test_the_answer_names_what_was_passed_over_and_why():
    said = str(explain_request(KernelRequest("lstm", masked=True), BOTH))
    assert said == (
        "lstm on cpu, float32: lstm only (about lstm only)\n  not plain: a mask is given"
    )
    asked = explain_request(KernelRequest("lstm"), BOTH, "portable")
    assert asked.kernel == "portable"
    assert [why for _, why in asked.passed_over] == ["kernel='portable' was requested"] * 2


def test_explain_walks_through_wrappers_and_models():
    inputs = keras.Input((None, 2))
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(inputs)
    model = keras.Model(inputs, layers.GRU(3, kernel="portable")(x))
    answers = explain_kernels(model, masked=True)
    assert [answer.request.cell_type for answer in answers] == ["lstm", "lstm", "gru_reset_after"]
    assert answers[-1].kernel == "portable"
    assert all(answer.request.device == device() for answer in answers)
    with pytest.raises(InputError, match="no recurrent layer of rnnkit"):
        explain_kernels(keras.layers.Dense(2))


@pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.LSTM, layers.GRU])
def test_the_usual_layers_have_a_fast_kernel(kind):
    for masked in (False, True):
        (answer,) = explain_kernels(kind(4), masked=masked)
        assert answer.kernel in [k.name for k in native.KERNELS]


def test_what_no_kernel_can_do_is_left_to_the_portable_loop():
    for options in ({"unroll": True}, {"activation": "elu"}, {"dtype": "float16"}):
        (answer,) = explain_kernels(layers.LSTM(4, **options))
        assert answer.kernel == "portable"
        assert len(answer.passed_over) == len(native.KERNELS)
    layer = layers.LSTM(4, unroll=True, kernel="fused")
    with pytest.raises(InputError, match="kernel='fused' cannot run this lstm"):
        layer(np.ones((1, 2, 3), "float32"))
