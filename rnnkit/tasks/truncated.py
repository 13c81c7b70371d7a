"""Truncated back-propagation through time with `fit`: the states go on, the gradient is cut."""

from __future__ import annotations

import keras

from rnnkit.data.windows import Windows
from rnnkit.errors import InputError


class TruncatedBPTT(keras.utils.PyDataset):
    """Windows of a long sequence as `fit`, `evaluate` and `predict` take them.

    A batch is `((x, resets, mask), targets, weights)`; the network has these three inputs, and
    layers with `stateful=True` that are given `resets` and `mask`. Their states go on from window
    to window as numbers, so that the gradient of a window goes back to its first step and no
    further. Time and memory of a train step grow with k and not with the length of the sequence.
    Of the sum that is the gradient of back-propagation through time,
    `∂L/∂W = Σ_t Σ_{i≤t} ∂L_t/∂h_t (Π_{j=i+1..t} ∂h_j/∂h_{j-1}) ∂h_i/∂W`,
    the terms remain in which i lies in the window of t.

    Raises:
        InputError: windows are taken out of their order: `fit` needs `shuffle=False`.

    Source: Williams and Peng 1990; Sutskever 2013, Training Recurrent Neural Networks.

    Example:
        >>> import numpy as np
        >>> from rnnkit.layers import LSTM
        >>> windows = Windows(np.zeros((4, 100, 3)), np.zeros((4, 100, 1)), window=10, rows=2)
        >>> x = keras.Input(batch_shape=(2, 10, 3))
        >>> resets, mask = (keras.Input(batch_shape=(2, 10), dtype="bool") for _ in range(2))
        >>> h = LSTM(8, stateful=True, return_sequences=True)(x, resets=resets, mask=mask)
        >>> model = keras.Model([x, resets, mask], keras.layers.Dense(1)(h))
        >>> model.compile("adam", "mse")
        >>> history = model.fit(TruncatedBPTT(windows), shuffle=False, verbose=0)
        >>> len(windows), int(model.optimizer.iterations)
        (20, 20)
    """

    def __init__(self, windows: Windows) -> None:
        super().__init__()
        self.windows = windows
        self._next = 0

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.windows)

    def __getitem__(self, index: int) -> tuple:
        """Return the inputs, and the targets and weights if there are targets."""
        if index not in (0, self._next):
            raise InputError(
                f"TruncatedBPTT: asked for window {index} where window {self._next} comes next; "
                "the states go on from window to window. Call fit with shuffle=False."
            )
        self._next = index + 1
        window = self.windows[index]
        inputs = (window.x, window.resets, window.mask)
        if window.targets is None:
            return (inputs,)
        # Keras's loss multiplies the weights by the mask in place where they are float32 torch
        # tensors, and its weighted metrics then count the steps of short windows too often.
        return inputs, window.targets, window.weights.astype("float64")
