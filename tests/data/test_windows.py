"""Sequences split into consecutive windows, and answers put together again."""

import numpy as np
import pytest

from rnnkit.data.windows import Windows, fold
from rnnkit.errors import InputError

LENGTHS = [7, 3, 0, 5, 1, 9]


def draw(lengths=LENGTHS, width=2):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, width)) for length in lengths]


@pytest.mark.parametrize("window", [1, 4, 50])
@pytest.mark.parametrize("rows", [1, 3, 8])
def test_every_row_reads_its_sequences_one_after_the_other(window, rows):
    sequences = draw()
    targets = [np.arange(len(s)) for s in sequences]
    weights = [np.full(len(s), i + 1.0) for i, s in enumerate(sequences)]
    windows = Windows(sequences, targets, weights, window=window, rows=rows)
    found = [windows[i] for i in range(len(windows))]
    x, y, w, mask, resets = (np.concatenate(parts, 1) for parts in zip(*found, strict=True))
    assert x.shape == (rows, len(windows) * window, 2)
    assert windows.steps == mask.sum() == sum(LENGTHS)
    assert resets[:, 0].all()
    assert not x[~mask].any()
    assert not w[~mask].any()
    read = []
    for row in range(rows):
        assert (np.diff(mask[row].astype(int)) <= 0).all()  # nothing but the tail is masked
        real = mask[row].sum()
        starts = np.flatnonzero(resets[row, :real])  # none in a row without a sequence
        for start, end in zip(starts, [*starts[1:], real], strict=False):
            read.append(x[row, start:end])
            np.testing.assert_array_equal(y[row, start:end], np.arange(end - start))
            number = int(w[row, start]) - 1
            np.testing.assert_array_equal(read[-1], sequences[number])
    assert len(read) == sum(length > 0 for length in LENGTHS)
    again = windows.restore(np.concatenate([window.x for window in found]))
    for one, other in zip(again, sequences, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_rows_end_at_about_the_same_time():
    windows = Windows(draw([10] * 7 + [5] * 6), window=5, rows=4)
    assert len(windows) == 5  # 100 steps in 4 rows of 25


def test_an_empty_sequence_at_the_end_of_full_rows():
    windows = Windows([np.arange(4), np.zeros(0, int)], window=2, rows=1)
    assert [window.resets.tolist() for window in windows] == [[[True, False]], [[False, False]]]
    assert [len(one) for one in windows.restore(np.zeros((2, 2)))] == [4, 0]


def test_a_window_is_a_copy():
    windows = Windows([np.arange(4.0)], window=2, rows=1)
    windows[0].weights[:] = 7
    windows[0].x[:] = 7
    assert windows[0].weights.tolist() == [[1, 1]]
    assert windows[0].x.tolist() == [[0, 1]]


def test_a_long_stream_is_folded():
    pieces = fold(np.arange(10), 3)
    windows = Windows(pieces, window=2, rows=3)
    rows = np.concatenate([window.x for window in windows], 1)
    np.testing.assert_array_equal(rows, [[0, 1, 2, 3], [4, 5, 6, 0], [7, 8, 9, 0]])


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((draw(),), {"window": 0, "rows": 2}, "window is 0"),
        ((draw(),), {"window": 2, "rows": 1.5}, "rows is 1.5"),
        (([],), {}, "sequences is empty"),
        (([[], []],), {}, "no steps"),
        (("text",), {}, "expected a list of arrays"),
        (([np.zeros((2, 3)), np.zeros((2, 4))],), {}, r"sequences\[1\] is float64 of shape"),
        ((["a", "b"],), {}, r"sequences\[0\]"),
        ((draw(), draw()[:-1]), {}, "5 targets for 6 sequences"),
        ((draw(), draw()[::-1]), {}, r"targets\[0\] has 9 steps, its sequence 7"),
        ((draw(), None, [[1.0]]), {}, r"sample_weight\[0\] has 1 steps"),
    ],
)
def test_bad_input(arguments, settings, message):
    with pytest.raises(InputError, match=message):
        Windows(*arguments, **{"window": 2, "rows": 2, **settings})


def test_bad_answers_and_streams():
    with pytest.raises(InputError, match=r"expected \(12, 3"):
        Windows(draw(), window=3, rows=2).restore(np.zeros((12, 4)))
    with pytest.raises(InputError, match="4 steps or more"):
        fold([1, 2, 3], 4)
