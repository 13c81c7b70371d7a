"""Word vectors for the embedding projector of TensorBoard, as tab-separated files.

`tensor_path` in `projector_config.pbtxt` names the file of the vectors: no checkpoint is needed.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.atomic import replacing
from rnnkit.deprecation import renamed_names
from rnnkit.errors import InputError

# A tab ends a column. All line ends of `str.splitlines` end a row.
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
    r"""Write word vectors for the embedding projector of TensorBoard.

    The folder must be the `--logdir` of TensorBoard, or contain an event file. Tabs, line ends and
    backslashes in words are escaped (`\t`, `\n`, `\\`); an empty word becomes `(empty)`.

    Args:
        folder: where the three files go; made if it is missing.
        vectors: `(V, D)` finite numbers, at least one.
        words: `V` words, one for each row.
        counts: `V` counts, which can colour the points; optional.

    Returns:
        The path of `projector_config.pbtxt`.

    Raises:
        InputError: inconsistent shapes, or a vector that is not finite; nothing is written.

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
    _write(folder / "tensors.tsv", rows.getvalue())
    _write(folder / "metadata.tsv", "".join(f"{line}\n" for line in lines))
    # Last, because TensorBoard reads the other two as soon as this file exists.
    return _write(folder / "projector_config.pbtxt", _CONFIG)


def write_frequent_words(
    folder: str | os.PathLike[str],
    table: np.ndarray,
    words: Sequence[str],
    counts: Sequence[int],
    limit: int,
) -> None:
    """Write the projector files of the `limit` most frequent words with finite vectors.

    Example:
        >>> write_frequent_words("runs/words", np.eye(2), ["the", "of"], [9, 5], 5000)
    """
    table = table[: min(limit, len(words))]
    rows = np.flatnonzero(np.isfinite(table).all(axis=1)).tolist()
    if rows:
        named, counted = [words[row] for row in rows], [counts[row] for row in rows]
        write_projector(folder, table[rows], named, counted)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _write(path: Path, content: str) -> Path:
    data = content.encode("utf-8", "backslashreplace")
    with replacing(path, "a file of the projector", len(data)) as temporary:
        temporary.write_bytes(data)
    return path


__getattr__ = renamed_names(__name__, {"write_words": "write_frequent_words"})
