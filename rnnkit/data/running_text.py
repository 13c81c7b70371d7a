"""Running text for language models: `wikitext2`, `tinyshakespeare`, and text files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rnnkit.data.release import ANY_TEXT, Release
from rnnkit.data.splits import Dataset, Split
from rnnkit.data.tables import decode, read_text
from rnnkit.data.token_files import TokenFile, is_token_file
from rnnkit.errors import InputError, suggest_sibling

_WIKITEXT_FILES = {part: f"wiki.{part}.tokens" for part in ("train", "valid", "test")}
WIKITEXT = Release(
    "wikitext2",
    "wikitext-2.tar.xz",
    "wikitext-2",
    _WIKITEXT_FILES,
    separate=_WIKITEXT_FILES,
    counts={"train": 2_088_628, "valid": 217_646, "test": 245_569},
    unit="words and line ends",
    hint=ANY_TEXT,
    about="720 good articles of English Wikipedia, 2.1 million words with punctuation and "
    "capitals, every word beyond the 33,278 most frequent written <unk>. Merity et al. 2016, "
    "arXiv:1609.07843, CC BY-SA 3.0.",
)
WIKITEXT_NOTE = (
    "Each split is one text: a model carries its state from article to article, as in published "
    "results. Line ends count as words (<eos>), so that perplexities can be compared."
)
SHAKESPEARE = Release(
    "tinyshakespeare",
    files={"all": "input.txt"},
    counts={"all": 1_115_394},
    unit="characters",
    hint=ANY_TEXT,
    about="Plays of Shakespeare, 1,115,394 characters of 65 kinds, as chosen by A. Karpathy for "
    "his essay on recurrent networks (2015). Public domain.",
)
SHAKESPEARE_NOTE = (
    "The first 90 % are train, the next 5 % valid, the last 5 % test. Others split 90/10 and call "
    "the last 10 % valid: their results are for our valid and test together."
)
TEXT_FILES = (".txt", ".text", ".md", ".tokens")


def read_wikitext() -> Dataset:
    """Read WikiText-2, each split as one text.

    Raises:
        InputError: the files are missing, damaged, or have another number of words.
    """
    splits = {}
    for part, (data, source) in WIKITEXT.read().items():
        text = decode(data, source)
        WIKITEXT.check_count(part, len(text.split()) + text.count("\n"), source)
        splits[part] = Split([text])
    return WIKITEXT.dataset(splits, notes=[WIKITEXT_NOTE])


def read_shakespeare() -> Dataset:
    """Read tinyshakespeare, split by position: 90 % train, 5 % valid, 5 % test.

    Raises:
        InputError: the file is missing, damaged, or has another length.
    """
    ((data, source),) = SHAKESPEARE.read().values()
    text = decode(data, source)
    SHAKESPEARE.check_count("all", len(text), source)
    parts = zip(("train", "valid", "test"), split_by_position(text, 0.05, 0.05), strict=True)
    splits = {name: Split([part]) for name, part in parts}
    return SHAKESPEARE.dataset(splits, notes=[SHAKESPEARE_NOTE])


def from_path(
    path: str | Path,
    *,
    valid: str | Path | None = None,
    test: str | Path | None = None,
    valid_fraction: float = 0.05,
    test_fraction: float = 0.05,
    encoding: str = "utf-8",
) -> Dataset:
    r"""Read running text from a text file, the text files of a folder, or a token file.

    Valid and test are the last parts of the text: sentences drawn at random would have their
    neighbours in train. Of a folder with ten files or more, whole files are held out, the last ones
    by name.

    Args:
        path: the file, or the folder.
        valid: file or folder of the validation text; without it, a part of `path`.
        test: file or folder of the test text; without it, a part of `path`.
        valid_fraction: the share held out for valid, from 0 to below 1.
        test_fraction: the share held out for test.
        encoding: of the files.

    Raises:
        InputError: a missing or empty file, another encoding, or fractions that leave nothing.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mine.txt"
        >>> _ = path.write_text("to be or not to be\n" * 20)
        >>> data = from_path(path)
        >>> [len(split.x[0]) for split in (data.train, data.valid, data.test)]
        [342, 19, 19]
    """
    shares = [valid_fraction if valid is None else 0.0, test_fraction if test is None else 0.0]
    if min(valid_fraction, test_fraction) < 0 or sum(shares) >= 1:
        raise InputError(
            f"valid_fraction is {valid_fraction}, test_fraction {test_fraction}: expected shares "
            "of at least 0 that sum to less than 1."
        )
    if is_token_file(path):
        return _token_file(Path(path), valid, test)
    texts = _texts(Path(path), encoding)
    if len(texts) >= 10:
        first, second = (max(round(share * len(texts)), int(share > 0)) for share in shares)
        end = len(texts) - second
        parts = [texts[: end - first], texts[end - first : end], texts[end:]]
    else:
        cut = [split_by_position(text, *shares) for text in texts]
        parts = [[text[i] for text in cut if text[i].strip()] for i in range(3)]
    train, valid_split, test_split = (
        Split(part if other is None else _texts(Path(other), encoding))
        for part, other in zip(parts, (None, valid, test), strict=True)
    )
    return Dataset(Path(path).stem, train, valid_split, test_split, about=f"Read from {path}.")


def _token_file(path: Path, *others: Any) -> Dataset:
    if any(other is not None for other in others):
        raise InputError(
            f"{path} is a token file, which has its own valid and test: leave the others out."
        )
    return TokenFile(path).dataset()


def split_by_position(text: str, valid: float, test: float) -> tuple[str, str, str]:
    r"""Split a text into train, valid and test by position, at line ends where one is near.

    Example:
        >>> split_by_position("one\ntwo\nthree\nfour\nfive\nsix\n", 0.2, 0.2)
        ('one\ntwo\nthree\n', 'four\n', 'five\nsix\n')
    """
    borders = [round(len(text) * (1 - valid - test)), round(len(text) * (1 - test))]
    for i, (place, share) in enumerate(zip(borders, (valid, test), strict=True)):
        line = text.rfind("\n", 0, place) + 1
        if line and place - line <= share * len(text):
            borders[i] = line
    begin, end = borders
    return text[:begin], text[begin:end], text[end:]


def text_files(path: Path) -> list[Path]:
    """Return a file, or the text files of a folder by their names.

    Raises:
        InputError: there is none.
    """
    if not path.exists():
        raise InputError(f"There is no file or folder {str(path)!r}.{suggest_sibling(path)}")
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in TEXT_FILES)
        if not files:
            raise InputError(f"{path} has no text file ({', '.join(TEXT_FILES)}).")
    return files


def _texts(path: Path, encoding: str) -> list[str]:
    texts = []
    for file in text_files(path):
        text = read_text(file, encoding).replace("\r\n", "\n").replace("\r", "\n")
        if text.strip():
            texts.append(text)
    if not texts:
        raise InputError(f"{path} has no text: nothing to train on.")
    return texts
