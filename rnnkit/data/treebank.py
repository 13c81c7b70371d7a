"""Penn Treebank tokenization of English: words and punctuation with their character offsets."""

from __future__ import annotations

import re
from typing import NamedTuple

from rnnkit.data.text import check_text

# The first match is used, so longer tokens come first.
_TOKEN = re.compile(
    r"""
      (?:https?://|www\.)[^\s<>"]*[^\s<>"'.,;:!?)\]}]      # a URL
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+                         # an e-mail address
    | [@\#]\w+                                             # a user name, a topic
    | [:;=]-?[()DPp](?!\w)                                 # an emoticon
    | (?:[^\W\d_]\.){2,}                                   # U.S., e.g.
    | (?:Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|Gen|Gov|Sen|Rep|Lt|Col|Capt|Rev|Inc|Corp|Co|Ltd|vs|etc|No)\.
    | (?<![^\W\d_])[A-Z]\.(?=\s+[A-Z])                     # the initial in John F. Kennedy
    | \d+(?:[.,:/]\d+)*(?:st|nd|rd|th|s)?(?![^\W\d_])      # 1,000.50  10:30  1/2  90s  2nd
    | (?i:(?:e|co|re|ex|pre|mid|mis|non|un|anti|multi|semi|sub|post)-[^\W\d_]+)
    | (?:[ODL]|Mc|d|l)['’][^\W\d_]+                        # O'Neill
    | [^\W_]+(?:[.&_][^\W_]+)*                             # a word; AT&T, example.com
    | (?:'|’)(?:s|S|m|M|d|D|re|RE|ve|VE|ll|LL)\b           # 's alone
    | ([^\w\s])\1*                                         # --  ...  !!!
    | \S
    """,
    re.VERBOSE,
)
# Contractions: the group is the second token, the text before it the first.
_NEGATION = re.compile(r"(?i)[^\W\d_]+?(n['’]t)\b")
_CLITIC = re.compile(r"(?i)(?:[odl]['’])?[^\W_]+(?:[.&-][^\W_]+)*?(['’](?:s|m|d|re|ve|ll))\b")
CUT_AFTER = {"cannot": 3, "gonna": 3, "wanna": 3, "gotta": 3, "dunno": 2}

# By name, for programs without rnnkit; those of contractions come first.
PATTERNS = {"negation": _NEGATION, "clitic": _CLITIC, "word": _TOKEN}


class Word(NamedTuple):
    """A token of a text: ``text[start:end]``."""

    text: str
    start: int
    end: int


def split_words(text: str) -> list[Word]:
    """Split a raw text into words and punctuation like the English Web Treebank.

    ``don't`` becomes ``do`` and ``n't``, ``John's`` ``John`` and ``'s``; hyphens are tokens.
    Between the tokens, which have their character offsets, there is only white space.

    Source: the guidelines of the English Web Treebank, LDC2012T13.

    Example:
        >>> [word.text for word in split_words("Why don't you ask John?")]
        ['Why', 'do', "n't", 'you', 'ask', 'John', '?']
        >>> split_words("It's U.S. news")[2]
        Word(text='U.S.', start=5, end=9)
    """
    text = check_text(text)
    words: list[Word] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        end, cut = _next(text, place)
        for start, stop in ((place, cut), (cut, end)):
            if stop > start:
                words.append(Word(text[start:stop], start, stop))
        place = end
    return words


def _next(text: str, place: int) -> tuple[int, int]:
    """Return the end of the token that starts here, and where it is split in two (or its start)."""
    for pattern in (_NEGATION, _CLITIC):
        if match := pattern.match(text, place):
            return match.end(), match.start(1)
    match = _TOKEN.match(text, place)
    assert match is not None  # \S matches everything else
    cut = CUT_AFTER.get(match[0].lower())
    return match.end(), place + (cut or 0)
