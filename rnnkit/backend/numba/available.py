"""Whether Numba can be used, asked once."""

from __future__ import annotations

import functools
import importlib
import importlib.util

LEAST = (0, 61)  # the first one that knows Python 3.13 and NumPy 2.2
HINT = 'pip install "rnnkit[fast]"'


@functools.cache
def missing() -> str | None:
    """Return why Numba cannot be used, as a clause; None if it can. Imports it.

    Example:
        >>> missing()  # doctest: +SKIP
        'numba is not installed (pip install "rnnkit[fast]")'
    """
    if importlib.util.find_spec("numba") is None:
        return f"numba is not installed ({HINT})"
    try:
        version = importlib.import_module("numba").__version__
    except Exception as error:  # noqa: BLE001  (another NumPy, a broken LLVM ...)
        return f"numba cannot be imported: {error}"
    if tuple(int(part) for part in version.split(".")[:2]) < LEAST:
        return f"numba is {version}, older than {'.'.join(map(str, LEAST))} ({HINT})"
    return None
