"""Published data sets: where their files are looked for, and how they are read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.data.archive import cache_folder, find, find_or_download, read_file, read_members
from rnnkit.data.splits import Dataset, Split
from rnnkit.errors import InputError

ANY_TEXT = "Any text file will do instead: give its path."


@dataclass(frozen=True)
class Release:
    """A published data set: an archive, or files beside each other, with known contents.

    The archive is looked for in ``$RNNKIT_DATA`` and in the cache, then the separate files.

    Attributes:
        name: of the data set.
        archive: the file name of the archive, a ``.tar.gz`` or ``.tar.xz``; empty = NAME.tar.xz.
        folder: the folder of the files in it, such as "timeseries/occupancy"; empty = the name.
        files: split -> name of its file in the folder; or a pattern that the names of many match.
        separate: split -> name of its file outside the archive, which may be packed as ``.gz``;
            empty = only the archive is read.
        downloads: file name -> URL and MD5 checksum, for files that are downloaded where missing.
        counts: split -> number of examples in it.
        unit: what is counted, such as "sentences".
        home: the URL where the files are published, for messages.
        hint: a sentence for the message of a missing data set.
        about: where the data come from, in a sentence or two.
    """

    name: str
    archive: str = ""
    folder: str = ""
    files: Mapping[str, str] | re.Pattern[str] = field(default_factory=dict)
    separate: Mapping[str, str] = field(default_factory=dict)
    downloads: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    unit: str = "examples"
    home: str = ""
    hint: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "archive", self.archive or f"{self.name}.tar.xz")
        object.__setattr__(self, "folder", self.folder or self.name)

    def path(self) -> Path:
        """Return the path of the archive, which is downloaded where that is possible."""
        path = self._find(self.archive)
        if path is None:
            raise missing_dataset_error(self)
        return path

    def read(self) -> dict[str, tuple[bytes, str]]:
        """Return contents and source of each file, by split, or by name if `files` is a pattern."""
        archive = self._find(self.archive)
        if archive is None and self.separate:
            paths = {part: self._find(file) for part, file in self.separate.items()}
            if None in paths.values():
                raise missing_dataset_error(self)
            return {part: (read_file(path), str(path)) for part, path in paths.items() if path}
        archive = self.path()
        found = {name: (data, source) for name, data, source in self.members()}
        if isinstance(self.files, re.Pattern):
            return found
        if missing := [file for file in self.files.values() if file not in found]:
            raise InputError(f"{archive} does not contain {' and '.join(missing)}: fetch it again.")
        return {part: found[file] for part, file in self.files.items()}

    def members(self) -> Iterator[tuple[str, bytes, str]]:
        """Yield name, contents and source of each file in the archive."""
        path = self.path()
        top, _, below = self.folder.partition("/")
        prefix = f"{below}/" if below else ""
        files = self.files
        if not isinstance(files, re.Pattern):
            files = re.compile("|".join(map(re.escape, files.values())))
        wanted = re.compile(f"{re.escape(prefix)}(?:{files.pattern})")
        for name, data in read_members(path, top, wanted):
            yield name.removeprefix(prefix), data, f"{path}, {name}"

    def check_count(self, part: str, count: int, source: str | Path) -> None:
        """Raise an InputError unless a split has as many examples as were published.

        Example:
            >>> Release("vowels", "vowels.tar.xz", counts={"test": 370}).check_count("test", 1, "x")
            Traceback (most recent call last):
            rnnkit.errors.InputError: x holds 1 examples; expected 370: it is another file, or cut \
short.
        """
        if count != self.counts[part]:
            raise InputError(
                f"{source} holds {count:,} {self.unit}; expected {self.counts[part]:,}: it is "
                "another file, or cut short."
            )

    def dataset(self, splits: Mapping[str, Split], **more: Any) -> Dataset:
        """Return the data set of train, test and perhaps valid; `more` are its attributes."""
        valid = splits.get("valid", Split([], np.zeros(0, np.int64)))
        given = {"name": self.name, "about": self.about, **more}
        return Dataset(train=splits["train"], valid=valid, test=splits["test"], **given)

    def _find(self, file: str) -> Path | None:
        if file in self.downloads:
            return find_or_download(file, *self.downloads[file])
        return find(f"{file}.gz") or find(file)


def missing_dataset_error(release: Release) -> InputError:
    """Return the error that says where the files of a data set are fetched and put.

    Example:
        >>> raise missing_dataset_error(Release("names", "names.tar.xz"))
        Traceback (most recent call last):
        rnnkit.errors.InputError: The data set names is not there: put names.tar.xz into a folder...
    """
    files = release.archive
    if release.separate:
        files = f"{files}, or {', '.join(release.separate.values())},"
    fetch = f"fetch {release.home}, " if release.home else ""
    why = " (It is not downloaded: its home gives no checksum to verify it by.)" if fetch else ""
    return InputError(
        f"The data set {release.name} is not there: {fetch}put {files} into a folder and set "
        f"RNNKIT_DATA to that folder, or into {cache_folder()}.{why}"
        f"{' ' * bool(release.hint)}{release.hint}"
    )
