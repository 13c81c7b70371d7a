"""Which graphs are traced for runtimes other than TensorFlow."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import keras

_portable: ContextVar[bool] = ContextVar("portable graphs", default=False)


@contextlib.contextmanager
def portable_graphs() -> Iterator[None]:
    """Trace graphs of the operations that runtimes other than TensorFlow have, too."""
    before = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(before)


def exporting(sequences: Any) -> bool:
    """Return whether the graph is for another runtime: inside of `portable_graphs`.

    A SavedModel runs in TensorFlow, with the kernels of TensorFlow.
    """
    del sequences
    return _portable.get()


def mark_exports() -> None:
    """Have Keras's `Model.export` trace `portable_graphs` where its format is of another runtime.

    Keras itself tells no layer that it is traced for one: LiteRT and ONNX lack TensorFlow's
    `BlockLSTM`, for example.
    """
    export = keras.Model.export
    if hasattr(export, "traces_portable_graphs"):
        return

    @functools.wraps(export)
    def marked(
        self: keras.Model,
        filepath: str | os.PathLike[str],
        format: str = "tf_saved_model",
        *arguments: Any,
        **options: Any,
    ) -> Any:
        runs_elsewhere = format not in ("tf_saved_model", "zip")
        with portable_graphs() if runs_elsewhere else contextlib.nullcontext():
            return export(self, filepath, format, *arguments, **options)

    marked.traces_portable_graphs = True  # type: ignore[attr-defined]
    keras.Model.export = marked
