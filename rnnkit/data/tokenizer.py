"""Tokenizer of running text: words or characters, with line ends as tokens."""

from __future__ import annotations

import re
from typing import Any

from rnnkit.data.text import check_text
from rnnkit.deprecation import RENAMES, Rename, warn
from rnnkit.errors import check_choice

UNITS = ("word", "character")
SPLITS = ("space", "punctuation")
END_OF_LINE = "<eos>"  # the usual token of a line end, which counts in perplexities
_WORDS = re.compile(r"\w+(?:['’\-]\w+)*|[^\w\s]")
_NO_SPACE = re.compile(r" (?=[.,;:!?)\]}…’])|(?<=[(\[{]) ")
_OLD_METHODS = {
    old: Rename("name", "rnnkit.data.tokenizer.Tokenizer", old, new)
    for old, new in {"cut": "tokenize", "join": "detokenize"}.items()
}
RENAMES.extend(_OLD_METHODS.values())


class Tokenizer:
    r"""Splits a text into words or characters, and joins them again.

    Args:
        unit: "word" or "character". Characters are restored exactly; words are joined by one space,
            and `<eos>` is the token of a line end.
        split: where words end: "space", at white space alone, for text that is tokenized already;
            "punctuation", which makes a token of each punctuation mark, too.
        lowercase: convert the text to lower case.

    Example:
        >>> tokenizer = Tokenizer()
        >>> tokenizer.tokenize("to be\nor not")
        ['to', 'be', '<eos>', 'or', 'not']
        >>> tokenizer.detokenize(["to", "be", "<eos>", "or"])
        'to be\nor'
        >>> Tokenizer(split="punctuation", lowercase=True).tokenize("Don't stop, Ann!")
        ["don't", 'stop', ',', 'ann', '!']
    """

    def __init__(
        self, unit: str = "word", *, split: str = "space", lowercase: bool = False
    ) -> None:
        self.unit = check_choice("unit", unit, UNITS)
        self.split = check_choice("split", split, SPLITS)
        self.lowercase = lowercase

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of a text; a line end is a token, too."""
        text = check_text(text).replace("\r\n", "\n")
        text = text.lower() if self.lowercase else text
        if self.unit == "character":
            return list(text)
        words = str.split if self.split == "space" else _WORDS.findall
        first, *rest = text.split("\n")
        tokens = list(words(first))
        for line in rest:
            tokens.append(END_OF_LINE)
            tokens += words(line)
        return tokens

    def detokenize(self, tokens: list[str]) -> str:
        """Return the text of tokens."""
        if self.unit == "character":
            return "".join(tokens)
        text = " ".join(tokens)
        text = re.sub(rf" ?{END_OF_LINE} ?", "\n", text)
        return _NO_SPACE.sub("", text) if self.split == "punctuation" else text

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"unit": self.unit, "split": self.split, "lowercase": self.lowercase}

    def __getattr__(self, name: str) -> Any:
        """Serve the old names of the methods, with a warning."""
        if name not in _OLD_METHODS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        warn(_OLD_METHODS[name], stacklevel=2)
        return getattr(self, _OLD_METHODS[name].new)
