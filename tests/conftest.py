"""What all tests share: the small review set, the real data when it is there."""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from deep import DEEP

# Flags of XLA on CPU, which JAX and TensorFlow share. The programs stay the same; only how machine
# code is made of them differs. An XLA that does not know one of them names it and ends the process.
QUICK_TO_COMPILE = (
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_cpu_parallel_codegen_split_count=1",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--one-process`, for runs between two edits."""
    parser.addoption(
        "--one-process",
        action="store_true",
        help="leave out the tests that start another Python: each imports its framework anew",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let XLA keep its programs: many tests need the same ones, and so does the next run.

    They lie in pytest's cache (`pytest --cache-clear` empties it), those of each version apart.
    Nothing is imported yet; other processes that tests start inherit the environment.
    """
    # A shell lets what it starts in the background ignore Ctrl-C, and tests send it.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # The user's own cache of compiled programs is none of ours; each test of it switches it on.
    os.environ.setdefault("RNNKIT_COMPILATION_CACHE", "off")
    if getattr(config, "cache", None) is None:
        return

    def folder(name: str) -> str:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = "unknown"
        return str(config.cache.mkdir(f"{name}-{version}"))

    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", folder("jax"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    os.environ.setdefault("NUMBA_CACHE_DIR", folder("numba"))
    # Compiling takes longer than the small programs of tests run: XLA leaves out what only makes
    # machine code faster (as in JAX's own tests), and writes it in the way that compiles fastest.
    # JAX_DISABLE_MOST_OPTIMIZATIONS=0 with an empty XLA_FLAGS compiles as users do.
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    os.environ.setdefault("XLA_FLAGS", " ".join(QUICK_TO_COMPILE))
    os.environ.setdefault(
        "TF_XLA_FLAGS",
        f"--tf_xla_persistent_cache_directory={folder('tensorflow')} "
        "--tf_xla_persistent_cache_device_types=CPU",
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the collector of cycles pass over what all tests keep, and look less often.

    Frameworks keep millions of objects, and traced programs make more; a full search of them, time
    and again, is a tenth of the run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


# What these folders test, and files marked `one_backend`, is the same on every backend, and needs
# compiled models to be tested: it runs on PyTorch, which compiles nothing. Tests marked
# `every_backend` run on the others, too.
ON_ONE_BACKEND = ("baselines", "cli", "data", "plugins", "study")
# So is most of these: they use what `backend` and `recurrent` test on each backend. There a choice
# of them runs, marked as well, and in the deep profile all.
A_CHOICE_ON_OTHERS = () if DEEP else ("explain", "hmm", "monitor", "recipes", "tasks")
FOLDERS = tuple(
    str(Path(__file__).parent / name) + os.sep for name in ON_ONE_BACKEND + A_CHOICE_ON_OTHERS
)
MARK_OF_A_FILE = "\npytestmark = pytest.mark.one_backend\n"


def is_left_to_the_deep_profile(item: pytest.Item) -> bool:
    """Whether a test is marked `deep`, on all backends or on this one."""
    import rnnkit.backend

    marks = item.iter_markers("deep")
    return not DEEP and any(not it.args or rnnkit.backend.name in it.args for it in marks)


def is_of_one_backend(item: pytest.Item) -> bool:
    """Whether PyTorch tests it for all: the mark of a case or a test stands above its folder's."""
    if any(mark.name == "one_backend" for mark in item.own_markers):
        return True
    of_one = str(item.path).startswith(FOLDERS) or item.get_closest_marker("one_backend")
    return bool(of_one) and not item.get_closest_marker("every_backend")


def runs_elsewhere() -> bool:
    """Whether this process runs on a backend that leaves out what PyTorch tests for all."""
    import rnnkit.backend

    return rnnkit.backend.name != "torch" and "torch" in rnnkit.backend.installed()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave files out, before they are imported, of which no test would run on this backend."""
    if not collection_path.name.startswith("test_") or collection_path.suffix != ".py":
        return None
    text = collection_path.read_text(encoding="utf-8")
    alone = str(collection_path).startswith(FOLDERS) or MARK_OF_A_FILE in text
    return True if alone and "every_backend" not in text and runs_elsewhere() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what another backend tests, and what starts other processes where that is asked."""
    if config.getoption("--one-process", default=False):
        starting = [
            item
            for item in items
            if {"fresh_python", "other_backend"} & set(getattr(item, "fixturenames", ()))
        ]
        config.hook.pytest_deselected(items=starting)
        items[:] = [item for item in items if item not in set(starting)]

    here = not runs_elsewhere()
    left_out = [
        item
        for item in items
        if is_left_to_the_deep_profile(item) or (not here and is_of_one_backend(item))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(autouse=True, scope="module")
def nothing_old_to_collect() -> None:
    """Let the collector of cycles pass over what earlier files left.

    `keras.utils.clear_session` searches everything that it knows of, half a second after an hour's
    tests, and the tests of resuming call it a hundred times.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def no_sync() -> Iterator[None]:
    """No test survives a power cut: files need not reach the disk, which takes 20 ms each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


class Finished(NamedTuple):
    """A Python process that ended: its exit status and what it printed."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The last line that it printed, read as JSON."""
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture(scope="session")
def fresh_python() -> Callable[..., Finished]:
    """Run code in a fresh interpreter: `fresh_python(code, *args, check=True, **environment)`.

    The arguments arrive as JSON, each in its place of `sys.argv`. A variable of the environment
    that is None is taken away. With `check` the process has to end with status 0.
    """

    def run(
        code: str, *args: Any, check: bool = True, options: tuple[str, ...] = (), **environment: Any
    ) -> Finished:
        changed = {**os.environ, **environment}
        done = subprocess.run(
            [sys.executable, *options, "-c", code, *map(json.dumps, args)],
            env={name: value for name, value in changed.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=900,  # what hangs ends; on a busy machine a training takes minutes
            check=False,
        )
        assert done.returncode == 0 or not check, done.stderr
        return Finished(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def other_backend(fresh_python: Callable[..., Finished]) -> Callable[..., Any]:
    """Run code on another backend: `other_backend(code, *args, backend=None)`.

    It returns the JSON that the code prints last; the arguments arrive as in `fresh_python`. The
    backend is the first installed one that is not this process's; without one the test is skipped.
    """
    import rnnkit.backend

    others = sorted(set(rnnkit.backend.installed()) - {rnnkit.backend.name})

    def run(code: str, *args: Any, backend: str | None = None) -> Any:
        if not others:
            pytest.skip(f"no backend is installed beside {rnnkit.backend.name}")
        name = backend or others[0]
        return fresh_python(code, *args, options=("-W", "ignore"), KERAS_BACKEND=name).value

    return run


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the real data sets; the test is skipped when there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("RNNKIT_DATA", beside))
    if not (folder / "aclImdb_v1.tar.gz").is_file():
        pytest.skip("the real data sets are not there: set RNNKIT_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def reviews() -> tuple[list[str], np.ndarray]:
    """128 tiny texts whose label one word decides, in unequal lengths.

    Four whole batches of 32, and none has more than eight words: one shape, so little is compiled.
    """
    rng = np.random.default_rng(0)
    filler = [f"word{i}" for i in range(20)]
    labels = np.arange(128) % 2
    texts = []
    for label in labels:
        words = list(rng.choice(filler, rng.integers(1, 8)))
        words.insert(int(rng.integers(0, len(words) + 1)), "good" if label else "bad")
        texts.append(" ".join(words))
    return texts, labels
