import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.batching import (
    POOL,
    PROGRAM_CELLS,
    BucketedBatches,
    bucket_length,
    choose_widths,
    width_of,
)
from rnnkit.errors import InputError

# The lengths of batches, by hand: multiples of 8, each about a quarter more than the one before.
BUCKETS = [8, 16, 24, 32, 40, 48, 64, 80, 96, 120, 152, 192, 240, 304, 384, 480]


def rows_of(lengths):
    """Rows that tell themselves apart: row i holds i + 1 over and over."""
    return [np.full(length, i + 1, np.int32) for i, length in enumerate(lengths)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 70), max_size=60),
    st.integers(1, 9),
    st.one_of(st.none(), st.integers(1, 50)),
    st.booleans(),
    st.integers(0, 3),
)
def test_an_epoch_gives_every_row_once(lengths, batch_size, max_length, shuffle, seed):
    labels = np.arange(len(lengths)) * 10
    batches = BucketedBatches(
        rows_of(lengths),
        labels,
        labels / 2,
        batch_size=batch_size,
        max_length=max_length,
        shuffle=shuffle,
        seed=seed,
    )
    assert len(batches) == -(-len(lengths) // batch_size)
    for _ in range(2):
        given_rows = []
        cells = 0
        for i in range(len(batches)):
            ids, y, weights = batches[i]
            assert ids.dtype == np.int32
            assert 1 <= ids.shape[1] <= (max_length or 10**9)
            assert len(ids) <= batch_size
            cells += ids.size
            np.testing.assert_array_equal(weights, y / 2)
            for row, label in zip(ids, y, strict=True):
                index = label // 10
                length = min(lengths[index], max_length or 10**9)
                expected = [index + 1] * length + [0] * (ids.shape[1] - length)
                assert row.tolist() == expected
                given_rows.append(index)
        assert sorted(given_rows) == list(range(len(lengths)))
        assert batches.order.tolist() == given_rows
        tokens = sum(min(length, max_length or 10**9) for length in lengths)
        assert batches.tokens == tokens
        assert batches.padding_share == pytest.approx(1 - tokens / cells if cells else 0)
        batches.start_epoch(batches.epoch + 1)


def test_order_restores_predictions():
    sequences = rows_of([5, 1, 9, 0, 30])
    batches = BucketedBatches(sequences, batch_size=2)
    predictions = np.concatenate([batches[i][0].sum(axis=1) for i in range(len(batches))])
    restored = np.empty_like(predictions)
    restored[batches.order] = predictions
    assert restored.tolist() == [row.sum() for row in sequences]
    assert batches[0][1:] == (None, None)


def test_the_seed_and_the_epoch_decide_the_order():
    def orders(seed, epochs=3):
        batches = BucketedBatches(rows_of([3] * 50), batch_size=4, shuffle=True, seed=seed)
        found = []
        for epoch in range(epochs):
            batches.start_epoch(epoch)
            found.append(batches.order.tolist())
        return found

    assert orders(0) == orders(0)
    assert orders(0) != orders(1)
    first, second, third = orders(0)
    assert first != second != third != first
    still = BucketedBatches(rows_of([3, 1, 2]), batch_size=2)
    before = still.order.tolist()
    still.start_epoch(1)
    assert before == still.order.tolist() == [1, 2, 0]


def test_known_order():
    # The same on every machine and backend: NumPy's generator alone decides.
    lengths = [4, 1, 3, 2, 9, 8, 3, 3, 7, 6, 5]
    batches = BucketedBatches(rows_of(lengths), batch_size=2, shuffle=True, seed=7)
    generator = np.random.default_rng((7, 0))
    by_length = sorted(generator.permutation(11).tolist(), key=lengths.__getitem__)
    turns = generator.permutation(6).tolist()
    assert turns != sorted(turns)
    batches_by_length = [by_length[:1], *(by_length[i : i + 2] for i in range(1, 11, 2))]
    expected = [row for i in turns for row in batches_by_length[i]]
    assert batches.order.tolist() == expected


def test_batches_hold_rows_of_like_length_in_random_company():
    lengths = np.random.default_rng(0).lognormal(5, 0.7, 30_000).astype(int)
    batches = BucketedBatches(rows_of(lengths), batch_size=32, max_length=400, shuffle=True)
    assert batches.padding_share < 0.15
    shapes = {batches[i][0].shape[1] for i in range(len(batches))}
    assert shapes <= {*BUCKETS[:-1], 400}
    longest = [int(lengths[rows].max()) for rows in np.array_split(batches.order, len(batches))]
    assert longest != sorted(longest)
    assert len(lengths) > POOL * 32  # more than one pool was at work


def test_a_bucket_is_the_smallest_that_is_long_enough():
    lengths = range(BUCKETS[-1] + 1)
    wanted = [min(bucket for bucket in BUCKETS if bucket >= length) for length in lengths]
    assert [bucket_length(length) for length in lengths] == wanted


@given(st.lists(st.integers(0, 3000), max_size=400), st.integers(1, 40))
def test_widths_are_buckets_and_each_saves_what_a_program_costs(lengths, times):
    lengths = np.repeat(np.array(lengths, int), times)
    widths = choose_widths(lengths)
    assert list(widths) == sorted(set(widths))
    found = np.array([width_of(n, widths) for n in lengths], int)
    assert (found >= lengths).all()
    assert set(found) == set(widths) <= {bucket_length(n) for n in lengths}
    for narrow, wide in itertools.pairwise(widths):
        assert (found == narrow).sum() * (wide - narrow) >= PROGRAM_CELLS


@given(st.lists(st.integers(1, 90), min_size=1, max_size=40), st.integers(1, 2000))
def test_no_other_widths_cost_less(lengths, times):
    """Compared with every set of buckets."""

    def cost(widths):
        steps = sum(width_of(n, widths) for n in lengths) * times
        return steps + PROGRAM_CELLS * len(widths)

    *fewer, longest = sorted({bucket_length(n) for n in lengths})
    sets = itertools.chain.from_iterable(
        itertools.combinations(fewer, count) for count in range(len(fewer) + 1)
    )
    lowest = min(cost((*some, longest)) for some in sets)
    assert cost(choose_widths(np.repeat(np.array(lengths), times))) == lowest


def test_a_small_set_has_one_width_and_a_large_one_those_of_its_buckets():
    lengths = np.array([10, 50, 120, 380])
    assert choose_widths(lengths, 400) == (384,)
    assert choose_widths(np.repeat(lengths, 10**5), 400) == (16, 64, 120, 384)
    assert choose_widths(np.zeros(0, int)) == ()
    assert choose_widths(np.array([9, 700]), 400) == (400,)


def test_bucket_lengths_are_few_and_long_enough():
    for length in range(3000):
        assert length <= bucket_length(length) <= max(8, length * 1.26 + 8)
    assert len({bucket_length(length) for length in range(3000)}) <= 25
    assert [bucket_length(n, 5) for n in (0, 3, 5)] == [5, 5, 5]


@pytest.mark.parametrize(
    ("truncate", "max_length", "kept"),
    [
        ("head", 4, [1, 2, 3, 4]),
        ("tail", 4, [4, 5, 6, 7]),
        ("both", 4, [1, 2, 6, 7]),
        ("both", 5, [1, 2, 3, 6, 7]),
        ("both", 1, [1]),
        ("tail", 1, [7]),
        ("both", 7, [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_truncate_names_the_end_that_is_kept(truncate, max_length, kept):
    sequence = np.arange(1, 8, dtype=np.int32)
    batches = BucketedBatches([sequence], batch_size=1, max_length=max_length, truncate=truncate)
    assert batches[0][0].tolist() == [kept]
    assert sequence.tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_series_come_with_their_mask():
    """A zero is a measurement like any other: only the mask says what is padding."""
    series = [np.zeros((3, 2)), np.arange(20.0).reshape(10, 2)]
    batches = BucketedBatches(series, [0, 1], batch_size=2, max_length=9)
    (values, mask), labels, _ = batches[0]
    assert values.shape == (2, 9, 2)
    assert values.dtype == np.float32
    assert mask.sum(1).tolist() == [3, 9]
    np.testing.assert_array_equal(values[1], series[1][:9])
    assert not values[0].any()
    assert (labels.tolist(), batches.tokens) == ([0, 1], 12)
    with pytest.raises(InputError, match=r"shapes \(2,\), \(3,\)"):
        BucketedBatches([np.zeros((3, 2)), np.zeros((3, 3))], batch_size=2)


def test_labels_of_steps_are_padded_and_cut_with_their_sequences():
    sequences = [np.arange(1, 13).reshape(6, 2), np.array([[7, 8]]), np.arange(1, 7).reshape(3, 2)]
    labels = [np.arange(6), np.array([9]), np.array([3, 2, 1])]
    batches = BucketedBatches(
        sequences, labels, [1.0, 2.0, 0.5], batch_size=3, max_length=4, truncate="tail"
    )
    ids, y, weights = batches[0]
    assert ids.shape == (3, 4, 2)
    assert ids[2].tolist() == [[5, 6], [7, 8], [9, 10], [11, 12]]
    assert ids[0].tolist() == [[7, 8], [0, 0], [0, 0], [0, 0]]
    assert y.tolist() == [[9, 0, 0, 0], [3, 2, 1, 0], [2, 3, 4, 5]]
    assert weights.tolist() == [[2, 0, 0, 0], [0.5, 0.5, 0.5, 0], [1, 1, 1, 1]]
    ids, y, weights = BucketedBatches(sequences, labels, batch_size=3)[0]
    assert weights.sum(axis=1).tolist() == [1, 3, 6]


def test_empty_rows_become_padding():
    ids, _, _ = BucketedBatches([[], np.zeros(0)], batch_size=2)[0]
    assert ids.shape[0] == 2
    assert ids.shape[1] >= 1
    assert not ids.any()
    assert len(BucketedBatches([], batch_size=2)) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 1, "max_length": 0}, "max_length is 0"),
        ({"batch_size": 1, "truncate": "middle"}, "truncate is 'middle'"),
        ({"batch_size": 1, "labels": [1, 2, 3]}, r"labels has shape \(3,\), but there are 2"),
        ({"batch_size": 1, "labels": 5}, "labels has shape"),
        ({"batch_size": 1, "sample_weight": [1.0]}, "sample_weight has shape"),
        ({"batch_size": 1, "sequences": [[1], ["a"]]}, r"sequences\[1\]"),
        ({"batch_size": 1, "sequences": [[1.5]]}, r"sequences\[0\] is float64"),
        ({"batch_size": 1, "sequences": [[[[1]]]]}, r"shape \(1, 1, 1\)"),
        ({"batch_size": 1, "labels": [[1], [1, 2]]}, r"labels\[1\] .*expected 1 integers"),
        ({"batch_size": 1, "labels": [[1.5], [1]]}, r"labels\[0\] is float64"),
        ({"batch_size": 1, "labels": [[1]]}, "labels for 1 of 2"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        BucketedBatches(**({"sequences": [[1], [2]]} | arguments))
