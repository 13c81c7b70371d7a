"""The units that a language model reads and writes: words, or characters."""

from __future__ import annotations

import re
from typing import Any

from rnnkit.data.text import check_text
from rnnkit.errors import InputError, suggest

UNITS = ("word", "character")
SPLITS = ("space", "punctuation")
END_OF_LINE = "<eos>"  # what the field calls the end of a line, and counts as a token
_WORDS = re.compile(r"\w+(?:['’\-]\w+)*|[^\w\s]")
_TIGHT = re.compile(r" (?=[.,;:!?)\]}…’])|(?<=[(\[{]) ")


class Tokenizer:
    r"""Cut a text into words or characters, and put them together again.

    Args:
        unit: "word" or "character". Characters come back as they went in; of words, one space
            stands between two of them, and `<eos>` stands for the end of each line.
        split: where words end: "space", at white space alone, as text that is tokenised already
            wants it; "punctuation", which makes a token of each punctuation mark, too.
        lowercase: write everything small.

    Raises:
        InputError: an unknown unit or split.

    Example:
        >>> units = Tokenizer()
        >>> units.tokenize("to be\nor not")
        ['to', 'be', '<eos>', 'or', 'not']
        >>> units.detokenize(["to", "be", "<eos>", "or"])
        'to be\nor'
        >>> Tokenizer(split="punctuation", lowercase=True).tokenize("Don't stop, Ann!")
        ["don't", 'stop', ',', 'ann', '!']
    """

    def __init__(
        self, unit: str = "word", *, split: str = "space", lowercase: bool = False
    ) -> None:
        for label, value, known in (("unit", unit, UNITS), ("split", split, SPLITS)):
            if value not in known:
                raise InputError(
                    f"{label} is {value!r}; expected one of {known}.{suggest(str(value), known)}"
                )
        self.unit, self.split, self.lowercase = unit, split, lowercase

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
        return _TIGHT.sub("", text) if self.split == "punctuation" else text

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"unit": self.unit, "split": self.split, "lowercase": self.lowercase}
