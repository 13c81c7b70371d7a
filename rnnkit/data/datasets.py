"""Data sets by name (``load("imdb")``) or from files (``from_files("my.csv")``)."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from rnnkit import plugins
from rnnkit.data.builtin_kinds import KINDS
from rnnkit.data.files import from_files
from rnnkit.data.kinds import DataKind
from rnnkit.data.series import SeriesDataset
from rnnkit.data.splits import Dataset, Split, TextDataset
from rnnkit.errors import InputError, check_count, suggest

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


@functools.cache
def kinds() -> dict[str, DataKind]:
    """Return every kind of data by name: rnnkit's, then those that other packages registered.

    Example:
        >>> list(kinds())[:3]
        ['texts', 'tagged sentences', 'running text']
    """
    found = {kind.name: kind for kind in KINDS}
    for family in plugins.families():
        found.setdefault(family.kind.name, family.kind)
    return found


def names(kind: str | None = None) -> list[str]:
    """Return the names that `load` knows, or those of one kind, its generated sample first.

    Example:
        >>> names("texts")
        ['sample', 'imdb', 'names']
    """
    if kind is not None:
        return list(find_kind(kind).readers)
    return sorted(name for one in kinds().values() for name in one.readers)


def find_kind(name: str) -> DataKind:
    """Return the kind of data of that name.

    Raises:
        InputError: there is none; the message names the closest.

    Example:
        >>> find_kind("series").sample
        'traffic_sample'
    """
    if name not in kinds():
        raise InputError(
            f"There is no kind of data {name!r}.{suggest(name, kinds())} "
            f"Known: {', '.join(kinds())}."
        )
    return kinds()[name]


def kind_of(name: str) -> str:
    """Return the name of the kind of data that a data set holds.

    Raises:
        InputError: there is no such data set; the message names the closest.

    Example:
        >>> kind_of("imdb")
        'texts'
    """
    for kind in kinds().values():
        if name in kind.readers:
            return kind.name
    raise InputError(
        f"There is no data set {name!r}.{suggest(name, names())} Known: {', '.join(names())}; "
        "for your own files use from_files."
    )


def suitable(kind: str) -> str:
    """Return the data that recipes of a kind accept, in words.

    Example:
        >>> suitable("texts")
        'sample, imdb, names, or a table or folder of texts'
    """
    record = find_kind(kind)
    found = names(kind) + [name for other in record.also_accepts for name in names(other)]
    return ", ".join([*found, *([f"or {record.file_formats}"] if record.file_formats else [])])


def suits(kind: str, name: str) -> bool:
    """Say whether recipes of a kind accept the data set of that name.

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
) -> Any:
    """Load a data set by its name.

    Args:
        name: of texts: ``"imdb"`` (84 MB, downloaded once), ``"sample"`` (generated, no download);
            and what else `names` returns: of tagged sentences ``"uner_ewt"``, ``"ud_ewt"`` and
            more; of running text ``"wikitext2"``; of pairs of texts ``"multi30k"``; of series, of
            series with a label, or with a label for each step ``"pems_flow"``,
            ``"japanese_vowels"``, ``"gesture_phase"``; of words alone ``"wiki8"``, whose train is a
            `Corpus`. Each kind has a generated sample: ``"names_sample"``, ``"running_sample"``,
            ``"pairs_sample"``...
        seed: which examples of train are held out for valid, and their order. A data set that comes
            with its own valid split (``"sample"``) keeps it. Series are held out by time.
        valid_fraction: how much of train is held out, from 0 to below 1, alike in every class; of
            series to forecast the latest steps. None = 0.1, or what the `notes` of series say.
        drop_overlap: drop texts from train and valid that are also in test. They are counted in
            `notes` in any case.
        limit: keep this many examples of each split, classes in proportion, the same ones every
            time; of series to forecast this many steps, the last ones of train, the first ones of
            valid and test; of a corpus this many texts; of running text this many lines.

    Returns:
        `Dataset` or `SeriesDataset`.

    Raises:
        InputError: there is no such data set, an argument is out of range, or the data set's
            archive cannot be found or read.

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
    dataset = kind.hold_out(
        kind.readers[name](), seed=seed, valid_fraction=valid_fraction, drop_overlap=drop_overlap
    )
    return dataset if limit is None else kind.take_first(dataset, limit)


def open_files(
    path: str | os.PathLike[str],
    kind: str,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
) -> Any:
    r"""Read the user's own files, for recipes of a kind; see the function for each.

    | kind | read by | `text_column` | `label_column` |
    |---|---|---|---|
    | texts | `from_files` | the text | the label |
    | tagged sentences | `rnnkit.data.conll.from_path` | number of the column of words | of tags |
    | running text | `rnnkit.data.running_text.from_path` | | |
    | pairs | `rnnkit.data.pair_files.from_path` | the source | the target |
    | corpus | `rnnkit.data.corpus.open_corpus` | the text | the label |

    Raises:
        InputError: no such file, or it cannot be used.

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
            f"{os.fspath(path)} is a file: {kind} are read from files in Python alone, by "
            f"rnnkit.data.series (from_csv, from_arrays). Data sets by name: {suitable(kind)}."
        )
    columns = dict(zip(record.columns, (text_column, label_column), strict=False))
    given = {name: column for name, column in columns.items() if column is not None}
    return record.open_files(path, **given)


def open_data(
    source: str | os.PathLike[str],
    kind: str = "texts",
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    limit: int | None = None,
) -> Any:
    """Load a data set by name, or a file or folder by path, for recipes of a kind.

    The splits are the same every time: runs with different seeds see the same examples.

    Args:
        source: a name from `names`, or a path that `open_files` reads.
        kind: of the recipe.
        text_column: the column that holds the text, where the file has columns.
        label_column: the column that holds the label, the tag, or the target.
        limit: keep at most this many examples of each split, as in `load`.

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
        if of_name is record or record.convert is None:
            return load(name, limit=limit)
        found = record.convert(load(name))
        return found if limit is None else record.take_first(found, limit)
    path = Path(name).expanduser()
    if not path.exists():
        raise InputError(
            f"{name!r} is neither a data set ({', '.join(names())}) nor a file or folder that "
            f"exists.{suggest(path.name, names())}"
        )
    found = open_files(path, kind, text_column=text_column, label_column=label_column)
    if limit is not None:
        found = record.take_first(found, limit)
    # A corpus has one split, and refuses to be empty itself.
    for part in ("train", "valid", "test") if record.convert is None else ():
        if not len(getattr(found, part)):
            expected = "ten texts of each class" if kind == "texts" else "ten examples"
            raise InputError(
                f"{path} is too small: nothing is left for its {part} split. Expected {expected}, "
                "or more."
            )
    return found
