"""Files of a data set that lie in an archive of several, or by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rnnkit.data.archive import find, read_members
from rnnkit.errors import InputError


def contents_of(
    name: str, files: Mapping[str, str], *, archive: str, folder: str, home: str
) -> dict[str, tuple[bytes, str]]:
    """Return the contents of each file, and where it came from.

    From the archive, or from the files themselves, in ``$RNNKIT_DATA`` or the cache.

    Args:
        name: of the data set, for messages.
        files: what a file is -> its name.
        archive: the name of a ``.tar.xz`` that may hold them.
        folder: where in it they lie, such as ``timeseries/occupancy``.
        home: where the files are published.

    Raises:
        InputError: if they are in neither place, or the archive lacks one.

    Example:
        >>> contents_of("traffic", {"train": "a.csv"}, **places)  # doctest: +SKIP
        {'train': (b'1,2', 'data.tar.xz, a.csv')}
    """
    packed = find(archive)
    if packed is not None:
        top, _, below = folder.partition("/")
        wanted = re.compile("|".join(re.escape(f"{below}/{file}") for file in files.values()))
        members = read_members(packed, top, wanted)
        found = {member.rpartition("/")[2]: data for member, data in members}
        if set(found) != set(files.values()):
            raise InputError(f"{packed} does not hold {' and '.join(files.values())}.")
        return {part: (found[file], f"{packed}, {file}") for part, file in files.items()}
    paths = {part: find(file) for part, file in files.items()}
    if None in paths.values():
        raise InputError(
            f"The data set {name} is not there: fetch {home}, put the files "
            f"{' and '.join(files.values())} in it into a folder and set RNNKIT_DATA to that "
            "folder. (It is not downloaded by itself: its home gives no checksum to verify it by.)"
        )
    return {part: (path.read_bytes(), str(path)) for part, path in paths.items() if path}
