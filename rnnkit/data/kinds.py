"""Kinds of data: one record for everything that depends on the examples of a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rnnkit.errors import InputError

if TYPE_CHECKING:
    from rnnkit.data.splits import Dataset, Split

Reader = Callable[[], Any]


def hold_out(
    dataset: Dataset,
    *,
    seed: int,
    valid_fraction: float | None,
    drop_overlap: bool,
    split: str | None = None,
) -> Dataset:
    """Hold out a share of train for valid, stratified by class, unless there is a valid split.

    The share is 0.1 where `valid_fraction` is None; `drop_overlap` is refused: it is for texts.
    Where train has groups, whole groups are held out, unless `split` is ``"random"``.
    """
    import numpy as np

    from rnnkit.data.splits import grouped_split, stratified_split

    if drop_overlap:
        raise InputError(f"drop_overlap is for texts, and {dataset.name!r} has none. Leave it out.")
    if len(dataset.valid):
        if split is not None:
            raise InputError(
                f"split is {split!r}: {dataset.name!r} has a valid split of its own. Leave it out."
            )
        return dataset
    share = 0.1 if valid_fraction is None else valid_fraction
    random = np.random.default_rng(seed)
    strata, groups = dataset.train.strata, dataset.train.groups
    if groups is None and split == "groups":
        raise InputError(
            f"split is 'groups': this copy of {dataset.name!r} has no groups. Leave it out, for a "
            "split at random."
        )
    if groups is None or split == "random":
        valid, train = stratified_split(strata, [share], random)
    else:
        valid, train = grouped_split(strata, groups, [share], random)
    return replace(dataset, valid=dataset.train.take(valid), train=dataset.train.take(train))


def each_split(dataset: Any, change: Callable[[Any], Any]) -> Any:
    """Return a data set with its train, valid and test changed by a function."""
    parts = ("train", "valid", "test")
    return replace(dataset, **{part: change(getattr(dataset, part)) for part in parts})


def take_first(dataset: Dataset, limit: int) -> Dataset:
    """Keep the first examples of each split, classes in proportion."""
    found = each_split(dataset, lambda split: first_examples(split, limit))
    return replace(found, unlabelled=dataset.unlabelled[:limit])


def first_examples(split: Split, limit: int) -> Split:
    """Return the first rows of every class, with the class shares of the split."""
    import numpy as np

    place = np.zeros(len(split))
    for label in np.unique(split.strata):
        rows = np.flatnonzero(split.strata == label)
        place[rows] = (np.arange(len(rows)) + 0.5) / len(rows)  # relative position within the class
    return split.take(np.sort(np.argsort(place, kind="stable")[:limit]))


@dataclass(frozen=True, eq=False)
class DataKind:
    """A kind of data: how its data sets are found, read, split and limited.

    Attributes:
        name: such as "texts", "tagged sentences", "series".
        readers: data set name -> function that reads it; the first one is generated and needs no
            download: it is the default data of the recipes of this kind.
        content: the word for the examples in messages; the name where it is left out.
        open_files: reads a file or folder; None = these data can only be passed in Python.
        file_formats: the files that `open_files` reads, for messages, such as "a text file".
        columns: the arguments of `open_files` for `text_column` and `label_column`; "" = none.
        file_options: its further arguments, of `rnnkit.settings.data`.
        model_columns: the recipes' setting that `open_files` takes, too: the columns to forecast,
            or the scheme of tags.
        hold_out: makes the valid split; called with `seed`, `valid_fraction` and `drop_overlap`.
        hold_out_options: its further arguments, of `rnnkit.settings.data`: those that are given
            are passed.
        take_first: the rule of `limit`: keeps the first examples of each split; called with the
            data set and the limit.
        also_accepts: names of other kinds whose data sets are accepted, too.
        convert: converts a data set of one of these kinds to this kind; None = no conversion.

    Example:
        >>> DataKind("coins", {"coins_sample": list}).sample
        'coins_sample'
    """

    name: str
    readers: Mapping[str, Reader]
    content: str = ""
    open_files: Callable[..., Any] | None = None
    file_formats: str = ""
    columns: tuple[str, ...] = ()
    file_options: tuple[str, ...] = ()
    model_columns: str | None = None
    hold_out: Callable[..., Any] = hold_out
    hold_out_options: tuple[str, ...] = ()
    take_first: Callable[[Any, int], Any] = take_first
    also_accepts: tuple[str, ...] = ()
    convert: Callable[[Any], Any] | None = None

    @property
    def sample(self) -> str:
        """The name of the generated data set."""
        return next(iter(self.readers))
