"""Benchmarks of word vectors: analogy questions and word pairs with human similarity ratings."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass, field
from pathlib import Path

from rnnkit.errors import InputError, suggest_sibling

_BUNDLED = {
    "analogies": "questions-words.txt",
    "wordsim353": "wordsim353.tsv",
    "simlex999": "simlex999.txt",
}
_EXPECTED = (
    "expected lines of four words (a is to b as c is to d), with a line ': name' before each "
    "section; or lines of two words and a number, split by tabs or spaces"
)


@dataclass
class Analogies:
    """N analogy questions (a is to b as c is to d), and their sections, empty before the first."""

    words: list[tuple[str, ...]] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)


@dataclass
class SimilarityPairs:
    """N pairs of words with human similarity ratings, higher = more similar."""

    words: list[tuple[str, ...]] = field(default_factory=list)
    ratings: list[float] = field(default_factory=list)


def bundled_benchmarks() -> dict[str, Path]:
    """Return name -> path of the three benchmarks that gensim ships.

    Example:
        >>> list(bundled_benchmarks())
        ['analogies', 'wordsim353', 'simlex999']
    """
    folder = Path(str(importlib.resources.files("gensim"))) / "test" / "test_data"
    found = {name: folder / file for name, file in _BUNDLED.items()}
    for path in found.values():
        if not path.is_file():
            raise InputError(
                f"gensim should ship {str(path)!r}, but the file is missing: reinstall gensim "
                'from PyPI, or give other files, sets={"name": path}.'
            )
    return found


def read_benchmark(path: Path) -> Analogies | SimilarityPairs:
    r"""Read a benchmark; the first entry decides its type. Lines that start with # are comments.

    Args:
        path: a file of UTF-8 text.

    Raises:
        InputError: a missing or empty file, or a line that is neither a question nor a pair.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "pairs.tsv"
        >>> _ = path.write_text("# word, word, rating\nlove\tsex\t6.77\n")
        >>> read_benchmark(path)
        SimilarityPairs(words=[('love', 'sex')], ratings=[6.77])
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        hint = suggest_sibling(path)
        raise InputError(f"There is no file {str(path)!r} of questions or pairs.{hint}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text ({error}).") from error
    questions, pairs, section = Analogies(), SimilarityPairs(), ""
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(":"):
            section = line[1:].strip()
        elif len(fields) == 4 and not pairs.words:
            questions.words.append(tuple(fields))
            questions.sections.append(section)
        elif len(fields) == 3 and not questions.words and not section:
            try:
                pairs.ratings.append(float(fields[2]))
            except ValueError:
                what = f"{path}, line {number}: {fields[2]!r} is no number; {_EXPECTED}"
                raise InputError(f"{what}. A line of headings starts with #.") from None
            pairs.words.append(tuple(fields[:2]))
        else:
            raise InputError(f"{path}, line {number} is {line[:80]!r}; {_EXPECTED}.")
    if not questions.words and not pairs.words:
        raise InputError(f"{path} holds no question and no pair; {_EXPECTED}.")
    return questions if questions.words else pairs
