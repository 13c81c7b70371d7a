"""Template grammar of the generated data sets: seeded draws from lexicons fill the slots."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any, TypeVar

T = TypeVar("T")


def pick(source: random.Random, options: Sequence[Any]) -> Any:
    """Return one of the options; the same on every Python, which `random.choice` does not promise.

    Example:
        >>> pick(random.Random(1), ["a", "b", "c"])
        'a'
    """
    return options[int(source.random() * len(options))]


class Drawn(dict[str, str]):
    """Slots that a function fills, with a new draw at each occurrence."""

    def __init__(self, draw: Callable[[str], str]) -> None:
        super().__init__()
        self.draw = draw

    def __missing__(self, name: str) -> str:
        return self.draw(name)


def fill(template: str, slots: Mapping[str, str]) -> str:
    """Replace each ``{name}`` by ``slots[name]``, from left to right, until no slot is left.

    Example:
        >>> fill("{who} came", {"who": "the {kin}", "kin": "aunt"})
        'the aunt came'
    """
    while "{" in template:
        template = template.format_map(slots)
    return template


def sentence_case(text: str) -> str:
    """Return the text with its first letter in upper case."""
    return text[0].upper() + text[1:]


def distinct(
    size: int, make: Callable[[int], T], seen: set[str], text: Callable[[T], str] = str
) -> list[T]:
    """Return `size` examples that differ from each other and from all seen before.

    `make` draws an example, given its number; it is called again where the text of the draw was
    seen. The texts of the examples are added to `seen`.

    Example:
        >>> draws = iter("aabac")
        >>> distinct(2, lambda i: next(draws), {"b"})
        ['a', 'c']
    """
    found: list[T] = []
    while len(found) < size:
        one = make(len(found))
        if (key := text(one)) not in seen:
            seen.add(key)
            found.append(one)
    return found


def read_lexicon(name: str) -> dict[str, list[str]]:
    """Return the entries of each section of a lexicon of this package.

    A section begins with its name in brackets; its entries are separated by ``|`` or line ends.

    Example:
        >>> read_lexicon("names")["title PROPN"]
        ['Dr.', 'Mr.', 'Mrs.']
    """
    file = resources.files(__package__) / "lexicons" / f"{name}.txt"
    lexicon: dict[str, list[str]] = {}
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("["):
            entries = lexicon.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            entries += line.split(" | ")
    return lexicon
