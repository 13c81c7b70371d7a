"""The records of a run, checked as they are read: types, ranges, and what must not be missing."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rnnkit import recipes
from rnnkit.errors import InputError
from rnnkit.untrusted import parse_json

Check = tuple[Callable[[Any], bool], str]


def _is_count(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_number(value: Any) -> bool:
    """Say whether it is a finite number; integers of thousands of digits are none."""
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:
        return False


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _optional(check: Check) -> Check:
    return (lambda value: value is None or check[0](value)), f"{check[1]} or null"


_TEXT: Check = (lambda value: isinstance(value, str), "text")
_TEXTS: Check = (_is_texts, "a list of texts")
_RECORD: Check = (lambda value: isinstance(value, dict), "an object with names and values")
_COUNT: Check = (_is_count, "an integer of at least 0")
_POSITIVE: Check = (lambda value: _is_count(value, 1), "an integer of at least 1")
_NUMBER: Check = (_is_number, "a finite number")
_COLUMN: Check = (lambda value: isinstance(value, str) or _is_count(value), "a column")
_MEASURES: Check = (
    lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
    "an object of finite numbers",
)
_COUNTS: Check = (
    lambda value: isinstance(value, dict) and all(map(_is_count, value.values())),
    "an object of integers of at least 0",
)

SETTINGS: dict[str, Check] = {
    "recipe": _TEXT,
    "data": _RECORD,
    "given": _RECORD,
    "settings": _RECORD,
    "patience": _optional(_POSITIVE),
    "seed": _COUNT,
    "budget": _optional(_RECORD),
    "fingerprint": _RECORD,
    "columns": _TEXTS,
    "notes": _TEXTS,
}
DATA: dict[str, Check] = {
    "name": _TEXT,
    "text_column": _optional(_COLUMN),
    "label_column": _optional(_COLUMN),
    "limit": _optional(_POSITIVE),
    "options": _optional(_RECORD),
}
RESULTS: dict[str, Check] = {
    "test": _MEASURES,
    "seconds": _NUMBER,
    "processor_seconds": _optional(_NUMBER),
    "compiling_seconds": _NUMBER,
    "programs": _COUNTS,
    "tokens_per_second": _optional(_NUMBER),
    "parameters": _COUNT,
    "network_parameters": _COUNT,
    "steps": _COUNT,
    "step_seconds": _NUMBER,
    "peak_memory_bytes": _optional(_COUNT),
    "peak_device_memory_bytes": _optional(_COUNT),
    "epochs": _COUNT,
    "best_epoch": _COUNT,
    "monitor": _TEXT,
    "counted_by": _optional(_TEXT),
    "examples": _COUNTS,
}
_VERSIONS = ("rnnkit", "keras", "backend", "backend_version", "python", "numpy", "system")
ENVIRONMENT: dict[str, Check] = {
    **dict.fromkeys(_VERSIONS, _TEXT),
    "devices": _TEXTS,
    "cpus": _optional(_COUNT),
}


def read_json(path: Path, advice: str = "Train the run again.") -> dict[str, Any]:
    """Read a JSON file that holds one object; refuse any other.

    Args:
        path: the file.
        advice: the end of the message.

    Raises:
        InputError: it cannot be read, or is damaged.

    Example:
        >>> read_json(Path(__file__))
        Traceback (most recent call last):
        rnnkit.errors.InputError: ... is damaged: Extra data: line 1 column 3 (char 2). ...
    """
    try:
        found = parse_json(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(f"{path} is damaged: {error}. {advice}") from error
    if not isinstance(found, dict):
        what = f"it holds a {type(found).__name__}, no object with names and values"
        raise InputError(f"{path} is damaged: {what}. {advice}")
    return found


def read_settings(path: Path) -> dict[str, Any]:
    """Read the settings.json of a run; the ranges of the recipe's settings are checked.

    Raises:
        InputError: something is missing, of another type, or out of range.
    """
    found = read_json(path)
    check_record(found, SETTINGS, path, needed=("recipe", "data"))
    check_record(found["data"], DATA, path, needed=("name",), where="data.")
    if unknown := sorted(found["data"].keys() - DATA.keys()):
        raise InputError(f"{path} is damaged: data has no {unknown[0]!r}. Train the run again.")
    try:
        known = getattr(recipes.find(found["recipe"]), "settings", {})
        record = updated_record(found)
        for part in {"given", "settings"} & record.keys():
            for name in known.keys() & record[part].keys():
                known[name].check(record[part][name])
    except (InputError, TypeError) as error:  # TypeError: a list where a name should be
        raise InputError(f"{path} is damaged: {error} Train the run again.") from error
    return found


def updated_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of an earlier version's run with the settings by their new names.

    Example:
        >>> updated_record({"recipe": "lstm_sentiment", "given": {"units": 8}})["given"]
        {'units': 8}
    """
    build = recipes.find(record["recipe"])
    renamed, old_values = getattr(build, "renamed", {}), getattr(build, "old_values", {})
    found = dict(record)
    for key in {"given", "settings"} & found.keys():
        found[key] = {
            renamed.get(name, name): next(
                (new for old, new in old_values.get(name, {}).items() if old == value), value
            )
            for name, value in found[key].items()
        }
    return found


def read_results(path: Path) -> dict[str, Any]:
    """Read the results.json of a run.

    Raises:
        InputError: something is missing or of another type.
    """
    found = read_json(path)
    check_record(found, RESULTS, path, needed=("test",))
    return found


def read_epochs(path: Path) -> list[dict[str, float]]:
    """Read the rows of a metrics.csv.

    Raises:
        InputError: a row with other columns than the first, or something that is no number.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            names = list(reader.fieldnames or ())
            if len({*names}) < len(names):
                raise ValueError("two columns have one name")
            rows = [{name: float(value) for name, value in row.items()} for row in reader]
    except (ValueError, TypeError, AttributeError, csv.Error) as error:
        raise InputError(f"{path} is damaged: {error}. Train the run again.") from error
    for number, row in enumerate(rows, start=2):
        for name in {"epoch", "seconds"} & row.keys():
            if not (math.isfinite(row[name]) and row[name] >= 0):
                raise InputError(
                    f"{path}, line {number}: {name} is {row[name]}. Train the run again."
                )
    return rows


def check_record(
    record: Mapping[str, Any],
    checks: Mapping[str, Check],
    path: Path,
    needed: tuple[str, ...] = (),
    where: str = "",
) -> None:
    """Refuse a record in which something is missing or of another type.

    Args:
        record: from a file.
        checks: what values may be, by name; what has no check may be anything.
        path: the file, for messages.
        needed: names that must not be missing.
        where: the place inside the file, for messages.

    Raises:
        InputError: it names the file, the value and what was expected.

    Example:
        >>> check_record({"seed": "x"}, SETTINGS, Path("settings.json"))
        Traceback (most recent call last):
        rnnkit.errors.InputError: settings.json is damaged: seed is 'x'; expected an integer of at \
least 0. Train the run again.
    """
    for name in needed:
        if name not in record:
            raise InputError(f"{path} is damaged: it has no {where}{name}. Train the run again.")
    for name, (allows, expected) in checks.items():
        if name in record and not allows(record[name]):
            shown = type(record[name]).__name__
            if isinstance(record[name], (str, float, bool, type(None))) or _is_number(record[name]):
                shown = repr(record[name])[:60]
            raise InputError(
                f"{path} is damaged: {where}{name} is {shown}; expected {expected}. Train the run "
                "again."
            )
