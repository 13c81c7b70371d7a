"""Word vectors in files: the formats of the word2vec program, gensim's own, and GloVe's."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnkit.atomic import replacing
from rnnkit.embeddings.word2vec_format import damaged, read, write
from rnnkit.errors import InputError, suggest_sibling

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

OWN = (".kv", ".model")  # how gensim's own files are called; they are pickles
BINARY = {".bin": True, ".txt": False, ".vec": False}


def load_vectors(path: str | os.PathLike[str], *, vector_size: int | None = None) -> KeyedVectors:
    r"""Read word vectors; which format it is is found out from the contents.

    Text and binary files of the word2vec program, of gensim and of fastText (`.vec`), text without
    the first line (GloVe), each of them also packed by gzip; and gensim's own files. The latter are
    pickles, which can run any program: they are opened only where the name ends in `.kv` or
    `.model`, and only those that you trust should be given. Of a `.keras` file that `SkipGram` or
    `CBOW` saved, too.

    Args:
        path: the file.
        vector_size: how many numbers a vector must have; None = as many as it has.

    Returns:
        gensim's `KeyedVectors`, float32, in the order of the file.

    Raises:
        InputError: a file that is not there, is no such file, is damaged or cut short, holds a word
            twice, a word that is not UTF-8, a number that is NaN or infinite, or vectors of another
            width.

    Source: Mikolov et al., https://code.google.com/archive/p/word2vec/, `word2vec.c`.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "two.txt"
        >>> _ = path.write_text("2 3\nthe 0.1 0.2 0.3\nof 1 2 3\n")
        >>> load_vectors(path)["of"].tolist()
        [1.0, 2.0, 3.0]
    """
    path = Path(path)
    try:
        with path.open("rb") as raw:
            start = raw.read(2)
            raw.seek(0)
            if start[:1] == b"\x80":
                vectors = _unpickle(path)
            elif start == b"PK":
                vectors = _of_model(path)
            elif start == b"\x1f\x8b":
                with gzip.open(raw) as file:
                    vectors = _keyed(*read(file, path))
            else:
                vectors = _keyed(*read(raw, path))
    except FileNotFoundError as error:
        raise InputError(
            f"There is no vectors file {str(path)!r}.{suggest_sibling(path)}"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        damaged(path, f"it cannot be unpacked ({error})", error)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error}); give the path of a file.") from error
    _check_numbers(vectors.vectors, vectors.index_to_key, f"{path}: ")
    if vector_size is not None and vectors.vector_size != vector_size:
        raise InputError(
            f"{path} holds vectors of {vectors.vector_size} numbers, not {vector_size}: ask for "
            f"{vectors.vector_size}, or give a file of the other width."
        )
    return vectors


def save_vectors(
    vectors: KeyedVectors, path: str | os.PathLike[str], *, binary: bool | None = None
) -> None:
    r"""Write word vectors, the whole file or nothing.

    Text and binary are what the word2vec program writes, and what it and gensim read; numbers in
    text have the nine digits that give the same float32 again. Either is packed when the name ends
    in `.gz`. gensim's own format keeps the words' counts, too.

    Args:
        vectors: gensim's `KeyedVectors`, V words of D numbers.
        path: the file; one that is there is replaced.
        binary: True = word2vec's binary format, False = its text; None = by the ending: `.bin` is
            binary, `.txt` and `.vec` are text, `.kv` is gensim's own.

    Raises:
        InputError: an ending that tells nothing, a word that the format cannot hold (empty, or with
            white space), a number that is NaN or infinite, or a path that cannot be written.

    Source: Mikolov et al., https://code.google.com/archive/p/word2vec/, `word2vec.c`.

    Example:
        >>> import pathlib, tempfile
        >>> from gensim.models import KeyedVectors
        >>> vectors = KeyedVectors(3)
        >>> vectors.add_vectors(["the", "of"], np.eye(2, 3, dtype="float32"))
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "two.vec"
        >>> save_vectors(vectors, path)
        >>> print(path.read_text(), end="")
        2 3
        the 1 0 0
        of 0 1 0
    """
    path = Path(path)
    packed = path.suffix == ".gz"
    ending = path.with_suffix("").suffix if packed else path.suffix
    own = binary is None and path.suffix == ".kv"
    if binary is None and not own and ending not in BINARY:
        raise InputError(
            f"The ending of {path.name!r} does not tell the format: take .txt or .vec for text, "
            ".bin for binary (each also with .gz), .kv for gensim's own, or say binary=True or "
            "False."
        )
    _check_numbers(vectors.vectors, vectors.index_to_key, "")
    try:
        with replacing(path) as temporary:
            if own:
                vectors.save(str(temporary), separately=[])  # one file, so that a rename does
                return
            with gzip.open(temporary, "wb") if packed else temporary.open("wb") as file:
                binary = BINARY[ending] if binary is None else binary
                write(file, vectors.index_to_key, vectors.vectors, binary=binary)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error}); give a path in a folder that can be written to."
        ) from error


def _unpickle(path: Path) -> KeyedVectors:
    """Open a file of gensim's own; called only where the name says that it is one."""
    from gensim.models import KeyedVectors

    if path.suffix not in OWN:
        raise InputError(
            f"{path} looks like a pickle, which can run any program when it is read: if it is a "
            "file of gensim's own that you trust, give it a name that ends in .kv or .model."
        )
    try:
        vectors = KeyedVectors.load(str(path))
    except FileNotFoundError as error:
        damaged(path, f"its second part {Path(error.filename).name!r} is not beside it", error)
    except (pickle.UnpicklingError, EOFError) as error:
        damaged(path, f"gensim cannot read it ({error})", error)
    except Exception as error:  # noqa: BLE001  a damaged pickle may raise anything
        damaged(path, f"gensim cannot read it ({type(error).__name__}: {error})", error)
    vectors = getattr(vectors, "wv", vectors)  # of a whole model the words
    if not isinstance(vectors, KeyedVectors):
        raise InputError(
            f"{path} holds a {type(vectors).__name__}, no word vectors; save the vectors "
            "themselves with save_vectors."
        )
    return vectors


def _check_numbers(table: np.ndarray, words: list[str], where: str) -> None:
    for start in range(0, len(table), 10_000):  # no second table in memory
        finite = np.isfinite(table[start : start + 10_000]).all(axis=1)
        if not finite.all():
            row = start + int(np.argmin(finite))
            raise InputError(
                f"{where}the vector of {words[row]!r} (word {row + 1}) holds NaN or infinity: "
                "leave the word out, or train with a lower learning rate."
            )


def _keyed(words: list[str], table: np.ndarray) -> KeyedVectors:
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(table.shape[1])
    vectors.index_to_key = words
    vectors.key_to_index = {word: row for row, word in enumerate(words)}
    vectors.vectors = table.astype("float32", copy=False)
    return vectors


def _of_model(path: Path) -> KeyedVectors:
    """Return the vectors of a saved model of word vectors."""
    import keras

    from rnnkit.embeddings.model import Word2Vec

    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        damaged(path, f"it is a zip archive without a Keras model ({error})", error)
    kind = keras.saving.get_registered_object(config.get("registered_name"))
    if not (isinstance(kind, type) and issubclass(kind, Word2Vec)):
        raise InputError(
            f"{path} holds a model that is no SkipGram or CBOW but a "
            f"{config.get('class_name')}: vectors come from rnnkit train word_vectors."
        )
    return keras.saving.load_model(path).keyed_vectors()
