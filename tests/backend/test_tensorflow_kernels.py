"""The loops with their own gradients against NumPy loops in float64 and the portable loop."""

from functools import partial

import keras
import numpy as np
import oracles
import pytest
from deep import mostly_deep

if keras.config.backend() != "tensorflow":
    pytest.skip("these kernels run on TensorFlow alone", allow_module_level=True)

import tensorflow as tf

import rnnkit.layers
from rnnkit.backend import portable
from rnnkit.backend.kernels import KernelRequest
from rnnkit.backend.tensorflow import KERNELS, static_shapes
from rnnkit.recurrent import cells

FUSED, KERNEL = KERNELS
CELLS = {
    "simple_rnn": oracles.SimpleRNN,
    "lstm": oracles.LSTM,
    "gru_reset_after": oracles.GRUAfter,
    "gru_reset_before": oracles.GRUBefore,
}
B, T, D, U = 8, 19, 3, 4  # two blocks of steps, three steps by themselves


def any_mask():
    """Full, right-padded, left-padded, gaps, no real step, one real step, and drawn ones."""
    mask = np.random.default_rng(4).random((B, T)) < 0.5
    mask[0], mask[1], mask[2], mask[3] = True, np.arange(T) < 11, np.arange(T) > 4, True
    mask[3, ::3], mask[4], mask[5] = False, False, np.arange(T) == 9
    return mask


class Case:
    """Drawn inputs, states and weights of a cell_type, and drawn gradients of what comes out."""

    def __init__(self, cell_type, rows=B, steps=T, units=U):
        rng = np.random.default_rng(1)
        self.cell_type, self.cell = cell_type, CELLS[cell_type]
        self.x = rng.normal(size=(rows, steps, D))
        self.states = [rng.normal(size=(rows, units)) for _ in range(self.cell.states)]
        self.weights = oracles.draw_weights(self.cell, D, units, np.random.default_rng(2))
        self.d_outputs = rng.normal(size=(rows, steps, units))
        self.d_last = [rng.normal(size=(rows, units)) for _ in range(self.cell.states)]
        self.kernel = KERNEL

    def params(self):
        kernel, recurrent_kernel, bias = (tf.constant(w, tf.float32) for w in self.weights)
        params = {"kernel": kernel, "recurrent_kernel": recurrent_kernel}
        if self.cell_type == "gru_reset_after":
            return params | {"bias": bias[0], "recurrent_bias": bias[1]}
        return params | {"bias": bias}

    def expected(self, mask, reverse, sequences=True):
        """Outputs in the order of x (the first state up to the first real step) and gradients."""
        passed = slice(None, None, -1 if reverse else 1)
        outputs, last, record = oracles.run(
            self.cell, self.x, self.weights, mask, self.states, backwards=reverse
        )
        real = np.ones(self.x.shape[:2], bool) if mask is None else mask
        begun = (np.cumsum(real[:, passed], axis=1) > 0)[..., None]
        d_outputs = self.d_outputs[:, passed] * sequences
        dx, dw, first = oracles.gradients(self.cell, record, d_outputs * begun, self.d_last)
        first[0] = first[0] + (d_outputs * ~begun).sum(axis=1)
        outputs = np.where(begun, outputs, self.states[0][:, None])[:, passed]
        return ([outputs] if sequences else []) + [*last], [dx, *first, *dw]

    def found(self, params, mask, reverse=False, sequences=True, activation="tanh", run=None):
        """The same from the kernel, or from another `run`."""
        x = tf.constant(self.x, tf.float32)
        states = tuple(tf.constant(s, tf.float32) for s in self.states)
        mask = None if mask is None else tf.constant(mask)
        if run is None:
            run = partial(self.kernel.run, KernelRequest(self.cell_type, activation=activation))
        with tf.GradientTape() as tape:
            tape.watch((x, states, params))
            outputs, last = run(x, states, params, mask=mask, reverse=reverse, sequences=sequences)
            assert (outputs is not None) == sequences
            values = ([outputs] if sequences else []) + [*last]
            by = [self.d_outputs] * sequences + self.d_last
            pairs = zip(values, by, strict=True)
            loss = sum(tf.reduce_sum(v * tf.cast(d, v.dtype)) for v, d in pairs)
        trained = {name: value for name, value in params.items() if name != "drop"}
        dx, d_states, d = tape.gradient(loss, (x, states, trained))
        if "recurrent_bias" in d:
            d["bias"] = tf.stack([d["bias"], d.pop("recurrent_bias")])
        return values, [dx, *d_states, *(d[n] for n in sorted(d, key=ORDER.index))]


ORDER = ("kernel", "recurrent_kernel", "bias")


def check(found, expected):
    for tolerance, ours, theirs in zip((1e-5, 1e-4), found, expected, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


PASSES = pytest.mark.parametrize(
    ("masked", "reverse", "sequences"),
    [(True, False, True), (True, True, True), (True, True, False), (False, False, False)],
)


@pytest.mark.parametrize("cell_type", CELLS)
@PASSES
def test_equals_the_loops_for_any_mask(cell_type, masked, reverse, sequences):
    case, mask = Case(cell_type), any_mask() if masked else None
    found = case.found(case.params(), mask, reverse, sequences)
    check(found, case.expected(mask, reverse, sequences))


@pytest.mark.parametrize("steps", [T, 3, 16])  # with blocks of one step, no others, none
@PASSES
def test_fused_blocks_equal_the_loops_for_any_mask(masked, reverse, sequences, steps):
    case, mask = Case("lstm", steps=steps), any_mask()[:, :steps] if masked else None
    case.kernel, params = FUSED, case.params()
    check(case.found(params, mask, reverse, sequences), case.expected(mask, reverse, sequences))


@PASSES
def test_fused_blocks_of_an_odd_number_of_units(masked, reverse, sequences):
    case, mask = Case("lstm", units=3), any_mask() if masked else None
    case.kernel, params = FUSED, case.params()
    check(case.found(params, mask, reverse, sequences), case.expected(mask, reverse, sequences))


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_logged_of_odd_numbers_of_units_and_rows(training, capfd):
    layer, x = rnnkit.layers.LSTM(3), tf.ones((5, 4, 2))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(x, training=training))
    assert tape.gradient(total, layer.trainable_weights)[0].shape == (2, 12)
    assert "inefficient" not in capfd.readouterr().err
    answer = rnnkit.backend.explain_kernels(layer, training=training)[0]
    assert answer.kernel == (KERNEL if training else FUSED).name


@pytest.mark.parametrize(("masked", "reverse"), [(True, False), (False, True)])
def test_fused_blocks_with_outputs_alone_and_no_bias(masked, reverse):
    """No gradient comes by the last cell states, which the pass need not return."""
    case, mask = Case("lstm"), any_mask() if masked else None
    case.d_last[1][:], case.weights[2][:] = 0, 0
    params = case.params()
    run = partial(FUSED.run, KernelRequest("lstm", states=False))
    found, expected = case.found(params, mask, reverse, run=run), case.expected(mask, reverse)
    check(found, expected)
    del params["bias"], expected[1][-1]
    check(case.found(params, mask, reverse, run=run), expected)


def test_a_nan_at_a_masked_step_reaches_nothing():
    case, mask = Case("lstm"), any_mask()
    expected = case.expected(mask, False)
    case.x[~mask], case.kernel = np.nan, FUSED
    check(case.found(case.params(), mask), expected)


@pytest.mark.parametrize(
    ("kernel", "cell_type", "masked"),
    mostly_deep(
        [
            (KERNEL, "lstm", True),
            (KERNEL, "gru_reset_after", False),
            (FUSED, "lstm", True),
        ],
        (KERNEL, "lstm", True),
    ),
)
def test_traced_with_an_unknown_number_of_rows_and_steps(kernel, cell_type, masked):
    params = Case(cell_type).params()
    signature = [tf.TensorSpec((None, None, D)), tf.TensorSpec((None, None), tf.bool)]
    signature.append([tf.TensorSpec((None, U))] * CELLS[cell_type].states)

    @tf.function(input_signature=signature)
    def traced(x, mask, states):
        return kernel.run(
            KernelRequest(cell_type),
            x,
            tuple(states),
            params,
            mask=mask if masked else None,
            reverse=True,
        )

    @tf.function(input_signature=signature)
    def with_gradient(x, mask, states):
        with tf.GradientTape() as tape:
            tape.watch((x, states))
            outputs, last = traced.python_function(x, mask, states)
            loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(last[-1])
        return tape.gradient(loss, (x, states))

    def outside(x, mask, states):
        """The gradient is built in another graph than the pass: it repeats the pass."""
        with tf.GradientTape() as tape:
            tape.watch((x, states))
            outputs, last = traced(x, mask, states)
            loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(last[-1])
        return tape.gradient(loss, (x, states))

    for rows, steps in ((B, T), (1, 1), (3, 8), (2, 9)):
        case = Case(cell_type, rows, steps)
        mask = any_mask()[-rows:, -steps:] if masked else None
        given = [
            tf.constant(case.x, tf.float32),
            tf.ones((rows, steps), tf.bool) if mask is None else tf.constant(mask),
            [tf.constant(s, tf.float32) for s in case.states],
        ]
        (outputs, *last), _ = case.expected(mask, True)
        found = traced(*given)
        case.d_outputs, case.d_last = 2 * outputs, [np.zeros((rows, U))] * len(last)
        case.d_last[-1] = np.ones((rows, U))
        dx, *first = case.expected(mask, True)[1][: 1 + len(last)]
        check(([found[0], *found[1]], []), ([outputs, *last], []))
        for d in (with_gradient(*given), outside(*given)):
            check(([], [d[0], *d[1]]), ([], [dx, *first]))


@pytest.mark.parametrize("cell_type", CELLS)
def test_recurrent_dropout_scales_the_rows_of_the_recurrent_kernel(cell_type):
    """For one row, dropping the state on its way into the product is another recurrent kernel."""
    case, mask = Case(cell_type), any_mask()
    drop = np.random.default_rng(2).integers(0, 2, size=(B, U)) / 0.5
    values, slopes = case.found(case.params() | {"drop": tf.constant(drop, tf.float32)}, mask)
    d_recurrent = np.zeros((U, CELLS[cell_type].gates * U))
    for row in range(B):
        one = Case(cell_type)
        for name in ("x", "d_outputs"):
            setattr(one, name, getattr(case, name)[row : row + 1])
        one.states, one.d_last = ([s[row : row + 1] for s in a] for a in (case.states, case.d_last))
        one.weights = [case.weights[0], drop[row][:, None] * case.weights[1], case.weights[2]]
        expected, wanted = one.expected(mask[row : row + 1], False)
        row_slopes = [d[row : row + 1] for d in slopes[: 1 + len(one.states)]]
        d_recurrent += drop[row][:, None] * wanted[-2]
        check(
            ([v[row : row + 1] for v in values], row_slopes), (expected, wanted[: len(row_slopes)])
        )
    check(([], [slopes[-2]]), ([], [d_recurrent]))


def test_relu_and_no_bias_equal_the_portable_loop():
    case, mask = Case("simple_rnn"), any_mask()
    params = case.params()
    del params["bias"]
    cell = cells.Cell(partial(cells.simple_rnn, activation=keras.activations.relu))

    def twin(x, states, params, mask, **options):
        return portable.recurrence(cell, portable.PassInputs(x, mask), states, params, **options)

    check(
        case.found(params, mask, activation="relu"),
        case.found(params, mask, activation="relu", run=twin),
    )


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("rows", "steps"), [(3, 6), (0, 4), (2, 0)])
def test_nothing_to_compute_gives_the_first_states(kernel, rows, steps):
    case = Case("lstm", rows, steps)
    case.kernel = kernel
    mask = np.zeros((rows, steps), bool)
    check(case.found(case.params(), mask), case.expected(mask, False))


def test_steps_aside_where_xla_compiles():
    layer = rnnkit.layers.LSTM(U)
    x, mask = tf.constant(Case("lstm").x, tf.float32), tf.constant(any_mask())
    seen = []

    def call(x, mask):
        request = KernelRequest("lstm", static_shapes=static_shapes())
        seen.append((request.static_shapes, FUSED.unsupported_reason(request)))
        return layer(x, mask=mask)

    expected = call(x, mask)
    np.testing.assert_allclose(tf.function(call, jit_compile=True)(x, mask), expected, atol=1e-5)
    assert seen[0] == (False, None)
    assert all(by_xla and "XLA" in word for by_xla, word in seen[1:])
    assert len(seen) > 1


def test_a_saved_model_computes_the_same_and_has_a_gradient(tmp_path):
    inputs = keras.Input((None, D))
    model = keras.Model(inputs, rnnkit.layers.LSTM(U)(keras.layers.Masking()(inputs)))
    x = tf.constant(Case("lstm").x * any_mask()[..., None], tf.float32)
    model.export(tmp_path, verbose=False)
    loaded, slopes = tf.saved_model.load(tmp_path), []
    for function in (model, loaded.serve):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        slopes.append((y, tape.gradient(y, x)))
    check(([slopes[1][0]], [slopes[1][1]]), ([slopes[0][0]], [slopes[0][1]]))


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (KernelRequest("jordan_rnn"), "jordan_rnn"),
        (KernelRequest("lstm", device="gpu"), "gpu"),
        (KernelRequest("lstm", dtype="float16"), "float16"),
        (KernelRequest("lstm", activation="relu"), "relu"),
        (KernelRequest("gru_reset_after", recurrent_activation="hard_sigmoid"), "hard_sigmoid"),
        (KernelRequest("lstm", unroll=True), "unrolled"),
    ],
)
def test_says_what_stands_in_the_way(asked, word):
    assert word in KERNEL.unsupported_reason(asked)
    assert FUSED.unsupported_reason(asked) is not None
    assert KERNEL.unsupported_reason(KernelRequest("simple_rnn", activation="relu")) is None
    assert KERNEL.unsupported_reason(KernelRequest("lstm", zoneout=True, resets=True)) is None
    for other in (
        KernelRequest("simple_rnn"),
        KernelRequest("lstm", recurrent_dropout=True),
        KernelRequest("lstm", zoneout=True),
        KernelRequest("lstm", resets=True),
    ):
        assert FUSED.unsupported_reason(other) is not None
        assert KERNEL.unsupported_reason(other) is None
