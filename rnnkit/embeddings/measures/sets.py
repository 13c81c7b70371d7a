"""Questions and judged pairs of words, read from files."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass, field
from pathlib import Path

from rnnkit.errors import InputError, suggest

_SHIPPED = {
    "analogies": "questions-words.txt",
    "wordsim353": "wordsim353.tsv",
    "simlex999": "simlex999.txt",
}
_EXPECTED = (
    "expected lines of four words (a is to b as c is to d), with a line ': name' before each "
    "section; or lines of two words and a number, split by tabs or spaces"
)


@dataclass
class Questions:
    """Analogies: a is to b as c is to d.

    Attributes:
        words: N times four of them.
        sections: N names, of the part that each stands in; empty before the first.
    """

    words: list[tuple[str, ...]] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)


@dataclass
class Pairs:
    """Pairs of words whose likeness people have judged.

    Attributes:
        words: N times two of them.
        judged: N numbers, the higher the more alike.
    """

    words: list[tuple[str, ...]] = field(default_factory=list)
    judged: list[float] = field(default_factory=list)


def shipped() -> dict[str, Path]:
    """Return name -> path of the three sets that gensim brings.

    Raises:
        InputError: this installation of gensim lacks them.

    Example:
        >>> list(shipped())
        ['analogies', 'wordsim353', 'simlex999']
    """
    folder = Path(str(importlib.resources.files("gensim"))) / "test" / "test_data"
    found = {name: folder / file for name, file in _SHIPPED.items()}
    for path in found.values():
        if not path.is_file():
            raise InputError(
                f"gensim should have brought {str(path)!r}, which is not there: install gensim "
                'from PyPI again, or give your own files, sets={"name": path}.'
            )
    return found


def read_set(path: Path) -> Questions | Pairs:
    r"""Read one set; which kind it is is told by its first entry. Lines with # are comments.

    Args:
        path: a file of UTF-8 text.

    Returns:
        At least one entry, in the order of the file.

    Raises:
        InputError: a file that is not there, or a line that is neither question nor pair.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "pairs.tsv"
        >>> _ = path.write_text("# word, word, judgement\nlove\tsex\t6.77\n")
        >>> read_set(path)
        Pairs(words=[('love', 'sex')], judged=[6.77])
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        there = path.parent.iterdir() if path.parent.is_dir() else ()
        hint = suggest(path.name, [entry.name for entry in there])
        raise InputError(f"There is no file {str(path)!r} of questions or pairs.{hint}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text ({error}).") from error
    questions, pairs, section = Questions(), Pairs(), ""
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
            pairs.words.append(tuple(fields[:2]))
            pairs.judged.append(_number(fields[2], path, number))
        else:
            raise InputError(f"{path}, line {number} is {line[:80]!r}; {_EXPECTED}.")
    if not questions.words and not pairs.words:
        raise InputError(f"{path} holds no question and no pair; {_EXPECTED}.")
    return questions if questions.words else pairs


def _number(text: str, path: Path, line: int) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"{path}, line {line}: {text!r} is no number; {_EXPECTED}. A line of headings starts "
            "with #."
        ) from None
