"""What the word2vec program reads and writes, byte by byte, and GloVe's lines."""

from __future__ import annotations

import gzip
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NoReturn

import numpy as np

from rnnkit.errors import InputError

File = IO[bytes] | gzip.GzipFile
_LONGEST_WORD = 10_000  # bytes; the word2vec program stops at 100
_WIDEST = 100_000  # numbers; far beyond all that is in use
_PIECE = 1 << 20  # bytes read at a time
_WHITE = frozenset(string.whitespace)
_OF_NUMBERS = frozenset(b"+-.0123456789eE \t\r" + b"naifNAIFtyTY")
_EXPECTED = (
    "expected a first line with two numbers, how many words and how many numbers each has, then "
    "the words with their vectors (as word2vec and gensim write them, text or binary), or lines of "
    "a word and its numbers (as GloVe writes them)"
)


def read(file: File, path: Path) -> tuple[list[str], np.ndarray]:
    r"""Read either format of word2vec, or GloVe's, from the start of a file.

    Args:
        file: opened for bytes; it can seek.
        path: its name, for what is told.

    Returns:
        V words and `(V, D)` float32.

    Raises:
        InputError: what `rnnkit.embeddings.files.load_vectors` says.

    Example:
        >>> import io
        >>> words, table = read(io.BytesIO(b"2 1\na 0.5\nb 2\n"), Path("two.txt"))
        >>> words, table.tolist()
        (['a', 'b'], [[0.5], [2.0]])
    """
    head = file.read(_PIECE)
    first, _, rest = head.partition(b"\n")
    fields = first.split()
    if not head:
        damaged(path, f"it is empty; {_EXPECTED}")
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        count, width = map(int, fields)
        if not count or not 0 < width <= _WIDEST:
            damaged(path, f"its first line says {count} words of {width} numbers")
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
    numbers = bytearray()  # it grows with the rows: a damaged first line asks for no memory
    for where, name, row in rows:
        word = _decode(name, path, where)
        if word in found:
            damaged(path, f"{where}: the word {word!r} stands there again, after {found[word]}")
        found[word] = where
        numbers += row
    if count is not None and len(found) < count:
        last = f"the last is {next(reversed(found))!r}" if found else "there is none"
        damaged(
            path,
            f"its first line says {count:,} words of {width} numbers, but it ends after "
            f"{len(found):,} ({last})",
        )
    table = np.frombuffer(numbers, "<f4").reshape(-1, width)
    return list(found), table.astype("float32", copy=False)


def write(file: File, words: Sequence[str], table: np.ndarray, *, binary: bool) -> None:
    r"""Write word2vec's text or binary format.

    Args:
        file: opened for bytes.
        words: V of them, without white space.
        table: `(V, D)` numbers; text has the nine digits that give the same float32 again.
        binary: or text.

    Raises:
        InputError: a word that the formats cannot hold.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> write(file, ["a", "b"], np.array([[0.5], [2]]), binary=False)
        >>> file.getvalue()
        b'2 1\na 0.5\nb 2\n'
    """
    table = np.asarray(table, "<f4")
    names = [_encode(word) for word in words]  # all of them first
    file.write(f"{len(table)} {table.shape[1]}\n".encode())
    numbers = " ".join(["%.9g"] * table.shape[1])
    for name, row in zip(names, table, strict=True):
        content = row.tobytes() if binary else (numbers % tuple(row.tolist())).encode()
        file.write(name + b" " + content + b"\n")


def _is_text(rest: bytes, width: int) -> bool:
    """Tell whether plain numbers, and not float32, follow the first word."""
    _, _, after = rest.lstrip(b"\n").partition(b" ")
    numbers = after[: 4 * width].partition(b"\n")[0]
    return bool(numbers) and _OF_NUMBERS.issuperset(numbers)


def _text_rows(
    file: File, path: Path, count: int | None, width: int
) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield place, word and float32 of each line, and see that no line is too many."""
    for line, content in enumerate(file, start=1 if count is None else 2):
        fields = content.split()
        where = f"line {line}"
        if not fields:
            if file.read(_PIECE).strip():
                damaged(path, f"{where} is empty")
            return
        if count is not None and line > count + 1:
            damaged(path, f"its first line says {count:,} words, but more follow in {where}")
        numbers = _numbers(fields[1:])
        if numbers is None or len(numbers) != width or content[:1].isspace():
            shown = content[:60].decode("utf-8", "backslashreplace").rstrip("\n")
            damaged(
                path,
                f"{where} has {len(fields)} fields, {shown!r}; expected a word and {width} numbers",
            )
        yield where, fields[0], numbers.tobytes()


def _binary_rows(
    file: File, path: Path, count: int, width: int
) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield place, word and float32 of each word; a line end after the numbers may be missing."""
    content, at = b"", 0
    for number in range(1, count + 1):
        while (space := content.find(b" ", at)) < 0 or len(content) < space + 1 + 4 * width:
            if space < 0 and len(content) - at > _LONGEST_WORD:
                damaged(path, f"word {number} (read as binary) has no end")
            piece = file.read(_PIECE)
            if not piece:
                return
            content, at = content[at:] + piece, 0
        end = space + 1 + 4 * width
        yield f"word {number}", content[at:space].lstrip(b"\n"), content[space + 1 : end]
        at = end
    if (content[at:] + file.read(_PIECE)).strip(b"\n"):
        damaged(path, f"its first line says {count:,} words, but more follow (read as binary)")


def _numbers(fields: list[bytes]) -> np.ndarray | None:
    try:
        numbers = np.array([float(field) for field in fields])
    except ValueError:
        return None
    with np.errstate(over="ignore"):  # it becomes infinite, which is told with its word
        return numbers.astype("<f4")


def _encode(word: str) -> bytes:
    try:
        if word and _WHITE.isdisjoint(word):
            return word.encode()
    except (AttributeError, TypeError, UnicodeEncodeError):  # a number, half a character
        pass
    raise InputError(
        f"word2vec's formats cannot hold the word {word!r}: it is empty, no text, or has white "
        "space in it; save as .kv, or join its parts by another character."
    )


def _decode(name: bytes, path: Path, where: str) -> str:
    try:
        word = name.decode()
    except UnicodeDecodeError as error:
        shown = name[:60].decode("utf-8", "backslashreplace")
        damaged(path, f"{where}: the word '{shown}' is not UTF-8 (recode the file)", error)
    if not word:
        damaged(path, f"{where}: numbers without a word")
    return word


def damaged(path: Path, what: str, cause: BaseException | None = None) -> NoReturn:
    """Raise what is told of a file that cannot be read.

    Raises:
        InputError: always.
    """
    raise InputError(
        f"{path} is damaged or no file of word vectors: {what}. Fetch or write it again."
    ) from cause
