"""Family: everything in one record that depends on the data that recipes learn from.

`rnnkit.study` and `rnnkit.cli` read it, so that a new family is served without a change there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit.data.kinds import DataKind
from rnnkit.errors import InputError

Recipe = Callable[..., Any]
Baseline = Callable[[Any, Mapping[str, Any]], dict[str, Any]]


class IntrinsicEvaluation(NamedTuple):
    """Evaluation that needs no test split, such as word vectors on analogies.

    Attributes:
        name: what models are evaluated on, for titles.
        about: what the measures mean, in a sentence for reports.
        table: model -> the scores of each part, with how many of its questions were answered.
    """

    name: str
    about: str
    table: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Family:
    """Recipes that learn from the same kind of data, and all that study and command line need.

    Functions import Keras when they are called, not before: `rnnkit list` reads every family.

    Attributes:
        kind: of the data.
        recipes: functions of keywords that return a model; their names are those of the recipes.
        baselines: row of a table -> function of the splits and a run's settings, which returns
            results shaped like those of a run; may be empty.
        headings: measure -> heading, in the order of a table's columns.
        example: the command that asks a model; "{}" is replaced by the run, and "{question}" by
            what `question` returns.
        samples: recipe -> generated data set, where it is not the kind's own.
        dataset_settings: attributes of the data set that recipes with a setting of that name get.
        baseline_settings: settings of the run that the baselines depend on: they are computed again
            when one of them changes.
        intrinsic: evaluation without a test split: all data are training data.
        question: model, data set -> a short input of its own data for the example, or None.
        tensorboard: folder, validation examples -> the callback that writes TensorBoard events;
            None = `rnnkit.monitor.TensorBoard`.

    Raises:
        InputError: a part is missing or does not fit the others; the message names both.

    Example:
        >>> kind = DataKind("coins", {"coins_sample": list})
        >>> def coin_flipper(*, seed=0):
        ...     "Predict a coin."
        >>> Family(kind, (coin_flipper,), {}, {"accuracy": "accuracy"}, "predict RUN 1")
        Traceback (most recent call last):
        rnnkit.errors.InputError: The family 'coins' has an example without {}: 'predict RUN 1'.
    """

    kind: DataKind
    recipes: tuple[Recipe, ...]
    baselines: Mapping[str, Baseline]
    headings: Mapping[str, str]
    example: str
    samples: Mapping[str, str] = field(default_factory=dict)
    dataset_settings: tuple[str, ...] = ()
    baseline_settings: tuple[str, ...] = ()
    intrinsic: IntrinsicEvaluation | None = None
    tensorboard: Callable[[Path, Any], Any] | None = None
    question: Callable[[Any, Any], str | None] | None = None

    def __post_init__(self) -> None:
        """Refuse a family with a part missing."""
        names = [getattr(recipe, "__name__", "") for recipe in self.recipes]
        settings = {
            name for recipe in self.recipes for name in inspect.signature(recipe).parameters
        }
        problems = {
            "no generated data set": not self.kind.readers,
            "no recipes": not self.recipes,
            "a recipe without a name": not all(names),
            "a recipe without a docstring": not all(recipe.__doc__ for recipe in self.recipes),
            "no headings": not self.headings,
            f"an example without {{}}: {self.example!r}": "{}" not in self.example,
        }
        for recipe, sample in self.samples.items():
            problems[f"a sample for an unknown recipe {recipe!r}"] = recipe not in names
            problems[f"an unknown sample {sample!r}"] = sample not in self.kind.readers
        for name in self.dataset_settings:
            problems[f"no recipe with the dataset_setting {name!r}"] = name not in settings
        for name in self.baseline_settings:
            known = name in settings or name == "recipe"
            problems[f"no recipe with the baseline_setting {name!r}"] = not known
        for problem, found in problems.items():
            if found:
                raise InputError(f"The family {self.kind.name!r} has {problem}.")

    @property
    def has_test_split(self) -> bool:
        """Whether models are validated and evaluated on splits of the data."""
        return self.intrinsic is None

    @property
    def evaluated_on(self) -> str:
        """What models are evaluated on, for titles."""
        return "test split" if self.intrinsic is None else self.intrinsic.name
