"""Hidden states inside a network: posteriors as features, conditional random fields.

`constraints.py` makes probabilities of free weights, `state_layer.py` is what both layers share.
"""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
