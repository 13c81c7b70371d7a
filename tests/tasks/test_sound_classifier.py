"""sequence_classifier on waveforms: low and high tones of unequal length and loudness."""

from __future__ import annotations

import numpy as np
import pytest

from rnnkit.errors import InputError
from rnnkit.recipes import sequence_classifier
from rnnkit.tasks import load
from rnnkit.tasks.series.input_features import extract_features

pytestmark = pytest.mark.one_backend  # but for the tests marked every_backend

SOUND = {"features": "log-mel", "mel_bins": 8, "sample_rate": 8000, "subtract_mean": False}


@pytest.fixture(scope="module")
def tones():
    rng = np.random.default_rng(0)
    x, y = [], []
    for i in range(32):
        time = np.arange(rng.integers(1100, 2000)) / 8000
        pitch = rng.uniform(200, 400) * (4 if i % 2 else 1)
        wave = rng.uniform(0.1, 1) * np.sin(2 * np.pi * pitch * time + rng.uniform(0, 6))
        x.append(wave + rng.normal(0, 0.01, len(time)))
        y.append("high" if i % 2 else "low")
    return x, y


@pytest.mark.every_backend
@pytest.mark.deep("tensorflow")
def test_learns_sounds_and_keeps_their_scale(tones, tmp_path):
    x, y = tones
    model = sequence_classifier(**SOUND, units=6, batch_size=8, dropout=0.0, learning_rate=0.05)
    model.fit(x, y, epochs=10, verbose=0)
    assert model.evaluate(x, y, return_dict=True, verbose=0)["accuracy"] == 1.0
    together = model.predict(x, verbose=0)
    np.testing.assert_allclose(model.predict([x[5]], verbose=0), together[5:6], atol=1e-4)
    # What is standardised is the features of the real frames, not the waves.
    rows = extract_features(model.network.get_layer("log_mel"), [row[:, None] for row in x])
    assert [len(row) for row in rows] == [-(-len(row) // 80) for row in x]
    scale = model.network.get_layer("standardisation")
    frames = np.concatenate(rows).astype("float64")
    np.testing.assert_allclose(np.ravel(scale.input_mean), frames.mean(axis=0), rtol=1e-4)
    # 1,100 to 2,000 samples: one shape.
    assert {model.make_batches([row[:, None]])[0][0][0].shape for row in x} == {(1, 2048, 1)}
    model.save(tmp_path / "tones.keras")
    again = load(tmp_path / "tones.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), together, atol=1e-6)


def test_features_that_cannot_be_had():
    for settings, message in (
        ({"features": "logmel"}, r"features is 'logmel'.*Did you mean 'log-mel'"),
        ({"features": "log-mel", "mel_bins": 500}, "mel_bins is 500"),
        ({"features": "log-mel", "window_ms": 0.01}, "a frame of 0.01 ms has 0 samples"),
    ):
        with pytest.raises(InputError, match=message):
            sequence_classifier(**settings)
    with pytest.raises(InputError, match=r"LogMel: the waves have the shape .*one channel"):
        sequence_classifier(features="log-mel").fit([np.zeros((900, 2))] * 4, [0, 1] * 2)
