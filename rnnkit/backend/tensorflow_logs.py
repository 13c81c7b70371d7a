"""Import of TensorFlow without the log lines that are no news.

`TF_CPP_MIN_LOG_LEVEL` keeps its INFO lines away, except those from before TensorFlow reads the
variable: they come while its libraries are loaded, straight from C++ to the file descriptor.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

VARIABLE = "TF_CPP_MIN_LOG_LEVEL"
# INFO lines; what absl writes above the first line; and an error of machines without an NVIDIA
# driver, whose number stands for "there is no libcuda".
NO_NEWS = re.compile(
    rb"I\d{4} |WARNING: All log messages before absl::InitializeLog\(\)"
    rb"|E\d{4} .*failed call to cuInit.*\(303\)"
)


def import_tensorflow() -> None:
    """Import TensorFlow, without the lines that are no news.

    Nothing changes where the user has set `TF_CPP_MIN_LOG_LEVEL`, or where TensorFlow is imported
    already. Otherwise the variable is set, also for processes that are started later.

    Example:
        >>> import_tensorflow()  # doctest: +SKIP
    """
    if VARIABLE in os.environ or "tensorflow" in sys.modules:
        return
    os.environ[VARIABLE] = "1"  # warnings and errors are written
    with without_lines(NO_NEWS):
        tensorflow = importlib.import_module("tensorflow")
        if not _has_nvidia_driver():  # TensorFlow says so as an error when it looks for devices
            tensorflow.config.list_physical_devices()


@contextmanager
def without_lines(unwanted: re.Pattern[bytes]) -> Iterator[None]:
    """Leave out lines of stderr that begin with a pattern; the others are written at the end.

    Example:
        >>> import os, re
        >>> with without_lines(re.compile(b"I0000 ")):
        ...     os.write(2, b"I0000 custom operations are on.")
        31
    """
    try:
        stderr = os.dup(2)
    except OSError:  # a process without one
        yield
        return
    with tempfile.TemporaryFile() as written:
        try:
            os.dup2(written.fileno(), 2)
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            written.seek(0)
            wanted = b"".join(line for line in written if not unwanted.match(line))
            with suppress(OSError):
                os.write(2, wanted)


def _has_nvidia_driver() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True
