"""Recurrent layers: `cells.py` holds the equations, `layers.py` the layers, `wrappers.py` what goes around them."""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
