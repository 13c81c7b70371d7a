"""Recipes that are one function with other defaults: sentiment, tagging, encoder-decoder."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rnnkit.errors import InputError, suggest


def recipe_of(
    name: str,
    summary: str,
    build: Callable[..., Any],
    settings_text: str,
    *,
    fixed: Mapping[str, Any] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    **defaults: Any,
) -> Callable[..., Any]:
    """Return `build` with a name, a docstring, other defaults and a signature that shows them.

    Args:
        name: of the recipe.
        summary: the docstring's first line.
        build: makes the model from keywords alone.
        settings_text: the rest of the docstring; "{name}" in it stands for the name. Of its "Args"
            those that are fixed are left out.
        fixed: keywords of `build` that make the recipe what it is, and are no settings of it.
        presets: sets of defaults that the setting "preset" chooses; None = there is no such one.
        **defaults: what the recipe has instead of the defaults of `build`.

    Returns:
        A function of keywords. It writes into `settings` of its model what it was called with; it
        raises `TypeError` for a setting that there is not, and names the nearest.

    Example:
        >>> from types import SimpleNamespace
        >>> def build(*, cell, units=8):
        ...     return SimpleNamespace(units=units)
        >>> small = recipe_of("small", "A small one.", build, "", fixed={"cell": "gru"}, units=2)
        >>> small().settings
        {'recipe': 'small', 'units': 2}
    """
    fixed = fixed or {}
    own = [
        parameter.replace(
            default=defaults.get(parameter.name, parameter.default),
            annotation=_type(parameter.annotation, build),
        )
        for parameter in inspect.signature(build).parameters.values()
        if parameter.name not in fixed
    ]
    known = {parameter.name: parameter.default for parameter in own}
    first = inspect.Parameter(
        "preset", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=str | None
    )
    signature = inspect.Signature(own if presets is None else [first, *own])

    def recipe(**settings: Any) -> Any:
        for key in settings:
            if key not in signature.parameters:
                raise TypeError(
                    f"{name}() has no setting {key!r}.{suggest(key, signature.parameters)} "
                    f"Known: {', '.join(signature.parameters)}."
                )
        chosen = {**known, **settings}
        if presets is not None:
            preset = settings.get("preset")
            if preset is not None and preset not in presets:
                raise InputError(f"preset is {preset!r}; expected None or one of {list(presets)}.")
            instead = {} if preset is None else presets[preset]
            chosen = {"preset": preset, **known, **instead, **settings}
        model = build(**fixed, **{key: chosen[key] for key in known})
        model.settings = {  # they are written as JSON
            "recipe": name,
            **{k: os.fspath(v) if isinstance(v, os.PathLike) else v for k, v in chosen.items()},
        }
        return model

    recipe.__name__ = recipe.__qualname__ = name
    recipe.__module__ = build.__module__
    for key in fixed:
        settings_text = re.sub(rf"(?m)^    {key}: .*\n(        .*\n)*", "", settings_text)
    recipe.__doc__ = f"{summary}\n{settings_text.replace('{name}', name)}"
    recipe.__signature__ = signature  # type: ignore[attr-defined]
    return recipe


def listed(names: str | Sequence[Any] | None) -> Sequence[Any] | None:
    """Return names that may be given as one text with commas, as on the command line.

    Example:
        >>> listed("neg,pos"), listed(("neg", "pos")), listed(None)
        (['neg', 'pos'], ('neg', 'pos'), None)
    """
    return names.split(",") if isinstance(names, str) else names


def _type(annotation: Any, build: Callable[..., Any]) -> Any:
    """Return what an annotation means in its own module; the signature is shown in another."""
    return eval(annotation, build.__globals__) if isinstance(annotation, str) else annotation
