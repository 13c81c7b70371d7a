"""Settings of the examples that a task takes: their classes, how long ones are truncated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option


class ClassesOption(TypedDict, total=False):
    """The names of the classes."""

    classes: Annotated[
        Sequence[str] | str | None,
        Option(None, "class names in label order, a tuple or with commas; None = from labels."),
    ]


class TruncationOptions(TypedDict, total=False):
    """How long examples are truncated."""

    max_length: Annotated[
        int | None, Option(None, "truncate to this many steps or tokens; None = never.", least=1)
    ]
    truncate: Annotated[
        Literal["head", "tail", "both"],
        Option("tail", 'part of a truncated example that is kept: "head", "tail", "both" ends.'),
    ]
