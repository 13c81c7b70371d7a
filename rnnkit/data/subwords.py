"""Subword vocabularies by byte-pair encoding or a unigram model (sentencepiece)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from rnnkit.errors import InputError, check_choice

PADDING, UNKNOWN, BEGIN, END = range(4)
KINDS = ("bpe", "unigram")


class Subwords:
    """Subword tokenizer: texts to ids and back without loss, case and white space included.

    Characters outside the vocabulary are encoded as bytes, so that no token is unknown. Only the
    character `▁` (U+2581), which marks the beginnings of words, is decoded as a space.

    Args:
        model: a trained sentencepiece model, as bytes.

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
        """Train a subword vocabulary; the same texts give the same subwords.

        Args:
            texts: the training texts.
            size: the number of ids, at most; 4 are for padding, unknown, begin, end, 256 for bytes.
            kind: "bpe" (the most frequent pairs are merged) or "unigram" (the subwords with the
                highest likelihood of the texts are kept).

        Raises:
            InputError: all texts are empty, the size is too small, or the kind is unknown.
        """
        import sentencepiece

        check_choice("kind", kind, KINDS)
        texts = [text for text in texts if text.strip()]
        if not texts:
            raise InputError("There is no text to learn subwords from: all are empty.")
        least = 4 + 256 + len(set("".join(texts)) | {" "})
        if size < least:
            raise InputError(
                f"The size of the subword vocabulary is {size}; these texts need at least "
                f"{least:,}: 4 special ids, 256 bytes and one for each of their characters."
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
                # Decoding restores the text exactly.
                normalization_rule_name="identity",
                remove_extra_whitespaces=False,
                max_sentence_length=1 << 20,
                num_threads=1,  # more threads sum in another order
                minloglevel=2,
            )
        except RuntimeError as error:
            raise InputError(
                f"{size:,} subwords of {len(texts):,} texts failed: {error}. Set another size."
            ) from error
        return cls(model.getvalue())

    @classmethod
    def from_bytes(cls, model: bytes) -> Subwords:
        """Return the vocabulary of a model's bytes, which are read at once.

        Raises:
            InputError: they are not a sentencepiece model with the special ids of this class.
        """
        found = cls(model)
        known = found._processor
        special = (known.pad_id(), known.unk_id(), known.bos_id(), known.eos_id())
        if special != (PADDING, UNKNOWN, BEGIN, END):
            raise InputError(f"These subwords have the special ids {special}; expected 0 to 3.")
        return found

    @cached_property
    def _processor(self) -> Any:
        import sentencepiece

        try:
            return sentencepiece.SentencePieceProcessor(model_proto=self.model)
        except RuntimeError as error:
            raise InputError(f"These bytes are not a sentencepiece model: {error}.") from error

    def __len__(self) -> int:
        return self._processor.get_piece_size()

    def encode(self, text: str) -> np.ndarray:
        """Return the ids `(T,)` of a text, without begin and end."""
        return np.array(self._processor.encode(text), dtype=np.int32)

    def encode_many(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the ids of each text."""
        return [np.array(ids, np.int32) for ids in self._processor.encode(list(texts))]

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """Return the text of ids up to the first end; special ids are left out."""
        kept = []
        for i in map(int, ids):
            if i == END:
                break
            if i > END:
                kept.append(i)
        return self._processor.decode(kept)

    def pieces(self, text: str) -> list[str]:
        """Return the subwords of a text; `▁` marks the beginning of a word."""
        return self._processor.encode(text, out_type=str)

    def names(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Return the subword of each id, special ids included."""
        return [self._processor.id_to_piece(int(i)) for i in ids]
