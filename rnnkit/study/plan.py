"""The plan of a run: its arguments, checked before anything is loaded or written."""

from __future__ import annotations

import inspect
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnkit import recipes
from rnnkit.deprecation import RENAMES, Rename, warn
from rnnkit.errors import InputError, check_count, quote, suggest
from rnnkit.records.checks import updated_record as updated_record
from rnnkit.settings.words import LanguageModelLike, TokenizerLike
from rnnkit.study.budgets import check_budget
from rnnkit.study.sources import Source, refuse_unsuitable, source_of
from rnnkit.study.teaching import Teaching, make_teaching
from rnnkit.training.budget import Budget, parse_budget

_GIVEN = Rename("name", "rnnkit.study.plan.Plan", "given", "overrides")
RENAMES.append(_GIVEN)


@dataclass(frozen=True)
class Plan:
    """The arguments of one run, as in `train`.

    Attributes:
        recipe: the recipe's name.
        overrides: the settings that are not left to a preset or to the recipe's defaults.
        data: the source of the examples.
        patience: epochs without improvement before early stopping; None = no early stopping.
        seed: of the weights and of the order of the batches.
        teaching: the teachers whose predictions are learned.
        budget: how long the training takes, or how many parameters the network has; None = epochs
            and units are those of the settings.

    Example:
        >>> make_plan("lstm_sentiment", "sample", epochs=1).overrides
        {'epochs': 1}
    """

    recipe: str
    overrides: dict[str, Any]
    data: Source
    patience: int | None = None
    seed: int = 0
    teaching: Teaching = field(default_factory=Teaching)
    budget: Budget | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The old name of `overrides`."""
        warn(_GIVEN)
        return self.overrides

    def as_record(self) -> dict[str, Any]:
        """Return the plan as JSON values, as they are written to settings.json."""
        values: dict[str, Any] = {"recipe": self.recipe, "given": self.overrides}
        values |= {"data": self.data.as_record(), "patience": self.patience, "seed": self.seed}
        values["budget"] = None if self.budget is None else self.budget.as_record()
        return dict(json.loads(json.dumps(values | self.teaching.as_record())))


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
    data_options: Mapping[str, Any] | None = None,
    teacher: Any = None,
    unlabelled: bool | str | os.PathLike[str] | None = None,
    teacher_weights: Sequence[float] | None = None,
    budget: str | Sequence[str] | Budget | None = None,
) -> Plan:
    """Validate the arguments of `train` and return them as a plan; see there.

    Example:
        >>> make_plan("lstm_sentiment", settings={"units": 8}).data.name
        'sample'
    """
    if data is None:
        data = recipes.sample_for(recipe)
    family, build = recipes.family_of(recipe), recipes.find(recipe)
    rename = getattr(build, "rename", dict)
    overrides = {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value  # records are JSON
        for name, value in rename(settings or {}).items()
    }
    counts = {"epochs": epochs, "batch_size": batch_size}
    overrides |= {name: value for name, value in counts.items() if value is not None}
    known = [name for name in inspect.signature(build).parameters if name != "seed"]
    for name, value in overrides.items():
        if name not in known:
            hint = " Give the seed as seed=." if name == "seed" else suggest(name, known)
            raise InputError(
                f"{recipe} has no setting {quote(name)}.{hint} Its settings are: "
                f"{', '.join(known)}."
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{name} is {value}; expected a finite number.")
        if isinstance(value, TokenizerLike | LanguageModelLike):
            save = "save_to_preset(folder)" if isinstance(value, TokenizerLike) else "save(path)"
            raise InputError(
                f"{name} is a {type(value).__name__}, and a run records its settings as text. Save "
                f"it with {save}, and give {name}={save.partition('(')[2][:-1]}."
            )
    declared = getattr(build, "settings", {})
    for name, value in overrides.items():
        if name in declared:
            declared[name].check(value)  # type and range, as the recipe does when it is called
    for name, value in {**counts, **overrides, "patience": patience, "limit": limit}.items():
        if name in (*counts, "patience", "limit") and value is not None:
            check_count(name, value)
    if patience is not None and not family.has_test_split:
        raise InputError(
            f"patience is {patience}, but {recipe} has no validation split to stop early by. "
            "Leave patience out."
        )
    limits = None if budget is None else check_budget(budget, recipe, overrides)
    refuse_unsuitable(recipe, family.kind.name, data)
    virtual = bool(overrides.get("virtual_adversarial"))
    teaching = make_teaching(recipe, known, teacher, unlabelled, teacher_weights, virtual=virtual)
    source = source_of(data, text_column=text_column, label_column=label_column, limit=limit)
    chosen = {name: value for name, value in (data_options or {}).items() if value is not None}
    named = family.kind.model_columns
    if source.is_file and named and overrides.get(named) is not None:
        value = overrides[named]  # one option names the column to the file and to the model
        chosen[named] = list(value) if isinstance(value, (list, tuple)) else value
    source = source._replace(options=chosen or None)
    return Plan(recipe, overrides, source, patience, seed, teaching, limits)


def plan_of(record: Mapping[str, Any]) -> Plan:
    """Return the plan that a run's settings.json records.

    Example:
        >>> plan_of(make_plan("lstm_sentiment", epochs=2, seed=1).as_record()).overrides
        {'epochs': 2}
    """
    data = Source(**record["data"])
    given, patience = dict(record.get("given", {})), record.get("patience")
    seed, teaching = record.get("seed", 0), Teaching.of_record(record)
    budget = record.get("budget")
    limits = None if budget is None else parse_budget(budget)
    return Plan(record["recipe"], given, data, patience, seed, teaching, limits)
