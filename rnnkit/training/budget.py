"""Budgets: for how long, for how many steps, or with how many parameters a network is trained."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rnnkit.errors import InputError, quote

_UNITS = {
    "seconds": ("s", "sec", "secs", "second", "seconds"),
    "minutes": ("m", "min", "mins", "minute", "minutes"),
    "hours": ("h", "hr", "hrs", "hour", "hours"),
    "steps": ("step", "steps"),
    "parameters": ("parameter", "parameters", "params"),
}
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}
_THOUSANDS = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000}
# Commas part thousands, and nothing else: "1,5h" is not 15 hours.
_FORM = re.compile(
    r"\s*((?:\d{1,3}(?:[,_]\d{3})+|\d+)(?:\.\d+)?|\.\d+)\s*([kKM]?)\s*([a-zA-Z]+)\s*"
)
EXPECTED = (
    "expected a time, such as 90s, 10m or 1.5h; steps, such as 5000steps; or parameters without "
    "the embedding table, such as 200000parameters or 200kparameters"
)


class BudgetTooSmall(InputError):
    """A budget of time that is less than one step takes."""


class Budget(NamedTuple):
    """What each run of a comparison may use, at most; `parse_budget` makes it.

    Attributes:
        seconds: of the passes over the training data; without compiling, validation and what is
            learned before the first step. None = no limit.
        steps: of the optimizer. None = no limit.
        parameters: of the network without its embedding tables, as near as the units allow it.
            None = the units are those of the settings.

    Example:
        >>> Budget(seconds=600.0).ends_training, Budget(parameters=1000).ends_training
        (True, False)
    """

    seconds: float | None = None
    steps: int | None = None
    parameters: int | None = None

    @property
    def ends_training(self) -> bool:
        """Whether it says when a training ends, in the place of a number of epochs."""
        return self.seconds is not None or self.steps is not None

    def __str__(self) -> str:
        """Return it as text that `parse_budget` reads.

        Example:
            >>> str(Budget(seconds=600.0)), str(Budget(steps=500, parameters=2000))
            ('10 minutes', '500 steps and 2,000 parameters')
        """
        parts = [] if self.seconds is None else [_time(self.seconds)]
        for name in ("steps", "parameters"):
            if (amount := getattr(self, name)) is not None:
                parts.append(f"{amount:,} {name[:-1] if amount == 1 else name}")
        return " and ".join(parts)

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON values.

        Example:
            >>> Budget(steps=500).as_record()
            {'steps': 500}
        """
        return {name: value for name, value in self._asdict().items() if value is not None}


def parse_budget(given: str | Sequence[str] | Mapping[str, Any] | Budget) -> Budget:
    """Read a budget; several parts are a list, or joined by "and".

    Args:
        given: a text such as "10m", "1.5h", "5000 steps", "200k parameters"; a list of them, of
            different kinds; or what `Budget.as_record` returned.

    Raises:
        InputError: it is none, is 0, or limits both time and steps.

    Example:
        >>> parse_budget("1.5h")
        Budget(seconds=5400.0, steps=None, parameters=None)
        >>> parse_budget(["200k parameters", "5000 steps"])
        Budget(seconds=None, steps=5000, parameters=200000)
    """
    if isinstance(given, Budget):
        return given
    if isinstance(given, Mapping):
        return _of_record(given)
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, Sequence) or not all(isinstance(one, str) for one in texts):
        raise InputError(f"budget is {quote(given)}; {EXPECTED}.")
    parts = [part for text in texts for part in re.split(r"\s+and\s+", text)]
    found: dict[str, Any] = {}
    for part in parts:
        name, amount = _parse(part)
        if name in found:
            raise InputError(f"budget is {quote(given)}, which limits {name} twice; give one.")
        found[name] = amount
    if not found:
        raise InputError(f"budget is {quote(given)}; {EXPECTED}.")
    if {"seconds", "steps"} <= found.keys():
        raise InputError(
            f"budget is {quote(given)}, a time and a number of steps, and the learning rate can "
            "fall over one of them only. Give the time or the steps."
        )
    return Budget(**found)


def _parse(text: str) -> tuple[str, float | int]:
    """Return what is limited, and to how much."""
    match = _FORM.fullmatch(text)
    names = [] if match is None else [n for n, known in _UNITS.items() if match[3] in known]
    # "5ksteps" is read as a number, "k" and a unit; "5m" as minutes: M is for millions.
    if match is None or not names or (match[2] and names[0] in _SECONDS):
        raise InputError(f"budget is {quote(text)}; {EXPECTED}.")
    amount = float(re.sub("[,_]", "", match[1])) * _THOUSANDS[match[2]]
    name = names[0]
    if name in _SECONDS:
        seconds = amount * _SECONDS[name]
        if not (seconds > 0 and math.isfinite(seconds)):
            raise InputError(f"budget is {quote(text)}; expected a time above 0.")
        return "seconds", seconds
    if not math.isfinite(amount) or amount != int(amount):
        raise InputError(f"budget is {quote(text)}; expected a whole number of {name}.")
    if amount < 1:
        raise InputError(f"budget is {quote(text)}; the least is 1 {name[:-1]}.")
    return name, int(amount)


def _of_record(record: Mapping[str, Any]) -> Budget:
    """Return what `Budget.as_record` returned."""
    counts = [record.get(name, 1) for name in ("steps", "parameters")]
    seconds = record.get("seconds", 1)
    known = {*record} <= {*Budget._fields} and bool(record)
    whole = all(type(count) is int and count >= 1 for count in counts)
    timed = type(seconds) in (int, float) and math.isfinite(seconds) and seconds > 0
    if not (known and whole and timed) or {"seconds", "steps"} <= record.keys():
        raise InputError(f"budget is {quote(dict(record))}; {EXPECTED}.")
    return Budget(**record)


def _time(seconds: float) -> str:
    """Return a time in the largest unit in which it is at least 1.

    Example:
        >>> _time(5400.0), _time(60.0), _time(0.25)
        ('1.5 hours', '1 minute', '0.25 seconds')
    """
    unit = next((name for name in ("hours", "minutes") if seconds >= _SECONDS[name]), "seconds")
    amount = seconds / _SECONDS[unit]
    shown = f"{amount:.12g}"
    return f"{shown} {unit[:-1] if amount == 1 else unit}"
