"""Reader and writer of the word2vec text and binary formats; reader of the GloVe format."""

from __future__ import annotations

import gzip
import re
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from rnnkit.embeddings.skipping import OnError, Sieve, raise_damaged
from rnnkit.errors import InputError

File = IO[bytes] | gzip.GzipFile
_MAX_WORD_LENGTH = 10_000  # bytes; the word2vec program stops at 100
_MAX_DIMENSION = 100_000  # far beyond all that is in use
_BUFFER_SIZE = 1 << 20  # bytes read at a time
_WHITESPACE = frozenset(string.whitespace)
_MAX_NUMBER_LENGTH = 64  # bytes of text, with the space
_SURE = 10  # numbers at the end of a line that cannot be chance
_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NUMBER_BYTES = frozenset(b"+-.0123456789eE \t\r" + b"naifNAIFtyTY")
_EXPECTED = (
    "expected a first line with two numbers (words, dimension), then the words with their vectors "
    "(word2vec, text or binary), or lines of a word and its numbers (GloVe)"
)


def read(file: File, path: Path, errors: OnError | None = None) -> tuple[list[str], np.ndarray]:
    r"""Read word vectors in word2vec's text or binary format, or in GloVe's.

    Args:
        file: a seekable binary file, at its start.
        path: its name, for error messages.
        errors: see `rnnkit.embeddings.files.load_vectors`.

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
    sieve = Sieve(path, errors)
    rows, binary = _open_rows(file, sieve)
    found: dict[str, str] = {}
    numbers = bytearray()  # grows with the rows: a damaged header cannot allocate much memory
    width = 1
    for where, name, row in rows:
        word = _decode(name, where, binary, sieve)
        if word in found:
            what = f"{where}: the word {word!r} is a duplicate of {found[word]}"
            sieve.refuse("repeated", what, known=" " in word)  # GloVe's own files repeat a phrase
        elif word:
            found[word] = where
            numbers += row
            width = len(row) // 4
    table = np.frombuffer(numbers, "<f4").reshape(-1, width)
    words = list(found)
    if binary:
        _refuse_shifted(words, table, path)
    if errors == "skip":
        words, table = _finite(words, table, found, sieve)
    if not words:
        raise_damaged(path, "no word could be read")
    sieve.report(len(words))
    return words, table.astype("float32", copy=False)


def _open_rows(file: File, sieve: Sieve) -> tuple[Iterator[tuple[str, bytes, bytes]], bool]:
    """Return the rows of a file, by its first line, and whether it is binary."""
    head = file.read(_BUFFER_SIZE)
    start = len(_BOM) if head.startswith(_BOM) else 0
    first, _, rest = head[start:].partition(b"\n")
    fields = first.split()
    if not head:
        raise_damaged(sieve.path, f"it is empty; {_EXPECTED}")
    # Longer numbers are none: Python refuses to read thousands of digits.
    if len(fields) == 2 and all(field.isdigit() and len(field) < 20 for field in fields):
        count, width = map(int, fields)
        if not count or not 0 < width <= _MAX_DIMENSION:
            what = f"its first line says {count} words of {width} numbers"
            raise_damaged(sieve.path, what)
        file.seek(start + len(first) + 1)
        if _is_text(rest, width):
            return _text_rows(file, sieve, count, width), False
        return _binary_rows(file, sieve.path, count, width), True
    width = _trailing_numbers(fields)
    if width >= 2 and (width == len(fields) - 1 or width >= _SURE):
        file.seek(start)
        return _text_rows(file, sieve, None, width), False
    shown = first[:60].decode("utf-8", "backslashreplace")
    raise InputError(
        f"{sieve.path} is no file of word vectors: its first line begins with {shown!r}; "
        f"{_EXPECTED}."
    )


def _trailing_numbers(fields: list[bytes]) -> int:
    """Return how many fields at the end of a line are numbers; the first one is a word."""
    count = 0
    while count + 1 < len(fields) and _numbers([fields[-count - 1]]) is not None:
        count += 1
    return count


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
    rest = rest.lstrip(b"\n")
    line = rest.partition(b"\n")[0]
    if _numbers(line.rsplit(None, width)[1:]) is not None and len(line.split()) > width:
        return True
    numbers = line.partition(b" ")[2][: 4 * width]
    if numbers and _NUMBER_BYTES.issuperset(numbers):
        return True
    sample = rest[:4096]  # a damaged first line; float32 bytes are no text for so long
    return len(sample) > 64 and not _CONTROL.search(sample) and _is_utf8(sample)


def _is_utf8(sample: bytes) -> bool:
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"  # cut in a letter
    return True


def _text_rows(
    file: File, sieve: Sieve, count: int | None, width: int
) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield position, word and float32 bytes of each line; a word may contain spaces."""
    first = line = 1 if count is None else 2
    longest = _MAX_WORD_LENGTH + _MAX_NUMBER_LENGTH * width
    last = b""
    while content := file.readline(longest + 1):
        where = f"line {line}"
        if len(content) > longest:
            raise_damaged(sieve.path, f"{where} has more than {longest:,} bytes")
        if not content.strip():
            if not file.read(_BUFFER_SIZE).strip():
                break
            raise_damaged(sieve.path, f"{where} is empty")
        if count is not None and line == count + first:
            what = f"its first line says {count:,} words, but more follow in {where}"
            sieve.refuse("beyond the number of words in the first line", what)
        name, *fields = content.rstrip().rsplit(None, width)
        numbers = _numbers(fields)
        spaced = name.split()
        if (
            numbers is None
            or len(numbers) != width
            or content[:1].isspace()
            or b"\0" in name
            or (len(spaced) > 1 and _numbers(spaced[-1:]) is not None)  # a number too many
        ):
            shown = content[:60].decode("utf-8", "backslashreplace").rstrip("\n")
            what = f"{where} has {len(content.split())} fields, {shown!r}"
            sieve.refuse("damaged", f"{what}; expected a word and {width} numbers")
        else:
            yield where, name, numbers.tobytes()
            last = name
        line += 1
    if count is not None and line - first < count:
        what = _ends_early(count, width, line - first, last)
        sieve.refuse("a cut end", what)


def _binary_rows(
    file: File, path: Path, count: int, width: int
) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield position, word and float32 bytes of each word; all end their line, or none does."""
    content, at = b"", 0
    name, ends_line = b"", None
    for number in range(1, count + 1):
        while (space := content.find(b" ", at)) < 0 or len(content) < space + 1 + 4 * width:
            if space < 0 and len(content) - at > _MAX_WORD_LENGTH:
                raise_damaged(path, f"word {number} (read as binary) has no end")
            piece = file.read(_BUFFER_SIZE)
            if not piece:
                raise_damaged(path, _ends_early(count, width, number - 1, name))
            content, at = content[at:] + piece, 0
        name = content[at:space]
        if number == 2:
            ends_line = name.startswith(b"\n")
        if ends_line is not None:
            if name.startswith(b"\n") != ends_line:
                raise_damaged(path, f"word {number} (read as binary) is shifted by some bytes")
            name = name.removeprefix(b"\n")
        if _CONTROL.search(name) or b"\n" in name or b"\t" in name or b"\r" in name:
            shown = name[:60].decode("utf-8", "backslashreplace")
            what = f"word {number} (read as binary) would be {shown!r}, which no text holds"
            raise_damaged(path, f"{what}: its bytes are shifted")
        at = space + 1 + 4 * width
        yield f"word {number}", name, content[space + 1 : at]
    rest = content[at:] + file.read(_BUFFER_SIZE)
    if rest.strip(b"\n"):
        what = f"its first line says {count:,} words, but more follow (read as binary)"
        raise_damaged(path, what)
    if ends_line and not rest and content[at - 1 : at] == b"\n":  # the line end taken for a number
        raise_damaged(path, f"the last word, {name[:60]!r}, is a byte short (read as binary)")


def _ends_early(count: int, width: int, found: int, last: bytes) -> str:
    shown = f"the last is {last.decode('utf-8', 'replace')!r}" if found else "there is none"
    what = f"its first line says {count:,} words of {width} numbers"
    return f"{what}, but it ends after {found:,} ({shown})"


def _refuse_shifted(words: list[str], table: np.ndarray, path: Path) -> None:
    """Refuse single rows of numbers that no training gives: bytes that are shifted look so."""
    size = np.abs(table)
    odd = (size > 1e20) | ((size < 1e-20) & (size > 0)) | ~np.isfinite(size)
    shifted = odd.sum(axis=1) >= 2
    shifted &= np.isfinite(table).any(axis=1)  # else NaN all over, which is reported as such
    if shifted.any() and shifted.mean() < 0.5:
        row = int(np.argmax(shifted))
        shown = ", ".join(f"{number:.3g}" for number in table[row][odd[row]][:2])
        what = f"the vector of {words[row]!r} (word {row + 1}) holds {shown}"
        raise_damaged(path, f"{what}: its bytes are shifted")


def _finite(
    words: list[str], table: np.ndarray, found: dict[str, str], sieve: Sieve
) -> tuple[list[str], np.ndarray]:
    """Leave out the words whose vectors hold NaN or infinity."""
    finite = np.isfinite(table).all(axis=1)
    if finite.all():
        return words, table
    for row in np.flatnonzero(~finite).tolist():
        where = found[words[row]]
        sieve.refuse("not finite", f"{where}: the vector of {words[row]!r} holds NaN or infinity")
    kept = [word for word, keep in zip(words, finite.tolist(), strict=True) if keep]
    return kept, table[finite]


def _numbers(fields: list[bytes]) -> np.ndarray | None:
    if b"_" in b" ".join(fields):  # 1_000 is a number to Python alone
        return None
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


def _decode(name: bytes, where: str, binary: bool, sieve: Sieve) -> str:
    """Return a word, or an empty text for one that is left out."""
    try:
        word = name.decode()
    except UnicodeDecodeError as error:
        shown = name[:60].decode("utf-8", "backslashreplace")
        what = f"{where}: the word '{shown}' is not UTF-8"
        if binary and error.start == 0 and error.reason == "invalid start byte":
            raise_damaged(sieve.path, f"{what}: its bytes are shifted", error)
        # The word2vec program cuts long words, even in the middle of a letter. In a text, a single
        # byte from 0xe0 is more likely an accented letter of another encoding.
        rest = name[error.start :]
        latin = not binary and len(rest) == 1 and rest[0] >= 0xE0
        cut = error.reason == "unexpected end of data" and not latin
        sieve.refuse("not UTF-8", f"{what} (recode the file)", error, known=cut)
        return ""
    if not word:
        sieve.refuse("without a word", f"{where}: numbers without a word")
    return word
