"""What all tests share: the small review set, the real data when it is there."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real data sets; the test is skipped when there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("RNNKIT_DATA", beside))
    if not (folder / "aclImdb_v1.tar.gz").is_file():
        pytest.skip("the real data sets are not there: set RNNKIT_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def reviews() -> tuple[list[str], np.ndarray]:
    """A hundred and twenty tiny texts whose label one word decides, in unequal lengths."""
    rng = np.random.default_rng(0)
    filler = [f"word{i}" for i in range(20)]
    labels = np.arange(120) % 2
    texts = []
    for label in labels:
        words = list(rng.choice(filler, rng.integers(1, 9)))
        words.insert(int(rng.integers(0, len(words) + 1)), "good" if label else "bad")
        texts.append(" ".join(words))
    return texts, labels
