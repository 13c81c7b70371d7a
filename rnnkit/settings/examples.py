"""Settings of the examples that a task takes: their classes, how long ones are truncated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option


class ClassesOption(TypedDict, total=False):
    """The names of the classes."""

    classes: Annotated[
        Sequence[str] | str | None,
        Option(
            None,
            "names of the classes in the order of the labels, as a tuple or separated by commas; "
            "None = learned from the labels.",
        ),
    ]


class TruncationOptions(TypedDict, total=False):
    """How long examples are truncated."""

    max_length: Annotated[
        int | None,
        Option(None, "truncate examples to this many steps or tokens; None = never.", least=1),
    ]
    truncate: Annotated[
        Literal["head", "tail", "both"],
        Option(
            "tail", 'the part that is kept of a truncated example: "head", "tail" or "both" ends.'
        ),
    ]
