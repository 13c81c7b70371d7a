"""Files that `rnnkit predict --out` wrote, read by other libraries; small models, read once."""

import csv
import functools
import json
from pathlib import Path

import pyarrow.parquet
import pytest

from rnnkit import tasks

SAVED = Path(__file__).parent / "saved"
FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")

load = functools.cache(tasks.load)


def read(path):
    """The rows of a file in the types that its format has; lists of CSV are JSON."""
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        lines = path.read_text("utf-8").split("\n")[:-1]
        return [json.loads(line, parse_constant=pytest.fail) for line in lines]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


def typed(value):
    """A value that may be a cell of a CSV file: a list, a number or nothing where it is text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else None
    except ValueError:
        return value


def done(answer):
    assert answer.code == 0, answer.text
    return answer
