"""Instances of a request: texts, or series with their times, as JSON schema and as objects."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from rnnkit.data.series import Series
from rnnkit.data.times import read_times
from rnnkit.errors import InputError
from rnnkit.serving.limits import Limits

STRICT = ConfigDict(extra="forbid", strict=True)  # neither 3 as a text nor "3" as a number
Number = Annotated[float, Field(allow_inf_nan=False)]


def request_schema(reads_series: bool, limits: Limits) -> type[BaseModel]:
    """Return the schema of a request: ``{"instances": [...]}``.

    Args:
        reads_series: whether the model reads series; else it reads texts.
        limits: of the server.

    Example:
        >>> request_schema(False, Limits()).model_validate({"instances": ["a text"]}).instances
        ['a text']
    """
    kind: Any = _series_schema(limits) if reads_series else _text(limits)
    count = Field(min_length=1, max_length=limits.max_items, description="What to predict.")
    example: dict[str, Any] = {"instances": ["A fine film."]}
    if reads_series:
        example = {"instances": [{"values": [[1.0], [2.0], [None]]}]}
    config = ConfigDict(**STRICT, json_schema_extra={"examples": [example]})
    instances: Any = Annotated[list[kind], count]
    return create_model("PredictRequest", __config__=config, instances=(instances, ...))


def _text(limits: Limits) -> Any:
    return Annotated[str, StringConstraints(max_length=limits.max_length)]


def _series_schema(limits: Limits) -> type[BaseModel]:
    steps = Field(min_length=1, max_length=limits.max_length)
    row = Annotated[list[Number | None], Field(min_length=1)]
    name = Annotated[str, StringConstraints(max_length=1000)]
    fields: dict[str, Any] = {
        "values": (
            Annotated[list[row], steps],
            Field(description="A row for each step; null is a missing measurement."),
        ),
        "times": (
            Annotated[list[Annotated[str, StringConstraints(max_length=100)]], steps] | None,
            Field(None, description="The time of each step, such as 2016-01-04T00:05."),
        ),
        "columns": (
            list[name] | None,
            Field(None, description="The names of the columns, in any order."),
        ),
        "name": (name | None, Field(None, description="The group, such as a station.")),
    }
    return create_model("SeriesInstance", __config__=STRICT, **fields)


def read_instances(request: Any, reads_series: bool) -> list[Any]:
    """Return what the model is asked about.

    Raises:
        InputError: a series that is none, by its number.

    Example:
        >>> schema = request_schema(True, Limits())
        >>> found = schema.model_validate({"instances": [{"values": [[1.0], [None]]}]})
        >>> read_instances(found, True)[0].values.tolist()
        [[1.0], [nan]]
    """
    if not reads_series:
        return list(request.instances)
    return [_series(one, f"instances[{i}]") for i, one in enumerate(request.instances)]


def _series(given: Any, where: str) -> Series:
    width = len(given.values[0])
    for step, row in enumerate(given.values):
        if len(row) != width:
            raise InputError(
                f"{where}.values: step {step} has {len(row)} numbers, and step 0 has {width}; "
                "expected as many in each, null where one is missing."
            )
    times = None
    if given.times is not None:
        places = [f"{where}.times[{step}]" for step in range(len(given.times))]
        times = read_times(given.times, places).times
    values = np.array(
        [[np.nan if number is None else number for number in row] for row in given.values],
        "float64",
    )
    try:
        return Series(values, times, given.name, tuple(given.columns or ()))
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
