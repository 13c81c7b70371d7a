"""Log-mel energies and window features: against NumPy in float64, for any mask and padding."""

import keras
import numpy as np
import pytest
from keras import ops

from rnnkit.errors import InputError
from rnnkit.features import FLOOR, LogMel, WindowFeatures, mel_bands

RATE, MELS = 8000, 20
LENGTHS = (1000, 333, 50, 1)


@pytest.fixture(scope="module")
def waves():
    rng = np.random.default_rng(0)
    return [np.sin(np.arange(n) / 3) * 0.1 + rng.normal(0, 0.01, n) for n in LENGTHS]


def padded(rows, steps):
    values = np.full((len(rows), steps), 0.7)  # what stands at masked steps must not matter
    for i, row in enumerate(rows):
        values[i, : len(row)] = row
    return values.astype("float32"), np.arange(steps) < np.array([[len(row)] for row in rows])


def log_mel(wave, centred=False):
    """Frame by frame, in float64, with the filters written out from their definition."""
    window, hop, size = 200, 80, 256
    peaks = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), MELS + 2)
    hann = np.sin(np.pi * np.arange(window) / window) ** 2
    rows = []
    for start in range(0, len(wave), hop):
        frame = np.zeros(window)
        piece = wave[start : start + window].astype("float32")
        frame[: len(piece)] = piece
        power = np.abs(np.fft.rfft(hann * frame, size)) ** 2
        bands = np.zeros(MELS)
        for f, energy in enumerate(power):
            mel = 2595 * np.log10(1 + f * RATE / size / 700)
            for m in range(MELS):
                below, peak, above = peaks[m : m + 3]
                bands[m] += energy * max(
                    0, min((mel - below) / (peak - below), (above - mel) / (above - peak))
                )
        rows.append(np.log(FLOOR + bands))
    rows = np.array(rows)
    return rows - rows.mean(axis=0) if centred else rows


@pytest.mark.parametrize("centred", [False, True])
def test_log_mel_is_the_formula_whatever_the_padding(waves, centred):
    layer = LogMel(RATE, MELS, subtract_mean=centred)
    for steps in (1000, 1024):
        values, mask = padded(waves, steps)
        energies, real = map(ops.convert_to_numpy, layer(values[..., None], mask=mask))
        assert energies.shape == (4, 13, MELS)
        for i, wave in enumerate(waves):
            expected = log_mel(wave, centred)
            assert real[i].tolist() == [j < len(expected) for j in range(13)]
            np.testing.assert_allclose(energies[i][real[i]], expected, atol=2e-3)


def test_the_mel_scale_is_that_of_the_book():
    """1000 Hz are 1000 mel, and TensorFlow's own filters, where it runs, are the same."""
    assert 2595 * np.log10(1 + 1000 / 700) == pytest.approx(1000, abs=0.02)
    if keras.config.backend() == "tensorflow":
        from tensorflow.signal import linear_to_mel_weight_matrix

        theirs = linear_to_mel_weight_matrix(MELS, 129, RATE, 0.0, RATE / 2)
        np.testing.assert_allclose(mel_bands(RATE, MELS, 256), theirs.numpy().T, atol=1e-4)
    with pytest.raises(InputError, match="mel_bins is 200: some bands lie between"):
        mel_bands(RATE, 200, 256)


def test_a_model_saves_its_features(waves, tmp_path):
    values, mask = keras.Input((None, 1)), keras.Input((None,), dtype="bool")
    energies, real = LogMel(RATE, MELS, subtract_mean=True)(values, mask=mask)
    moves = WindowFeatures("values,slope", window=3)(energies, mask=real)
    model = keras.Model([values, mask], moves)
    assert model.output_shape == (None, None, 2 * MELS)
    model.save(tmp_path / "features.keras")
    again = keras.models.load_model(tmp_path / "features.keras")
    wave, real = padded(waves, 1024)
    inputs = [wave[..., None], real]
    np.testing.assert_array_equal(model.predict_on_batch(inputs), again.predict_on_batch(inputs))


MASK = np.array([[1] * 9, [1] * 6 + [0] * 3, [0, 1, 1, 0, 1, 1, 1, 0, 1], [0] * 9], bool)


def around(x, mask, t, window, causal):
    before = window - 1 if causal else window // 2
    steps = range(t - before, t - before + window)
    return [k for k in steps if 0 <= k < len(x) and mask[k]]


@pytest.mark.parametrize(("window", "causal"), [(5, False), (4, False), (4, True), (1, True)])
def test_window_features_are_their_formulas_for_any_mask(window, causal):
    x = np.random.default_rng(0).normal(size=(4, 9, 2)) + 100
    kinds = ["values", "centred", "slope", "spread", "steps"]
    layer = WindowFeatures(kinds, window, causal)
    found = ops.convert_to_numpy(layer(x.astype("float32"), mask=MASK))
    assert found.shape == (4, 9, 2 * (4 + window))
    for row in range(4):
        for t in np.flatnonzero(MASK[row]):
            near = around(x[row], MASK[row], t, window, causal)
            mean = x[row][MASK[row] & (np.arange(9) <= (t if causal else 9))].mean(axis=0)
            # The regression through the present value: the slope of least squares errors.
            k = np.array(near) - t
            moved = x[row][near] - x[row, t]
            slope = k @ moved / max((k * k).sum(), 1)
            spread = np.maximum(x[row][near].std(axis=0), 1e-6)
            expected = np.concatenate([x[row, t], x[row, t] - mean, slope, spread])
            np.testing.assert_allclose(found[row, t, :8], expected, rtol=1e-4, atol=1e-4)
            before = window - 1 if causal else window // 2
            steps = [
                x[row, i] if i in near else np.zeros(2)
                for i in range(t - before, t - before + window)
            ]
            np.testing.assert_allclose(found[row, t, 8:], np.concatenate(steps), rtol=1e-5)


def test_causal_features_never_see_what_is_to_come():
    x = np.random.default_rng(1).normal(size=(1, 9, 2)).astype("float32")
    layer = WindowFeatures("centred,slope,spread,steps", 4, causal=True)
    whole, part = (ops.convert_to_numpy(layer(values)) for values in (x, x[:, :5]))
    np.testing.assert_array_equal(whole[:, :5], part)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LogMel(8000, window_ms=0.1), "a frame of 0.1 ms has 1 samples"),
        (lambda: LogMel(8000)(np.zeros((2, 900, 2))), r"\(2, 900, 2\); expected"),
        (lambda: LogMel(8000, mel_bins=0), "mel_bins is 0"),
        (lambda: WindowFeatures("slopes"), "features is 'slopes'.*Did you mean 'slope'"),
        (lambda: WindowFeatures("slope", window=0), "window is 0; expected an integer"),
    ],
)
def test_settings_that_cannot_be_used(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_old_names_of_log_mel_work_with_a_warning():
    with pytest.warns(DeprecationWarning, match="is now called 'mel_bins'"):
        layer = LogMel(RATE, mels=12)
    assert layer.mel_bins == 12
    config = {**layer.get_config(), "centred": True, "rate": RATE}
    for new in ("subtract_mean", "sample_rate"):
        del config[new]
    assert LogMel.from_config(config).subtract_mean  # as in a file that an older version saved
