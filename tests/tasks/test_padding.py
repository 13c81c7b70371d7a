"""What is measured does not depend on how much padding the batches have."""

import numpy as np
import pytest
import small_tasks
from keras import ops

from rnnkit.data import batching
from rnnkit.monitor.metrics import StepAccuracy
from rnnkit.tasks.text_to_text.seq2seq_losses import TokenAccuracy, TokenPerplexity


def batches_of_steps():
    """Random batches `(classes, scores, weights)` of unequal widths; weights 0 at the padding."""
    draw = np.random.default_rng(0)
    for width in (3, 8, 24):
        lengths = draw.integers(1, width + 1, 4)
        real = np.arange(width) < lengths[:, None]
        scores = draw.normal(size=(4, width, 5)).astype("float32")
        yield (
            draw.integers(0, 5, (4, width)),
            scores,
            (real * draw.uniform(0.5, 2)).astype("float32"),
        )


@pytest.mark.every_backend
def test_every_step_counts_by_its_own_weight():
    """Compared with NumPy."""
    metrics = (StepAccuracy(), TokenAccuracy(), TokenPerplexity())
    right, losses, weights = [], [], []
    for classes, scores, weight in batches_of_steps():
        for metric in metrics:
            metric.update_state(*map(ops.convert_to_tensor, (classes, scores, weight)))
        right.append((scores.argmax(-1) == classes).ravel())
        norms = np.log(np.exp(scores).sum(-1))
        losses.append((norms - np.take_along_axis(scores, classes[..., None], -1)[..., 0]).ravel())
        weights.append(weight.ravel())
    weights = np.concatenate(weights)
    accuracy = np.average(np.concatenate(right), weights=weights)
    perplexity = np.exp(np.average(np.concatenate(losses), weights=weights))
    found = [float(metric.result()) for metric in metrics]
    np.testing.assert_allclose(found, [accuracy, accuracy, perplexity], rtol=1e-5)


@pytest.mark.one_backend
@pytest.mark.parametrize("name", small_tasks.SMALL)
def test_measures_are_the_same_with_more_padding(name, monkeypatch):
    model = small_tasks.make(name, seed=1)
    data = small_tasks.examples(name)
    model.fit(*data, epochs=1, batch_size=4, verbose=0)
    found = []
    for cells in (0, 10**9):  # each bucket is a width; one width for all
        monkeypatch.setattr(batching, "PROGRAM_CELLS", cells)
        found.append(model.evaluate(*data, batch_size=4, return_dict=True, verbose=0))
    assert found[0].keys() == found[1].keys()
    for key, value in found[0].items():
        np.testing.assert_allclose(found[1][key], value, rtol=1e-4, err_msg=key)
