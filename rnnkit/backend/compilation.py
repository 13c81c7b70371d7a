"""Compiling: how many programs were made, in which time, and which came from the cache on disk.

XLA compiles a program for each function and each set of shapes. JAX keeps them in a cache of its
own here (`rnnkit.backend.jax.caching`), TensorFlow and PyTorch keep none between processes.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from pathlib import Path
from typing import NamedTuple

import rnnkit
from rnnkit.backend import program_store
from rnnkit.disk import cache_folder, size_text
from rnnkit.errors import BackendError

VARIABLE = "RNNKIT_COMPILATION_CACHE"


class Compilations(NamedTuple):
    """What was compiled in this process so far.

    Attributes:
        programs: number of programs, those of the cache among them.
        from_cache: number of those that came from the cache on disk.
        seconds: spent on tracing, compiling and reading them.

    Example:
        >>> print(Compilations(programs=12, from_cache=9, seconds=2.31))
        12 programs in 2.3 s, 9 of them from the cache
    """

    programs: int = 0
    from_cache: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        """Return the numbers in words."""
        what = "1 program" if self.programs == 1 else f"{self.programs} programs"
        return f"{what} in {self.seconds:.1f} s, {self.from_cache} of them from the cache"

    def since(self, before: Compilations) -> Compilations:
        """Return what came after an earlier state.

        Example:
            >>> Compilations(5, 2, 4.0).since(Compilations(3, 2, 3.0))
            Compilations(programs=2, from_cache=0, seconds=1.0)
        """
        return Compilations(
            self.programs - before.programs,
            self.from_cache - before.from_cache,
            self.seconds - before.seconds,
        )

    def plus(self, more: Compilations) -> Compilations:
        """Return the sum.

        Example:
            >>> Compilations(5, 2, 4.0).plus(Compilations(3, 2, 3.0))
            Compilations(programs=8, from_cache=4, seconds=7.0)
        """
        return Compilations(
            self.programs + more.programs,
            self.from_cache + more.from_cache,
            self.seconds + more.seconds,
        )


def compilations() -> Compilations:
    """Return what was compiled in this process so far; nothing on TensorFlow and PyTorch.

    TensorFlow's graphs are traced by Keras and counted nowhere; PyTorch compiles nothing.

    Example:
        >>> print(compilations())  # doctest: +SKIP
        12 programs in 2.3 s, 9 of them from the cache
    """
    from rnnkit.backend import native

    return native.compilations()


def compiling() -> tuple[str, float] | None:
    """Return the program that is being compiled and when that began; None where none is.

    The time is that of `time.perf_counter`.

    Example:
        >>> compiling()  # doctest: +SKIP
        ('train_step', 12.7)
    """
    from rnnkit.backend import native

    return native.compiling()


def made(name: str) -> int:
    """Return how many programs came of the functions of a name, such as "train_step".

    Example:
        >>> made("no_such_function")
        0
    """
    from rnnkit.backend import native

    return native.made(name)


def describe_cache() -> str:
    """Return where compiled programs are kept, how many and how large, or why none are.

    Example:
        >>> describe_cache()  # doctest: +SKIP
        '212 programs, 31.4 MB, in /home/ada/.cache/rnnkit/xla'
    """
    from rnnkit.backend import native

    reason = native.no_cache()
    if reason:
        return reason
    found = program_store.measure(root())
    return f"{found.programs} programs, {size_text(found.size)}, in {root()}"


def clear_cache() -> str:
    """Remove all compiled programs that rnnkit keeps; return what there was.

    Example:
        >>> clear_cache()  # doctest: +SKIP
        '212 programs, 31.4 MB, in /home/ada/.cache/rnnkit/xla'
    """
    found = program_store.clear(root())
    return f"{found.programs} programs, {size_text(found.size)}, in {root()}"


def use_cache(wanted: bool) -> None:
    """Read and write compiled programs on disk from now on, or do not; JAX alone keeps any.

    Args:
        wanted: False = what is compiled now is not kept, and what was kept is not read.

    Example:
        >>> use_cache(True)
    """
    from rnnkit.backend import native

    native.use_cache(wanted)


def switched_off() -> bool:
    """Return whether `RNNKIT_COMPILATION_CACHE` is "off".

    Raises:
        BackendError: it is neither "on" nor "off".

    Example:
        >>> switched_off()  # doctest: +SKIP
        False
    """
    wanted = os.environ.get(VARIABLE, "on").strip().lower() or "on"
    if wanted not in ("on", "off"):
        raise BackendError(
            f"{VARIABLE} is {wanted!r}; expected on or off. RNNKIT_CACHE names another folder."
        )
    return wanted == "off"


def root() -> Path:
    """Return the folder of the compiled programs of all machines and versions."""
    return cache_folder() / "xla"


def machine_folder(*versions: str) -> Path:
    """Return the folder of the programs of this type of CPU and these versions.

    Machine code for one type of CPU may not run on another, and home folders are shared.
    """
    return root() / "-".join([_cpu_type(), *versions, f"rnnkit{rnnkit.__version__}"])


@functools.cache
def _cpu_type() -> str:
    """Return the architecture, and eight digits for the model of CPU and what it can do."""
    parts = [platform.machine(), platform.processor()]
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not on Linux
        text = ""
    wanted = ("model name", "flags", "CPU part", "Features")  # the last two on ARM
    first = text.partition("\n\n")[0].splitlines()
    parts += [line for line in first if line.startswith(wanted)]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
    return f"{platform.machine() or 'cpu'}-{digest}"
