"""Find a data set's archive, fetch it once, read it safely, keep what was read."""

from __future__ import annotations

import gzip
import lzma
import os
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from rnnkit.errors import InputError
from rnnkit.progress import Bar

MAX_MEMBER_BYTES = 100_000_000  # bytes; an honest archive of texts has none near it


def cache_folder() -> Path:
    """Return where downloads are kept: ``$RNNKIT_CACHE``, or the platform's cache folder."""
    if folder := os.environ.get("RNNKIT_CACHE"):
        return Path(folder).expanduser()
    import pooch

    return Path(pooch.os_cache("rnnkit"))


def find(file_name: str) -> Path | None:
    """Return the path of a file in ``$RNNKIT_DATA``, else in the cache; None if it is in neither.

    Raises:
        InputError: if ``$RNNKIT_DATA`` is no folder.
    """
    if folder := os.environ.get("RNNKIT_DATA"):
        own = Path(folder).expanduser()
        if not own.is_dir():
            raise InputError(f"RNNKIT_DATA is {folder!r}, which is no folder: correct or unset it.")
        if (own / file_name).is_file():
            return own / file_name
    path = cache_folder() / file_name
    return path if path.is_file() else None


ANY_TEXT = " Any text file will do instead: give its path."  # of data sets that are one text


def missing_dataset_error(
    name: str, put: str, *, fetch: str | None = None, more: str = ""
) -> InputError:
    """Return the error that says where a data set's files belong.

    Args:
        name: of the data set.
        put: which files are to be put there.
        fetch: the public home that they can be fetched from, if there is one.
        more: what else is to be said.

    Example:
        >>> raise missing_dataset_error("names", "names.tar.xz")
        Traceback (most recent call last):
        rnnkit.errors.InputError: The data set names is not there: put names.tar.xz into a folder...
    """
    why = " (It is not downloaded by itself: its home gives no checksum to verify it by.)"
    return InputError(
        f"The data set {name} is not there: {f'fetch {fetch}, ' if fetch else ''}put {put} into a "
        f"folder and set RNNKIT_DATA to that folder, or into {cache_folder()}."
        f"{why if fetch else ''}{more}"
    )


def locate(file_name: str, url: str, md5: str) -> Path:
    """Return the path of a file: from ``$RNNKIT_DATA``, else from the cache, else downloaded.

    Args:
        file_name: its name in either folder.
        url: its public home.
        md5: checksum of the file there.

    Raises:
        InputError: if ``$RNNKIT_DATA`` is no folder, or the download fails or differs.
    """
    path = find(file_name)
    if path is None:
        path = cache_folder() / file_name
        _download(url, path, md5)
    return path


def _download(url: str, path: Path, md5: str) -> None:
    import pooch
    import requests

    by_hand = (
        f"fetch {url} by hand, put it as {path.name} into a folder and set RNNKIT_DATA to that "
        "folder."
    )
    with Bar(f"Downloading {path.name}", unit="bytes") as bar:
        try:
            # pooch writes to a temporary name and renames after the checksum was found right.
            pooch.retrieve(
                url,
                known_hash=f"md5:{md5}",
                fname=path.name,
                path=path.parent,
                downloader=pooch.HTTPDownloader(progressbar=bar, timeout=30),
            )
        except requests.RequestException as error:
            raise InputError(f"{path.name} could not be downloaded ({error}): {by_hand}") from error
        except PermissionError as error:
            raise InputError(
                f"The cache folder {path.parent} cannot be written: set RNNKIT_CACHE to another."
            ) from error
        except ValueError as error:  # how pooch says that the checksum differs
            raise InputError(
                f"{url} gave a file with another checksum than {md5}; it was not kept. "
                f"Try again, or {by_hand}"
            ) from error


def read_members(path: Path, folder: str, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name (below `folder`) and contents of the wanted files of a ``.tar.gz`` or ``.tar.xz``.

    Nothing is written to disk. The whole archive is read and its checksum verified.

    Args:
        path: the archive.
        folder: the one folder in which all members must lie.
        wanted: which names below it to yield (full match).

    Raises:
        InputError: if the archive is damaged or cut short, or holds a member that is a link, a
            device, or lies outside `folder`.
    """
    try:
        with (
            path.open("rb") as raw,
            Bar(f"Reading {path.name}", path.stat().st_size) as bar,
            (lzma.open if path.suffix == ".xz" else gzip.open)(raw) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            for member in archive:
                name = _name_inside(member, folder, path)
                if member.isfile() and wanted.fullmatch(name):
                    file = archive.extractfile(member)
                    assert file is not None  # extractfile gives None for what is no file
                    yield name, file.read()
                    bar.advance_to(raw.tell())
            while stream.read(1 << 20):  # to the end: the checksum stands there
                pass
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise InputError(
            f"{path} is damaged or cut short ({error}): delete it and fetch it again."
        ) from error


def _name_inside(member: tarfile.TarInfo, folder: str, path: Path) -> str:
    parts = PurePosixPath(member.name).parts
    if parts[:1] != (folder,) or ".." in parts or "\\" in member.name:
        raise InputError(
            f"{path} holds {member.name!r}, which lies outside its folder {folder!r}: refused; "
            "fetch the archive again from where it is published."
        )
    if not (member.isfile() or member.isdir()):
        raise InputError(f"{path} holds {member.name!r}, a link or device: refused.")
    if member.size > MAX_MEMBER_BYTES:
        raise InputError(f"{path} holds {member.name!r} of {member.size:,} bytes: refused.")
    return "/".join(parts[1:])
