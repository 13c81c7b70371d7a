"""Options of data files: which column is what."""

from __future__ import annotations

from typing import Annotated, TypedDict

from rnnkit.options import Option


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
