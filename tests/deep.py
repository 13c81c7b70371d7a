"""The deep profile, `RNNKIT_DEEP=1`: whatever takes long, in full.

Without it, tests marked `deep` are left out, and a few of a long list of cases stand for all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

DEEP = bool(os.environ.get("RNNKIT_DEEP"))


def mostly_deep(cases: Iterable[Any], *always: Any) -> list[Any]:
    """Cases for `parametrize`: those of `always` run each time, the others in the deep profile."""
    return _marked(cases, always, pytest.mark.deep)


def few_elsewhere(cases: Iterable[Any], *always: Any) -> list[Any]:
    """Cases for `parametrize`: all of them on PyTorch, on the other backends those of `always`.

    The others run there in the deep profile: it is compiling that takes long.
    """
    return _marked(cases, always, pytest.mark.deep("tensorflow", "jax"))


def _marked(cases: Iterable[Any], always: tuple[Any, ...], mark: pytest.MarkDecorator) -> list[Any]:
    cases = list(cases)
    missing = [case for case in always if case not in cases]
    assert not missing, f"no such case: {missing}"
    return [
        case
        if case in always
        else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=mark)
        for case in cases
    ]
