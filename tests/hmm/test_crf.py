"""The CRF against full enumeration of the labels, with every kind of mask in one batch."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from rnnkit.backend import native
from rnnkit.backend.gradient import gradient
from rnnkit.errors import InputError
from rnnkit.hmm.layers.crf import CRF, CRFDecoder, bio_constraints

K, T = 3, 5
MASK = np.array(
    [
        [1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0],
        [0, 0, 1, 1, 1],
        [1, 0, 0, 1, 1],
        [0, 1, 0, 1, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0],
    ],
    bool,
)
B = len(MASK)
START, MOVES = np.array([True, False, True]), ~np.eye(K, k=1, dtype=bool)


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


POTENTIALS = np.where(MASK[..., None], draw(0, B, T, K), np.nan)
LABELS = np.where(MASK, np.random.default_rng(1).integers(0, K, (B, T)), 77)


def numpy(tensor):
    return ops.convert_to_numpy(ops.stop_gradient(tensor))


def make(**options):
    crf = CRF(K, initializer=keras.initializers.RandomNormal(seed=3), **options)
    crf.build((None, None, K))
    crf.set_weights([draw(i + 5, *weight.shape) for i, weight in enumerate(crf.weights)])
    return crf


def run(crf, potentials, labels, mask=None):
    """Marginals, decoded labels and losses, compiled together."""

    def everything(u, y, *m):
        return crf(u, mask=m[0]), crf.decode(u, *m), crf.nll(u, y, *m)

    mask = np.ones(labels.shape, bool) if mask is None else mask
    given = map(ops.convert_to_tensor, (potentials, labels, mask))
    return [numpy(part) for part in native.compiled(everything)(*given)]


def score(crf, potentials, path):
    """The score of one path of labels over the real steps `(n, K)`, from the definition."""
    values = {weight.name: numpy(weight).astype("float64") for weight in crf.weights}
    total = sum(potentials[t, k] for t, k in enumerate(path))
    if len(path):
        total += values["start"][path[0]] + values.get("end", np.zeros(K))[path[-1]]
    moves = list(itertools.pairwise(path))
    total += sum(values["transitions"][i, j] for i, j in moves)
    start, allowed = crf.allowed_start, crf.allowed_transitions
    if start is not None and len(path) and not start[path[0]]:
        return -np.inf
    return total if allowed is None or all(allowed[m] for m in moves) else -np.inf


def enumerate_row(crf, potentials):
    """All paths over the real steps and the probability of each."""
    paths = list(itertools.product(range(K), repeat=len(potentials)))
    scores = np.array([score(crf, potentials.astype("float64"), path) for path in paths])
    weights = np.exp(scores - scores.max())
    log_sum = np.log(weights.sum()) + scores.max()
    return paths, scores, log_sum, weights / weights.sum()


@pytest.mark.every_backend
@pytest.mark.parametrize(
    "options",
    [{}, {"use_end": False}, {"allowed_start": START, "allowed_transitions": MOVES}],
    ids=["free", "no end", "constrained"],
)
def test_enumeration(options):
    crf = make(**options)
    labels = LABELS
    if options.get("allowed_start") is not None:  # 0 may follow anything here, and begin
        labels = np.where(MASK, 0, 77)
    marginals, path, losses = run(crf, POTENTIALS, labels, MASK)
    for row in range(B):
        real = MASK[row]
        paths, scores, log_sum, shares = enumerate_row(crf, POTENTIALS[row, real])
        wanted = log_sum - score(crf, POTENTIALS[row, real], labels[row, real])
        np.testing.assert_allclose(losses[row], wanted, rtol=1e-4, atol=1e-5)
        each = np.array([np.eye(K)[list(p)] for p in paths])  # (paths, n, K)
        if real.any():
            share = np.tensordot(shares, each, 1)
            np.testing.assert_allclose(marginals[row, real], share, atol=1e-5)
            assert (marginals[row, real][share == 0] == 0).all()
            assert tuple(path[row, real]) == paths[np.argmax(scores)]
    assert losses[-1] == 0  # the row without a real step
    assert np.isfinite(marginals).all()


@pytest.mark.every_backend
def test_gradients_are_expected_counts_less_counts():
    crf = make()
    potentials = np.nan_to_num(POTENTIALS)

    def loss(u, *weights):
        mapping = list(zip(crf.trainable_variables, weights, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return ops.sum(crf.nll(u, LABELS, MASK))

    given = map(ops.convert_to_tensor, (potentials, *crf.get_weights()))
    found, *by_weight = map(numpy, gradient(loss)(*given))
    wanted = np.zeros((B, T, K))
    start, moves, end = np.zeros(K), np.zeros((K, K)), np.zeros(K)
    for row in range(B):
        real = np.flatnonzero(MASK[row])
        paths, _, _, shares = enumerate_row(crf, potentials[row, real])
        counted = [(tuple(LABELS[row, real]), -1.0), *zip(paths, shares, strict=True)]
        for path, share in counted if len(real) else ():
            start[path[0]] += share
            end[path[-1]] += share
            wanted[row, real, path] += share
            for i, j in itertools.pairwise(path):
                moves[i, j] += share
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    for name, value in zip(crf.trainable_variables, by_weight, strict=True):
        expected = {"start": start, "transitions": moves, "end": end}[name.name]
        np.testing.assert_allclose(value, expected, atol=1e-4)


@pytest.mark.every_backend
def test_an_unknown_label_counts_all_that_agree():
    crf = make()
    labels = np.where(np.arange(T) % 2, -1, LABELS)
    _, _, losses = run(crf, POTENTIALS, labels, MASK)
    for row in range(B):
        real = MASK[row]
        paths, _, _, shares = enumerate_row(crf, POTENTIALS[row, real])
        known = labels[row, real]
        agree = [all(k in (-1, p) for k, p in zip(known, path, strict=True)) for path in paths]
        wanted = -np.log(shares[agree].sum())
        np.testing.assert_allclose(losses[row], wanted, rtol=1e-4, atol=1e-5)


def test_what_is_forbidden_has_no_probability():
    crf = make(allowed_start=START, allowed_transitions=MOVES)
    tempting = np.zeros((2, T, K), "float32")
    tempting[0, :, 1] = 50.0  # 1 may neither begin nor follow 0
    tempting[1, ::2, 1], tempting[1, 1::2, 2] = 50.0, 50.0  # and 2 may not follow 1
    forbidden = np.array([[0, 1, 1, 1, 1], [1, 1, 1, 1, 1]])
    marginals, paths, losses = run(crf, tempting, forbidden)
    for path, share in zip(paths, marginals, strict=True):
        assert START[path[0]]
        assert all(MOVES[i, j] for i, j in itertools.pairwise(path))
        assert share[0, 1] == 0
    assert np.isposinf(losses).all()


def tagger(width=2):
    """One model to train, with the labels as second input; one that decodes."""
    x, y = keras.Input((None, width)), keras.Input((None,), dtype="int32")
    masked = keras.layers.Masking()(x)
    potentials = keras.layers.Dense(K)(masked)
    crf = CRF(K)
    trained = keras.Model([x, y], crf(potentials, labels=y))
    return trained, keras.Model(x, CRFDecoder(crf)(potentials))


def test_training_decoding_saving(tmp_path):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = np.cumsum(rng.integers(1, 3, (64, 8)), axis=1) % K  # a label never repeats itself
    x = np.stack([labels == 0, labels < 2], -1) + 0.8 * rng.normal(size=(64, 8, 2))
    x[::2, 5:] = 0  # padding
    trained, decoder = tagger()
    trained.compile(
        keras.optimizers.Adam(0.05),
        metrics=["sparse_categorical_accuracy"],
        jit_compile=keras.config.backend() != "torch",
    )
    history = trained.fit([x, labels], labels, epochs=12, batch_size=16, verbose=0).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    crf = next(layer for layer in trained.layers if isinstance(layer, CRF))
    moves = numpy(crf.transitions)
    assert (np.diag(moves) < moves[~np.eye(K, dtype=bool)].min()).all()
    found = decoder.predict(x, verbose=0)
    assert found.dtype == np.int32
    real = np.any(x != 0, axis=-1)
    accuracy = (found == labels)[real].mean()
    assert accuracy > max(0.6, history["sparse_categorical_accuracy"][0])
    for number, model in enumerate((trained, decoder)):
        path = tmp_path / f"{number}.keras"
        model.save(path)
        again = keras.saving.load_model(path)
        inputs = [x[:9], labels[:9]] if number == 0 else x[:9]
        np.testing.assert_allclose(
            again.predict(inputs, verbose=0), model.predict(inputs, verbose=0), atol=1e-6
        )


@pytest.mark.every_backend
def test_the_loss_is_a_mean_over_real_steps():
    crf = make()

    def loss(u, y, mask):
        crf(u, labels=y, mask=mask)
        return crf.losses[0]

    given = map(ops.convert_to_tensor, (POTENTIALS, LABELS, MASK))
    wanted = run(crf, POTENTIALS, LABELS, MASK)[2].sum() / MASK.sum()
    np.testing.assert_allclose(numpy(native.compiled(loss)(*given)), wanted, rtol=1e-5)


def test_half_precision_outside_full_precision_inside():
    x = np.nan_to_num(draw(4, 2, 60, K)).astype("float16")
    full, half = make(), make(dtype="mixed_float16")
    labels = np.zeros((2, 60), int)
    marginals, _, losses = run(half, x, labels)
    assert marginals.dtype == np.float16
    wanted, _, total = run(full, x.astype("float32"), labels)
    np.testing.assert_allclose(losses, total, rtol=1e-6)
    np.testing.assert_allclose(marginals, wanted, atol=1e-3)


def test_config_keeps_the_constraints():
    crf = make(allowed_start=START, allowed_transitions=MOVES, use_end=False, regularizer="l2")
    again = CRF.from_config(crf.get_config())
    assert again.get_config() == crf.get_config()
    assert (again.allowed_transitions == MOVES).all()


def test_bio_constraints():
    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    start, moves = bio_constraints(names)
    for i, before in enumerate(names):
        assert start[i] == (not before.startswith("I"))
        for j, after in enumerate(names):
            follows = before in (f"B-{after[2:]}", f"I-{after[2:]}")
            assert moves[i, j] == (not after.startswith("I") or follows), (before, after)
    with pytest.raises(InputError, match="S-PER"):
        bio_constraints(["O", "S-PER"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"allowed_start": [True]}, "allowed_start"),
        ({"allowed_transitions": np.zeros((K, K), bool)}, "allowed_transitions"),
    ],
)
def test_constraints_that_leave_nothing_are_refused(options, says):
    with pytest.raises(InputError, match=says):
        CRF(K, **options)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="potentials"):
        CRF(K)(np.zeros((2, 4, K + 1)))
    with pytest.raises(InputError, match="mask"):
        CRF(K)(np.zeros((2, 4, K)), mask=np.ones((2, 3), bool))
    with pytest.raises(InputError, match="labels"):
        CRF(K).nll(np.zeros((2, 4, K)), np.zeros((2, 4, K)))
    with pytest.raises(InputError, match=r"labels have the shape \(2, 1\); expected \(2, 4\)"):
        CRF(3).nll(np.zeros((2, 4, 3)), np.zeros((2, 1), int))
    with pytest.raises(InputError, match="units"):
        CRF(0)
