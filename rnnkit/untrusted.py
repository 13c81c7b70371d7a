"""Checks of files from elsewhere, made before a library reads them: sizes, names, links, classes.

A small file may claim, or unpack to, more than the memory of a machine. What it claims is compared
with what it stores: numbers and texts that somebody uses never shrink to a hundredth.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from rnnkit.errors import InputError

FREE_BYTES = 64_000_000  # that any file may unpack to
MAX_RATIO = 100  # unpacked bytes for each stored one, beyond these
_SIZES = ("units", "input_dim", "output_dim", "rows", "filters")
# What reading a damaged zip archive raises, beside a ValueError.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, KeyError),
)
_MAX_HEADER = 1_000_000  # bytes of a long file name in a tar archive


def check_size(claimed: int, stored: int, what: str) -> None:
    """Refuse contents that claim far more bytes than are stored.

    Raises:
        ValueError: they do.

    Example:
        >>> check_size(10**12, 500, "weights.h5")
        Traceback (most recent call last):
        ValueError: weights.h5 claims 1,000,000,000,000 bytes, and 500 are stored
    """
    if claimed > FREE_BYTES + MAX_RATIO * stored:
        raise ValueError(f"{what} claims {claimed:,} bytes, and {stored:,} are stored")


def parse_json(text: str | bytes) -> Any:
    """Parse JSON; unlike `json.loads` raise nothing but a `ValueError`.

    Example:
        >>> parse_json("[" * 100_000)
        Traceback (most recent call last):
        ValueError: it is nested too deeply
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


class _Limited(io.RawIOBase):
    """A decompressed stream that refuses to yield far more than is stored."""

    def __init__(self, stream: Any, path: Path) -> None:
        super().__init__()
        self._stream, self._path = stream, path
        self._limit = FREE_BYTES + MAX_RATIO * path.stat().st_size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        if self._stream.tell() > self._limit:
            raise InputError(
                f"{self._path} unpacks to more than {self._limit:,} bytes, {MAX_RATIO} times its "
                "size: refused. If you trust it, unpack it first."
            )
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def open_compressed(
    path: Path, raw: IO[bytes] | None = None, packed: str | None = None
) -> IO[bytes]:
    """Open a file for reading bytes, unpacked from gzip or xz in bounded memory.

    Args:
        path: the file.
        raw: the same file, if it is open already.
        packed: ".gz", ".xz" or "" for neither; None = what the name of the file ends in.

    Raises:
        InputError: while reading, more than a hundredfold of the file's size is unpacked.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.txt.gz"
        >>> _ = path.write_bytes(gzip.compress(b"abc"))
        >>> with open_compressed(path) as file:
        ...     file.read()
        b'abc'
    """
    opener: Any = {".gz": gzip.open, ".xz": lzma.open}.get(packed or path.suffix.lower())
    if opener is None:
        return raw or path.open("rb")
    return io.BufferedReader(_Limited(opener(raw or path, "rb"), path), 1 << 18)


class SafeTarInfo(tarfile.TarInfo):
    """The record of a member of a tar archive; names of a megabyte are refused unread."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> SafeTarInfo:
        """Read the record from a block of 512 bytes."""
        found = super().frombuf(buf, encoding, errors)
        regular = found.type in tarfile.REGULAR_TYPES
        if found.size < 0 or (not regular and found.size > _MAX_HEADER):
            raise tarfile.ReadError(f"a header of {found.size:,} bytes")
        return found


def check_zip(archive: zipfile.ZipFile, stored: int) -> None:
    """Refuse a zip archive with members that claim too much or lead out of its folder.

    Args:
        archive: the archive, open.
        stored: bytes of the whole file.

    Raises:
        ValueError: what is wrong with it.

    Example:
        >>> with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        ...     archive.writestr("../../evil.py", "")
        ...     check_zip(archive, 100)
        Traceback (most recent call last):
        ValueError: it holds '../../evil.py', which leads out of its folder
    """
    seen: set[str] = set()
    for member in archive.infolist():
        name = member.filename
        if name in seen:
            raise ValueError(f"it holds {name[:80]!r} twice")
        seen.add(name)
        path = PurePosixPath(name)
        drive = ":" in name.partition("/")[0]
        if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or drive:
            raise ValueError(f"it holds {name[:80]!r}, which leads out of its folder")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name[:80]} is compressed in an unusual way")
        if member.flag_bits & 1:
            raise ValueError(f"{name[:80]} is encrypted")
    check_size(sum(member.file_size for member in archive.infolist()), stored, "it")


def check_arrays(path: Path) -> None:
    """Refuse an `.npz` file of NumPy whose arrays claim other sizes than are stored, or objects.

    Raises:
        ValueError: what is wrong with it.

    Example:
        >>> check_arrays(Path(__file__))
        Traceback (most recent call last):
        ValueError: it is damaged (File is not a zip file)
    """
    import numpy as np

    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        with zipfile.ZipFile(path) as archive:
            check_zip(archive, path.stat().st_size)
            for member in archive.infolist():
                with archive.open(member) as file:
                    version = np.lib.format.read_magic(file)
                    if version not in readers:
                        raise ValueError(f"{member.filename} is of an unknown version")
                    shape, _, dtype = readers[version](file)
                    if dtype.hasobject:
                        raise ValueError(f"{member.filename} holds Python objects")
                    size = dtype.itemsize
                    for length in shape:
                        size *= int(length)
                    stored = member.file_size - file.tell()
                    if size != stored or min(shape, default=0) < 0:
                        raise ValueError(f"{member.filename} has not the size that it claims")
    except _DAMAGE as error:
        raise ValueError(f"it is damaged ({error})") from error


def read_arrays(path: Path) -> dict[str, Any]:
    """Read an `.npz` file of NumPy, after `check_arrays`.

    Raises:
        ValueError: what is wrong with it.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> path = Path(tempfile.mkdtemp()) / "numbers.npz"
        >>> np.savez(path, squares=np.arange(4) ** 2)
        >>> read_arrays(path)["squares"]
        array([0, 1, 4, 9])
    """
    import numpy as np

    check_arrays(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except _DAMAGE as error:  # the headers were whole, and the numbers are not
        raise ValueError(f"it is damaged ({error})") from error


def check_weights(data: bytes, name: str) -> int:
    """Refuse an HDF5 file of weights that claims far more than it stores.

    Links to other files, which would be read in their place, are refused, too.

    Args:
        data: the file.
        name: for messages.

    Returns:
        The largest dimension of its arrays.

    Raises:
        ValueError: what is wrong with it.
        OSError: it is damaged.
    """
    import h5py  # type: ignore[import-untyped]

    claimed = largest = 0

    def check(key: str, item: Any) -> None:
        nonlocal claimed, largest
        if not isinstance(item, h5py.Dataset):
            return
        if item.is_virtual or item.external:
            raise ValueError(f"{name}: {key} is stored in another file")
        claimed += item.size * item.dtype.itemsize
        check_size(claimed, len(data), name)
        largest = max(largest, *item.shape, 0) if item.shape else largest

    def check_link(key: str, link: Any) -> None:
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{name}: {key} is a link")

    with h5py.File(io.BytesIO(data), "r") as file:
        file.visititems_links(check_link)
        file.visititems(check)
    return largest


def check_sizes(config: Any, largest: int) -> None:
    """Refuse the configuration of a model that is far larger than its weights.

    Keras makes the variables before it compares them with the file.

    Args:
        config: of the model.
        largest: dimension of its weights, from `check_weights`.

    Raises:
        ValueError: a layer is larger than all that is stored.

    Example:
        >>> check_sizes({"config": {"units": 10**9}}, 64)
        Traceback (most recent call last):
        ValueError: its configuration says units=1000000000, and its weights have up to 64
    """
    for key, value in _items(config, without="settings"):
        shape = "shape" in key and isinstance(value, list)
        for size in value if shape else [value] if key in _SIZES else []:
            if isinstance(size, int) and size > max(largest, 1_000_000 if shape else 10_000):
                shown = str(size)[:20]
                raise ValueError(
                    f"its configuration says {key}={shown}, and its weights have up to {largest:,}"
                )


def _items(config: Any, without: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key and value of a nested configuration."""
    left = [config]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += value
        elif isinstance(value, dict):
            for key, one in value.items():
                if key != without:
                    yield key, one
                    left.append(one)


def check_classes(config: Any, packages: Collection[str]) -> None:
    """Refuse the configuration of a model that names classes of packages nobody asked for.

    Args:
        config: of the model, from its file.
        packages: that may be imported for it, beside Keras and rnnkit; classes of others have to be
            registered with Keras already.

    Raises:
        ValueError: it names another one.

    Example:
        >>> check_classes({"class_name": "system", "module": "os", "config": {}}, [])
        Traceback (most recent call last):
        ValueError: it names 'system' of the module 'os', which is not imported
    """
    import keras

    trusted = {"None", "keras", "rnnkit", "builtins", *packages}
    for _, value in [("", config), *_items(config)]:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                _check_class(one, trusted, keras.saving.get_registered_object)


def _check_class(
    value: dict[str, Any], trusted: Collection[str], registered: Callable[[str], Any]
) -> None:
    name, module = value.get("class_name"), str(value.get("module"))
    if name == "__lambda__":
        raise ValueError("it holds the code of a function, which could do anything")
    if isinstance(name, str) and "module" in value and module.split(".")[0] not in trusted:
        known = value.get("registered_name")
        if not (isinstance(known, str) and registered(known)):
            raise ValueError(
                f"it names {name[:80]!r} of the module {module[:80]!r}, which is not imported"
            )
