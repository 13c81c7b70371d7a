"""Writing of token files: texts are split and encoded in a stream, whatever their size."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.atomic import temporary_folder
from rnnkit.data.text_batches import texts_of_table
from rnnkit.data.token_files import ABOUT, FORMAT, IDS, SPLITS, SUFFIX, VOCABULARY, TokenFile
from rnnkit.data.token_stream import BLOCK, decoded_blocks
from rnnkit.data.tokenizer import END_OF_LINE, Tokenizer
from rnnkit.data.vocabulary import UNKNOWN, Vocabulary
from rnnkit.disk import writing
from rnnkit.errors import InputError, check_count
from rnnkit.progress import Bar

LONGEST = 1 << 22  # characters without a line end that are kept together
SCAN = 1 << 22  # ids that are counted or renumbered at once
Pieces = Iterator[str]  # of one text


def write_token_file(
    source: Any,
    out: str | Path,
    *,
    tokenizer: Tokenizer | None = None,
    vocabulary_size: int | None = None,
    min_count: int = 1,
    valid_fraction: float = 0.05,
    test_fraction: float = 0.05,
    text_column: str | None = None,
) -> TokenFile:
    r"""Write a token file; nothing but the words and their counts is kept in memory.

    Ten texts or more are held out whole, the last ones; of fewer, the last parts of each are valid
    and test, from a line end on where one is near. The vocabulary is that of the training part.

    Args:
        source: a text file (also `.gz` or `.xz`), or a folder of these, a text for each; a Parquet
            or Arrow file, a text in each row; a data set of Hugging Face; or an iterable of texts.
        out: the folder, `NAME.tokens`; it must not exist.
        tokenizer: words at white space when left out.
        vocabulary_size: keep at most this many tokens, two reserved ones included; None = all.
        min_count: keep tokens that occur at least this often in the training part.
        valid_fraction: the share held out for valid, above 0.
        test_fraction: the share held out for test, above 0.
        text_column: of a table with several columns of texts.

    Raises:
        InputError: no text, a column that is missing, shares that leave nothing, `out` exists.
        DiskError: the disk is full; nothing is left.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "mine.txt").write_text("to be or not to be\n" * 20)
        >>> file = write_token_file(folder / "mine.txt", folder / "mine.tokens")
        >>> [texts.lengths.tolist() for texts in map(file.texts, ("train", "valid", "test"))]
        [[126], [7], [7]]
        >>> file.vocabulary.decode(file.texts("test")[0])
        ['to', 'be', 'or', 'not', 'to', 'be', '<eos>']
    """
    tokenizer, out = tokenizer or Tokenizer(), Path(out)
    if out.suffix != SUFFIX:
        raise InputError(f"out is {str(out)!r}; expected a name that ends in '{SUFFIX}'.")
    if out.exists():
        raise InputError(f"{out} exists: remove it, or give another name.")
    if vocabulary_size is not None:
        check_count("vocabulary_size", vocabulary_size, 3)
    check_count("min_count", min_count)
    shares = (valid_fraction, test_fraction)
    if min(shares) <= 0 or sum(shares) >= 1:
        raise InputError(
            f"valid_fraction is {valid_fraction}, test_fraction {test_fraction}: expected shares "
            "above 0 that sum to less than 1."
        )
    texts, described = open_texts(source, text_column)
    with writing(out, "the token file"), temporary_folder(out.parent) as scratch:
        words, ends = _number(texts, tokenizer, scratch / "numbers.bin")
        numbers = np.memmap(scratch / "numbers.bin", "int32", "r")
        whole = scratch / out.name
        whole.mkdir()
        line_end = words.get("\n" if tokenizer.unit == "character" else END_OF_LINE, -1)
        splits = _splits(numbers, ends, shares, line_end)
        counts = _counts(numbers, splits[0], len(words))
        vocabulary, new = _vocabulary(list(words), counts, vocabulary_size, min_count)
        digest, dtype = _renumber(numbers, new, len(vocabulary), whole / IDS)
        for name, spans in zip(SPLITS, splits, strict=True):
            np.save(whole / f"{name}.npy", spans)
        (whole / VOCABULARY).write_text(vocabulary.to_json(), "utf-8")
        about = {
            "format": FORMAT,
            "source": described,
            "texts": len(ends),
            "tokens": len(numbers),
            "dtype": dtype,
            "tokenizer": tokenizer.get_config(),
            "checksum": digest,
        }
        (whole / ABOUT).write_text(json.dumps(about, indent=1) + "\n", "utf-8")
        whole.rename(out)
    return TokenFile(out)


def open_texts(source: Any, text_column: str | None = None) -> tuple[Iterable[Pieces], str]:
    """Return the texts of a source, each as an iterator over its pieces, and what the source is."""
    table = texts_of_table(source, text_column)
    if table is not None:
        return (iter([text]) for text in table), f"{type(source).__name__} {source!s:.200}"
    if text_column is not None:
        raise InputError(f"text_column is {text_column!r}, and {source!s:.200} has no columns.")
    if isinstance(source, str | Path):
        from rnnkit.data.running_text import text_files

        files = text_files(Path(source).expanduser())
        return map(file_pieces, files), str(source)
    if not isinstance(source, Iterable):
        raise InputError(
            f"source is {type(source).__name__}; expected a file, a folder, a table or texts."
        )
    return (iter([text]) for text in source), f"{type(source).__name__} of texts"


def file_pieces(path: Path) -> Pieces:
    """Yield a text file in pieces that end at line ends; the file may be compressed.

    A line that is far longer than a block is cut at spaces.
    """
    rest = ""
    for block in decoded_blocks(path):
        rest += block
        at = rest.rfind("\n") + 1
        if not at and len(rest) > LONGEST:
            at = rest.rfind(" ") + 1 or len(rest)
        elif len(rest) < BLOCK:
            continue
        piece, rest = rest[:at], rest[at:]
        if piece:
            yield piece.replace("\r\n", "\n")
    if rest:
        yield rest.replace("\r\n", "\n")


def _number(
    texts: Iterable[Pieces], tokenizer: Tokenizer, path: Path
) -> tuple[dict[str, int], np.ndarray]:
    """Write the tokens of all texts as numbers, in the order in which they first occur.

    Returns:
        The number of each token, and the end of each text that is not empty.
    """
    words: dict[str, int] = {}
    ends, done = [], 0
    with path.open("wb") as file, Bar("Reading tokens") as bar:
        for place, pieces in enumerate(texts):
            before = done
            for piece in pieces:
                if not isinstance(piece, str):
                    raise InputError(f"Text {place} is {type(piece).__name__}; expected a text.")
                tokens = tokenizer.tokenize(piece)
                numbers = [words.setdefault(token, len(words)) for token in tokens]
                np.array(numbers, "int32").tofile(file)
                done += len(numbers)
                bar.describe(f"Reading tokens: {done:,}, {len(words):,} different")
            if done > before:
                ends.append(done)
    if not done:
        raise InputError("The source holds no token: expected at least one text.")
    return words, np.array(ends, np.int64)


def _splits(
    numbers: np.ndarray, ends: np.ndarray, shares: tuple[float, float], line_end: int
) -> list[np.ndarray]:
    """Return the spans `(N, 2)` of train, valid and test."""
    spans = np.stack([np.concatenate([[0], ends[:-1]]), ends], 1)
    if len(spans) >= 10:
        valid, test = (max(round(share * len(spans)), 1) for share in shares)
        return np.split(spans, [len(spans) - valid - test, len(spans) - test])
    cut: list[list[tuple[int, int]]] = [[], [], []]
    for start, end in spans.tolist():
        size = end - start
        borders = [end - round(sum(shares) * size), end - round(shares[1] * size)]
        for i, share in enumerate(shares):
            nearest = max(borders[i] - int(share * size), start)
            lines = np.flatnonzero(numbers[nearest : borders[i]] == line_end)
            borders[i] = nearest + int(lines[-1]) + 1 if len(lines) else borders[i]
        edges = [start, *borders, end]
        for i in range(3):
            if edges[i] < edges[i + 1]:
                cut[i].append((edges[i], edges[i + 1]))
    for name, part in zip(SPLITS, cut, strict=True):
        if not part:
            raise InputError(f"{name} would be empty: give more text, or larger shares.")
    return [np.array(part, np.int64) for part in cut]


def _counts(numbers: np.ndarray, spans: np.ndarray, size: int) -> np.ndarray:
    """Count the numbers of spans that follow each other or lie apart, in blocks."""
    found = np.zeros(size, np.int64)
    together = spans[1:, 0] == spans[:-1, 1]
    firsts = spans[np.concatenate([[True], ~together]), 0].tolist()
    lasts = spans[np.concatenate([~together, [True]]), 1].tolist()
    for first, last in zip(firsts, lasts, strict=True):
        for start in range(first, last, SCAN):
            found += np.bincount(numbers[start : min(start + SCAN, last)], minlength=size)
    return found


def _vocabulary(
    words: list[str], counts: np.ndarray, size: int | None, min_count: int
) -> tuple[Vocabulary, np.ndarray]:
    """Return the most frequent tokens, ties in alphabetical order, and the id of each number."""
    frequent = np.flatnonzero(counts >= min_count).tolist()
    kept = sorted(frequent, key=lambda i: (-counts[i], words[i]))
    kept = kept if size is None else kept[: size - 2]
    kept = [i for i in kept if words[i] not in ("", "[UNK]")]
    if len(kept) < 2:
        raise InputError(
            f"{len(kept)} tokens occur min_count={min_count} times: there is nothing to learn."
        )
    new = np.full(len(words), UNKNOWN, np.int64)
    new[kept] = np.arange(len(kept)) + 2
    known = {words[i]: int(counts[i]) for i in kept}
    return Vocabulary(known, unknown_count=int(counts.sum()) - sum(known.values())), new


def _renumber(numbers: np.ndarray, new: np.ndarray, size: int, path: Path) -> tuple[str, str]:
    """Write the ids of all tokens; return their checksum and their dtype."""
    dtype = "uint16" if size <= 1 << 16 else "int32"
    table, digest = new.astype(dtype), hashlib.blake2b(digest_size=16)
    with path.open("wb") as file, Bar("Writing tokens", len(numbers)) as bar:
        for start in range(0, len(numbers), SCAN):
            block = table[numbers[start : start + SCAN]]
            digest.update(block.data)
            block.tofile(file)
            bar.advance_to(start + len(block))
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), dtype
