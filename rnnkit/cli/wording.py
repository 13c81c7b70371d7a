"""What a setting is on the command line: its option, the values that it takes, what it does."""

from __future__ import annotations

import collections.abc
import typing
from pathlib import Path
from typing import Any, Literal

from rnnkit.options import Setting, alternatives
from rnnkit.settings.words import LanguageModelLike, TokenizerLike

OBJECTS = (TokenizerLike, LanguageModelLike)  # which nobody types


def option_name(name: str) -> str:
    """Return the option of a setting.

    Example:
        >>> option_name("clip_norm")
        '--clip-norm'
    """
    return "--" + name.replace("_", "-")


def show_value(value: Any) -> str:
    """Return a value as it is written on the command line.

    Example:
        >>> show_value(None), show_value(True), show_value(5.0)
        ('none', 'yes', '5.0')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)


def describe(setting: Setting) -> str:
    """Return what a setting does, in the words of the command line, with its default.

    Example:
        >>> from rnnkit.options import Option
        >>> describe(Setting("max_length", int | None, Option(None, "steps; None = all.")))
        'Steps; none = all. (default: none)'
    """
    text = setting.option.help
    text = f"{text[:1].upper()}{text[1:]}".replace("None = ", "none = ").replace(
        "False = ", "no = "
    )
    if setting.default is None and "by default" in text:
        return text
    return f"{text} (default: {show_value(setting.default)})".strip()


def term(setting: Setting) -> str:
    """Return an option and the values that it takes.

    Example:
        >>> from rnnkit.options import Option
        >>> term(Setting("bidirectional", bool, Option(False, "")))
        '--bidirectional / --no-bidirectional'
    """
    name = option_name(setting.name)
    return (
        f"{name} / --no-{name[2:]}" if setting.annotation is bool else f"{name} {metavar(setting)}"
    )


def choices_of(setting: Setting) -> list[str]:
    """Return the words that an option takes, for completion.

    Example:
        >>> from rnnkit.options import Option
        >>> choices_of(Setting("hmm", Literal["input"] | None, Option(None, "")))
        ['input', 'none']
    """
    found: list[str] = []
    for kind in alternatives(setting.annotation):
        if typing.get_origin(kind) is Literal:
            found += map(str, typing.get_args(kind))
        elif kind is type(None):
            found.append("none")
    return list(dict.fromkeys(found))


def metavar(setting: Setting) -> str:
    """Return what values an option takes.

    Example:
        >>> from rnnkit.options import Option
        >>> metavar(Setting("max_length", int | None, Option(400, "")))
        'INT|none'
    """
    words = {int: "INT", float: "NUMBER", str: "TEXT", Path: "PATH", bool: "yes|no"}
    found: list[str] = []
    kinds = [kind for kind in alternatives(setting.annotation) if kind not in OBJECTS]
    several = any(_is_several(kind) for kind in kinds)
    for kind in kinds:
        if typing.get_origin(kind) is Literal:
            found += map(str, typing.get_args(kind))
        elif _is_several(kind):
            found.append("A,B,...")
        elif kind is not type(None) and (kind is not str or not several):
            found.append(words.get(kind, "VALUE"))
    found += ["none"] if type(None) in kinds else []
    return "|".join(dict.fromkeys(found))


def _is_several(kind: Any) -> bool:
    return (typing.get_origin(kind) or kind) in (collections.abc.Sequence, list, tuple)
