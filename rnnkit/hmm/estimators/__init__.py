"""Hidden Markov models with the interface of scikit-learn.

Data flow of a `fit`: `sequences.py` reads the input, `blocks.py` makes padded blocks of it,
`params.py` draws the initial parameters, `em.py` iterates Baum-Welch (`em_steps.py`). The other
methods run `passes.py`, compiled inference over the blocks. `base.py` is the base class of the
estimators, `models.py` has the public ones.
"""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
