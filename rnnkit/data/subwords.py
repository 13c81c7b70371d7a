"""Sub-words: pieces of words learned from texts, so that no word is unknown."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from rnnkit.errors import InputError, suggest

PADDING, UNKNOWN, BEGIN, END = range(4)
KINDS = ("bpe", "unigram")


class Subwords:
    """Texts to ids of sub-words and back, exactly, in upper and lower case.

    What no sub-word covers is spelled in bytes, so that nothing is unknown. White space is kept as
    it is. Only the sign `▁` (U+2581), which marks the beginnings of words, comes back as a space.

    Args:
        model: a trained model of sentencepiece, as bytes.

    Source: Sennrich, Haddow and Birch 2016, arXiv:1508.07909 ("bpe"); Kudo 2018, arXiv:1804.10959
    ("unigram"); Kudo and Richardson 2018, arXiv:1808.06226.

    Example:
        >>> subwords = Subwords.learn(["low lower lowest"] * 9, 280)
        >>> subwords.decode(subwords.encode("slower")), subwords.pieces("low")
        ('slower', ['▁low'])
    """

    def __init__(self, model: bytes) -> None:
        self.model = model

    @classmethod
    def learn(cls, texts: Sequence[str], size: int, kind: str = "bpe") -> Subwords:
        """Learn sub-words from texts; the same texts give the same sub-words.

        Args:
            texts: to learn from.
            size: at most this many, with 4 for padding, unknown, begin, end and 256 for bytes.
            kind: "bpe" (the pairs that occur most often are joined) or "unigram" (those are kept
                under which the texts are likeliest).

        Raises:
            InputError: no text with a letter in it, a size that is too small, another kind.
        """
        import sentencepiece

        if kind not in KINDS:
            raise InputError(f"kind is {kind!r}; expected one of {KINDS}.{suggest(kind, KINDS)}")
        texts = [text for text in texts if text.strip()]
        if not texts:
            raise InputError("There is no text to learn sub-words from: all are empty.")
        least = 4 + 256 + len(set("".join(texts)) | {" "})
        if size < least:
            raise InputError(
                f"The size of the vocabulary of sub-words is {size}; these texts need at least "
                f"{least:,}: 4 signs, 256 bytes and a sub-word for each of their characters."
            )
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(texts),
                model_writer=model,
                model_type=kind,
                vocab_size=size,
                hard_vocab_limit=False,
                pad_id=PADDING,
                unk_id=UNKNOWN,
                bos_id=BEGIN,
                eos_id=END,
                character_coverage=1.0,
                byte_fallback=True,
                # What comes back is to be what went in.
                normalization_rule_name="identity",
                remove_extra_whitespaces=False,
                max_sentence_length=1 << 20,
                num_threads=1,  # more of them add up in another order
                minloglevel=2,
            )
        except RuntimeError as error:
            raise InputError(
                f"No {size:,} sub-words could be learned from {len(texts):,} texts: {error}. Set "
                "another size."
            ) from error
        return cls(model.getvalue())

    @cached_property
    def _processor(self) -> Any:
        import sentencepiece

        try:
            return sentencepiece.SentencePieceProcessor(model_proto=self.model)
        except RuntimeError as error:
            raise InputError(f"These bytes are no model of sentencepiece: {error}.") from error

    def __len__(self) -> int:
        """Return the number of ids."""
        return self._processor.get_piece_size()

    def encode(self, text: str) -> np.ndarray:
        """Return the ids `(T,)` of a text, without begin and end.

        Example:
            >>> Subwords.learn(["low lower"] * 9, 280).encode("").tolist()
            []
        """
        return np.array(self._processor.encode(text), dtype=np.int32)

    def encode_many(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the ids of each text."""
        return [np.array(ids, np.int32) for ids in self._processor.encode(list(texts))]

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """Return the text of ids; padding, begin and end are left out, and what follows an end."""
        kept = []
        for i in map(int, ids):
            if i == END:
                break
            if i > END:
                kept.append(i)
        return self._processor.decode(kept)

    def pieces(self, text: str) -> list[str]:
        """Return the sub-words of a text, `▁` where a word begins."""
        return self._processor.encode(text, out_type=str)

    def names(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Return the sub-words of ids, as they are."""
        return [self._processor.id_to_piece(int(i)) for i in ids]
