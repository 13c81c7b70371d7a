"""Scripts that are written without spaces between words, and texts in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Name -> ranges of characters, and the longest mean length of words that spaces do separate.
SCRIPTS = {
    "Chinese": (r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f", 3),
    "Japanese": (r"\u3040-\u30ff\u31f0-\u31ff", 3),
    "Thai": (r"\u0e00-\u0e7f", 7),
    "Lao": (r"\u0e80-\u0eff", 7),
    "Burmese": (r"\u1000-\u109f", 7),
    "Khmer": (r"\u1780-\u17ff", 7),
}
_LETTERS = {name: re.compile(f"[{ranges}]") for name, (ranges, _) in SCRIPTS.items()}
_WORD = re.compile(r"\w[\w\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]*")
LOOKED_AT = 200  # texts


def language_without_spaces(texts: Sequence[str]) -> str | None:
    """Return the language of texts that are written without spaces between words, if they are.

    Texts whose words were separated by spaces beforehand, as segmenters do, are not meant: what is
    between two spaces is short there.

    Args:
        texts: raw texts; the first 200 are looked at.

    Returns:
        "Chinese", "Japanese", "Thai", "Lao", "Burmese" or "Khmer"; None for all other texts.

    Example:
        >>> language_without_spaces(["这部电影非常好看", "剧情无聊透顶"])
        'Chinese'
        >>> language_without_spaces(["这 部 电影 非常 好看", "A fine film"]) is None
        True
    """
    sample = " ".join(texts[:LOOKED_AT])
    found = {name: len(letters.findall(sample)) for name, letters in _LETTERS.items()}
    total = sum(found.values())
    letters = sum(map(str.isalpha, sample))
    if not total or 2 * total < letters:
        return None
    # Japanese texts have Chinese characters among their own, never the other way round.
    name = max(found, key=lambda one: found[one])
    if name == "Chinese" and 10 * found["Japanese"] > total:
        name = "Japanese"
    words = _WORD.findall(sample)
    return name if sum(map(len, words)) > SCRIPTS[name][1] * len(words) else None
