"""Every class of batches satisfies the protocol that the training loop is written for."""

import numpy as np
import pytest

from rnnkit.data.batches import Batches
from rnnkit.data.batching import BucketedBatches
from rnnkit.data.forecast_windows import ForecastWindows, FullSeriesBatches
from rnnkit.data.pair_batches import PairBatches
from rnnkit.data.series_encoding import Encoded
from rnnkit.data.text_windows import TextWindows
from rnnkit.data.wave_batches import WaveBatches

LENGTHS = (9, 3, 30, 1, 17) * 4
IDS = [np.arange(4, 4 + n) for n in LENGTHS]
VALUES = [np.ones((n, 2)) for n in LENGTHS]
SERIES = [Encoded(np.ones((n, 2)), np.ones(n), np.ones(n), np.ones(n, bool)) for n in LENGTHS]
STEPS = sum(LENGTHS)

# name -> the batches, and the steps that an epoch of them reads
MAKERS = {
    "bucketed": lambda **options: (BucketedBatches(IDS, batch_size=2, **options), STEPS),
    "waves": lambda **options: (WaveBatches(VALUES, batch_size=2, **options), STEPS),
    "pairs": lambda **options: (PairBatches(IDS, IDS, batch_size=2, **options), 2 * STEPS + 20),
    "text windows": lambda **options: (TextWindows(IDS, window=4, rows=2, **options), STEPS),
    "forecast windows": lambda **options: (
        ForecastWindows(SERIES, context=2, window=4, batch_size=2, **options),
        STEPS,
    ),
    "full series": lambda **options: (FullSeriesBatches(SERIES, context=2, batch_size=2), STEPS),
}


@pytest.mark.parametrize("name", MAKERS)
def test_batches_satisfy_the_protocol(name):
    batches, steps = MAKERS[name](shuffle=True, seed=3)
    assert isinstance(batches, Batches)
    assert batches.tokens == steps
    epochs = []
    for epoch in (0, 1, 0):
        batches.start_epoch(epoch)
        found = [batches[index] for index in range(len(batches))]
        epochs.append((batches.order.tolist(), [flat(batch) for batch in found]))
        for inputs, *others in found:
            arrays = [*(inputs if isinstance(inputs, tuple) else [inputs]), *others]
            assert len({len(array) for array in arrays if array is not None}) == 1
    assert epochs[0] == epochs[2]  # an epoch's order follows from seed and epoch alone
    assert sorted(epochs[0][0]) == sorted(epochs[1][0])
    assert (epochs[0] == epochs[1]) == (name == "full series")  # whose order is always the same


def flat(batch):
    inputs, targets, weights = batch
    arrays = [*(inputs if isinstance(inputs, tuple) else [inputs]), targets, weights]
    return [None if array is None else array.tolist() for array in arrays]


def test_the_order_of_text_windows_names_the_texts():
    texts = [np.arange(1, 3), np.zeros(0, int), np.arange(1, 60)]
    windows = TextWindows(texts, window=4, rows=2)
    assert sorted(set(windows.order.tolist())) == [0, 2]  # the empty text has no window
    ids = np.concatenate([targets for _, targets, _ in windows], axis=1)
    assert ids[0, 0] == 1
    assert len(windows.order) == 3  # the long text is cut into two parts


def test_the_order_of_whole_series_undoes_the_grouping():
    batches = FullSeriesBatches(SERIES, context=2, batch_size=2)
    lengths = np.concatenate([(weights > 0).sum(1) for _, _, weights in batches])
    restored = np.empty_like(lengths)
    restored[batches.order] = lengths
    assert restored.tolist() == [max(0, n - 1) for n in LENGTHS]


def test_another_class_is_no_batches():
    assert not isinstance([1, 2], Batches)
