"""Data sets by name (``load("imdb")``) or from files (``from_files("my.csv")``)."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rnnkit import plugins
from rnnkit.data.builtin_kinds import KINDS
from rnnkit.data.kinds import DataKind
from rnnkit.errors import InputError, check_count, quote, suggest
from rnnkit.options import settings_of
from rnnkit.settings.data import HoldOutOptions

if TYPE_CHECKING:
    from rnnkit.data.files import from_files
    from rnnkit.data.series import SeriesDataset
    from rnnkit.data.splits import Dataset, Split, TextDataset

# Imported on first use (PEP 562): names of data sets and kinds are asked for without them.
_HOMES = {
    "Dataset": "splits",
    "SeriesDataset": "series",
    "Split": "splits",
    "TextDataset": "splits",
    "from_files": "files",
}

__all__ = [
    "DataKind",
    "Dataset",
    "SeriesDataset",
    "Split",
    "TextDataset",
    "find_kind",
    "from_files",
    "kind_of",
    "load",
    "names",
    "open_data",
    "open_files",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"rnnkit.data.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@functools.cache
def kinds() -> dict[str, DataKind]:
    """Return every kind of data by name: the built-in ones, then those of other packages.

    Example:
        >>> list(kinds())[:3]
        ['texts', 'tagged sentences', 'running text']
    """
    found = {kind.name: kind for kind in KINDS}
    for family in plugins.families():
        found.setdefault(family.kind.name, family.kind)
    return found


def names(kind: str | None = None) -> list[str]:
    """Return the names of all data sets, or of those of one kind, its generated sample first.

    Example:
        >>> names("texts")
        ['sample', 'imdb', 'names']
    """
    if kind is not None:
        return list(find_kind(kind).readers)
    return sorted(name for one in kinds().values() for name in one.readers)


def find_kind(name: str) -> DataKind:
    """Return the record of a kind of data.

    Example:
        >>> find_kind("series").sample
        'traffic_sample'
    """
    if name not in kinds():
        raise InputError(
            f"No kind of data is {quote(name)}.{suggest(name, kinds())} Known: "
            f"{', '.join(kinds())}."
        )
    return kinds()[name]


def kind_of(name: str) -> str:
    """Return the name of the kind of a data set.

    Example:
        >>> kind_of("imdb")
        'texts'
    """
    for kind in kinds().values():
        if name in kind.readers:
            return kind.name
    raise InputError(
        f"There is no data set {quote(name)}.{suggest(name, names())} Known: {', '.join(names())}; "
        "for files use from_files."
    )


def suitable(kind: str) -> str:
    """Return a phrase for messages: the data that recipes of a kind accept.

    Example:
        >>> suitable("texts")
        'sample, imdb, names, or a table or folder of texts'
    """
    record = find_kind(kind)
    found = names(kind) + [name for other in record.also_accepts for name in names(other)]
    return ", ".join([*found, *([f"or {record.file_formats}"] if record.file_formats else [])])


def suits(kind: str, name: str) -> bool:
    """Return whether recipes of a kind accept a data set.

    Example:
        >>> suits("corpus", "imdb"), suits("series", "imdb")
        (True, False)
    """
    return kind_of(name) in (kind, *find_kind(kind).also_accepts)


def load(
    name: str,
    *,
    seed: int = 0,
    valid_fraction: float | None = None,
    drop_overlap: bool = False,
    limit: int | None = None,
    split: Literal["groups", "random"] | None = None,
) -> Any:
    """Load a data set by its name.

    Args:
        name: one of `names()`. Texts: ``"imdb"`` (84 MB, downloaded once), ``"sample"`` (generated,
            no download); tagged sentences: ``"uner_ewt"``, ``"ud_ewt"`` and more; running text:
            ``"wikitext2"``; pairs of texts: ``"multi30k"``; series to forecast: ``"pems_flow"``;
            labelled series: ``"japanese_vowels"``; labelled frames: ``"gesture_phase"``; a corpus
            of words: ``"wiki8"``, whose train is a `Corpus`. Each kind has a generated sample:
            ``"names_sample"``, ``"running_sample"``, ``"pairs_sample"``...
        seed: which examples of train are held out for valid, and their order. A published valid
            split (``"sample"``) is kept. Series are held out by time.
        valid_fraction: the share of train held out, from 0 to below 1, the same in every class; for
            series to forecast the latest steps. None = 0.1, or the share in the `notes` of series.
        drop_overlap: drop texts from train and valid that are in test; `notes` has their number.
        limit: the number of examples of each split, the first ones, with classes in proportion; for
            series to forecast the number of steps, the last ones of train, the first ones of valid
            and test; for a corpus of texts; for running text of lines.
        split: what is held out for valid: ``"groups"``, so that no group is in train and in valid,
            such as a film of ``"imdb"``; or ``"random"``, single examples. None = groups, where the
            data set has some.

    Returns:
        `Dataset` or `SeriesDataset`.

    Raises:
        InputError: an unknown name, an argument out of range, or files missing or damaged.

    Example:
        >>> reviews = load("sample", limit=100)
        >>> len(reviews.train), len(reviews.valid), len(reviews.test), reviews.classes
        (100, 100, 100, ('neg', 'pos'))
    """
    kind = find_kind(kind_of(name))
    if valid_fraction is not None and not 0 <= valid_fraction < 1:
        raise InputError(f"valid_fraction is {valid_fraction}: expected 0 to below 1.")
    if limit is not None:
        check_count("limit", limit)
    chosen = {"split": split} if split is not None else {}
    _check_hold_out(name, kind, chosen)
    dataset = kind.hold_out(
        kind.readers[name](),
        seed=seed,
        valid_fraction=valid_fraction,
        drop_overlap=drop_overlap,
        **chosen,
    )
    return dataset if limit is None else kind.take_first(dataset, limit)


def _check_hold_out(name: str, kind: DataKind, options: Mapping[str, Any]) -> None:
    """Refuse options of data sets by name that a kind does not have, or with other values."""
    declared = settings_of(HoldOutOptions)
    for option, value in options.items():
        if option not in declared:
            raise InputError(
                f"{option} is for files, and {name} is a data set by name. Leave it out."
            )
        declared[option].check(value)
        if option not in kind.hold_out_options:
            raise InputError(
                f"{option} is {quote(value)}: {name} holds {kind.name}, which are held out in one "
                "way only. Leave it out."
            )


def refuse_missing(source: str | os.PathLike[str]) -> None:
    """Refuse what is neither the name of a data set nor a path that exists; nothing is read.

    Raises:
        InputError: the message suggests the closest name.

    Example:
        >>> refuse_missing("sample")
    """
    name = os.fspath(source)
    if name in names() or _is_of_hub(name):
        return
    path = Path(name).expanduser()
    if not path.exists():
        raise InputError(
            f"{quote(name)} is neither a data set ({', '.join(names())}) nor a file or folder that "
            f"exists.{suggest(path.name, names())}"
        )


def _is_of_hub(name: str) -> bool:
    from rnnkit.data.table_files import HUB

    return name.startswith(HUB)


def open_files(
    path: str | os.PathLike[str],
    kind: str,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Any:
    r"""Read files for recipes of a kind; the function of each kind describes its formats.

    | kind | read by | `text_column` | `label_column` |
    |---|---|---|---|
    | texts | `from_files` | the text | the label |
    | tagged sentences | `rnnkit.data.conll.from_path` | number of the column of words | of tags |
    | running text | `rnnkit.data.running_text.from_path` | | |
    | pairs | `rnnkit.data.pair_files.from_path` | the source | the target |
    | corpus | `rnnkit.data.corpus.open_corpus` | the text | the label |
    | series | `rnnkit.data.series_tables.from_path` | | |
    | labelled series | `rnnkit.data.labelled_tables.read_series_classes` | | the label |
    | labelled frames | `rnnkit.data.labelled_tables.read_frame_classes` | | the label |

    The three kinds of series have `options`: `time`, `group` and `columns`; series also `target`.
    Tables have `delimiter` and `encoding`, see `rnnkit.data.table_files`.

    Raises:
        InputError: an option that files of the kind do not have, or files that cannot be read.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "mine.tsv"
        >>> _ = path.write_text("ja\tyes\nnein\tno\n" * 5)
        >>> open_files(path, "pairs").train.y[0] in ("yes", "no")
        True
    """
    record = find_kind(kind)
    if record.open_files is None:
        raise InputError(
            f"{os.fspath(path)} is a file: {kind} are not read from files. Data sets by name: "
            f"{suitable(kind)}."
        )
    given = {}
    for i, (name, column) in enumerate(
        {"text_column": text_column, "label_column": label_column}.items()
    ):
        target = record.columns[i] if i < len(record.columns) else ""
        if column is not None and record.file_options and not target:
            raise InputError(f"{name} is {quote(column)}: files of {kind} have no such column.")
        if column is not None and target:
            given[target] = column
    known = [*record.file_options, *([record.model_columns] if record.model_columns else [])]
    for name, value in (options or {}).items():
        if name not in known:
            raise InputError(
                f"{name} is {quote(value)}: files of {kind} have no such "
                f"option.{suggest(name, known)}"
            )
        if value is not None:
            given[name] = value
    return record.open_files(path, **given)


def open_data(
    source: str | os.PathLike[str],
    kind: str = "texts",
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    limit: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> Any:
    """Load a data set by name, or a file or folder by path, for recipes of a kind.

    The splits do not depend on a seed: runs with different seeds train on the same examples.

    Args:
        source: a name from `names`, or a path that `open_files` reads.
        kind: the kind of data of the recipe.
        text_column: the column of the text, where the file has columns.
        label_column: the column of the label, the tag, or the target.
        limit: the largest number of examples of each split, as in `load`.
        options: further columns of a file, see `open_files`; or `split` of a data set by name, see
            `load`.

    Raises:
        InputError: no such data set or file, or it cannot be used.

    Example:
        >>> open_data("sample", limit=100).classes
        ('neg', 'pos')
    """
    record = find_kind(kind)
    name = os.fspath(source)
    if name in names():
        of_name = find_kind(kind_of(name))
        chosen: dict[str, Any] = {k: v for k, v in (options or {}).items() if v is not None}
        _check_hold_out(name, of_name, chosen)
        if of_name is record or record.convert is None:
            return load(name, limit=limit, **chosen)
        found = record.convert(load(name, **chosen))
        return found if limit is None else record.take_first(found, limit)
    refuse_missing(name)
    path: Any = name if _is_of_hub(name) else Path(name).expanduser()
    found = open_files(
        path, kind, text_column=text_column, label_column=label_column, options=options
    )
    if limit is not None:
        found = record.take_first(found, limit)
    # A corpus has one split, and open_corpus refuses an empty one.
    for part in ("train", "valid", "test") if record.convert is None else ():
        if not len(getattr(found, part)):
            expected = "ten texts of each class" if kind == "texts" else "ten examples"
            raise InputError(
                f"{path} is too small: nothing is left for its {part} split. Expected {expected}, "
                "or more."
            )
    return found
