"""Agreement of the processes of a study: the same versions, the same backend, the same examples.

Runs of other versions or examples must not stand in one table, wherever they were trained.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from rnnkit.errors import InputError
from rnnkit.study.data_fingerprint import fingerprint
from rnnkit.study.environment import environment

_COMPARED = ("rnnkit", "commit", "keras", "backend", "backend_version")


def terms_of(dataset: Any) -> dict[str, Any]:
    """Return the versions of this process and the fingerprint of its examples, as JSON values.

    Example:
        >>> from rnnkit.study import load_data
        >>> sorted(terms_of(load_data("sample", limit=10)))
        ['fingerprint', 'versions']
    """
    return {"versions": versions(), "fingerprint": fingerprint(dataset)}


def versions() -> dict[str, Any]:
    """Return what has to be the same in all processes of a study.

    Example:
        >>> "keras" in versions()
        True
    """
    known = environment()
    return {name: known[name] for name in _COMPARED if name in known}


def refuse_other_versions(expected: Mapping[str, Any], begun_by: str) -> None:
    """Refuse to train where versions are not those that a study began with.

    Args:
        expected: what `terms_of` returned then; without versions, nothing is compared.
        begun_by: who recorded them, for the message.

    Raises:
        InputError: one differs.
    """
    recorded = expected.get("versions") or {}
    here = versions() if recorded else {}
    other = [name for name in recorded if name in here and here[name] != recorded[name]]
    if other:
        differences = ", ".join(f"{name} {here[name]} and not {recorded[name]}" for name in other)
        raise InputError(
            f"{socket.gethostname()} has {differences}, with which {begun_by} began: its runs "
            "would not be comparable. Install the same versions on every machine, and set the "
            "same KERAS_BACKEND."
        )


def refuse_other_examples(expected: Mapping[str, Any], dataset: Any, begun_by: str) -> None:
    """Refuse to train on examples that are not those that a study began with.

    Raises:
        InputError: a split differs.
    """
    recorded, here = expected.get("fingerprint") or {}, fingerprint(dataset)
    other = [name for name in recorded if name in here and here[name] != recorded[name]]
    if other:
        raise InputError(
            f"data on {socket.gethostname()} are not the examples with which {begun_by} began "
            f"(in {', '.join(other)}). Give every machine the same files, or the same version of "
            "the data set."
        )
