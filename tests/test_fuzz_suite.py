"""The fuzz suite in small: every boundary reads its valid files, and refuses or reads some others.

`python -m tests.fuzz` runs the whole of it; with RNNKIT_DEEP set, this test runs more.
"""

from __future__ import annotations

import os
import random

import pytest
from fuzz.__main__ import fuzz_arguments, fuzz_files
from fuzz.boundaries import boundaries
from fuzz.mutations import mutate

INPUTS = 20_000 if os.environ.get("RNNKIT_DEEP") else 400
pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.filterwarnings("ignore"),  # a reader may warn about what it reads
]


def test_every_boundary_refuses_or_reads_as_an_independent_reader(tmp_path):
    for tally in [
        *fuzz_files(INPUTS, random.Random(0), tmp_path, ""),
        *fuzz_arguments(INPUTS // 4, random.Random(0), ""),
    ]:
        assert not tally.failures, tally.name
        assert sum(tally.counts.values()) > 0


def test_valid_files_are_read(tmp_path):
    for boundary in boundaries():
        for data in boundary.seeds:
            path = tmp_path / boundary.file
            path.write_bytes(data)
            boundary.read(path)


def test_mutations_change_most_files():
    rng = random.Random(0)
    for boundary in boundaries():
        data = boundary.seeds[0]
        copies = {mutate(data, rng, boundary.seeds) for _ in range(20)}
        assert len(copies - {data}) > 10
