"""Hidden Markov models with scikit-learn's habits.

`sequences.py` reads what came, `chunks.py` makes padded blocks of it, `passes.py` runs a compiled
pass of `rnnkit.hmm.inference` over each, `baum_welch.py` learns by them (`restarts.py` from several
starts), `base.py` is the estimator, `models.py` the models of the public face.
"""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
