"""The data of a run: a data set by name, or a file or folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit.data import datasets
from rnnkit.data.corpus import Corpus
from rnnkit.data.table_files import HUB
from rnnkit.errors import InputError

load_data = datasets.open_data


class Source(NamedTuple):
    """The data set of a run, as it is recorded.

    Example:
        >>> Source("sample").name
        'sample'
    """

    name: str
    text_column: str | None = None
    label_column: str | None = None
    limit: int | None = None
    options: dict[str, Any] | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is a file or folder, and no data set by name."""
        return self.name not in datasets.names()

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON values; `options` only where there are some."""
        found = self._asdict()
        return found if self.options else {k: v for k, v in found.items() if k != "options"}

    def load(self, kind: str = "texts") -> Any:
        """Load it for recipes of a kind; see `rnnkit.datasets.open_data`."""
        options = self._asdict()
        return datasets.open_data(options.pop("name"), kind, **options)


def refuse_unsuitable(recipe: str, kind: str, data: str | os.PathLike[str]) -> None:
    """Refuse data of another kind than a recipe takes, and name the data sets that suit.

    Args:
        recipe: the recipe's name.
        kind: of data that it takes, from `rnnkit.recipes.kind_of`.
        data: a name, or a path: every unknown name is one.

    Example:
        >>> refuse_unsuitable("lstm_sentiment", "texts", "imdb")
    """
    name = os.fspath(data)
    suit = datasets.suitable(kind)
    if name not in datasets.names():
        if datasets.find_kind(kind).open_files is not None:
            return
        if Path(name).expanduser().exists():
            raise InputError(
                f"{name} is a file: {recipe} takes {kind} by name alone. Data sets that suit it: "
                f"{suit}."
            )
    if not datasets.suits(kind, name):
        raise InputError(
            f"{recipe} learns from {datasets.find_kind(kind).content or kind}, and {name} holds "
            f"{datasets.kind_of(name)}. Data sets that suit it: {suit}."
        )


def size(split: Any) -> int:
    """Return the number of examples in a split: of series to forecast, of steps.

    A corpus knows its number of texts once it was read.

    Example:
        >>> size(load_data("sample", limit=10).train)
        10
    """
    if isinstance(split.x, Corpus):
        return split.x.texts or sum(1 for _ in split.x)
    return getattr(split, "steps", None) or len(split)


def source_of(data: str | os.PathLike[str], **options: Any) -> Source:
    """Return the record of a data set; paths are made absolute.

    Example:
        >>> source_of("sample", limit=10).as_record()
        {'name': 'sample', 'text_column': None, 'label_column': None, 'limit': 10}
    """
    name = os.fspath(data)
    if name not in datasets.names() and not name.startswith(HUB):
        name = str(Path(name).expanduser().resolve())
    return Source(name, **options)
