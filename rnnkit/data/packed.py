"""Files of a data set that lie in an archive of several, or by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rnnkit.data.archive import find, missing_dataset_error, read_members
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
        folder: where in it they lie, such as ``timeseries/occupancy`` or ``wnut17``.
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
        inside = {part: f"{below}/{file}" if below else file for part, file in files.items()}
        wanted = re.compile("|".join(map(re.escape, inside.values())))
        members = dict(read_members(packed, top, wanted))
        if missing := [name for name in inside.values() if name not in members]:
            raise InputError(f"{packed} does not hold {' and '.join(missing)}.")
        return {part: (members[path], f"{packed}, {path}") for part, path in inside.items()}
    paths = {part: find(file) for part, file in files.items()}
    if None in paths.values():
        raise missing_dataset_error(
            name, f"{archive} or its files {', '.join(files.values())}", fetch=home
        )
    return {part: (path.read_bytes(), str(path)) for part, path in paths.items() if path}
