"""From a corpus to two tables: words as numbers, windows, noise and tree, a step, two trainers."""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
