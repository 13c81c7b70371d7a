"""The deep profile, `RNNKIT_DEEP=1`: whatever takes long, in full.

Without it, tests marked `deep` are left out, and of long lists of cases the first ones stand for
all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

DEEP = bool(os.environ.get("RNNKIT_DEEP"))


def mostly_deep(cases: Iterable[Any], *always: Any) -> list[Any]:
    """Cases for `parametrize`: those of `always` run each time, the others in the deep profile."""
    cases = list(cases)
    missing = [case for case in always if case not in cases]
    assert not missing, f"no such case: {missing}"
    deep = pytest.mark.deep
    return [
        case
        if case in always
        else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=deep)
        for case in cases
    ]
