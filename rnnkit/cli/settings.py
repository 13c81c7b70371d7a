"""The settings of a recipe as options of a command, read from its signature: no second list."""

from __future__ import annotations

import ast
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import typer

from rnnkit.errors import suggest

_NOTHING = (
    object()
)  # "none" on the command line: a given None, where an option not given is None too


class Setting(NamedTuple):
    """One keyword of a recipe: its name, type, default and the line that describes it."""

    name: str
    annotation: Any
    default: Any
    help: str

    @property
    def option(self) -> str:
        """The option's name on the command line.

        Example:
            >>> Setting("clip_norm", float, 5.0, "").option
            '--clip-norm'
        """
        return "--" + self.name.replace("_", "-")

    @property
    def type_name(self) -> str:
        """The type in words.

        Example:
            >>> Setting("max_length", int | None, 400, "").type_name
            'int or none'
        """
        return " or ".join(_words(kind) for kind in _alternatives(self.annotation))

    @property
    def shown(self) -> str:
        """The default in words.

        Example:
            >>> Setting("clip_norm", float | None, None, "").shown
            'none'
        """
        if isinstance(self.default, bool):
            return "yes" if self.default else "no"
        return "none" if self.default is None else str(self.default)

    def read(self, text: str) -> Any:
        """Turn the text given on the command line into a value of the setting's type.

        Raises:
            typer.BadParameter: the text fits none of the types.

        Example:
            >>> Setting("max_length", int | None, 400, "").read("200")
            200
        """
        for kind in _alternatives(self.annotation):
            value = _read_as(kind, text)
            if value is not _UNFIT:
                return value
        known = [str(choice) for choice in typing.get_args(self.annotation)]
        hint = suggest(text, known) if typing.get_origin(self.annotation) is typing.Literal else ""
        raise typer.BadParameter(f"{text!r} is not {self.type_name}.{hint}")


def settings_of(recipe: Callable[..., Any]) -> dict[str, Setting]:
    """Return every setting of a recipe by name, in the order of its signature.

    Args:
        recipe: a recipe function; its docstring's ``Args`` section gives the help texts.

    Example:
        >>> def tiny(*, units: int = 8): "A tiny recipe."
        >>> settings_of(tiny)["units"].default
        8
    """
    helps = _described_arguments(inspect.getdoc(recipe) or "")
    return {
        name: Setting(name, _type(p.annotation, recipe), p.default, helps.get(name, ""))
        for name, p in inspect.signature(recipe).parameters.items()
    }


def shared_settings(recipes: Iterable[Callable[..., Any]]) -> dict[str, Setting]:
    """Return the settings that any of the recipes has; a default that differs is named as such.

    Example:
        >>> def one(*, units: int = 8): ...
        >>> def two(*, units: int = 16): ...
        >>> shared_settings([one, two])["units"].default
        "each recipe's own"
    """
    merged: dict[str, Setting] = {}
    for recipe in recipes:
        for name, setting in settings_of(recipe).items():
            seen = merged.setdefault(name, setting)
            kinds = seen.annotation | setting.annotation  # each recipe checks its own
            merged[name] = seen._replace(annotation=kinds)
            if seen.default != setting.default:
                merged[name] = merged[name]._replace(default="each recipe's own")
    return merged


def with_settings(
    command: Callable[..., Any], settings: Mapping[str, Setting]
) -> Callable[..., Any]:
    """Return the command with one more option for each setting.

    The command takes what was given of them as one dictionary, ``settings``. Options that the
    command has itself under the same name (``seed``) stay the command's own.

    Args:
        command: a function with type hints for Typer and a parameter ``settings``.
        settings: the settings to add, by name.

    Example:
        >>> def show(settings: dict): return settings
        >>> with_settings(show, {"units": Setting("units", int, 8, "")})(units=16)
        {'units': 16}
    """
    own = dict(inspect.signature(command, eval_str=True).parameters)
    del own["settings"]
    added = {name: _option(s) for name, s in settings.items() if name not in own}

    def run(**values: Any) -> Any:
        given = {name: values.pop(name, None) for name in added}
        return command(
            settings={
                name: None if value is _NOTHING else value
                for name, value in given.items()
                if value is not None
            },
            **values,
        )

    parameters = [*own.values(), *added.values()]
    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def _type(annotation: Any, recipe: Callable[..., Any]) -> Any:
    """Return the type that an annotation means; a signature made by hand may hold it as text."""
    if annotation is inspect.Parameter.empty:
        return str
    if isinstance(annotation, str):
        return eval(annotation, getattr(recipe, "__globals__", {}))
    return annotation


def _option(setting: Setting) -> inspect.Parameter:
    """Describe the setting to Typer; None stands for "not given", so that a preset may decide."""
    kind: Any
    about: dict[str, Any] = {
        "help": f"{setting.help} (default: {setting.shown})".strip().replace("[", r"\["),
        "show_default": False,  # Typer would show the None that stands for "not given"
        "rich_help_panel": "Settings of the recipe",
    }
    if setting.annotation is bool:
        kind = bool | None
        option = typer.Option(f"{setting.option}/--no-{setting.option[2:]}", **about)
    else:
        kind = str | None
        option = typer.Option(
            setting.option,
            parser=lambda text: _given(setting, text),
            metavar=f"<{setting.type_name.replace(' or ', '|')}>",
            **about,
        )
    return inspect.Parameter(
        setting.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=typing.Annotated[kind, option],
    )


def _given(setting: Setting, text: Any) -> Any:
    value = setting.read(text) if isinstance(text, str) else text
    return _NOTHING if value is None else value


_UNFIT = object()


def _read_as(kind: Any, text: str) -> Any:
    """Read the text as one type; `_UNFIT` where it is none of that type."""
    if kind is type(None):
        return None if text.lower() == "none" else _UNFIT
    if kind is bool:
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), _UNFIT)
    if typing.get_origin(kind) is typing.Literal:
        return next((c for c in typing.get_args(kind) if str(c) == text), _UNFIT)
    try:
        if kind in (int, float):
            return kind(text)
        if kind in (list, dict, tuple) or typing.get_origin(kind) is not None:
            return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return _UNFIT
    return text


def _alternatives(annotation: Any) -> list[Any]:
    """Split a union into its types, the narrowest first: text fits everything, so it comes last."""
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    kinds = list(typing.get_args(annotation)) if union else [annotation]
    return sorted(kinds, key=lambda kind: kind is str)


def _words(kind: Any) -> str:
    if kind is type(None):
        return "none"
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(map(str, typing.get_args(kind)))
    return "text" if kind is str else getattr(kind, "__name__", str(kind))


def _described_arguments(doc: str) -> dict[str, str]:
    """Return name -> description from the ``Args`` section of a Google docstring."""
    described: dict[str, str] = {}
    section = doc.partition("\nArgs:\n")[2]
    current: list[str] = []
    indent = 0
    for line in section.splitlines():
        if not line.strip():
            break
        depth = len(line) - len(line.lstrip())
        if depth == 0:
            break
        indent = indent or depth
        name, colon, text = line.strip().partition(":")
        if depth == indent and colon:
            current = [word.strip().partition(" ")[0] for word in name.split(",")]
            described |= dict.fromkeys(current, text.strip())
        else:
            described |= {word: f"{described[word]} {line.strip()}" for word in current}
    return described
