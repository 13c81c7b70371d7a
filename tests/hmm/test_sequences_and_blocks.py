"""Three forms of input, and blocks of bounded size."""

import numpy as np
import pytest

from rnnkit.errors import InputError
from rnnkit.hmm.estimators import blocks as blocks_module
from rnnkit.hmm.estimators.blocks import make_blocks
from rnnkit.hmm.estimators.sequences import read_sequences

LENGTHS = [3, 1, 5]


@pytest.fixture
def steps():
    return np.random.default_rng(0).normal(size=(9, 2))


def padded(steps, lengths, width=7, seed=1):
    """The sequences spread over rows with holes anywhere; masked places hold 99."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((len(lengths), width), bool)
    for row, length in enumerate(lengths):
        mask[row, rng.choice(width, length, replace=False)] = True
    x = np.full((*mask.shape, *steps.shape[1:]), 99, steps.dtype)
    x[mask] = steps
    return x, mask


def test_the_three_forms_hold_the_same_steps(steps):
    x, mask = padded(steps, LENGTHS)
    forms = [
        read_sequences(np.split(steps, [3, 4])),
        read_sequences(steps, lengths=LENGTHS),
        read_sequences(x, mask=mask),
    ]
    for form in forms:
        np.testing.assert_array_equal(form.x, steps)
        np.testing.assert_array_equal(form.lengths, LENGTHS)
    values = np.arange(9.0)
    assert [part.tolist() for part in forms[0].restore(values)] == [[0, 1, 2], [3], [4, 5, 6, 7, 8]]
    assert forms[1].restore(values) is values
    restored = forms[2].restore(values, -1)
    np.testing.assert_array_equal(restored[mask], values)
    assert (restored[~mask] == -1).all()


def test_one_number_per_step_is_one_feature():
    assert read_sequences([[0, 1], [1]]).x.shape == (3, 1)
    assert read_sequences(np.zeros(4)).x.shape == (4, 1)
    assert read_sequences([1.0, 2.0]).lengths.tolist() == [2]
    assert read_sequences(np.zeros((2, 3), int), mask=np.ones((2, 3))).x.shape == (6, 1)
    assert read_sequences([[[0.5], [1.0]], [[2.0]]]).lengths.tolist() == [2, 1]
    assert read_sequences(np.zeros((2, 3, 4))).lengths.tolist() == [3, 3]


def test_known_states_take_the_form_of_x(steps):
    x, mask = padded(steps, LENGTHS)
    known = np.array([0, -1, 1, -1, -1, 2, 0, 1, -1])
    spread = np.where(mask, 0, -7)
    spread[mask] = known
    for form in (
        read_sequences(np.split(steps, [3, 4]), states=np.split(known, [3, 4])),
        read_sequences(steps, lengths=LENGTHS, states=known),
        read_sequences(x, mask=mask, states=spread, n_states=3),
    ):
        np.testing.assert_array_equal(form.states, known)


def test_a_sequence_without_information_is_dropped(steps):
    steps[3] = np.nan
    steps[5, 1] = np.nan  # half a step is not observed either
    partial = read_sequences(steps, lengths=LENGTHS)
    assert partial.observed.tolist() == [True, True, True, False, True, False, True, True, True]
    assert partial.drop_uninformative().lengths.tolist() == [3, 5]
    known = np.full(9, -1)
    known[3] = 0
    assert (
        read_sequences(steps, lengths=LENGTHS, states=known).drop_uninformative().lengths.tolist()
        == LENGTHS
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": []}, "X is empty"),
        ({"x": np.zeros((0, 2))}, "X is empty"),
        ({"x": [np.zeros((2, 1)), np.zeros((0, 1))]}, "Sequence 1 of 2 has length 0"),
        (
            {"x": [np.zeros((2, 1)), np.zeros((2, 3))]},
            "Sequence 1 has 3 features, sequence 0 has 1",
        ),
        ({"x": [[0.0, 1.0], [1.0, 2.0]]}, "2 sequences, or one sequence of 2 steps"),
        ({"x": ["a", "b"]}, "not an array of numbers"),
        ({"x": np.zeros((2, 2, 2, 2))}, r"shape \(2, 2, 2, 2\)"),
        ({"x": np.zeros((4, 1)), "lengths": [3]}, "lengths sum to 3, and X has 4 steps"),
        ({"x": np.zeros((4, 1)), "lengths": [4, 0]}, "Sequence 1 has length 0"),
        ({"x": np.zeros((4, 1)), "lengths": [2.0, 2.0]}, "integers"),
        ({"x": np.zeros((2, 2, 1)), "lengths": [2, 2]}, "mask="),
        ({"x": np.zeros((2, 2, 1)), "mask": np.ones((2, 3))}, r"needs \(2, 2\)"),
        ({"x": np.zeros((2, 2, 1)), "mask": [[1, 2], [0, 1]]}, "mask must hold true"),
        ({"x": np.zeros((2, 2, 1)), "mask": [[1], [0, 1]]}, r"mask has no one shape, X needs"),
        ({"x": np.zeros((4, 1)), "lengths": [[1], [1, 2]]}, "expected a list of integers"),
        ({"x": np.zeros((4, 1)), "lengths": 4}, "expected a list of integers"),
        ({"x": [np.zeros(2)], "states": 3}, "states is 3; expected one array"),
        ({"x": np.zeros((2, 2, 1)), "states": [[1], [0, 1]]}, "rows of different lengths"),
        ({"x": np.zeros((2, 2, 1)), "mask": [[1, 1], [0, 0]]}, "Row 1 of X has length 0"),
        ({"x": [np.zeros(3), [0.0, np.inf]]}, "infinite at step 1 of sequence 1"),
        ({"x": np.zeros((4, 0))}, "no features"),
        ({"x": np.zeros(4), "states": [0, 1]}, r"not \(4,\)"),
        ({"x": np.zeros(2), "states": [0.5, 1.0]}, "integers"),
        (
            {"x": np.zeros(4), "lengths": [1, 3], "states": [0, -1, 5, 0]},
            "5 at step 1 of sequence 1",
        ),
        ({"x": [np.zeros(2)], "states": [[0], [1]]}, "states has 2 sequences"),
        ({"x": [np.zeros(2)], "states": [[0]]}, r"states\[0\]"),
        ({"x": np.zeros((1, 2, 1)), "states": [0, 0]}, r"not \(1, 2\)"),
    ],
)
def test_bad_input_is_named(given, said):
    with pytest.raises(InputError, match=said):
        read_sequences(**given, n_states=3)


@pytest.mark.parametrize(
    ("size", "saved"), [(1 << 20, 1 << 20), (40, 1 << 20), (1 << 20, 20), (1, 1)]
)
def test_blocks_hold_every_step_once_and_give_it_back(monkeypatch, size, saved):
    monkeypatch.setattr(blocks_module, "MAX_BLOCK_ELEMENTS", size)
    monkeypatch.setattr(blocks_module, "MIN_PADDING_SAVED", saved)
    rng = np.random.default_rng(2)
    lengths = rng.integers(1, 30, 23)
    x = rng.normal(size=(lengths.sum(), 2))
    observed = rng.random(len(x)) < 0.8
    known = rng.integers(-1, 3, len(x))
    sequences = read_sequences(x, lengths=lengths, states=known)
    parts = make_blocks(sequences, x, observed, width=1)
    blocks = parts.blocks
    assert sum(int(part.mask.sum()) for part in blocks) == len(x)
    assert sum(map(len, parts.rows)) == 23
    shaped = [part.x.reshape(*part.mask.shape, 2) for part in blocks]
    np.testing.assert_array_equal(parts.restore_steps(shaped), x)
    np.testing.assert_array_equal(parts.restore_steps([part.observed for part in blocks]), observed)
    np.testing.assert_array_equal(parts.restore_steps([part.states for part in blocks]), known)
    np.testing.assert_array_equal(
        parts.restore_sequences([part.mask.sum(1) for part in blocks]), lengths
    )
    if size == 40:
        assert max(part.mask.size for part in blocks) <= 64  # one sequence at least, rounded up
    if saved == 20:
        assert 1 < len(blocks) < 12


def test_steps_in_order_are_not_moved():
    x = np.zeros((200 * 200, 3), "float32")
    parts = make_blocks(read_sequences(x.reshape(200, 200, 3)), x, np.ones(len(x), bool))
    assert parts.cells is None
    assert [part.mask.shape for part in parts.blocks] == [(200, 200)]


def test_many_equal_sequences_become_blocks_of_one_shape():
    x = np.zeros((5000 * 200, 1), "float32")
    parts = make_blocks(read_sequences(x.reshape(5000, 200, 1)), x, np.ones(len(x), bool), width=8)
    assert len({part.mask.shape for part in parts.blocks}) == 1
    assert max(part.mask.size * 8 for part in parts.blocks) < 1.1 * blocks_module.MAX_BLOCK_ELEMENTS
