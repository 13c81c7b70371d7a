"""Running text to learn a language from: `wikitext2`, `tinyshakespeare`, and files of one's own."""

from __future__ import annotations

import re
from pathlib import Path

from rnnkit.data.archive import ANY_TEXT, find, missing_dataset_error, read_members
from rnnkit.data.splits import Dataset, Split
from rnnkit.data.tables import read_text
from rnnkit.data.text import check_text
from rnnkit.errors import InputError, suggest_sibling

WIKITEXT = "wikitext-2.tar.xz"
WORDS = {"train": 2_088_628, "valid": 217_646, "test": 245_569}  # with a token for each line end
WIKITEXT_ABOUT = (
    "720 good articles of English Wikipedia, 2.1 million words with punctuation and capitals, "
    "every word beyond the 33,278 most frequent written <unk>. Merity et al. 2016, "
    "arXiv:1609.07843, CC BY-SA 3.0."
)
WIKITEXT_NOTE = (
    "Each split is one text: a model carries its state from article to article, as published "
    "figures do. Line ends count as words (<eos>), so that perplexities can be compared."
)
SHAKESPEARE = "tinyshakespeare.tar.xz"
CHARACTERS = 1_115_394
SHAKESPEARE_ABOUT = (
    "Plays of Shakespeare, 1,115,394 characters of 65 kinds, as A. Karpathy chose them for his "
    "essay on recurrent networks (2015). Public domain."
)
SHAKESPEARE_NOTE = (
    "The first 90 % are train, the next 5 % valid, the last 5 % test. Others cut 90/10 and call "
    "the last 10 % valid: their figures are of both of our parts together."
)
TEXT_FILES = (".txt", ".text", ".md", ".tokens")


def read_wikitext() -> Dataset:
    """Read WikiText-2, each split as one text.

    From ``wikitext-2.tar.xz``, or the three files ``wiki.train.tokens`` ... of the release, in
    ``$RNNKIT_DATA`` or the cache.

    Raises:
        InputError: the files are not there, are damaged, or hold another number of words.

    Example:
        >>> len(read_wikitext().test.x[0].split())  # doctest: +SKIP
        241211
    """
    names = {part: f"wiki.{part}.tokens" for part in WORDS}
    archive = find(WIKITEXT)
    if archive is not None:
        found = dict(read_members(archive, "wikitext-2", re.compile(r"wiki\.\w+\.tokens")))
    else:
        paths = {name: find(name) for name in names.values()}
        found = {name: path.read_bytes() for name, path in paths.items() if path is not None}
    splits = {}
    for part, name in names.items():
        if name not in found:
            raise missing_dataset_error(
                "wikitext2", f"{WIKITEXT}, or {name} beside it,", more=ANY_TEXT
            )
        text = check_text(found[name], name)
        count = len(text.split()) + text.count("\n")
        if count != WORDS[part]:
            raise InputError(f"{name} holds {count:,} words and line ends, not {WORDS[part]:,}.")
        splits[part] = Split([text])
    return Dataset(
        "wikitext2",
        splits["train"],
        splits["valid"],
        splits["test"],
        about=WIKITEXT_ABOUT,
        notes=[WIKITEXT_NOTE],
    )


def read_shakespeare() -> Dataset:
    """Read tinyshakespeare, cut by place: 90 % train, 5 % valid, 5 % test.

    From ``tinyshakespeare.tar.xz`` in ``$RNNKIT_DATA`` or the cache.

    Raises:
        InputError: the file is not there, is damaged, or has another length.

    Example:
        >>> read_shakespeare().train.x[0][:13]  # doctest: +SKIP
        'First Citizen'
    """
    archive = find(SHAKESPEARE)
    if archive is None:
        raise missing_dataset_error("tinyshakespeare", SHAKESPEARE, more=ANY_TEXT)
    members = dict(read_members(archive, "tinyshakespeare", re.compile(r"input\.txt")))
    text = check_text(members.get("input.txt", b""), f"{archive}, input.txt")
    if len(text) != CHARACTERS:
        raise InputError(f"{archive} holds {len(text):,} characters, not {CHARACTERS:,}.")
    train, valid, test = cut_by_place(text, 0.05, 0.05)
    return Dataset(
        "tinyshakespeare",
        Split([train]),
        Split([valid]),
        Split([test]),
        about=SHAKESPEARE_ABOUT,
        notes=[SHAKESPEARE_NOTE],
    )


def from_path(
    path: str | Path,
    *,
    valid: str | Path | None = None,
    test: str | Path | None = None,
    valid_fraction: float = 0.05,
    test_fraction: float = 0.05,
    encoding: str = "utf-8",
) -> Dataset:
    r"""Read running text from a text file, or from the text files of a folder, a text each.

    What is held out is cut off behind: valid and test are the last parts of the text. (Sentences
    dealt out at random would stand beside their neighbours in train.) Of a folder with ten files
    or more whole files are held out, the last ones by name.

    Args:
        path: the file, or the folder.
        valid: another to choose settings by; without it, a part of `path`.
        test: another to measure with; without it, a part of `path`.
        valid_fraction: how much is held out for valid, from 0 to below 1.
        test_fraction: how much is held out for test.
        encoding: of the files.

    Raises:
        InputError: no such file, no text in it, another encoding, or fractions that leave nothing.

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
            "from 0 on that sum to less than 1."
        )
    texts = _texts(Path(path), encoding)
    if len(texts) >= 10:
        first, second = (max(round(share * len(texts)), int(share > 0)) for share in shares)
        end = len(texts) - second
        parts = [texts[: end - first], texts[end - first : end], texts[end:]]
    else:
        cut = [cut_by_place(text, *shares) for text in texts]
        parts = [[text[i] for text in cut if text[i].strip()] for i in range(3)]
    given = [None, valid, test]
    splits = [
        Split(part if other is None else _texts(Path(other), encoding))
        for part, other in zip(parts, given, strict=True)
    ]
    train, valid_split, test_split = splits
    return Dataset(Path(path).stem, train, valid_split, test_split, about=f"Read from {path}.")


def cut_by_place(text: str, valid: float, test: float) -> tuple[str, str, str]:
    r"""Cut a text into what comes first, what comes then, and its last part, at line ends if near.

    Example:
        >>> cut_by_place("one\ntwo\nthree\nfour\nfive\nsix\n", 0.2, 0.2)
        ('one\ntwo\nthree\n', 'four\n', 'five\nsix\n')
    """
    places = [round(len(text) * (1 - valid - test)), round(len(text) * (1 - test))]
    for i, (place, share) in enumerate(zip(places, (valid, test), strict=True)):
        line = text.rfind("\n", 0, place) + 1
        if line and place - line <= share * len(text):
            places[i] = line
    begin, end = places
    return text[:begin], text[begin:end], text[end:]


def _texts(path: Path, encoding: str) -> list[str]:
    if not path.exists():
        raise InputError(f"There is no file or folder {str(path)!r}.{suggest_sibling(path)}")
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in TEXT_FILES)
        if not files:
            raise InputError(f"{path} holds no text file ({', '.join(TEXT_FILES)}).")
    texts = []
    for file in files:
        text = read_text(file, encoding).replace("\r\n", "\n").replace("\r", "\n")
        if text.strip():
            texts.append(text)
    if not texts:
        raise InputError(f"{path} holds no text: nothing to learn from.")
    return texts
