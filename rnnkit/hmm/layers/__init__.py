"""Keras layers over hidden states: HMM posteriors as features, conditional random fields.

`state_layer.py` is their base class, `constraints.py` maps unconstrained weights to probabilities,
variances and covariances.
"""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
