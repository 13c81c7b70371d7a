from __future__ import annotations

import threading
import types
from typing import ClassVar

import pytest

from rnnkit.data.table_writing import Column
from rnnkit.errors import InputError


class Lengths:
    """A model that answers with the number of characters, and keeps what it was asked."""

    reads_series: ClassVar = False

    def __init__(self):
        self.calls: list[list[str]] = []
        self.go = threading.Event()  # a call waits for it
        self.go.set()

    def answer_table(self, texts):
        if list(texts) != ["An example."]:  # asked about before the first request
            self.calls.append(list(texts))
        assert self.go.wait(10)
        if "refuse" in texts:
            raise InputError("The text is refused.")
        if "break" in texts:
            raise ZeroDivisionError("/a/path/of/the/server.py")
        if "nan" in texts:
            return table("number", [float("nan") for _ in texts])
        return table("integer", map(len, texts))


def table(kind, values):
    """Answers of one column."""
    rows = [[(value,)] for value in values]
    return types.SimpleNamespace(columns=(Column("n", kind),), rows=rows, by_step=False)


@pytest.fixture
def lengths():
    return Lengths()
