"""Token files: encoded texts in a file that is mapped into memory, for texts larger than memory.

A token file is a folder, `NAME.tokens`: the ids of all texts in a row (`ids.bin`, 2 or 4 bytes
each), where the texts of each split begin and end (`train.npy`, `valid.npy`, `test.npy`), the
vocabulary (`vocabulary.json`), and `about.json` with the tokenizer and a checksum.
`rnnkit.data.token_writing` writes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np

from rnnkit.data.splits import Dataset, Split
from rnnkit.data.text import check_texts
from rnnkit.data.tokenizer import Tokenizer
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.errors import InputError, suggest_sibling
from rnnkit.progress import track
from rnnkit.untrusted import parse_json

SUFFIX = ".tokens"
IDS, VOCABULARY, ABOUT = "ids.bin", "vocabulary.json", "about.json"
SPLITS = ("train", "valid", "test")
FORMAT = 1
BLOCK = 1 << 24  # bytes that are read at once for a checksum


class TokenTexts(Sequence[np.ndarray]):
    """Texts of a token file: token ids that are read from the disk when they are used.

    An item is the ids of one text, a view of the file; a slice is `TokenTexts` again.

    Args:
        file: where they lie.
        spans: `(N, 2)`, the first token of each text and the one after its last.
    """

    def __init__(self, file: TokenFile, spans: np.ndarray) -> None:
        self.file, self._spans = file, spans

    def __len__(self) -> int:
        return len(self._spans)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> TokenTexts: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | TokenTexts:
        if isinstance(index, slice):
            return TokenTexts(self.file, self._spans[index])
        start, end = self._spans[index].tolist()
        return self.file.ids[start:end]

    def beginning(self, index: int, tokens: int) -> str:
        """Return the first tokens of one text as a text; unknown ones as `[UNK]`."""
        words = self.vocabulary.decode(np.array(self[index][:tokens]))
        return self.tokenizer.detokenize(words)

    def __repr__(self) -> str:
        return f"TokenTexts({self.checksum})"

    @property
    def lengths(self) -> np.ndarray:
        """`(N,)`, the number of tokens of each text."""
        return self._spans[:, 1] - self._spans[:, 0]

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the file, learned on its training part."""
        return self.file.vocabulary

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that the file was made with."""
        return self.file.tokenizer

    @property
    def checksum(self) -> str:
        """Of the whole file, and of which part of it these texts are."""
        own = hashlib.blake2b(np.ascontiguousarray(self._spans).data, digest_size=8).hexdigest()
        return f"{self.file.about['checksum']}-{own}"


class TokenFile:
    """A token file that was opened; nothing but its vocabulary is read.

    Args:
        path: the folder.

    Raises:
        InputError: it is missing, incomplete or of another format.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not (self.path / ABOUT).is_file():
            raise InputError(
                f"{self.path} is no token file: it has no {ABOUT}.{suggest_sibling(self.path)} "
                "rnnkit tokens TEXT --out NAME.tokens writes one."
            )
        try:
            self.about: dict[str, Any] = parse_json((self.path / ABOUT).read_text("utf-8"))
            found, self._dtype = self.about["format"], np.dtype(self.about["dtype"])
            count = int(self.about["tokens"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{self.path / ABOUT} cannot be read: {error!r}.") from error
        if found != FORMAT:
            raise InputError(
                f"{self.path} has the format {found!r}; this version reads {FORMAT}. Make it anew."
            )
        size = (self.path / IDS).stat().st_size if (self.path / IDS).is_file() else 0
        if size != count * self._dtype.itemsize:
            raise InputError(
                f"{self.path / IDS} has {size:,} bytes, and {ABOUT} says "
                f"{count * self._dtype.itemsize:,}: it is incomplete or damaged. Make it anew."
            )

    @cached_property
    def ids(self) -> np.ndarray:
        """The ids of all texts, mapped into memory, read-only."""
        return np.memmap(self.path / IDS, self._dtype, "r")

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Ids and counts of the tokens of the training part."""
        return Vocabulary.from_json((self.path / VOCABULARY).read_text("utf-8"))

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that texts were split with."""
        return Tokenizer(**self.about["tokenizer"])

    def texts(self, split: str) -> TokenTexts:
        """Return the texts of "train", "valid" or "test"."""
        return TokenTexts(self, np.load(self.path / f"{split}.npy", mmap_mode="r"))

    def verify(self) -> None:
        """Compare the checksum, reading the whole file.

        Raises:
            InputError: it was changed since it was written.
        """
        found = checksum(self.path / IDS)
        if found != self.about["checksum"]:
            raise InputError(
                f"{self.path / IDS} has the checksum {found}, and {ABOUT} says "
                f"{self.about['checksum']}: it was changed. Make it anew."
            )

    def dataset(self) -> Dataset:
        """Return the file as a data set of running text."""
        train, valid, test = (Split(self.texts(name)) for name in SPLITS)
        return Dataset(self.path.stem, train, valid, test, about=f"Read from {self.path}.")


def first_texts(x: Any, count: int, tokens: int) -> list[str]:
    """Return the first texts; of a token file, their first tokens as a text."""
    if not isinstance(x, TokenTexts):
        return check_texts(x)[:count]
    return [x.beginning(i, tokens) for i in range(min(len(x), count))]


def checksum(path: Path) -> str:
    """Return a BLAKE2 digest of a file, read in blocks."""
    found = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        blocks: Iterator[bytes] = iter(lambda: file.read(BLOCK), b"")
        for block in track(blocks, "Checking the token file", -(-path.stat().st_size // BLOCK)):
            found.update(block)
    return found.hexdigest()


def is_token_file(path: Any) -> bool:
    """Return whether a path is the folder of a token file."""
    return (Path(path) / ABOUT).is_file() and (Path(path) / IDS).is_file()
