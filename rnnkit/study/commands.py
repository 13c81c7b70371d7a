"""The command that trains a run, from what the run's folder records."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

# Names in the record of a data set that the command line calls otherwise.
_CALLED = {"columns": "features", "split": "hold_out"}
_UNITS = {"seconds": "s", "steps": "steps", "parameters": "parameters"}  # of budgets


def train_command(record: Mapping[str, Any]) -> str:
    """Return the command that trains a run with a plan's record.

    Example:
        >>> train_command({"recipe": "lstm_sentiment", "seed": 1, "data": {"name": "sample"},
        ...                "given": {"units": 8, "bidirectional": False, "clip_norm": None}})
        'rnnkit train lstm_sentiment --data sample --units 8 --no-bidirectional --clip-norm none --seed 1'
    """  # noqa: E501  the result of an example does not break
    return shlex.join(train_words(record))


def train_words(record: Mapping[str, Any]) -> list[str]:
    """Return the words of the command that trains a run; without a seed where the record has none.

    Args:
        record: of a plan, as settings.json of a run has it.

    Example:
        >>> record = {"recipe": "name_tagger", "data": {"name": "sample"}, "given": {}}
        >>> train_words(record | {"budget": {"steps": 2000}})[3:]
        ['--data', 'sample', '--budget', '2000steps']
    """
    data = record["data"]
    files = {_CALLED.get(name, name): value for name, value in (data.get("options") or {}).items()}
    columns = {name: data.get(name) for name in ("text_column", "label_column", "limit")}
    fit = {name: record.get(name) for name in ("patience", "teacher_weights")}
    more = {**columns, **files, **fit}
    options = {"data": data["name"]}
    options |= {name: value for name, value in more.items() if value is not None}
    options |= record["given"]
    if "seed" in record:
        options["seed"] = record["seed"]
    words = ["rnnkit", "train", record["recipe"]]
    for name, value in options.items():
        words += option(name, value)
    if unlabelled := record.get("unlabelled"):
        words += option("unlabelled" if unlabelled is True else "unlabelled_file", unlabelled)
    for teacher in record.get("teacher") or ():
        words += option("teacher", teacher)
    budget = record.get("budget") or {}
    for part, unit in _UNITS.items():
        if part in budget:
            words += ["--budget", f"{budget[part]}{unit}"]
    return words


def option(name: str, value: Any) -> list[str]:
    """Return an option of the command line.

    Example:
        >>> option("embedding_trainable", False), option("horizon", [1, 6])
        (['--no-embedding-trainable'], ['--horizon', '1,6'])
    """
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    if isinstance(value, list | tuple):
        return [flag, ",".join(map(str, value))]
    return [flag, "none" if value is None else str(value)]
