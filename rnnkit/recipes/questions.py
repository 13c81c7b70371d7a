"""First questions: what a trained model can be asked, from the data that it learned from.

Each function takes the model and its data set, and returns a short text for the command line; None
where the data have none that suits.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from rnnkit.data.lexicon import STOP_WORDS

READ = 200  # test examples that a question is chosen from
LONGEST = 60  # characters of a question
_OF_THE_SHELL = set("\"'`$\\!\n\t")  # a question must not need quotes inside quotes


def short_text(model: Any, dataset: Any) -> str | None:
    """Return the shortest of the first test texts that has four words; of long ones, a beginning.

    Example:
        >>> from rnnkit.data.splits import Dataset, Split
        >>> texts = Split(["Fine.", "The plot is boring.", "It is neither new nor interesting."])
        >>> short_text(None, Dataset("mine", texts, texts, texts))
        'The plot is boring.'
    """
    texts = [_joined(one) for one in islice(dataset.test.x, READ)]
    plain = [text for text in texts if text.strip() and not _OF_THE_SHELL & set(text)]
    enough = [text for text in plain if len(text.split()) >= 4] or plain
    return _beginning(min(enough, key=len)) if enough else None


def first_words(model: Any, dataset: Any) -> str | None:
    """Return the first two words of the first test text, as a prompt.

    Example:
        >>> from rnnkit.data.splits import Dataset, Split
        >>> texts = Split(["In spring the miller waits ."])
        >>> first_words(None, Dataset("mine", texts, texts, texts))
        'In spring'
    """
    from rnnkit.data.token_files import first_texts  # brings in NumPy, which no help page needs

    words = "".join(first_texts(dataset.test.x, 1, tokens=40)).split()[:2]
    prompt = " ".join(words)
    return None if not prompt or _OF_THE_SHELL & set(prompt) else prompt


def frequent_word(model: Any, dataset: Any) -> str | None:
    """Return a word that word vectors know: the most frequent one that is no stop word.

    Example:
        >>> frequent_word(model, None)  # doctest: +SKIP
        'france'
    """
    words: Iterable[str] = model.keyed_vectors().index_to_key
    suitable = (word for word in words if len(word) > 3 and word.isalpha())
    return next((word for word in suitable if word.lower() not in STOP_WORDS), None)


def _joined(example: Any) -> str:
    """Return a text, or the words of a sentence, as a text."""
    return example if isinstance(example, str) else " ".join(map(str, example))


def _beginning(text: str) -> str:
    """Return the text, or as many of its first words as fit."""
    if len(text) <= LONGEST:
        return text
    return text[: LONGEST + 1].rpartition(" ")[0] or text[:LONGEST]
