"""Recurrent layers, conversion of weights, numerical checks and the Hopfield network.

The layers are in `rnnkit.layers`. Here are the functions and classes around them:

- `from_torch`, `to_torch`, `copy_weights`: weights of `torch.nn` and `keras.layers`;
- `check_finite`: locate the first NaN or infinity in a pass;
- `HopfieldNetwork`: an associative memory.

Equations are in `cells.py` and `lstm_cells.py`, the base classes in `sequence.py` (masks, states),
`base.py` (layers with a recurrent kernel) and `linear.py` (gated linear recurrences).
"""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
from rnnkit.recurrent.check import check_finite
from rnnkit.recurrent.convert import copy_weights, from_torch, to_torch
from rnnkit.recurrent.hopfield import CapacityWarning, HopfieldNetwork, Recall

__all__ = [
    "CapacityWarning",
    "HopfieldNetwork",
    "Recall",
    "check_finite",
    "copy_weights",
    "from_torch",
    "to_torch",
]
