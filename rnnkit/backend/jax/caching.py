"""JAX's cache of compiled programs, on by default and kept by `rnnkit.backend.program_store`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jaxlib

from rnnkit.backend import compilation, program_store
from rnnkit.backend.program_store import LIMIT, ProgramStore

try:
    from jax._src import compilation_cache as jax_cache
except ImportError:  # another version of JAX
    jax_cache: Any = None  # type: ignore[no-redef]

# JAX 0.6.0 reads programs back that compute something else: a second training learned nothing.
OLDEST = (0, 6, 2)

_reason = "not set up"  # why there is no cache of ours; "" where there is one


def set_up() -> None:
    """Let JAX keep its programs in rnnkit's cache folder, unless the user has a say in that.

    A cache of the user's own (`JAX_COMPILATION_CACHE_DIR`, `jax.config`) stays as it is, also where
    it is set later. JAX writes at most one process's programs where several work together.
    """
    global _reason
    _reason = _why_not()
    if _reason:
        return
    ours = folder()
    jax.config.update("jax_compilation_cache_dir", str(ours))
    # JAX keeps only what took a second. Many small programs take long, too.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # JAX has no public interface for another cache class: replace the private factory function.
    make = jax_cache.get_file_cache

    def make_ours(path: str) -> tuple[Any, str] | None:
        if Path(path) != ours:
            return make(path)
        limit = jax.config.jax_compilation_cache_max_size
        return ProgramStore(ours, LIMIT if limit == -1 else limit), path

    jax_cache.get_file_cache = make_ours


def folder() -> Path:
    """Return the folder of the programs of this machine and these versions."""
    versions = f"jax{jax.__version__}", f"jaxlib{jaxlib.__version__}"
    return compilation.machine_folder(*versions)


def use_cache(wanted: bool) -> None:
    """Read and write programs on disk from now on, or do not."""
    from jax.experimental.compilation_cache import compilation_cache

    jax.config.update("jax_enable_compilation_cache", wanted)
    compilation_cache.reset_cache()  # JAX has decided already, once anything was compiled


def no_cache() -> str:
    """Return why rnnkit keeps no compiled programs now; "" where it does."""
    if _reason:
        return _reason
    if not jax.config.jax_enable_compilation_cache:
        return "off (jax_enable_compilation_cache)"
    now = jax.config.jax_compilation_cache_dir
    if now is None or Path(now) != folder():
        return _of_the_user(now)
    return program_store.refusal(folder()) or ""


def _why_not() -> str:
    if compilation.switched_off():
        return f"off ({compilation.VARIABLE})"
    if not jax.config.jax_enable_compilation_cache:
        return "off (JAX_ENABLE_COMPILATION_CACHE)"
    if jax.config.jax_compilation_cache_dir is not None:
        return _of_the_user(jax.config.jax_compilation_cache_dir)
    if jax.__version_info__ < OLDEST:
        return f"off (JAX {jax.__version__} reads programs back wrongly; install JAX >= 0.6.2)"
    if not hasattr(jax_cache, "get_file_cache"):
        return f"off (JAX {jax.__version__} makes its cache in another way)"
    return ""


def _of_the_user(folder: str | None) -> str:
    return f"JAX's own, in {folder}" if folder else "off (jax_compilation_cache_dir)"
