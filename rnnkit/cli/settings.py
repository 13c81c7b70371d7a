"""The settings of a recipe as options of a command, read from the recipe: no second list."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import typer

from rnnkit.cli.errors import OptionError
from rnnkit.cli.headings import DATA, heading_of
from rnnkit.cli.wording import choices_of, describe, metavar, option_name
from rnnkit.data.datasets import find_kind
from rnnkit.data.kinds import DataKind
from rnnkit.errors import InputError
from rnnkit.options import Option, Setting
from rnnkit.options import settings_of as declared_settings
from rnnkit.settings.data import (
    HoldOutOptions,
    SeriesFileOptions,
    TableFileOptions,
    TextFileOptions,
)
from rnnkit.settings.reading import parse_value as parse_value
from rnnkit.settings.reading import settings_of as settings_of

# The value of an option given as "none": None itself means that the option was not given.
_NONE = object()


def checked(setting: Setting, text: Any) -> Any:
    """Return the value of an option; the error names it as it is typed.

    Args:
        setting: its name is that of the option, such as ``--max-length``.
        text: what was given; what is no text is a default.

    Raises:
        OptionError: it is of another type, or out of range.

    Example:
        >>> checked(Setting("--epochs", int | None, Option(None, "", least=1)), "-1")
        Traceback (most recent call last):
        rnnkit.cli.errors.OptionError: --epochs is -1; expected an integer of at least 1 or none.
    """
    if not isinstance(text, str):
        return text
    try:
        return parse_value(setting, text)
    except InputError as error:
        said, expected, rest = str(error).rpartition("; expected ")
        raise OptionError(said + expected + re.sub(r"\bNone\b", "none", rest)) from None


def shared_settings(recipes: Iterable[Callable[..., Any]]) -> dict[str, Setting]:
    """Return the union of the settings of recipes; defaults that differ are replaced by words.

    Example:
        >>> def one(*, units: int = 8): ...
        >>> def two(*, units: int = 16): ...
        >>> shared_settings([one, two])["units"].default
        "each recipe's own"
    """
    merged: dict[str, Setting] = {}
    for recipe in recipes:
        for name, setting in settings_of(recipe).items():
            first = merged.setdefault(name, setting)
            kinds = first.annotation | setting.annotation  # each recipe checks its own
            first = merged[name] = first._replace(annotation=kinds)
            merged[name] = first._replace(option=_of_both(first.option, setting.option))
    return merged


def _of_both(one: Option, other: Option) -> Option:
    """Return an option that allows what one or the other allows."""

    def widest(bounds: tuple[float | None, float | None], pick: Any) -> float | None:
        return None if None in bounds else pick(bounds)

    return Option(
        one.default if one.default == other.default else "each recipe's own",
        one.help,
        least=widest((one.least, other.least), min),
        most=widest((one.most, other.most), max),
        above=widest((one.above, other.above), min),
        below=widest((one.below, other.below), max),
    )


def file_settings(kinds: Iterable[DataKind], settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return the options for data files and sets, by name, that some of the kinds have.

    The columns of inputs are also the features of a recipe, unless it has a setting of that name.
    The split of a data set is the option ``--hold-out``: `split` is a setting of some recipes.

    Example:
        >>> list(file_settings([find_kind("series")], {}))
        ['time', 'group', 'features', 'decimal', 'delimiter', 'encoding']
    """
    kinds = [*kinds]
    known = {name for kind in kinds for name in kind.file_options}
    for kind in kinds:
        accepted = [kind, *map(find_kind, kind.also_accepts)]
        known |= {name for one in accepted for name in one.hold_out_options}
    found = {}
    declared = [*declared_settings(SeriesFileOptions).items()]
    declared += declared_settings(TextFileOptions).items()
    declared += declared_settings(TableFileOptions).items()
    for name, setting in [*declared, *declared_settings(HoldOutOptions).items()]:
        if name in known:
            option = "features" if name == "columns" and "features" not in settings else name
            option = "hold_out" if name == "split" else option
            found[option] = setting
    return found


def renamed_settings(recipes: Iterable[Callable[..., Any]]) -> dict[str, Setting]:
    """Return the settings that were renamed by their old name, with the types of old.

    Example:
        >>> def tiny(*, units: int = 8): ...
        >>> renamed_settings([tiny])
        {}
    """
    found: dict[str, Setting] = {}
    for recipe in recipes:
        settings = settings_of(recipe)
        for old, new in getattr(recipe, "renamed", {}).items():
            found[old] = settings[new]._replace(name=old)
            if old in getattr(recipe, "old_values", {}):
                found[old] = found[old]._replace(annotation=str)
    return found


def with_settings(
    command: Callable[..., Any],
    settings: Mapping[str, Setting],
    renamed: Mapping[str, Setting] | None = None,
    file_options: Mapping[str, Setting] | None = None,
) -> Callable[..., Any]:
    """Return the command with an option for each setting.

    The command gets the values of the options that were given in one dictionary, ``settings``.
    Options that the command has itself under the same name (``seed``) stay the command's own.

    Args:
        command: a function with type hints for Typer and a parameter ``settings``.
        settings: the settings to add, by name.
        renamed: settings by their old names: hidden options.
        file_options: columns of data files, by the name of the option; those that were given come
            in a dictionary `data_options`, by the name of the setting.

    Example:
        >>> def show(settings: dict): return settings
        >>> with_settings(show, {"units": Setting("units", int, Option(8, ""))})(units=16)
        {'units': 16}
    """
    own = dict(inspect.signature(command, eval_str=True).parameters)
    del own["settings"]
    own.pop("data_options", None)
    of_files = {
        option: _parameter(s._replace(name=option), heading=DATA)
        for option, s in (file_options or {}).items()
    }
    added = {name: _parameter(s) for name, s in settings.items() if name not in own}
    added = {name: parameter for name, parameter in added.items() if name not in of_files}
    for old, setting in (renamed or {}).items():
        if old not in {*own, *added, *of_files}:
            added[old] = _parameter(setting, hidden=True)

    def run(**values: Any) -> Any:
        if file_options is not None:
            columns = {s.name: values.pop(option, None) for option, s in file_options.items()}
            values["data_options"] = {
                name: "-" if value is _NONE else value  # no column
                for name, value in columns.items()
                if value is not None
            }
        given = {name: value for name in added if (value := values.pop(name, None)) is not None}
        given = {name: None if value is _NONE else value for name, value in given.items()}
        return command(settings=given, **values)

    parameters = [*own.values(), *of_files.values(), *added.values()]
    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def _parameter(
    setting: Setting, hidden: bool = False, heading: str | None = None
) -> inspect.Parameter:
    """Describe a setting to Typer; the default None means "not given", so that presets decide."""
    kind: Any = bool | None
    name = option_name(setting.name)
    about: dict[str, Any] = {
        "help": describe(setting),
        "show_default": False,  # Typer would show the None that means "not given"
        "hidden": hidden,
        "rich_help_panel": heading or heading_of(setting.name),
    }
    if setting.annotation is bool:
        name = f"{name}/--no-{name[2:]}"
    else:
        kind = str | None
        choices = choices_of(setting)
        about["autocompletion"] = lambda incomplete: [
            c for c in choices if c.startswith(incomplete)
        ]
        about["parser"] = lambda text: _given(setting, text)
        about["metavar"] = metavar(setting)
    annotation = typing.Annotated[kind, typer.Option(name, **about)]
    return inspect.Parameter(
        setting.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _given(setting: Setting, text: Any) -> Any:
    value = checked(setting._replace(name=option_name(setting.name)), text)
    return _NONE if value is None else value
