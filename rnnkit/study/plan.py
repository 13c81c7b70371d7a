"""What a run is asked to do, checked before anything is loaded or written."""

from __future__ import annotations

import inspect
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnkit import recipes
from rnnkit.errors import InputError, suggest
from rnnkit.study.sources import Source, refuse_unsuitable, source_of


@dataclass(frozen=True)
class Plan:
    """The order for one run.

    Attributes:
        recipe: the recipe's name.
        given: the settings that were given; a preset or the recipe's defaults decide the others.
        data: where the examples come from.
        patience: epochs without a better validation loss before it stops; None never stops.
        seed: of the weights and of the order of the batches.

    Example:
        >>> make_plan("lstm_sentiment", "sample", epochs=1).given
        {'epochs': 1}
    """

    recipe: str
    given: dict[str, Any]
    data: Source
    patience: int | None = None
    seed: int = 0

    def as_record(self) -> dict[str, Any]:
        """Return plain JSON values; two plans with the same record are the same run."""
        values = {
            "recipe": self.recipe,
            "given": self.given,
            "data": self.data._asdict(),
            "patience": self.patience,
            "seed": self.seed,
        }
        return dict(json.loads(json.dumps(values)))


def make_plan(
    recipe: str,
    data: str | os.PathLike[str] | None = None,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    settings: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    patience: int | None = None,
    seed: int = 0,
    limit: int | None = None,
) -> Plan:
    """Check what was asked and return it as a plan; the arguments are those of `train`.

    Raises:
        InputError: no such recipe or setting (with the nearest), data that do not suit the recipe,
            a number out of range, or patience without a validation split.

    Example:
        >>> make_plan("lstm_sentiment", settings={"units": 8}).data.name
        'sample'
    """
    if data is None:
        data = recipes.sample_for(recipe)
    given = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value  # records are JSON
        for name, value in (settings or {}).items()
    }
    counts = {"epochs": epochs, "batch_size": batch_size}
    given |= {name: value for name, value in counts.items() if value is not None}
    known = [name for name in inspect.signature(recipes.find(recipe)).parameters if name != "seed"]
    for name, value in given.items():
        if name not in known:
            hint = " Give the seed as seed=." if name == "seed" else suggest(name, known)
            raise InputError(
                f"{recipe} has no setting {name!r}.{hint} Its settings are: {', '.join(known)}."
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{name} is {value}; expected a finite number.")
    for name in counts:
        _refuse_below_one(name, given.get(name))
    _refuse_below_one("patience", patience)
    if patience is not None and recipes.kind_of(recipe) == "corpus":
        raise InputError(
            f"patience is {patience}, but {recipe} holds no texts out to stop by: it learns for "
            "all its epochs. Leave patience out."
        )
    _refuse_below_one("limit", limit)
    refuse_unsuitable(recipe, recipes.kind_of(recipe), data)
    source = source_of(data, text_column=text_column, label_column=label_column, limit=limit)
    return Plan(recipe, given, source, patience, seed)


def _refuse_below_one(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise InputError(f"{name} is {value}; expected a whole number of 1 or more.")
