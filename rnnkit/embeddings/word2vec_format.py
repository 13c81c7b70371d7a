"""Reader and writer of the word2vec text and binary formats; reader of the GloVe format."""

from __future__ import annotations

import gzip
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NoReturn

import numpy as np

from rnnkit.errors import InputError

File = IO[bytes] | gzip.GzipFile
_MAX_WORD_LENGTH = 10_000  # bytes; the word2vec program stops at 100
_MAX_DIMENSION = 100_000  # far beyond all that is in use
_BUFFER_SIZE = 1 << 20  # bytes read at a time
_WHITESPACE = frozenset(string.whitespace)
_NUMBER_BYTES = frozenset(b"+-.0123456789eE \t\r" + b"naifNAIFtyTY")
_EXPECTED = (
    "expected a first line with two numbers (words, dimension), then the words with their vectors "
    "(word2vec, text or binary), or lines of a word and its numbers (GloVe)"
)


def read(file: File, path: Path) -> tuple[list[str], np.ndarray]:
    r"""Read word vectors in word2vec's text or binary format, or in GloVe's.

    Args:
        file: a seekable binary file, at its start.
        path: its name, for error messages.

    Returns:
        V words and `(V, D)` float32.

    Raises:
        InputError: see `rnnkit.embeddings.files.load_vectors`.

    Example:
        >>> import io
        >>> words, table = read(io.BytesIO(b"2 1\na 0.5\nb 2\n"), Path("two.txt"))
        >>> words, table.tolist()
        (['a', 'b'], [[0.5], [2.0]])
    """
    head = file.read(_BUFFER_SIZE)
    first, _, rest = head.partition(b"\n")
    fields = first.split()
    if not head:
        raise_damaged(path, f"it is empty; {_EXPECTED}")
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        count, width = map(int, fields)
        if not count or not 0 < width <= _MAX_DIMENSION:
            raise_damaged(path, f"its first line says {count} words of {width} numbers")
        file.seek(len(first) + 1)
        rows = (_text_rows if _is_text(rest, width) else _binary_rows)(file, path, count, width)
    elif len(fields) > 2 and _numbers(fields[1:]) is not None:
        file.seek(0)
        count, width = None, len(fields) - 1
        rows = _text_rows(file, path, count, width)
    else:
        shown = first[:60].decode("utf-8", "backslashreplace")
        raise InputError(
            f"{path} is no file of word vectors: its first line begins with {shown!r}; {_EXPECTED}."
        )
    found: dict[str, str] = {}
    numbers = bytearray()  # grows with the rows: a damaged header cannot allocate much memory
    for where, name, row in rows:
        word = _decode(name, path, where)
        if word in found:
            raise_damaged(path, f"{where}: the word {word!r} is a duplicate of {found[word]}")
        found[word] = where
        numbers += row
    if count is not None and len(found) < count:
        last = f"the last is {next(reversed(found))!r}" if found else "there is none"
        what = f"its first line says {count:,} words of {width} numbers"
        raise_damaged(path, f"{what}, but it ends after {len(found):,} ({last})")
    table = np.frombuffer(numbers, "<f4").reshape(-1, width)
    return list(found), table.astype("float32", copy=False)


def write(file: File, words: Sequence[str], table: np.ndarray, *, binary: bool) -> None:
    r"""Write word vectors in word2vec's text or binary format.

    Args:
        file: a binary file.
        words: V words without white space.
        table: `(V, D)` numbers; in text with nine digits, which preserve float32 exactly.
        binary: binary or text.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> write(file, ["a", "b"], np.array([[0.5], [2]]), binary=False)
        >>> file.getvalue()
        b'2 1\na 0.5\nb 2\n'
    """
    table = np.asarray(table, "<f4")
    names = [_encode(word) for word in words]  # all checks before anything is written
    file.write(f"{len(table)} {table.shape[1]}\n".encode())
    numbers = " ".join(["%.9g"] * table.shape[1])
    for name, row in zip(names, table, strict=True):
        content = row.tobytes() if binary else (numbers % tuple(row.tolist())).encode()
        file.write(name + b" " + content + b"\n")


def _is_text(rest: bytes, width: int) -> bool:
    """Return whether decimal numbers, and not float32 bytes, follow the first word."""
    _, _, after = rest.lstrip(b"\n").partition(b" ")
    numbers = after[: 4 * width].partition(b"\n")[0]
    return bool(numbers) and _NUMBER_BYTES.issuperset(numbers)


def _text_rows(
    file: File, path: Path, count: int | None, width: int
) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield position, word and float32 bytes of each line; refuse surplus lines."""
    for line, content in enumerate(file, start=1 if count is None else 2):
        fields = content.split()
        where = f"line {line}"
        if not fields:
            if file.read(_BUFFER_SIZE).strip():
                raise_damaged(path, f"{where} is empty")
            return
        if count is not None and line > count + 1:
            raise_damaged(path, f"its first line says {count:,} words, but more follow in {where}")
        numbers = _numbers(fields[1:])
        if numbers is None or len(numbers) != width or content[:1].isspace():
            shown = content[:60].decode("utf-8", "backslashreplace").rstrip("\n")
            what = f"{where} has {len(fields)} fields, {shown!r}"
            raise_damaged(path, f"{what}; expected a word and {width} numbers")
        yield where, fields[0], numbers.tobytes()


def _binary_rows(
    file: File, path: Path, count: int, width: int
) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield position, word and float32 bytes of each word; line ends are optional."""
    content, at = b"", 0
    for number in range(1, count + 1):
        while (space := content.find(b" ", at)) < 0 or len(content) < space + 1 + 4 * width:
            if space < 0 and len(content) - at > _MAX_WORD_LENGTH:
                raise_damaged(path, f"word {number} (read as binary) has no end")
            piece = file.read(_BUFFER_SIZE)
            if not piece:
                return
            content, at = content[at:] + piece, 0
        end = space + 1 + 4 * width
        yield f"word {number}", content[at:space].lstrip(b"\n"), content[space + 1 : end]
        at = end
    if (content[at:] + file.read(_BUFFER_SIZE)).strip(b"\n"):
        what = f"its first line says {count:,} words, but more follow (read as binary)"
        raise_damaged(path, what)


def _numbers(fields: list[bytes]) -> np.ndarray | None:
    try:
        numbers = np.array([float(field) for field in fields])
    except ValueError:
        return None
    with np.errstate(over="ignore"):  # it becomes infinite, which is reported with its word
        return numbers.astype("<f4")


def _encode(word: str) -> bytes:
    try:
        if word and _WHITESPACE.isdisjoint(word):
            return word.encode()
    except (AttributeError, TypeError, UnicodeEncodeError):  # a number, half a character
        pass
    raise InputError(
        f"word2vec's formats cannot represent the word {word!r}: it is empty, not a string, or "
        "contains white space; save as .kv, or replace the white space."
    )


def _decode(name: bytes, path: Path, where: str) -> str:
    try:
        word = name.decode()
    except UnicodeDecodeError as error:
        shown = name[:60].decode("utf-8", "backslashreplace")
        raise_damaged(path, f"{where}: the word '{shown}' is not UTF-8 (recode the file)", error)
    if not word:
        raise_damaged(path, f"{where}: numbers without a word")
    return word


def raise_damaged(path: Path, what: str, cause: BaseException | None = None) -> NoReturn:
    """Raise the `InputError` of a file that cannot be read."""
    message = f"{path} is damaged or no file of word vectors: {what}. Download or write it again."
    raise InputError(message) from cause
