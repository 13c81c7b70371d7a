"""Data sets by name (``load("imdb")``) or from files (``from_files("my.csv")``)."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from rnnkit.data import conll, pair_files, running_text, series
from rnnkit.data.files import from_files
from rnnkit.data.samples import (
    frames_sample,
    movements,
    names_sample,
    pairs_sample,
    running_sample,
    sample,
    traffic_sample,
    words_sample,
)
from rnnkit.data.series import SeriesDataset
from rnnkit.data.sets import (
    gesture,
    imdb,
    pairs,
    spoken_digits,
    tagged_sets,
    timeseries,
    traffic,
    wiki8,
)
from rnnkit.data.sets import names as names_by_language
from rnnkit.data.splits import Dataset, Kind, Split, TextDataset, deal
from rnnkit.errors import InputError, suggest

__all__ = [
    "Dataset",
    "SeriesDataset",
    "Split",
    "TextDataset",
    "from_files",
    "kind_of",
    "load",
    "names",
    "open_files",
]

# What a data set holds -> name -> reader. The first of each kind is generated: it needs no
# download, and a recipe for that kind takes it where no data are named.
_READERS: dict[Kind, dict[str, Callable[[], Dataset | SeriesDataset]]] = {
    "texts": {"sample": sample.read, "imdb": imdb.read, "names": names_by_language.read},
    "tagged sentences": {
        "names_sample": names_sample.read,
        "pos_sample": names_sample.read_pos,
        "uner_ewt": tagged_sets.read_uner,
        "wnut17": tagged_sets.read_wnut,
        "ud_ewt": tagged_sets.read_ud,
    },
    "running text": {
        "running_sample": running_sample.read,
        "wikitext2": running_text.read_wikitext,
        "tinyshakespeare": running_text.read_shakespeare,
    },
    "pairs": {
        "pairs_sample": pairs_sample.read,
        "mails_sample": pairs_sample.read_mails,
        "multi30k": pairs.read_multi30k,
        "multi30k_en_de": functools.partial(pairs.read_multi30k, "en", "de"),
        "aeslc": pairs.read_aeslc,
        "aeslc_annotated": functools.partial(pairs.read_aeslc, annotated=True),
        "scitldr": pairs.read_scitldr,
    },
    "labelled series": {
        "sequences_sample": movements.read,
        "japanese_vowels": timeseries.read_vowels,
        "spoken_digits": spoken_digits.read,
        "spoken_digits_by_speaker": spoken_digits.read_by_speaker,
    },
    "labelled frames": {
        "frames_sample": frames_sample.read,
        "gesture_phase": gesture.read_gesture,
        "room_occupancy": gesture.read_room,
    },
    "series": {
        "traffic_sample": traffic_sample.read,
        "pems_flow": traffic.read_pems,
        "metro_traffic": traffic.read_metro,
    },
    "corpus": {"words_sample": words_sample.read, "wiki8": wiki8.read},
}

# What recipes of a kind take beside data sets by name: files of one's own.
OWN: dict[Kind, str] = {
    "texts": ", or a table or folder of texts",
    "tagged sentences": ", or a CoNLL or CoNLL-U file, or a folder of such",
    "running text": ", or a text file, or a folder of such",
    "pairs": ", or a .tsv or .jsonl file, or a .src file with its .tgt, or a folder of such",
    "corpus": ", or a text file, or a table or folder of texts",
}
# Words stand in any texts, and texts with a label can be gone on with.
ALSO: dict[Kind, Kind] = {"corpus": "texts", "running text": "texts"}


def names(kind: Kind | None = None) -> list[str]:
    """Return the names that `load` knows, or those of one kind, a generated one first.

    Example:
        >>> names("texts")
        ['sample', 'imdb', 'names']
    """
    if kind is not None:
        return list(_READERS[kind])
    return sorted(name for readers in _READERS.values() for name in readers)


def suitable(kind: Kind) -> str:
    """Name the data that recipes of a kind take, for messages and pages; words are in texts, too.

    Example:
        >>> suitable("texts")
        'sample, imdb, names, or a table or folder of texts'
    """
    found = names(kind) + (names(ALSO[kind]) if kind in ALSO else [])
    return ", ".join(found) + OWN.get(kind, "")


def suits(kind: Kind, name: str) -> bool:
    """Say whether recipes of a kind take the data set of that name.

    Example:
        >>> suits("corpus", "imdb"), suits("series", "imdb")
        (True, False)
    """
    return kind_of(name) in (kind, ALSO.get(kind))


def open_files(
    path: str | os.PathLike[str],
    kind: Kind,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
) -> Dataset:
    r"""Read files of one's own, for recipes of a kind; see the function for each.

    | kind | read by | `text_column` | `label_column` |
    |---|---|---|---|
    | texts | `from_files` | the text | the label |
    | tagged sentences | `rnnkit.data.conll.from_path` | number of the column of words | of tags |
    | running text | `rnnkit.data.running_text.from_path` | | |
    | pairs | `rnnkit.data.pair_files.from_path` | the source | the target |

    Raises:
        InputError: no such file, or it cannot be used.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "mine.tsv"
        >>> _ = path.write_text("ja\tyes\nnein\tno\n" * 5)
        >>> open_files(path, "pairs").train.y[0] in ("yes", "no")
        True
    """
    opener, columns = _OPENERS[kind]
    given = {
        name: int(value) if kind == "tagged sentences" and re.fullmatch(r"-?\d+", value) else value
        for name, value in zip(columns, (text_column, label_column), strict=False)
        if value is not None
    }
    return opener(path, **given)


_OPENERS: dict[Kind, tuple[Callable[..., Dataset], tuple[str, ...]]] = {
    "texts": (from_files, ("text_column", "label_column")),
    "tagged sentences": (conll.from_path, ("word_column", "tag_column")),
    "running text": (running_text.from_path, ()),
    "pairs": (pair_files.from_path, ("source_column", "target_column")),
}


def kind_of(name: str) -> Kind:
    """Return what the data set of that name holds.

    Raises:
        InputError: there is none; the message names the nearest.

    Example:
        >>> kind_of("imdb")
        'texts'
    """
    for kind, readers in _READERS.items():
        if name in readers:
            return kind
    raise InputError(
        f"There is no data set {name!r}.{suggest(name, names())} Known: {', '.join(names())}; "
        "for files of your own use from_files."
    )


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
            and what else `names` says: of tagged sentences ``"uner_ewt"``, ``"ud_ewt"`` and more;
            of running text ``"wikitext2"``; of pairs of texts ``"multi30k"``; of series, of series
            with a label, or with a label a step ``"pems_flow"``, ``"japanese_vowels"``,
            ``"gesture_phase"``; of words alone ``"wiki8"``, whose train is a `Corpus`. Each kind
            has a generated one: ``"names_sample"``, ``"running_sample"``, ``"pairs_sample"``...
        seed: which examples of train are held out for valid, and their order. A data set that comes
            with its own valid split (``"sample"``) keeps it. Series are held out by time.
        valid_fraction: how much of train is held out, from 0 to below 1, alike in every class; of
            series to forecast the latest steps. None = 0.1, or what the `notes` of series say.
        drop_overlap: leave texts out of train and valid that also stand in test. They are
            counted in `notes` in any case.
        limit: keep this many examples of each split, classes in proportion, the same ones every
            time; of series to forecast this many steps, the last ones of train, the first ones of
            valid and test; of a corpus this many texts; of running text this many lines.

    Returns:
        `Dataset` or `SeriesDataset`.

    Raises:
        InputError: if there is no such data set, an argument is out of range, or the data set's
            archive cannot be had or read.

    Example:
        >>> reviews = load("sample", limit=100)
        >>> len(reviews.train), len(reviews.valid), len(reviews.test), reviews.classes
        (100, 100, 100, ('neg', 'pos'))
    """
    kind = kind_of(name)
    if valid_fraction is not None and not 0 <= valid_fraction < 1:
        raise InputError(f"valid_fraction is {valid_fraction}: expected 0 to below 1.")
    if limit is not None and limit < 1:
        raise InputError(f"limit is {limit}: expected 1 or more, or None.")
    found = _READERS[kind][name]()
    if isinstance(found, SeriesDataset):
        return _series(found, valid_fraction, drop_overlap, limit)
    if kind == "corpus":
        return _corpus(found, valid_fraction, drop_overlap, limit)
    if kind == "texts":
        found = _report_overlap(found, drop_overlap)
    elif drop_overlap:
        raise InputError(f"drop_overlap is for texts, and {name!r} holds {kind}. Leave it out.")
    if len(found.valid) == 0:
        random = np.random.default_rng(seed)
        share = 0.1 if valid_fraction is None else valid_fraction
        valid, train = deal(found.train.strata, [share], random)
        found = replace(found, valid=found.train.take(valid), train=found.train.take(train))
    if limit is not None:
        first = _first_lines if kind == "running text" else _first
        found = replace(
            found,
            train=first(found.train, limit),
            valid=first(found.valid, limit),
            test=first(found.test, limit),
            unlabelled=found.unlabelled[:limit],
        )
    return found


def _series(
    found: SeriesDataset, valid_fraction: float | None, drop_overlap: bool, limit: int | None
) -> SeriesDataset:
    if drop_overlap:
        raise InputError(
            f"drop_overlap is for texts: the splits of {found.name!r} are cut by time and share "
            "no step. Leave it out."
        )
    if valid_fraction is not None:
        found = series.hold_out(found, valid_fraction)
    if limit is None:
        return found
    return replace(
        found,
        train=series.last_steps(found.train, limit),
        valid=series.first_steps(found.valid, limit),
        test=series.first_steps(found.test, limit),
    )


def _corpus(
    found: Dataset, valid_fraction: float | None, drop_overlap: bool, limit: int | None
) -> Dataset:
    for name, value in (("drop_overlap", drop_overlap), ("valid_fraction", valid_fraction)):
        if value:
            raise InputError(
                f"{name} is {value}: {found.name!r} is a corpus to learn word vectors from and has "
                "no other splits. Leave it out."
            )
    return replace(found, train=Split(found.train.x.first(limit)))


def _report_overlap(found: Dataset, drop: bool) -> Dataset:
    test = set(found.test.texts)
    both = test & (set(found.train.texts) | set(found.valid.texts))
    if not both:
        return found
    note = f"{len(both)} texts stand in train and in test"
    if not drop:
        return replace(found, notes=[*found.notes, f"{note}; drop_overlap=True leaves them out."])

    def without(split: Split) -> Split:
        return split.take(np.flatnonzero([text not in both for text in split.texts]))

    train, valid = without(found.train), without(found.valid)
    return replace(
        found, train=train, valid=valid, notes=[*found.notes, f"{note}; train goes without them."]
    )


def _first(split: Split, limit: int) -> Split:
    """Return the first rows of every class, as many of each as its share of the split says."""
    place = np.zeros(len(split))
    for label in np.unique(split.strata):
        rows = np.flatnonzero(split.strata == label)
        place[rows] = (np.arange(len(rows)) + 0.5) / len(rows)  # how far along in its class
    return split.take(np.sort(np.argsort(place, kind="stable")[:limit]))


def _first_lines(split: Split, limit: int) -> Split:
    """Return texts with this many lines in all."""
    texts: list[str] = []
    for text in split.x:
        lines = text.splitlines(keepends=True)[:limit]
        limit -= len(lines)
        if lines:
            texts.append("".join(lines))
    return Split(texts, None if split.y is None else split.y[: len(texts)])
