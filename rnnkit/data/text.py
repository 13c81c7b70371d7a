"""Text cleaning and tokenization: a pipeline of steps that can be switched on or off."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from rnnkit.data.lexicon import ABBREVIATIONS, NEGATIONS, STOP_WORDS
from rnnkit.errors import InputError, check_choice, quote, quote_all, suggest

UNITS = ("words", "characters")
STOP_LISTS = {"keep-negations": STOP_WORDS - NEGATIONS, "full": STOP_WORDS}

# Both patterns take linear time: no repetition runs past the next "<".
_HTML = re.compile(r"<(script|style)\b[^<>]*+>[^<]*+</\1\s*+>|<[/!?]?[a-zA-Z-][^<>]*+>", re.I)
_HUGE_REFERENCE = re.compile(r"&#[0-9]{8,}+;?")  # no such character; html.unescape would raise
# An apostrophe beside white space, another apostrophe, or an end of the text.
_OUTER_APOSTROPHE = re.compile(r"'(?:(?![^\s'])|(?<![^\s']'))")


class _Characters(dict[int, str]):
    r"""A table for `str.translate`, filled when a character first occurs.

    Letters, digits and white space are kept, and marks (the vowel signs and accents of many
    scripts, which `\w` of a regular expression leaves out). All others become `replacement`.
    """

    def __init__(self, replacement: str) -> None:
        super().__init__(dict.fromkeys(map(ord, "'\u2018\u2019\u02bc\uff07"), "'"))
        self.replacement = replacement

    def __missing__(self, code: int) -> str:
        character = chr(code)
        keep = unicodedata.category(character)[0] in "LMN" or character.isspace()
        self[code] = character if keep else self.replacement.format(character)
        return self[code]


_TO_SPACE = _Characters(" ")
_SPACED = _Characters(" {} ")


class TextPipeline:
    """Convert raw text to tokens by a sequence of cleaning steps, in the order of the arguments.

    Words keep their inner apostrophes (``don't`` stays one token), so negation survives.

    Args:
        strip_html: drop tags, resolve character references such as ``&amp;``.
        lowercase: lower-case, and compose accents (NFC) so that a word has one spelling.
        expand_abbreviations: true for the built-in table `ABBREVIATIONS`, or a custom table:
            ``ABBREVIATIONS | {"gr8t": "great"}``.
        strip_punctuation: replace every character other than letters, digits and inner apostrophes
            by a space. When off, each of these characters becomes a token.
        squeeze_whitespace: one space for any run of white space. It affects `clean` only: tokens
            never contain white space.
        stop_words: ``None`` keeps all; ``"keep-negations"`` drops the usual English stop words
            except not, no, never, but ...; ``"full"`` drops those too; or a custom list.
        tokens: ``"words"``, which end at white space; or ``"characters"``, each with its accents
            and vowel signs, for languages that are written without spaces.

    Raises:
        InputError: an invalid table or list of stop words, an unknown unit.

    Example:
        >>> TextPipeline()("I DON'T like it,<br />pls don’t ask u2!")
        ['i', "don't", 'like', 'it', 'please', "don't", 'ask', 'u2']
        >>> TextPipeline(tokens="characters")("很好看！")
        ['很', '好', '看']
    """

    def __init__(
        self,
        *,
        strip_html: bool = True,
        lowercase: bool = True,
        expand_abbreviations: bool | Mapping[str, str] = True,
        strip_punctuation: bool = True,
        squeeze_whitespace: bool = True,
        stop_words: str | Iterable[str] | None = None,
        tokens: str = "words",
    ) -> None:
        self.unit = check_choice("tokens", tokens, UNITS)
        self.strip_html = strip_html
        self.lowercase = lowercase
        self.strip_punctuation = strip_punctuation
        self.squeeze_whitespace = squeeze_whitespace
        self.abbreviations = _table(expand_abbreviations)
        self.stop_words = _stop_words(stop_words)
        self._abbreviation = _pattern(self.abbreviations, ignore_case=not lowercase)

    def clean(self, text: str) -> str:
        """Return the text after all steps but tokenization and stop words.

        Example:
            >>> TextPipeline().clean("Great  film,<br />pls   see it!")
            'great film please see it'
        """
        if self.strip_html:
            if "<" in text:
                text = _HTML.sub(" ", text)
            if "&" in text:
                text = html.unescape(_HUGE_REFERENCE.sub(" ", text))
        if self.lowercase:
            text = unicodedata.normalize("NFC", text.lower())
        if self._abbreviation is not None:
            text = self._abbreviation.sub(self._expand, text)
        if self.strip_punctuation:
            text = text.translate(_TO_SPACE)
            if "'" in text:
                text = _OUTER_APOSTROPHE.sub(" ", text)
        if self.squeeze_whitespace:
            text = " ".join(text.split())
        return text

    def __call__(self, text: str) -> list[str]:
        """Return the tokens of one text."""
        return self.tokens([text])[0]

    def patterns(self) -> dict[str, re.Pattern[str]]:
        """Return the regular expressions of the steps, for programs without rnnkit.

        Example:
            >>> list(TextPipeline(expand_abbreviations=False).patterns())
            ['html', 'huge_reference', 'outer_apostrophe']
        """
        found = {
            "html": _HTML,
            "huge_reference": _HUGE_REFERENCE,
            "outer_apostrophe": _OUTER_APOSTROPHE,
        }
        abbreviation = self._abbreviation
        return found if abbreviation is None else {**found, "abbreviation": abbreviation}

    def tokens(self, texts: Any) -> list[list[str]]:
        """Return the tokens of each text; `check_texts` says what texts may be.

        Example:
            >>> TextPipeline(stop_words="keep-negations").tokens(["It is not good.", ""])
            [['not', 'good'], []]
        """
        rows = [self._split(self.clean(text)) for text in check_texts(texts)]
        if self.stop_words:
            drop = self.stop_words
            rows = [[token for token in row if token not in drop] for row in rows]
        return rows

    def _split(self, text: str) -> list[str]:
        if not self.strip_punctuation:
            text = _OUTER_APOSTROPHE.sub(" ' ", text.translate(_SPACED))
        return text.split() if self.unit == "words" else _characters(text)

    def _expand(self, match: re.Match[str]) -> str:
        # Ignoring case also matches exotic letters (the Kelvin sign for k).
        return self.abbreviations.get(" ".join(match[0].lower().split()), match[0])

    def get_config(self) -> dict[str, Any]:
        """Return all settings, the tables included."""
        return {
            "strip_html": self.strip_html,
            "lowercase": self.lowercase,
            "expand_abbreviations": dict(self.abbreviations),
            "strip_punctuation": self.strip_punctuation,
            "squeeze_whitespace": self.squeeze_whitespace,
            "stop_words": sorted(self.stop_words),
            "tokens": self.unit,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TextPipeline:
        """Build a pipeline from the result of `get_config`."""
        return cls(**config)


def _characters(text: str) -> list[str]:
    """Return the characters of a text but white space; marks stay with the letter before them."""
    found: list[str] = []
    for character in text:
        if found and unicodedata.category(character)[0] == "M":
            found[-1] += character
        elif not character.isspace():
            found.append(character)
    return found


def check_texts(texts: Any, name: str = "texts") -> list[str]:
    r"""Return the texts as a list of `str`; `name` is the name of the argument in messages.

    One text, or a list, tuple, array or pandas Series of texts; bytes are read as UTF-8.

    Raises:
        InputError: as `check_text`.

    Example:
        >>> check_texts([b"caf\xc3\xa9", "tea"])
        ['café', 'tea']
    """
    texts = texts.tolist() if hasattr(texts, "tolist") else texts  # NumPy arrays, pandas Series
    if isinstance(texts, str | bytes):
        return [check_text(texts, name)]
    if not isinstance(texts, list | tuple):
        raise InputError(
            f"{name} is {type(texts).__name__}: expected a text, list, tuple, array or Series."
        )
    return [check_text(text, f"{name}[{index}]") for index, text in enumerate(texts)]


def check_text(text: Any, where: str = "text") -> str:
    """Return a `str`, or bytes in UTF-8, as `str`; `where` names the text in messages.

    Raises:
        InputError: it is missing, not a text, not UTF-8, or contains a lone surrogate.
    """
    if isinstance(text, str):
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise InputError(
                    f"{where} holds half a character ({quote(text[error.start])} at "
                    f"{error.start}): "
                    'read the file again with its right encoding or with errors="replace".'
                ) from None
        return str(text)
    if isinstance(text, bytes):
        try:
            return text.decode()
        except UnicodeDecodeError as error:
            raise InputError(
                f"{where} holds bytes that are not UTF-8 (0x{text[error.start]:02x} at "
                f"{error.start}): decode it first, for example with text.decode('cp1252')."
            ) from None
    missing = text is None or (isinstance(text, float) and text != text)
    shown = repr(text) if len(repr(text)) <= 40 else repr(text)[:37] + "..."
    advice = "drop it or put '' for it" if missing else "expected str"
    raise InputError(f"{where} is {type(text).__name__} ({shown}): {advice}.")


def _table(table: bool | Mapping[str, str]) -> dict[str, str]:
    if isinstance(table, bool):
        return dict(ABBREVIATIONS) if table else {}
    if not isinstance(table, Mapping):
        raise InputError(
            f"expand_abbreviations is {type(table).__name__}: expected true, false or a mapping "
            "from short form to full form."
        )
    for key, value in table.items():
        if not isinstance(key, str) or not isinstance(value, str) or not key.strip():
            raise InputError(
                f"expand_abbreviations has {quote(key)}: {quote(value)}: expected two texts."
            )
    return {key.strip().lower(): value for key, value in table.items()}


def _stop_words(words: str | Iterable[str] | None) -> frozenset[str]:
    if words is None:
        return frozenset()
    if isinstance(words, str):
        if words not in STOP_LISTS:
            raise InputError(
                f"stop_words is {quote(words)}: expected None, {quote_all(STOP_LISTS)} or a "
                f"list of words.{suggest(words, STOP_LISTS)}"
            )
        return frozenset(STOP_LISTS[words])
    return frozenset(check_texts(list(words), "stop_words"))


def _pattern(table: Mapping[str, str], *, ignore_case: bool) -> re.Pattern[str] | None:
    """Match an abbreviation as a whole word: not the u of ``u2``, ``u.s.``, ``u-boat``."""
    if not table:
        return None
    longest_first = sorted(table, key=lambda key: (-len(key), key))
    forms = "|".join(re.escape(key).replace(r"\ ", r"\s+") for key in longest_first)
    pattern = rf"(?<![\w'.&@#/-])(?:{forms})(?![\w'&@/-]|\.\w)"
    return re.compile(pattern, re.IGNORECASE if ignore_case else 0)
