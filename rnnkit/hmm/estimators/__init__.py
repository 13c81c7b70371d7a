"""Hidden Markov models with the interface of scikit-learn.

Data flow of a `fit`: `sequences.py` reads the input, `blocks.py` makes padded blocks of it,
`params.py` draws the initial parameters, `em.py` iterates Baum-Welch: the E-step of
`expectations.py`, the M-step of `em_steps.py`. The other methods run `passes.py`, compiled
inference over the blocks, or, as the E-step does, loops on arrays without padding where an emission
has them (`array_passes.py`). `base.py` is the base class of the estimators, `models.py` has the
public ones.
"""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
