"""Word vectors for TensorBoard's projector page, as plain tab-separated files.

The projector lists a run when its folder holds `projector_config.pbtxt`; `tensor_path` in it points
at the vectors, so that no checkpoint of any framework is needed.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.errors import InputError

# A tab ends a column. Everything that `str.splitlines` takes for the end of a line ends a row.
_BREAKS = re.compile("[\\\\\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONFIG = """embeddings {
  tensor_name: "word vectors"
  tensor_path: "tensors.tsv"
  metadata_path: "metadata.tsv"
}
"""


def write_projector(
    folder: str | os.PathLike[str],
    vectors: Any,
    words: Sequence[str],
    counts: Sequence[int] | None = None,
) -> Path:
    r"""Write vectors and their words so that TensorBoard's projector shows them.

    The folder must be the one TensorBoard is started on, or hold an event file. Tabs, line ends and
    backslashes within words are written as escapes (`\t`, `\n`, `\\`); an empty word as `(empty)`.

    Args:
        folder: where the three files go; made if it is missing.
        vectors: `(V, D)` numbers, all finite, at least one row and one column.
        words: `V` words, one for each row.
        counts: `V` numbers shown beside the words, which can colour the points; optional.

    Returns:
        The path of `projector_config.pbtxt`.

    Raises:
        InputError: if shapes do not match or a vector is not finite; nothing is written then.

    Example:
        >>> write_projector("runs/words", [[0.0, 1.0], [1.0, 0.0]], ["good", "bad"]).name
        'projector_config.pbtxt'
    """
    table = np.asarray(vectors, dtype=np.float32)
    if table.ndim != 2 or 0 in table.shape:
        raise InputError(f"vectors must have shape (V, D), both at least 1, not {table.shape}.")
    if len(words) != len(table) or (counts is not None and len(counts) != len(table)):
        named = f"{len(words)} words" + ("" if counts is None else f" and {len(counts)} counts")
        raise InputError(f"{len(table)} vectors came with {named}; give one for each row.")
    if not np.isfinite(table).all():
        row = int(np.argmin(np.isfinite(table).all(axis=1)))
        raise InputError(f"The vector of {words[row]!r} (row {row}) holds NaN or infinity.")

    names = [_BREAKS.sub(_escape, word) if word else "(empty)" for word in words]
    if counts is None:
        lines = names  # a single column has no header
    else:
        lines = ["word\tcount", *(f"{n}\t{int(c)}" for n, c in zip(names, counts, strict=True))]
    rows = io.StringIO()
    np.savetxt(rows, table, fmt="%.6g", delimiter="\t")

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "tensors.tsv", rows.getvalue())
    _replace(folder / "metadata.tsv", "".join(f"{line}\n" for line in lines))
    # Last: as soon as this file is there, TensorBoard reads the other two.
    return _replace(folder / "projector_config.pbtxt", _CONFIG)


def write_words(
    folder: str | os.PathLike[str],
    table: np.ndarray,
    words: Sequence[str],
    counts: Sequence[int],
    limit: int,
) -> None:
    """Write the projector's files of the most frequent words, those with finite vectors.

    Args:
        folder: where an event file lies.
        table: `(V, D)` numbers.
        words: one for each row, the most frequent first.
        counts: as many numbers.
        limit: how many words at most.

    Example:
        >>> write_words("runs/words", np.eye(2), ["the", "of"], [9, 5], 5000)
    """
    table = table[: min(limit, len(words))]
    rows = np.flatnonzero(np.isfinite(table).all(axis=1)).tolist()
    if rows:
        write_projector(
            folder, table[rows], [words[row] for row in rows], [counts[row] for row in rows]
        )


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _replace(path: Path, content: str) -> Path:
    """Write a file under a temporary name, then rename it, so that no reader sees half of it."""
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(content.encode("utf-8", "backslashreplace"))
    return partial.replace(path)
