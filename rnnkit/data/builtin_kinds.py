"""The built-in kinds of data, each with its data sets and readers."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnkit.data import kinds
from rnnkit.data.kinds import DataKind
from rnnkit.deferred import deferred
from rnnkit.errors import InputError

if TYPE_CHECKING:
    from rnnkit.data.series import SeriesDataset
    from rnnkit.data.splits import Dataset, Split


def _in(module: str, name: str = "read") -> Any:
    """Return a function of `rnnkit.data`; its module is imported when it is called first."""
    return deferred(f"rnnkit.data.{module}:{name}")


def _hold_out_texts(
    dataset: Dataset,
    *,
    seed: int,
    valid_fraction: float | None,
    drop_overlap: bool,
    split: str | None = None,
) -> Dataset:
    """Report or drop texts that are in train and in test; then hold out as usual."""
    test = set(dataset.test.texts)
    both = test & (set(dataset.train.texts) | set(dataset.valid.texts))
    if both:
        note = f"{len(both)} texts are in train and in test"
        if drop_overlap:
            note = f"{note}; they were dropped from train."
            train, valid = (_without(part, both) for part in (dataset.train, dataset.valid))
            dataset = replace(dataset, train=train, valid=valid)
        else:
            note = f"{note}; drop_overlap=True drops them from train."
        dataset = replace(dataset, notes=[*dataset.notes, note])
    return kinds.hold_out(
        dataset, seed=seed, valid_fraction=valid_fraction, drop_overlap=False, split=split
    )


def _without(split: Split, texts: set[str]) -> Split:
    import numpy as np

    return split.take(np.flatnonzero([text not in texts for text in split.texts]))


def _hold_out_series(
    dataset: SeriesDataset, *, seed: int, valid_fraction: float | None, drop_overlap: bool
) -> SeriesDataset:
    """Hold out the latest steps of train."""
    from rnnkit.data import series

    del seed
    if drop_overlap:
        raise InputError(
            f"drop_overlap is for texts: the splits of {dataset.name!r} are cut by time and share "
            "no step. Leave it out."
        )
    return dataset if valid_fraction is None else series.hold_out(dataset, valid_fraction)


def _take_steps(dataset: SeriesDataset, limit: int) -> SeriesDataset:
    from rnnkit.data import series

    found = kinds.each_split(dataset, lambda split: series.first_steps(split, limit))
    return replace(found, train=series.last_steps(dataset.train, limit))


def _hold_out_nothing(
    dataset: Dataset, *, seed: int, valid_fraction: float | None, drop_overlap: bool
) -> Dataset:
    del seed
    for name, value in (("drop_overlap", drop_overlap), ("valid_fraction", valid_fraction)):
        if value:
            raise InputError(
                f"{name} is {value}: {dataset.name!r} is a corpus to learn word vectors from and "
                "has no other splits. Leave it out."
            )
    return dataset


def _take_texts(dataset: Dataset, limit: int) -> Dataset:
    from rnnkit.data.splits import Split

    return replace(dataset, train=Split(dataset.train.x.first(limit)))


def _take_lines(dataset: Dataset, limit: int) -> Dataset:
    return kinds.each_split(dataset, lambda split: _first_lines(split, limit))


def _first_lines(split: Split, limit: int) -> Split:
    """Return texts with this many lines in all."""
    from rnnkit.data.splits import Split
    from rnnkit.data.token_files import TokenTexts

    if isinstance(split.x, TokenTexts):
        raise InputError(
            f"limit is {limit}, and a token file has no lines: write one of less text, or train "
            "with a budget of steps."
        )
    texts: list[str] = []
    for text in split.x:
        lines = text.splitlines(keepends=True)[:limit]
        limit -= len(lines)
        if lines:
            texts.append("".join(lines))
    return Split(texts, None if split.y is None else split.y[: len(texts)])


def _open_tagged(path: str | Path, **columns: str) -> Dataset:
    """Read a CoNLL file; a column may be given by its number."""
    from rnnkit.data import conll

    given: dict[str, Any] = {
        name: int(value) if re.fullmatch(r"-?[0-9]{1,9}", value) else value
        for name, value in columns.items()
    }
    return conll.from_path(path, **given)


def _open_corpus(path: str | Path, **columns: Any) -> Dataset:
    """Read the words of a text file, or of the texts of a table or folder."""
    from rnnkit.data.corpus import open_corpus
    from rnnkit.data.files import from_files
    from rnnkit.data.sets import wiki8
    from rnnkit.data.table_files import holds_tables

    source: Any = path
    if Path(path).is_dir() or holds_tables(path):
        source = from_files(path, **columns)
    return wiki8.corpus_dataset(open_corpus(source))


def _as_corpus(dataset: Dataset) -> Dataset:
    from rnnkit.data.corpus import open_corpus
    from rnnkit.data.sets import wiki8

    return wiki8.corpus_dataset(open_corpus(dataset))


TABLE_FILE_OPTIONS = ("delimiter", "encoding")
SERIES_FILE_OPTIONS = ("time", "group", "columns", "decimal", *TABLE_FILE_OPTIONS)
KINDS = (
    DataKind(
        "texts",
        {
            "sample": _in("samples.reviews_sample"),
            "imdb": _in("sets.imdb"),
            "names": _in("sets.names"),
        },
        open_files=_in("files", "from_files"),
        file_formats="a table or folder of texts",
        columns=("text_column", "label_column"),
        file_options=("group_column", *TABLE_FILE_OPTIONS),
        hold_out=_hold_out_texts,
        hold_out_options=("split",),
    ),
    DataKind(
        "tagged sentences",
        {
            "names_sample": _in("samples.names_sample"),
            "pos_sample": _in("samples.names_sample", "read_pos"),
            "uner_ewt": _in("sets.tagged_sets", "read_uner"),
            "wnut17": _in("sets.tagged_sets", "read_wnut"),
            "ud_ewt": _in("sets.tagged_sets", "read_ud"),
        },
        open_files=_open_tagged,
        file_formats="a CoNLL or CoNLL-U file, or a folder of these",
        columns=("word_column", "tag_column"),
        file_options=("encoding",),
        model_columns="tag_scheme",
    ),
    DataKind(
        "running text",
        {
            "running_sample": _in("samples.running_sample"),
            "wikitext2": _in("running_text", "read_wikitext"),
            "tinyshakespeare": _in("running_text", "read_shakespeare"),
        },
        open_files=_in("running_text", "from_path"),
        file_formats="a text file, or a folder of these, or a token file",
        take_first=_take_lines,
        also_accepts=("texts",),
    ),
    DataKind(
        "pairs",
        {
            "pairs_sample": _in("samples.pairs_sample"),
            "mails_sample": _in("samples.pairs_sample", "read_mails"),
            "multi30k": _in("sets.pairs", "read_multi30k"),
            "multi30k_en_de": functools.partial(_in("sets.pairs", "read_multi30k"), "en", "de"),
            "aeslc": _in("sets.pairs", "read_aeslc"),
            "aeslc_annotated": functools.partial(_in("sets.pairs", "read_aeslc"), annotated=True),
            "scitldr": _in("sets.pairs", "read_scitldr"),
        },
        open_files=_in("pair_files", "from_path"),
        file_formats="a .tsv or .jsonl file, or a .src file with its .tgt, or a folder of these",
        columns=("source_column", "target_column"),
        file_options=TABLE_FILE_OPTIONS,
    ),
    DataKind(
        "labelled series",
        {
            "sequences_sample": _in("samples.sequences_sample"),
            "japanese_vowels": _in("sets.timeseries", "read_vowels"),
            "spoken_digits": _in("sets.spoken_digits"),
            "spoken_digits_by_speaker": _in("sets.spoken_digits", "read_by_speaker"),
        },
        open_files=_in("labelled_tables", "read_series_classes"),
        file_formats="a table with a row for each step (--group, --label-column)",
        columns=("", "label_column"),
        file_options=SERIES_FILE_OPTIONS,
    ),
    DataKind(
        "labelled frames",
        {
            "frames_sample": _in("samples.frames_sample"),
            "gesture_phase": _in("sets.gesture", "read_gesture"),
            "room_occupancy": _in("sets.gesture", "read_room"),
        },
        open_files=_in("labelled_tables", "read_frame_classes"),
        file_formats="a table with a row for each step (--label-column, --group)",
        columns=("", "label_column"),
        file_options=SERIES_FILE_OPTIONS,
    ),
    DataKind(
        "series",
        {
            "traffic_sample": _in("samples.traffic_sample"),
            "pems_flow": _in("sets.traffic", "read_pems"),
            "metro_traffic": _in("sets.traffic", "read_metro"),
        },
        open_files=_in("series_tables", "from_path"),
        file_formats="a table with a row for each step (--target, --time, --group)",
        file_options=SERIES_FILE_OPTIONS,
        model_columns="target",
        hold_out=_hold_out_series,
        take_first=_take_steps,
    ),
    DataKind(
        "corpus",
        {"words_sample": _in("samples.corpus_sample"), "wiki8": _in("sets.wiki8")},
        content="words",
        open_files=_open_corpus,
        columns=("text_column", "label_column"),
        file_options=TABLE_FILE_OPTIONS,
        file_formats="a text file, or a table or folder of texts",
        hold_out=_hold_out_nothing,
        take_first=_take_texts,
        also_accepts=("texts",),
        convert=_as_corpus,
    ),
)
