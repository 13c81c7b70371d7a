"""Make a recipe of typed groups of settings and a function that builds the task."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rnnkit.deprecation import renamed_options
from rnnkit.errors import InputError
from rnnkit.options import complete, pick, settings_of, with_args
from rnnkit.settings.stack import check_recurrent_dropout
from rnnkit.settings.training import AdversarialOption, TaskOptions, VirtualAdversarialOption
from rnnkit.settings.words import LanguageModelLike, TokenizerLike

RAISES = """Raises:
    InputError: an invalid setting.
    TypeError: an unknown setting; the message suggests the closest.

"""
# Of recipes with adversarial training and other outputs.
NO_CLASSES = {
    "virtual_adversarial": "it compares the probabilities of the classes of an example. Set "
    "adversarial instead."
}
Settings = dict[str, Any]
Builder = Callable[[Settings], Any]


def recipe(
    name: str,
    summary: str,
    build: Builder,
    *,
    groups: Sequence[Any],
    defaults: Mapping[str, Any] | None = None,
    fixed: Mapping[str, Any] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    renamed: Mapping[str, str] | None = None,
    old_values: Mapping[str, Mapping[Any, Any]] | None = None,
    refused: Mapping[str, str] | None = None,
    text: str = "",
) -> Callable[..., Any]:
    """Return a recipe: a function whose keywords are the settings of typed groups.

    The function checks types and ranges, and calls `build` with a value for every setting; the
    model's `settings` record them. For an unknown one, `TypeError` suggests the closest.

    Args:
        name: of the recipe.
        summary: first line of the docstring.
        build: makes the model from a dictionary of all settings.
        groups: TypedDict classes, see `rnnkit.options`.
        defaults: defaults of this recipe that differ from the groups'.
        fixed: what makes the recipe what it is: values for `build` that are not settings.
        presets: values of the setting "preset" -> other defaults; the groups have that setting.
        renamed: old names of settings, which work with a warning -> new names.
        old_values: old name of a setting -> its old values -> new values.
        refused: settings of other recipes that may be looked for here -> why there are none.
        text: the docstring's sections but for "Args" and "Raises"; "{name}" stands for the name.

    Returns:
        The recipe, with the attributes `settings` (by name), `renamed`, `old_values`, and `rename`,
        which returns settings under their new names.

    Example:
        >>> from types import SimpleNamespace
        >>> from rnnkit.settings.stack import CellOption, LayerOptions
        >>> small = recipe(
        ...     "small",
        ...     "A small model.",
        ...     lambda settings: SimpleNamespace(**settings),
        ...     groups=(CellOption, LayerOptions),
        ...     defaults={"units": 2},
        ...     fixed={"cell": "gru"},
        ... )
        >>> small(dropout=0.1).settings
        {'recipe': 'small', 'layers': 1, 'units': 2, 'dropout': 0.1}
        >>> small(dropout=7.5)
        Traceback (most recent call last):
        rnnkit.errors.InputError: dropout is 7.5; expected a number of at least 0 and below 1.
    """
    fixed, presets, old_values = fixed or {}, presets or {}, old_values or {}
    settings = settings_of(*groups, defaults=defaults)
    settings = {key: setting for key, setting in settings.items() if key not in fixed}
    if "seed" in settings:  # several groups have it; it is listed last
        settings["seed"] = settings.pop("seed")
    new_names = renamed_options(name, renamed or {})

    def rename(given: Mapping[str, Any]) -> Settings:
        changed = {
            key: new.get(given[key], given[key]) for key, new in old_values.items() if key in given
        }
        return dict(new_names({**given, **changed}))

    def call(**given: Any) -> Any:
        given = rename(given)
        for key in sorted({*given} & {*(refused or {})}):
            raise InputError(f"{name} has no setting {key!r}: {(refused or {})[key]}")
        chosen = complete(settings, given, name)
        preset = presets.get(str(chosen.get("preset")), {})
        chosen |= {key: value for key, value in preset.items() if key not in given}
        whole = {**fixed, **chosen}
        if {"cell", "recurrent_dropout"} <= whole.keys():  # before any data are read
            check_recurrent_dropout(whole["cell"], whole["recurrent_dropout"])
        model = build(whole)
        model.settings = {  # in a form that JSON can hold
            "recipe": name,
            **{k: _as_json(v) for k, v in chosen.items()},
        }
        model._recipe = call  # copies of the model are made by it
        return model

    call.__name__ = call.__qualname__ = name
    call.__module__ = build.__module__
    text = re.sub("(?m)^(?=Source:|Example:)", RAISES, text.strip(), count=1)
    doc = f"{summary}\n\n{text}".replace("{name}", name)
    call.__doc__ = with_args(doc, settings.values())
    made: Any = call
    made.__signature__ = inspect.Signature([setting.parameter for setting in settings.values()])
    made.settings, made.renamed, made.old_values = settings, dict(renamed or {}), dict(old_values)
    made.rename = rename
    return made


def _as_json(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    if isinstance(value, TokenizerLike | LanguageModelLike):  # the task has the object itself
        return type(value).__name__
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def split_names(names: str | Sequence[Any] | None) -> Sequence[Any] | None:
    """Return names as a list; a text holds them separated by commas.

    Example:
        >>> split_names("neg,pos"), split_names(("neg", "pos")), split_names(None)
        (['neg', 'pos'], ('neg', 'pos'), None)
    """
    return names.split(",") if isinstance(names, str) else names


def refuse_ignored(settings: Settings, *groups: Any) -> None:
    """Refuse settings of words that a tokenizer of KerasHub takes the place of.

    Args:
        settings: a value for every setting, `tokenizer` among them.
        *groups: TypedDict classes whose settings have no effect beside a tokenizer.

    Raises:
        InputError: a tokenizer is given, and one of them is not as by default.
    """
    if settings["tokenizer"] is None:
        return
    for name, setting in settings_of(*groups).items():
        if name in settings and settings[name] != setting.default:
            raise InputError(
                f"{name} is {settings[name]!r}, and a tokenizer is given, which gets the texts as "
                f"they are. Leave out {name}, or the tokenizer."
            )


def training_arguments(settings: Settings) -> dict[str, Any]:
    """Return the optimizer and what else a task's constructor takes of the training settings.

    Example:
        >>> from rnnkit.options import complete, settings_of
        >>> from rnnkit.settings.training import TrainingOptions
        >>> sorted(training_arguments(complete(settings_of(TrainingOptions), {}, "recipe")))
        ['averaged_weights', 'batch_size', 'epochs', 'learning_rate_schedule', 'optimizer', 'seed']
    """
    from rnnkit.tasks.training.optimizers import optimizer_factory

    names = ("optimizer", "learning_rate", "clip_norm")
    make = optimizer_factory(*(settings[name] for name in names))
    groups = (TaskOptions, AdversarialOption, VirtualAdversarialOption)
    return {"optimizer": make, **pick(settings, *groups)}
