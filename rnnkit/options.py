"""Typed groups of settings: name, type, default, range and description, written once.

A group is a `typing.TypedDict` whose values are `Annotated[type, Option(...)]`. Functions and
classes take it as ``**options: Unpack[Group]``. From it come their signature, the ``Args`` of their
docstring, the command line's options and the checks of ranges.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import re
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar, Union

from rnnkit.errors import InputError, quote, suggest

Taker = TypeVar("Taker", bound=Callable[..., Any])
Class = TypeVar("Class", bound=type)


@dataclass(frozen=True)
class Option:
    """Default, description and range of one setting.

    Args:
        default: its value where it is left out.
        help: what it does, in a phrase that ends with a full stop.
        least: the smallest number allowed.
        most: the largest number allowed.
        above: numbers must be larger than this.
        below: numbers must be smaller than this.
    """

    default: Any
    help: str
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None

    @property
    def range(self) -> str:
        """The range in words, such as ``at least 0 and below 1``; empty where there is none."""
        bounds = (
            ("at least", self.least),
            ("above", self.above),
            ("at most", self.most),
            ("below", self.below),
        )
        return " and ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)

    def allows(self, number: float) -> bool:
        """Say whether a number is within the range; NaN never is."""
        return not (
            math.isnan(number)
            or (self.least is not None and number < self.least)
            or (self.most is not None and number > self.most)
            or (self.above is not None and number <= self.above)
            or (self.below is not None and number >= self.below)
        )


class Setting(NamedTuple):
    """One keyword of a function: name, type, and its `Option`.

    Attributes:
        name: the keyword.
        annotation: its type, without `Annotated`.
        option: default, description and range.
    """

    name: str
    annotation: Any
    option: Option

    @property
    def default(self) -> Any:
        """The value where it is left out."""
        return self.option.default

    @property
    def parameter(self) -> inspect.Parameter:
        """The keyword-only parameter of a signature."""
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=self.default,
            annotation=self.annotation,
        )

    def check(self, value: Any) -> Any:
        """Return a value of the setting's type within its range, or refuse it.

        Raises:
            InputError: another type, another word, or a number out of range.

        Example:
            >>> Setting("dropout", float, Option(0.5, "", least=0, below=1)).check(7.5)
            Traceback (most recent call last):
            rnnkit.errors.InputError: dropout is 7.5; expected a number of at least 0 and below 1.
        """
        kinds = alternatives(self.annotation)
        if any(self._fits(kind, value) for kind in kinds):
            return value
        words = [c for kind in kinds for c in typing.get_args(kind) if isinstance(c, str)]
        hint = suggest(value, words) if isinstance(value, str) else ""
        raise InputError(f"{self.name} is {quote(value)}; expected {self.expected}.{hint}")

    @property
    def expected(self) -> str:
        """What values are allowed, in words.

        Example:
            >>> Setting("units", int, Option(64, "", least=1)).expected
            'an integer of at least 1'
        """
        words = [_expected(kind, self.option.range) for kind in alternatives(self.annotation)]
        return " or ".join(words)

    def _fits(self, kind: Any, value: Any) -> bool:
        if kind is Any:
            return True
        if kind is type(None):
            return value is None
        if kind is bool:
            return isinstance(value, bool)
        if typing.get_origin(kind) is Literal:
            choices = typing.get_args(kind)  # an array is equal to none of them
            return any(isinstance(value, type(one)) and value == one for one in choices)
        if kind in (int, float):
            number = numbers.Integral if kind is int else numbers.Real  # NumPy's, too
            return (
                isinstance(value, number)
                and not isinstance(value, bool)
                and self.option.allows(_as_float(value))
            )
        if typing.get_origin(kind) is Sequence:  # numbers have to fit, too
            members = alternatives(typing.get_args(kind)[0])
            return (
                isinstance(value, Sequence)
                and not isinstance(value, str)
                and (
                    not {*members} <= {int, float}
                    or all(any(self._fits(kind, one) for kind in members) for one in value)
                )
            )
        origin = typing.get_origin(kind) or kind
        return isinstance(value, origin) if isinstance(origin, type) else True


def _as_float(number: Any) -> float:
    """Return a number as a float; integers beyond its range are no setting, and become NaN."""
    try:
        return float(number)
    except OverflowError:
        return math.nan


def alternatives(annotation: Any) -> list[Any]:
    """Split a union into its types; `str` comes last, as any text fits it.

    Example:
        >>> alternatives(str | int | None)
        [<class 'int'>, <class 'NoneType'>, <class 'str'>]
    """
    union = typing.get_origin(annotation) in (Union, types.UnionType)
    kinds = list(typing.get_args(annotation)) if union else [annotation]
    return sorted(kinds, key=lambda kind: kind is str)


def settings_of(*groups: Any, defaults: Mapping[str, Any] | None = None) -> dict[str, Setting]:
    """Return the settings of typed groups by name, in their order.

    Args:
        *groups: TypedDict classes.
        defaults: other defaults for some of them.

    Raises:
        TypeError: a default for a setting that no group has, or a key without an `Option`.

    Example:
        >>> from typing import Annotated, TypedDict
        >>> Units = Annotated[int, Option(64, "size of the state.", least=1)]
        >>> Size = TypedDict("Size", {"units": Units})
        >>> settings_of(Size, defaults={"units": 8})["units"].default
        8
    """
    found: dict[str, Setting] = {}
    for group in groups:
        hints = typing.get_type_hints(group, include_extras=True)
        for name, annotated in hints.items():
            option = next(
                (m for m in getattr(annotated, "__metadata__", ()) if type(m) is Option), None
            )
            if option is None:
                raise TypeError(f"{group.__name__}.{name} has no Option.")
            found[name] = Setting(name, typing.get_args(annotated)[0], option)
    for name, default in (defaults or {}).items():
        if name not in found:
            raise TypeError(f"No group has a setting {quote(name)}.{suggest(name, found)}")
        setting = found[name]
        found[name] = setting._replace(option=_with_default(setting.option, default))
    return found


def pick(options: Mapping[str, Any], *groups: Any) -> dict[str, Any]:
    """Return those of the options that typed groups have.

    Example:
        >>> from typing import Annotated, TypedDict
        >>> Units = Annotated[int, Option(64, "size of the state.")]
        >>> Size = TypedDict("Size", {"units": Units})
        >>> pick({"units": 8, "seed": 0}, Size)
        {'units': 8}
    """
    names = {name for group in groups for name in typing.get_type_hints(group)}
    return {name: value for name, value in options.items() if name in names}


def complete(
    settings: Mapping[str, Setting], given: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Return a value for every setting: the given one, checked, or the default.

    Args:
        settings: what there is.
        given: what was given.
        where: the function, for messages.

    Raises:
        TypeError: a setting that does not exist; the message names the closest.
        InputError: a value of another type or out of range.
    """
    for name in given:
        if name not in settings:
            raise TypeError(
                f"{where}() has no setting {quote(name)}.{suggest(name, settings)} "
                f"Known: {', '.join(settings)}."
            )
    return {
        name: setting.check(given[name]) if name in given else setting.default
        for name, setting in settings.items()
    }


def takes(*groups: Any, **defaults: Any) -> Callable[[Taker], Taker]:
    """Return a decorator for functions that end in ``**options: Unpack[Group]``.

    The function is called with a value for every setting of the groups, each checked; its signature
    and the ``Args`` of its docstring list them one by one, its attribute ``settings`` has them by
    name.

    Args:
        *groups: TypedDict classes.
        **defaults: defaults of this function, where they differ from the groups'.

    Example:
        >>> from typing import Annotated, TypedDict
        >>> Units = Annotated[int, Option(64, "size of the state.", least=1)]
        >>> Size = TypedDict("Size", {"units": Units})
        >>> @takes(Size)
        ... def layer(name, **options):
        ...     return name, options
        >>> inspect.signature(layer)
        <Signature (name, *, units: int = 64)>
        >>> layer("lstm")
        ('lstm', {'units': 64})
    """
    settings = settings_of(*groups, defaults=defaults)

    def decorate(function: Taker) -> Taker:
        own = inspect.signature(function).parameters.values()
        named = [p for p in own if p.kind is not inspect.Parameter.VAR_KEYWORD]
        names = {p.name for p in named}

        @functools.wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            options = {name: value for name, value in given.items() if name not in names}
            rest = {name: value for name, value in given.items() if name in names}
            return function(*args, **rest, **complete(settings, options, function.__name__))

        call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [*named, *(setting.parameter for setting in settings.values())]
        )
        call.__doc__ = with_args(inspect.getdoc(function) or "", settings.values())
        call.settings = settings  # type: ignore[attr-defined]
        return typing.cast(Taker, call)

    return decorate


def extends(parent: Callable[..., Any]) -> Callable[[Taker], Taker]:
    """Return a decorator for methods that add arguments to those of the method they override.

    The method ends in ``**options`` and hands them to `parent`; its signature and docstring show
    the arguments of both.

    Args:
        parent: the method that it overrides.

    Example:
        >>> def evaluate(x, *, verbose=0):
        ...     "Measure."
        >>> @extends(evaluate)
        ... def evaluate_beams(x, *, beams=5, **options):
        ...     "Measure with beam search."
        >>> inspect.signature(evaluate_beams)
        <Signature (x, *, beams=5, verbose=0)>
    """

    def decorate(method: Taker) -> Taker:
        own = inspect.signature(method).parameters.values()
        found = {p.name: p for p in own if p.kind is not p.VAR_KEYWORD}
        texts = described_args(inspect.getdoc(parent) or "")
        described = {}
        for p in inspect.signature(parent).parameters.values():
            if p.kind is not p.VAR_KEYWORD and p.name not in found:
                found[p.name] = p.replace(kind=p.KEYWORD_ONLY)
                described[p.name] = texts.get(p.name, "")
        doc = inspect.getdoc(method) or ""
        known = described_args(doc)
        method.__doc__ = _insert_args(
            doc, {name: text for name, text in described.items() if text and name not in known}
        )
        ordered = sorted(found.values(), key=lambda p: p.kind)
        method.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
        return method

    return decorate


def separate(
    options: Mapping[str, Any], settings: Mapping[str, Setting], where: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split keyword arguments into a value for every setting, and the rest.

    For classes whose `__init__` passes the rest on to its base class. Values of settings with a
    range or with a list of choices are checked.

    Args:
        options: keyword arguments.
        settings: the settings of the class by name.
        where: the class, for messages.

    Raises:
        InputError: a value out of range, or an unknown choice.

    Example:
        >>> units = Setting("units", int, Option(64, "size of the state.", least=1))
        >>> separate({"name": "lstm"}, {"units": units}, "LSTM")
        ({'units': 64}, {'name': 'lstm'})
    """
    own = {}
    for name, setting in settings.items():
        own[name] = options.get(name, setting.default)
        if setting.option.range or typing.get_origin(setting.annotation) is Literal:
            setting._replace(name=f"{where}: {name}").check(own[name])
    return own, {name: value for name, value in options.items() if name not in settings}


class _ClassSignature:
    """The signature of a class, hidden from its instances: calling those takes other arguments."""

    def __init__(self, signature: inspect.Signature) -> None:
        self.signature = signature

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        if instance is not None:
            raise AttributeError("__signature__")
        return self.signature


def expand_signature(cls: Class) -> Class:
    """Replace ``**options`` by real arguments in the signature and docstring of a class.

    Each ``**options`` is replaced by the settings of the TypedDict it unpacks, or else by the
    arguments of the next class in line that takes them, those of every Keras layer in the end.
    Keras's own ``**kwargs`` are left out.

    Args:
        cls: a class.

    Returns:
        The class, so that this can decorate it.

    Example:
        >>> class Base:
        ...     def __init__(self, *, name=None): ...
        >>> @expand_signature
        ... class Derived(Base):
        ...     def __init__(self, units, **options): ...
        >>> inspect.signature(Derived)
        <Signature (units, *, name=None)>
    """
    parameters, described = _expanded(cls.__mro__)
    ordered = sorted(parameters.values(), key=lambda p: p.kind)  # keyword-only ones come last
    cls.__signature__ = _ClassSignature(inspect.Signature(ordered))  # type: ignore[attr-defined]
    doc = inspect.cleandoc(cls.__doc__ or "")  # Python 3.13 takes the indentation away itself
    if doc and ("__init__" in vars(cls) or "\nArgs:\n" in doc):
        known = described_args(doc)
        more = {n: described[n] for n in parameters if n in described and n not in known}
        cls.__doc__ = _insert_args(doc, more)
    return cls


def _expanded(line: tuple[type, ...]) -> tuple[dict[str, inspect.Parameter], dict[str, str]]:
    """Return the arguments of a class by name, and their descriptions.

    Args:
        line: the class and those whose `__init__` it may reach, in method resolution order.
    """
    place = next(i for i, c in enumerate(line) if "__init__" in vars(c))
    owner = line[place]
    if owner is object:
        return {}, {}
    own = list(inspect.signature(vars(owner)["__init__"]).parameters.values())[1:]
    found = {p.name: p for p in own if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    described = described_args(inspect.getdoc(owner) or "")
    for catch_all in (p for p in own if p.kind is p.VAR_KEYWORD):
        for setting in _unpacked(catch_all.annotation, owner):
            found.setdefault(setting.name, setting.parameter)
            described.setdefault(setting.name, setting.option.help)
        parameters, texts = _expanded(line[place + 1 :])
        for name, parameter in parameters.items():
            found.setdefault(name, parameter.replace(kind=parameter.KEYWORD_ONLY))
        described = texts | described
    return found, described


def with_args(doc: str, settings: Iterable[Setting]) -> str:
    """Return a docstring whose ``Args`` list settings in the place of ``**options``.

    Example:
        >>> print(with_args("Build.", [Setting("units", int, Option(64, "size of the state."))]))
        Build.
        <BLANKLINE>
        Args:
            units: size of the state.
    """
    return _insert_args(doc, {setting.name: setting.option.help for setting in settings})


def described_args(doc: str) -> dict[str, str]:
    r"""Return name -> description from the ``Args`` section of a Google docstring.

    Example:
        >>> described_args("Build.\n\nArgs:\n    units: size\n        of the state.")
        {'units': 'size of the state.'}
    """
    found: dict[str, str] = {}
    names: list[str] = []
    indent = 0
    for line in doc.partition("\nArgs:\n")[2].splitlines():
        depth = len(line) - len(line.lstrip())
        if not line.strip() or depth == 0:
            break
        indent = indent or depth
        head, colon, text = line.strip().partition(":")
        if depth == indent and colon:
            names = [word.strip().partition(" ")[0] for word in head.split(",")]
            found |= dict.fromkeys(names, text.strip())
        else:
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def _insert_args(doc: str, described: Mapping[str, str]) -> str:
    doc = re.sub(r"(?m)^    \*\*\w+: .*\n?(        .*\n?)*", "", doc)
    lines = "".join(f"{_wrap(name, text)}\n" for name, text in described.items())
    if "\nArgs:\n" not in doc:
        section = f"\n\nArgs:\n{lines}"
        # Sections come after the prose: before the first one that the docstring has, if any.
        at = re.search(r"(?m)^(Returns|Raises|Source|Example|Attributes):", doc)
        if at is None:
            return f"{doc.rstrip()}{section}".rstrip()
        return f"{doc[: at.start()].rstrip()}{section}\n{doc[at.start() :]}"
    head, _, rest = doc.partition("\nArgs:\n")
    body = re.match(r"((?:    .*\n?|\n(?=    ))*)", rest)
    end = body.end() if body else 0
    args = rest[:end].rstrip("\n")
    joined = "\n".join(part for part in (args, lines.rstrip("\n")) if part)
    return f"{head}\nArgs:\n{joined}\n{rest[end:]}".rstrip()


def _wrap(name: str, text: str) -> str:
    """Return the lines of ``Args`` that describe one argument."""
    return textwrap.fill(
        f"{name}: {text}",
        width=96,
        initial_indent="    ",
        subsequent_indent="        ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _unpacked(annotation: Any, cls: type) -> list[Setting]:
    """Return the settings of the TypedDict in ``Unpack[Group]``; none for other annotations."""
    if isinstance(annotation, str):
        match = re.fullmatch(r"(?:typing\.)?Unpack\[([\w.]+)\]", annotation)
        if match is None:
            return []
        scope = vars(sys.modules[cls.__module__])
        group = functools.reduce(getattr, match[1].split(".")[1:], scope[match[1].split(".")[0]])
    elif typing.get_origin(annotation) is typing.Unpack:
        (group,) = typing.get_args(annotation)
    else:
        return []
    return list(settings_of(group).values())


def _with_default(option: Option, default: Any) -> Option:
    return Option(default, option.help, option.least, option.most, option.above, option.below)


def _expected(kind: Any, bounds: str) -> str:
    if kind is type(None):
        return "None"
    if typing.get_origin(kind) is Literal:
        return f"one of {typing.get_args(kind)}"
    if typing.get_origin(kind) is Sequence:
        members = [_expected(one, bounds) for one in alternatives(typing.get_args(kind)[0])]
        return f"a list of them, each {' or '.join(members)}"
    number = {int: "an integer", float: "a number"}.get(kind)
    if number is not None:
        return f"{number} {'of ' if bounds.startswith('at') else ''}{bounds}".rstrip()
    words = {bool: "True or False", str: "text"}
    return words.get(kind, getattr(kind, "__name__", str(kind)))
