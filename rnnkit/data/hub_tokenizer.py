"""Tokenizers of KerasHub in the place of rnnkit's own."""

from __future__ import annotations

import inspect
import io
import itertools
import json
import os
import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from rnnkit.atomic import temporary_folder
from rnnkit.data.hub_presets import ASSETS, CONFIG, load_preset_tokenizer, tokenizer_of_folder
from rnnkit.data.text import check_text, check_texts
from rnnkit.data.vocabulary import UNKNOWN_TOKEN
from rnnkit.errors import InputError

_CHECKED = 200  # texts that a restored tokenizer has to split as the original does


class HubTokenizer:
    """Splits texts with a tokenizer of KerasHub; its tokens are text, and not its ids.

    A model learns a vocabulary of the tokens that occur in its training texts, as it does of words,
    and numbers them itself: no id of the tokenizer can be taken for padding. A token that is
    unknown to the tokenizer is "[UNK]", and so is each character that a byte-pair tokenizer would
    leave out without a word.

    Args:
        tokenizer: of `keras_hub.tokenizers` or `keras_hub.models`, with its vocabulary.

    Raises:
        InputError: not a tokenizer of KerasHub; one without a vocabulary, or with a setting that
            does not suit text of any length: the message names it.

    Example:
        >>> import keras_hub
        >>> pieces = ["[UNK]", "the", "qu", "##ick", "fox"]
        >>> tokenizer = HubTokenizer(keras_hub.tokenizers.WordPieceTokenizer(pieces))
        >>> tokenizer.tokenize("the quick red fox")
        ['the', 'qu', '##ick', '[UNK]', 'fox']
        >>> tokenizer.detokenize(["the", "qu", "##ick"])
        'the quick'
    """

    unit = "subword"
    lowercase = False

    def __init__(self, tokenizer: Any) -> None:
        classes = _hub_classes(tokenizer)
        if "Tokenizer" not in classes:
            raise InputError(
                f"tokenizer is {tokenizer!r}; expected a tokenizer of keras_hub.tokenizers or "
                "keras_hub.models, or the folder of a preset that has one."
            )
        self.name = type(tokenizer).__name__
        self.tokenizer = tokenizer
        self._check_settings()
        size = self._size()
        self._unknown: int | None = None  # the tokenizer's id of what it does not know
        if "WordPieceTokenizer" in classes:
            self._unknown = int(tokenizer.token_to_id(tokenizer.oov_token))
        elif "SentencePieceTokenizer" in classes:
            self._unknown = int(tokenizer.token_to_id("\uffff no piece \uffff"))
        elif "UnicodeCodepointTokenizer" in classes and size < 0x110000:
            self._unknown = size - 1  # of all code points from there on
        self._drops = "BytePairTokenizer" in classes
        self._known_characters: set[str] = set()  # characters that are kept, and left out
        self._lost_characters: set[str] = set()
        self._names: dict[int, str] = {-1: UNKNOWN_TOKEN}  # TensorFlow's byte pairs have -1
        if self._unknown is not None:
            self._names[self._unknown] = UNKNOWN_TOKEN

    @classmethod
    def of(cls, tokenizer: Any) -> HubTokenizer | None:
        """Return the tokenizer that a setting names: an object, a preset, or None.

        Raises:
            InputError: neither a tokenizer of KerasHub nor a preset with one.
        """
        if tokenizer is None or isinstance(tokenizer, HubTokenizer):
            return tokenizer
        if isinstance(tokenizer, str | os.PathLike):
            return cls(load_preset_tokenizer(tokenizer))
        return cls(tokenizer)

    def __repr__(self) -> str:
        return f"HubTokenizer({self.name})"

    def _check_settings(self) -> None:
        """Refuse what cuts or pads texts, or adds tokens that no text holds."""
        one = self.tokenizer
        why = {
            "sequence_length": "pads each text with id 0 and cuts it; the task does that itself",
            "add_bos": "adds a token to each text; the task marks beginnings itself",
            "add_eos": "adds a token to each text; the task marks ends itself",
        }
        for name, reason in why.items():
            if getattr(one, name, None):
                raise InputError(
                    f"The {self.name} has {name}={getattr(one, name)!r}, which {reason}. Make it "
                    f"without {name}."
                )
        if getattr(one, "split", True) is False:
            raise InputError(
                f"The {self.name} has split=False: it expects words, and here it gets whole texts. "
                "Make it with split=True."
            )
        if "string" in str(one.compute_dtype):
            raise InputError(
                f'The {self.name} has dtype="string"; expected integers, as by default.'
            )

    def _size(self) -> int:
        try:
            size = self.tokenizer.vocabulary_size()
        except ValueError as error:
            raise InputError(f"The {self.name} has no vocabulary: {error}") from error
        if size is None:
            raise InputError(
                f"The {self.name} has no vocabulary_size. Make it with one: 1114112 holds all "
                "characters, a smaller number those below it."
            )
        return int(size)

    # Texts -> tokens -> texts.

    def tokens(self, texts: Any) -> list[list[str]]:
        """Return the tokens of each text.

        Raises:
            InputError: what is no text.
        """
        texts = check_texts(texts)
        lost = self._lost(texts) if self._drops else ()
        if not lost:
            return self._rows(texts)
        # What lies between lost characters is split on its own.
        cut = re.compile(f"([{re.escape(''.join(sorted(lost)))}])")
        parts = [cut.split(text) for text in texts]
        rows = iter(self._rows([part for row in parts for part in row[::2]]))
        found = []
        for row in parts:
            tokens = next(rows)
            for _ in row[1::2]:
                tokens = [*tokens, UNKNOWN_TOKEN, *next(rows)]
            found.append(tokens)
        return found

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of one text."""
        return self.tokens([check_text(text)])[0]

    def detokenize(self, tokens: Sequence[str]) -> str:
        """Return the text of tokens; unknown ones are left out where they have no id."""
        unknown = [] if self._unknown is None else [self._unknown]
        ids: list[int] = []
        for token in tokens:
            known = token != UNKNOWN_TOKEN
            ids += [int(self.tokenizer.token_to_id(token))] if known else unknown
        return self._texts([ids])[0] if ids else ""

    def continued(self, prompt: str, generated: Sequence[str]) -> str:
        """Return a text and what was generated after it; the text stays as it was typed."""
        before = self.tokenize(prompt)
        begin, whole = self.detokenize(before), self.detokenize([*before, *generated])
        if not whole.startswith(begin):
            return whole
        added = whole[len(begin) :]
        if begin != prompt and added[:1].isspace():  # the spaces of the prompt were lost
            prompt = prompt.rstrip()
        return prompt + added

    def _rows(self, texts: list[str]) -> list[list[str]]:
        return [[self._token(i) for i in row] for row in self._ids(texts)]

    def _ids(self, texts: list[str]) -> list[list[int]]:
        if not texts:
            return []
        rows = [np.asarray(row).reshape(-1).tolist() for row in self.tokenizer.tokenize(texts)]
        if len(rows) != len(texts):
            raise InputError(f"{self.name}.tokenize made {len(rows)} rows of {len(texts)} texts.")
        return rows

    def _token(self, i: int) -> str:
        if i not in self._names:
            self._names[i] = str(self.tokenizer.id_to_token(int(i))) or UNKNOWN_TOKEN
        return self._names[i]

    def _texts(self, rows: list[list[int]]) -> list[str]:
        texts = self.tokenizer.detokenize(rows)
        return [t.decode("utf-8", "replace") if isinstance(t, bytes) else str(t) for t in texts]

    def _lost(self, texts: Iterable[str]) -> set[str]:
        """Return the characters of texts that the tokenizer would leave out, all or in part."""
        found = set(itertools.chain.from_iterable(texts))
        if new := sorted(found - self._known_characters - self._lost_characters):
            for character, ids in zip(new, self._ids(new), strict=True):
                (text,) = self._texts([ids]) if ids else ("",)
                kept = text in (character, f" {character}")  # a prefix may be added
                (self._known_characters if kept else self._lost_characters).add(character)
        return found & self._lost_characters

    # With the model.

    def get_config(self) -> dict[str, str]:
        """Return the class; the vocabulary and all settings are stored by `to_bytes`."""
        return {"keras_hub": self.name}

    def to_bytes(self) -> bytes:
        """Return settings, vocabulary and merges as a zip archive, laid out as a preset is."""
        import keras

        config = keras.saving.serialize_keras_object(self.tokenizer)
        config["config"] = {**_left_out(self.tokenizer, config["config"]), **config["config"]}
        packed = io.BytesIO()
        with temporary_folder() as folder, zipfile.ZipFile(packed, "w") as archive:
            if hasattr(self.tokenizer, "save_assets"):  # bytes and code points have no vocabulary
                self.tokenizer.save_assets(str(folder))
            archive.writestr(CONFIG, json.dumps(config))
            for path in sorted(folder.iterdir()):
                archive.write(path, f"{ASSETS}/{path.name}", zipfile.ZIP_DEFLATED)
        return packed.getvalue()

    @classmethod
    def from_bytes(cls, packed: bytes) -> HubTokenizer:
        """Build the tokenizer from the result of `to_bytes`.

        Raises:
            InputError: KerasHub is not installed, or the class of the tokenizer not imported.
        """
        with temporary_folder() as folder:
            with zipfile.ZipFile(io.BytesIO(packed)) as archive:
                archive.extractall(folder)
            return cls(tokenizer_of_folder(folder))

    def __reduce__(self) -> Any:
        """Return how copies are made; `copy` and `pickle` call it."""
        return HubTokenizer.from_bytes, (self.to_bytes(),)

    def check_saved(self, texts: Sequence[str]) -> None:
        """Refuse a tokenizer that splits texts in another way once it was saved and loaded.

        Raises:
            InputError: it does; the message shows the first text.
        """
        sample = list(texts[:_CHECKED])
        restored = HubTokenizer.from_bytes(self.to_bytes()).tokens(sample)
        for text, before, after in zip(sample, self.tokens(sample), restored, strict=True):
            if before != after:
                raise InputError(
                    f"The {self.name} does not save all of its settings: once loaded, it would "
                    f"split {text[:40]!r} into {after[:8]}, and not into {before[:8]}. Leave out "
                    "the settings that its get_config lacks."
                )


def _left_out(tokenizer: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the constructor that `get_config` of a tokenizer leaves out."""
    known = vars(tokenizer)
    return {
        name: known[name]
        for name in inspect.signature(type(tokenizer).__init__).parameters
        if name not in config and isinstance(known.get(name), bool | int | float | str)
    }


def _hub_classes(tokenizer: Any) -> set[str]:
    """Return the names of the classes of KerasHub that an object has; imports nothing."""
    return {
        cls.__name__
        for cls in type(tokenizer).__mro__
        if cls.__module__.partition(".")[0] == "keras_hub"
    }
