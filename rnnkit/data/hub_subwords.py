"""Sub-words of a tokenizer of KerasHub, for models from texts to texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnkit.data.hub_tokenizer import HubTokenizer
from rnnkit.data.subwords import END, UNKNOWN
from rnnkit.data.text import check_texts
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.errors import InputError

_SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
_SHIFT = len(_SPECIAL) - 2  # a vocabulary has padding and unknown, and not begin and end


class HubSubwords:
    """Texts to ids and back with a tokenizer of KerasHub, as `rnnkit.data.subwords.Subwords`.

    Args:
        vocabulary: of the tokens that have an id.
        tokenizer: splits the texts; None until it is read from a file, too.

    Example:
        >>> import keras_hub
        >>> pieces = ["[UNK]", "low", "##er", "##est"]
        >>> tokenizer = HubTokenizer(keras_hub.tokenizers.WordPieceTokenizer(pieces))
        >>> subwords = HubSubwords.learn(tokenizer, ["low lower"] * 3, 10)
        >>> subwords.encode_many(["lower slow"])[0].tolist(), subwords.decode([4, 5, 3])
        ([4, 5, 1], 'lower')
    """

    def __init__(self, vocabulary: Vocabulary, tokenizer: HubTokenizer | None = None) -> None:
        self.vocabulary, self.tokenizer = vocabulary, tokenizer

    @classmethod
    def learn(cls, tokenizer: HubTokenizer, texts: Sequence[str], size: int) -> HubSubwords:
        """Keep the most frequent tokens of the texts.

        Args:
            tokenizer: splits the texts.
            texts: the training texts.
            size: the number of ids, at most; 4 are for padding, unknown, begin and end.

        Raises:
            InputError: the tokenizer knows no token of the texts, or the size is too small.
        """
        if size <= len(_SPECIAL):
            raise InputError(
                f"The size of the sub-word vocabulary is {size}; expected more than the "
                f"{len(_SPECIAL)} special ids."
            )
        vocabulary = Vocabulary.learn(tokenizer.tokens(list(texts)), size - _SHIFT)
        if len(vocabulary) <= 2:
            raise InputError(f"The {tokenizer.name} knows no token of the {len(texts):,} texts.")
        return cls(vocabulary, tokenizer)

    def _splitter(self) -> HubTokenizer:
        if self.tokenizer is None:
            raise InputError("These sub-words come without the tokenizer that splits texts.")
        return self.tokenizer

    @property
    def model(self) -> bytes:
        """The vocabulary as bytes; the tokenizer is stored beside it."""
        return self.vocabulary.to_json().encode()

    @classmethod
    def from_bytes(cls, model: bytes) -> HubSubwords:
        """Build them from `model`, without their tokenizer."""
        return cls(Vocabulary.from_json(model.decode()))

    def __len__(self) -> int:
        return len(self.vocabulary) + _SHIFT

    def encode_many(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the ids of each text, without begin and end."""
        rows = self.vocabulary.encode_many(self._splitter().tokens(check_texts(list(texts))))
        return [np.where(row > UNKNOWN, row + _SHIFT, row).astype(np.int32) for row in rows]

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """Return the text of ids up to the first end; special ids are left out."""
        row = list(map(int, ids))
        row = row[: row.index(END)] if END in row else row
        return self._splitter().detokenize(self.names([i for i in row if i > END]))

    def names(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Return the token of each id, special ids included."""
        tokens = self.vocabulary.tokens
        return [_SPECIAL[i] if i <= END else tokens[i - _SHIFT] for i in map(int, ids)]
