"""Recurrent layers: equations in `cells.py`, layers in `layers.py`, wrappers in `wrappers.py`."""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
