"""Archives of data sets: find or download them, and read their members safely."""

from __future__ import annotations

import gzip
import lzma
import os
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from rnnkit.atomic import sync, temporary_folder
from rnnkit.disk import cache_folder as cache_folder
from rnnkit.disk import writing
from rnnkit.errors import DiskError, InputError
from rnnkit.locks import read_or_build
from rnnkit.progress import Bar
from rnnkit.untrusted import SafeTarInfo, open_compressed

MAX_MEMBER_BYTES = 100_000_000  # bytes; a larger one is refused


def find(file_name: str) -> Path | None:
    """Return the path of a file in ``$RNNKIT_DATA``, else in the cache; None if in neither."""
    if folder := os.environ.get("RNNKIT_DATA"):
        data = Path(folder).expanduser()
        if not data.is_dir():
            raise InputError(f"RNNKIT_DATA is {folder!r}, no folder: correct or unset it.")
        if (data / file_name).is_file():
            return data / file_name
    path = cache_folder() / file_name
    return path if path.is_file() else None


def find_or_download(file_name: str, url: str, md5: str) -> Path:
    """Return the path of a file in ``$RNNKIT_DATA`` or the cache; download it if it is in neither.

    A failed download, or one with another checksum, is an `InputError` with what to do by hand.
    """
    return read_or_build(
        cache_folder() / file_name,
        f"the download of {file_name}",
        read=lambda: find(file_name),
        build=lambda: _download(url, cache_folder() / file_name, md5),
    )


def _download(url: str, path: Path, md5: str) -> Path:
    by_hand = (
        f"fetch {url} by hand, put it as {path.name} into a folder and set RNNKIT_DATA to that "
        "folder."
    )
    try:
        with writing(path, "the download"):
            _retrieve(url, path, md5, by_hand)
    except DiskError as error:
        told = f"{error} RNNKIT_CACHE can name another folder for the cache."
        raise DiskError(told, error.errno) from error
    return path


def _retrieve(url: str, path: Path, md5: str, by_hand: str) -> None:
    import pooch
    import requests

    with Bar(f"Downloading {path.name}", unit="bytes") as bar:
        try:
            # pooch verifies the checksum; what it leaves when it is killed lies in our folder.
            with temporary_folder(path.parent) as folder:
                pooch.retrieve(
                    url,
                    known_hash=f"md5:{md5}",
                    fname=path.name,
                    path=folder,
                    downloader=pooch.HTTPDownloader(progressbar=bar, timeout=30),
                )
                sync(folder / path.name)
                (folder / path.name).replace(path)
                sync(path.parent)
        except requests.RequestException as error:
            raise InputError(f"{path.name} could not be downloaded ({error}): {by_hand}") from error
        except ValueError as error:  # pooch found another checksum
            raise InputError(
                f"{url} gave a file with another checksum than {md5}; it was not kept. "
                f"Try again, or {by_hand}"
            ) from error


def read_file(path: Path) -> bytes:
    """Return the contents of a file; a ``.gz`` file is unpacked, or an `InputError` if damaged."""
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        with open_compressed(path) as file:
            return file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} is damaged or cut short ({error}): fetch it again.") from error


def read_members(path: Path, folder: str, wanted: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name (below `folder`) and contents of the wanted files of a ``.tar.gz`` or ``.tar.xz``.

    Nothing is written to disk. The whole archive is read and its checksum verified. `wanted` has to
    match the full name below the folder.

    Raises:
        InputError: the archive is damaged or cut short, or has a member that is a link, a device,
            or outside `folder`.
    """
    try:
        with (
            path.open("rb") as raw,
            Bar(f"Reading {path.name}", path.stat().st_size) as bar,
            open_compressed(path, raw, ".xz" if path.suffix == ".xz" else ".gz") as stream,
            tarfile.open(fileobj=stream, mode="r|", tarinfo=SafeTarInfo) as archive,
        ):
            for member in archive:
                name = _checked_name(member, folder, path)
                if member.isfile() and wanted.fullmatch(name):
                    file = archive.extractfile(member)
                    assert file is not None  # None only for members that are not files
                    yield name, file.read()
                    bar.advance_to(raw.tell())
            while stream.read(1 << 20):  # to the end, where the checksum is
                pass
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"{path} is damaged or cut short ({error}): fetch it again.") from error


def _checked_name(member: tarfile.TarInfo, folder: str, path: Path) -> str:
    parts = PurePosixPath(member.name).parts
    if parts[:1] != (folder,) or ".." in parts or "\\" in member.name:
        raise InputError(
            f"{path} holds {member.name!r}, which is outside its folder {folder!r}: refused; "
            "fetch the archive again from where it is published."
        )
    if not (member.isfile() or member.isdir()):
        raise InputError(f"{path} holds {member.name!r}, a link or device: refused.")
    if member.size > MAX_MEMBER_BYTES:
        raise InputError(f"{path} holds {member.name!r} of {member.size:,} bytes: refused.")
    return "/".join(parts[1:])
