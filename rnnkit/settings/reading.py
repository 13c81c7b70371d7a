"""The settings of a recipe, and their values as text: on the command line and in a search."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Callable
from typing import Any, Literal

from rnnkit.options import Option, Setting, alternatives, described_args

_UNFIT = object()


def settings_of(recipe: Callable[..., Any]) -> dict[str, Setting]:
    """Return the settings of a recipe by name, in the order of its signature.

    What its attribute `settings` lacks is read from the signature and the docstring's ``Args``.

    Example:
        >>> def tiny(*, units: int = 8): "A tiny recipe."
        >>> settings_of(tiny)["units"].default
        8
    """
    declared = getattr(recipe, "settings", {})
    helps = described_args(inspect.getdoc(recipe) or "")
    return {
        name: declared.get(name)
        or Setting(name, _type(p.annotation, recipe), Option(p.default, helps.get(name, "")))
        for name, p in inspect.signature(recipe).parameters.items()
    }


def parse_value(setting: Setting, text: str) -> Any:
    """Convert a text to a value of the setting's type and range.

    Raises:
        InputError: it is of another type, or out of range.

    Example:
        >>> parse_value(Setting("max_length", int | None, Option(400, "")), "200")
        200
    """
    parsed = (_parse_as(kind, text) for kind in alternatives(setting.annotation))
    return setting.check(next((value for value in parsed if value is not _UNFIT), text))


def _type(annotation: Any, recipe: Callable[..., Any]) -> Any:
    """Return the type that an annotation means; a signature made by hand may hold it as text."""
    if annotation is inspect.Parameter.empty:
        return str
    if isinstance(annotation, str):
        return eval(annotation, getattr(recipe, "__globals__", {}))
    return annotation


def _parse_as(kind: Any, text: str) -> Any:
    """Parse a text as one type; `_UNFIT` where it is not of that type."""
    if kind is type(None):
        return None if text.lower() == "none" else _UNFIT
    if kind is bool:
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), _UNFIT)
    if typing.get_origin(kind) is Literal:
        return next((c for c in typing.get_args(kind) if str(c) == text), _UNFIT)
    try:
        if kind in (int, float):
            return kind(text)
        if kind in (list, dict, tuple) or typing.get_origin(kind) is not None:
            value = ast.literal_eval(text)
            return value if isinstance(value, typing.get_origin(kind) or kind) else _UNFIT
    except (ValueError, SyntaxError):
        return _UNFIT
    return text
