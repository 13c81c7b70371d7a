"""Old public names of the backend warn and are served until the next release."""

import importlib

import pytest

from rnnkit.backend import explain_kernels
from rnnkit.backend.kernels import KernelRequest
from rnnkit.layers import GRU

RENAMES = [
    ("rnnkit.backend", "explain", "rnnkit.backend:explain_kernels"),
    ("rnnkit.backend.engine", "explain", "rnnkit.backend.engine:explain_kernels"),
    ("rnnkit.backend.kernels", "Facts", "rnnkit.backend.kernels:KernelRequest"),
    (
        "rnnkit.backend.kernels",
        "usual_obstacle",
        "rnnkit.backend.kernels:common_unsupported_reason",
    ),
    ("rnnkit.backend.kernels", "explain_facts", "rnnkit.backend.kernels:explain_request"),
    ("rnnkit.backend.memory", "spend", "rnnkit.backend.memory:checkpointed"),
    ("rnnkit.backend.memory", "MEMORY", "rnnkit.backend.memory:CHECKPOINTING"),
    ("rnnkit.backend.linear", "way", "rnnkit.backend.kernels:select_scan_algorithm"),
    ("rnnkit.backend.linear", "portable", "rnnkit.backend.portable:linear_scan"),
]


@pytest.mark.parametrize(("module", "old", "new"), RENAMES)
def test_an_old_name_warns_and_is_served(module, old, new):
    home, _, name = new.partition(":")
    with pytest.warns(DeprecationWarning, match=f"{old!r} .* is now called"):
        found = getattr(importlib.import_module(module), old)
    assert found is getattr(importlib.import_module(home), name)


def test_the_request_of_an_explanation_had_another_name():
    (answer,) = explain_kernels(GRU(2))
    with pytest.warns(DeprecationWarning, match="'facts' .* is now called 'request'"):
        assert answer.facts is answer.request
    assert isinstance(answer.request, KernelRequest)
