"""Feature layers of signals: log-mel spectrograms of sound, moving-window features of series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
from keras import ops

from rnnkit.backend.masking import check_flags, clean_steps
from rnnkit.config import SavedArguments
from rnnkit.deprecation import renamed_options
from rnnkit.errors import InputError, check_choice, check_count
from rnnkit.options import expand_signature

_rename = renamed_options(
    "LogMel", {"rate": "sample_rate", "mels": "mel_bins", "centred": "subtract_mean"}
)
Tensor = Any
KINDS = ("values", "centred", "slope", "spread", "steps")
FLOOR = 1e-7  # ε; below the energy of silence in 16-bit audio


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class LogMel(SavedArguments, keras.layers.Layer):
    """Log-mel spectrogram of a waveform.

    `E_im = log(ε + Σ_f M_mf |FFT(w ⊙ x_i)_f|²)`, where frame `x_i` begins at sample `iH` and has
    the length of the Hann window w. Filter m of the mel filter bank is a triangle over
    `mel(f) = 2595 log10(1 + f/700)`, 1 at its peak and 0 at those of its neighbours; the peaks are
    equally spaced.

    A frame is real if its first sample is; samples after the end of a row count as silence.

    Args:
        sample_rate: samples per second.
        mel_bins: number of mel bands.
        window_ms: frame length in milliseconds.
        hop_ms: hop length in milliseconds.
        subtract_mean: subtract the mean of each band over the real frames of the row, which removes
            loudness and the channel (cepstral mean normalisation).
        autocast: cast the inputs to the compute dtype first; computations are in float32.
        **options: the arguments of every Keras layer.

    Call arguments:
        waves: `(B, T, 1)` or `(B, T)`.
        mask: boolean `(B, T)`, true = real sample; None = all are real.

    Returns:
        The energies `(B, ⌈T/H⌉, mel_bins)`, and the mask of the frames, boolean `(B, ⌈T/H⌉)`.

    Raises:
        InputError: settings that leave a frame without a sample or a band without a frequency,
            waves of more than one channel.

    Source: Davis and Mermelstein 1980, Comparison of parametric representations for monosyllabic
        word recognition; the scale and the triangles as in Young et al., The HTK Book, 5.4.

    Example:
        >>> energies, real = LogMel(sample_rate=8000, mel_bins=20)(np.zeros((2, 4000)))
        >>> tuple(energies.shape), tuple(real.shape)
        ((2, 50, 20), (2, 50))
    """

    config_keys: ClassVar = ("sample_rate", "mel_bins", "window_ms", "hop_ms", "subtract_mean")
    renamed_keys: ClassVar = {"rate": "sample_rate", "mels": "mel_bins", "centred": "subtract_mean"}

    def __init__(
        self,
        sample_rate: int = 8000,
        mel_bins: int = 40,
        window_ms: float = 25.0,
        hop_ms: float = 10.0,
        subtract_mean: bool = False,
        *,
        autocast: bool = False,
        **options: Any,
    ) -> None:
        options = _rename(options)
        self.sample_rate = options.pop("sample_rate", sample_rate)
        self.mel_bins = options.pop("mel_bins", mel_bins)
        self.subtract_mean = options.pop("subtract_mean", subtract_mean)
        super().__init__(autocast=autocast, **options)
        self.window_ms, self.hop_ms = window_ms, hop_ms
        self.window = round(self.sample_rate * window_ms / 1000)
        self.hop = round(self.sample_rate * hop_ms / 1000)
        if self.window < 2 or self.hop < 1:
            raise InputError(
                f"LogMel: at {self.sample_rate} samples per second a frame of {window_ms} ms has "
                f"{self.window} samples and the hop is {self.hop}; expected 2 or more, and 1 or "
                "more."
            )
        self.fft_length = 2 ** (self.window - 1).bit_length()
        self._bands = mel_bands(self.sample_rate, self.mel_bins, self.fft_length).astype("float32")
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.window) / self.window)
        self._hann = hann.astype("float32")
        self.supports_masking = True

    def call(self, waves: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the energies and the mask of the frames."""
        if len(waves.shape) == 3:
            waves = ops.squeeze(waves, -1)
        waves = ops.cast(waves, "float32")
        self._refuse_empty(waves)
        real = ops.ones_like(waves, "bool")
        if mask is not None:
            real = check_flags("LogMel", "the mask", mask, waves)
        waves = ops.pad(ops.where(real, waves, 0.0), ((0, 0), (0, self.window - 1)))
        frames = ops.extract_sequences(waves, self.window, self.hop)
        re, im = ops.rfft(frames * ops.convert_to_tensor(self._hann), self.fft_length)
        energies = ops.log(FLOOR + ops.matmul(re * re + im * im, ops.transpose(self._bands)))
        real = real[:, :: self.hop]
        if self.subtract_mean:
            weight = ops.expand_dims(ops.cast(real, "float32"), -1)
            count = ops.maximum(ops.sum(weight, axis=1, keepdims=True), 1.0)
            energies -= ops.sum(energies * weight, axis=1, keepdims=True) / count
        return ops.cast(energies, self.compute_dtype), real

    @staticmethod
    def _refuse_empty(waves: Tensor) -> None:
        if 0 in tuple(waves.shape):
            raise InputError(
                f"LogMel: the waves have the shape {tuple(waves.shape)}; expected at least one row "
                "and one sample."
            )

    def compute_output_spec(
        self, waves: Tensor, mask: Tensor | None = None
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return shapes and dtypes, which Keras cannot infer for an unknown T."""
        rows, samples = waves.shape[:2]
        shape = (rows, None if samples is None else -(-samples // self.hop))
        return (
            keras.KerasTensor((*shape, self.mel_bins), self.compute_dtype),
            keras.KerasTensor(shape, "bool"),
        )

    def compute_mask(self, waves: Tensor, mask: Tensor | None = None) -> tuple[None, None]:
        """Return no mask: that of the frames is an output."""
        return None, None

    def build(self, waves_shape: tuple) -> None:
        """Check the shape; there are no weights."""
        if len(waves_shape) not in (2, 3) or (len(waves_shape) == 3 and waves_shape[-1] != 1):
            raise InputError(
                f"LogMel: the waves have the shape {tuple(waves_shape)}; expected (B, T) or "
                "(B, T, 1), one channel. Mix the channels, or use one of them."
            )


def mel_bands(sample_rate: int, mel_bins: int, fft_length: int) -> np.ndarray:
    """Return the mel filter bank: the weight of each FFT frequency in each band.

    Args:
        sample_rate: samples per second.
        mel_bins: number of bands, from 0 Hz to half the sample rate.
        fft_length: length N of the FFT.

    Returns:
        `(mel_bins, N/2 + 1)`, from 0 to 1.

    Raises:
        InputError: a band too narrow to contain a frequency of the FFT.

    Example:
        >>> mel_bands(8000, 2, 8).round(2)
        array([[0.  , 0.6 , 0.  , 0.  , 0.  ],
               [0.  , 0.4 , 0.87, 0.38, 0.  ]])
    """
    check_count("mel_bins", mel_bins)
    hertz = np.arange(fft_length // 2 + 1) * sample_rate / fft_length
    mel = 2595 * np.log10(1 + hertz / 700)
    peaks = np.linspace(0, mel[-1], mel_bins + 2)  # including the two ends
    distance = np.abs(mel - peaks[1:-1, None]) / peaks[1]
    bands = np.clip(1 - distance, 0, None)
    if not (bands.sum(axis=1) > 0).all():
        raise InputError(
            f"mel_bins is {mel_bins}: some bands lie between two frequencies of an FFT of "
            f"{fft_length} samples and would always be silent. Use fewer, or a longer window."
        )
    return bands


@keras.saving.register_keras_serializable(package="rnnkit")
@expand_signature
class WindowFeatures(SavedArguments, keras.layers.Layer):
    """Moving-window features of a series: values, centred values, slope, spread, lagged values.

    With `d_k = x_{t+k} - x_t` over the real steps of the window around t (including k = 0):
    "slope" is the regression slope (delta) `Σ_k k d_k / Σ_k k²`, "spread" the standard deviation
    `(mean(d²) - mean(d)²)^½`; "centred" is `x_t` minus the mean over the real steps of the row;
    "steps" are all `x_{t+k}`, zero beyond the ends.

    Args:
        kinds: the features, concatenated: "values", "centred", "slope", "spread", "steps"; a list,
            or separated by commas.
        window: number of steps in the window: t is the middle one, or, if causal, the last.
        causal: use no later steps; the mean of "centred" is then that of the steps so far.
        autocast: cast the inputs to the compute dtype first; computations are in float32.
        **options: the arguments of every Keras layer.

    Call arguments:
        values: `(B, T, D)`.
        mask: boolean `(B, T)`, any pattern; None = all steps are real.

    Returns:
        `(B, T, D · kinds)`, where "steps" counts once per step of the window.

    Raises:
        InputError: an unknown feature, an empty window.

    Source: the slope is the regression of Furui 1986, doi:10.1109/TASSP.1986.1164788.

    Example:
        >>> line = np.arange(5.0).reshape(1, 5, 1)
        >>> ops.convert_to_numpy(WindowFeatures("values,slope", window=3)(line))[0].T.tolist()
        [[0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0, 1.0]]
    """

    config_keys: ClassVar = ("kinds", "window", "causal")

    def __init__(
        self,
        kinds: str | list[str] = "values,slope,spread",
        window: int = 9,
        causal: bool = False,
        *,
        autocast: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(autocast=autocast, **options)
        self.kinds = check_kinds(kinds)
        self.window, self.causal = check_count("WindowFeatures: window", window), causal
        self.supports_masking = True

    def call(self, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the features of each step."""
        if mask is not None:
            mask = check_flags("WindowFeatures", "the mask", mask, values)
        x = clean_steps(values, mask, "float32")
        real = ops.ones_like(x[..., 0]) if mask is None else ops.cast(mask, "float32")
        real = ops.expand_dims(real, -1)
        parts = {"values": x}
        if "centred" in self.kinds:
            parts["centred"] = self._centred(x, real)
        if {"slope", "spread"} & set(self.kinds):
            parts["slope"], parts["spread"] = self._moments(x, real)
        if "steps" in self.kinds:
            parts["steps"] = ops.concatenate([there for _, there in self._shifted(x)], axis=-1)
        features = ops.concatenate([parts[kind] for kind in self.kinds], axis=-1)
        return ops.cast(features, self.compute_dtype)

    def _shifted(self, x: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield each k of the window and `x_{t+k}`, zero beyond the ends."""
        before = self.window - 1 if self.causal else self.window // 2
        after = self.window - 1 - before
        wide, steps = ops.pad(x, ((0, 0), (before, after), (0, 0))), ops.shape(x)[1]
        for k in range(-before, after + 1):
            yield k, wide[:, before + k : before + k + steps]

    def _centred(self, x: Tensor, real: Tensor) -> Tensor:
        if self.causal:
            mean = ops.cumsum(x, axis=1) / ops.maximum(ops.cumsum(real, axis=1), 1.0)
        else:
            count = ops.maximum(ops.sum(real, axis=1, keepdims=True), 1.0)
            mean = ops.sum(x, axis=1, keepdims=True) / count
        return real * (x - mean)

    def _moments(self, x: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        count = total = squares = tilt = moved = ops.zeros_like(x)
        for (k, there), (_, flag) in zip(self._shifted(x), self._shifted(real), strict=True):
            flag = flag * real
            d = (there - x) * flag
            count, total, squares = count + flag, total + d, squares + d * d
            tilt, moved = tilt + k * d, moved + k * k * flag
        count = ops.maximum(count, 1.0)
        variance = squares / count - ops.square(total / count)
        return tilt / ops.maximum(moved, 1.0), ops.sqrt(ops.maximum(variance, 1e-12))

    def compute_output_shape(self, values_shape: tuple) -> tuple:
        """Return `(B, T, D · kinds)`."""
        kinds = len(self.kinds) + self.kinds.count("steps") * (self.window - 1)
        return (*values_shape[:-1], values_shape[-1] * kinds)


def check_kinds(kinds: str | list[str]) -> list[str]:
    """Return the names of window features, from a list or comma-separated text.

    Raises:
        InputError: no feature, or an unknown one.

    Example:
        >>> check_kinds("centred, slope")
        ['centred', 'slope']
    """
    names = [k.strip() for k in kinds.split(",")] if isinstance(kinds, str) else list(kinds)
    for name in names:
        check_choice("features", name, KINDS)
    return names
