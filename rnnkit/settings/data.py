"""Options of data files: how they are read, and which column is what."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option


class TableFileOptions(TypedDict, total=False):
    """How a text file with a table is read; see `rnnkit.data.table_files`."""

    delimiter: Annotated[
        str | None,
        Option(None, "between the columns of a CSV file, such as ; or tab; by default a comma."),
    ]
    encoding: Annotated[
        str | None, Option(None, "of a text file, such as cp1252; by default utf-8.")
    ]


class TextFileOptions(TypedDict, total=False):
    """A further column of a table of texts; see `rnnkit.datasets.from_files`."""

    group_column: Annotated[
        str | None,
        Option(None, "column that tells what a text is about: no group is in two splits."),
    ]


class HoldOutOptions(TypedDict, total=False):
    """How the examples for validation are drawn from the training split of a data set by name."""

    split: Annotated[
        Literal["groups", "random"] | None,
        Option(
            None,
            "what is held out for validation: whole groups, such as the films of imdb, or single "
            "examples; by default groups, where the data set has some.",
        ),
    ]


class SeriesFileOptions(TypedDict, total=False):
    """The columns of a table of series; see `rnnkit.data.series_tables`."""

    time: Annotated[
        str | None,
        Option(None, 'column of times; by default the one that holds times; "-" = no column.'),
    ]
    group: Annotated[
        str | None, Option(None, "column that tells series apart: one for each value of it.")
    ]
    columns: Annotated[
        str | None,
        Option(
            None,
            'columns of inputs, with commas; by default all that hold numbers; "-" = no further '
            "ones.",
        ),
    ]
    decimal: Annotated[
        str | None, Option(None, "before the fraction of a number, . or ,; by default a point.")
    ]
