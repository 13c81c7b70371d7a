"""gensim, imported without SciPy's statistics."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.one_backend

CODE = """
import sys
from rnnkit.embeddings.light_gensim import import_gensim
import_gensim()
import numpy as np
assert "scipy.stats" not in sys.modules
from gensim import matutils
from gensim.models import keyedvectors, nmf
print(round(keyedvectors.stats.spearmanr([1, 2, 3], [1, 3, 2]).statistic, 6))
print(round(matutils.jensen_shannon(np.ones(2) / 2, np.ones(2) / 2), 6))
print(nmf.halfnorm.rvs(size=2, random_state=0).shape)
import scipy.stats
from scipy import stats
assert stats is scipy.stats and scipy.stats.norm.__module__.startswith("scipy.stats.")
"""


def test_statistics_are_imported_when_they_are_used():
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.split("\n")[:3] == ["0.5", "0.0", "(2,)"]
