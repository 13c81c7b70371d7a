"""Files of word vectors: word2vec text and binary, GloVe, gensim, and saved Keras models."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from rnnkit.atomic import replacing
from rnnkit.embeddings.light_gensim import import_gensim
from rnnkit.embeddings.skipping import raise_damaged
from rnnkit.embeddings.word2vec_format import read, write
from rnnkit.errors import DiskError, InputError, suggest_sibling
from rnnkit.saved_files import load_saved_model, read_saved_model
from rnnkit.untrusted import open_compressed

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

GENSIM_SUFFIXES = (".kv", ".model")  # pickles
IS_BINARY = {".bin": True, ".txt": False, ".vec": False}


def load_vectors(
    path: str | os.PathLike[str],
    *,
    vector_size: int | None = None,
    errors: Literal["strict", "skip"] | None = None,
) -> KeyedVectors:
    r"""Load word vectors; the format is detected from the contents.

    Formats: text and binary of word2vec, gensim and fastText (`.vec`), text without a header
    (GloVe), each also with gzip; gensim's own; `.keras` files of `SkipGram` and `CBOW`. Those of
    gensim are pickles, which can execute arbitrary code: load only those that you trust. They are
    opened only if the name ends in `.kv` or `.model`. Words may contain spaces, as in GloVe.

    A binary file with bytes too many or too few is refused in any case, and so is one that unpacks
    to more than a hundredfold of its size.

    Args:
        path: the file.
        vector_size: the required dimension; None = any.
        errors: "strict" = refuse the file at its first damaged word; "skip" = leave those out, with
            a warning that counts them; None = leave out only words that are cut in the middle of a
            letter, or phrases that are repeated: published files have them.

    Returns:
        gensim's `KeyedVectors`, float32, in file order.

    Raises:
        InputError: a missing or damaged file, an unknown format, a duplicate word, a word that is
            not UTF-8, NaN or infinity (but see `errors`), or another dimension.

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
                vectors = _load_gensim(path)
            elif start == b"PK":
                vectors = _load_keras(path)
            elif start == b"\x1f\x8b":
                with open_compressed(path, raw, ".gz") as file:
                    vectors = _keyed(*read(file, path, errors))
            else:
                vectors = _keyed(*read(raw, path, errors))
    except FileNotFoundError as error:
        hint = suggest_sibling(path)
        raise InputError(f"There is no vectors file {str(path)!r}.{hint}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise_damaged(path, f"it cannot be decompressed ({error})", error)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error}); give the path of a file.") from error
    _check_numbers(vectors.vectors, vectors.index_to_key, f"{path}: ")
    if vector_size is not None and vectors.vector_size != vector_size:
        raise InputError(
            f"{path} holds vectors of {vectors.vector_size} numbers, not {vector_size}: set "
            f"vector_size={vectors.vector_size}, or give a file of that dimension."
        )
    return vectors


def save_vectors(
    vectors: KeyedVectors, path: str | os.PathLike[str], *, binary: bool | None = None
) -> None:
    r"""Save word vectors, atomically.

    Numbers in word2vec text have nine digits, so that no precision of float32 is lost. A name that
    ends in `.gz` adds gzip. gensim's own format keeps the counts of the words.

    Args:
        vectors: gensim's `KeyedVectors`.
        path: the file; an existing one is replaced.
        binary: True = word2vec binary, False = word2vec text; None = by the suffix: `.bin` is
            binary, `.txt` and `.vec` are text, `.kv` is gensim's own.

    Raises:
        InputError: an unknown suffix, a word that is empty or contains white space, NaN or
            infinity, or a path within a file.
        DiskError: the file cannot be written.

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
    gzipped = path.suffix == ".gz"
    suffix = path.with_suffix("").suffix if gzipped else path.suffix
    own = binary is None and path.suffix == ".kv"
    if binary is None and not own and suffix not in IS_BINARY:
        raise InputError(
            f"Unknown format: the suffix of {path.name!r} is not .txt or .vec (text), .bin "
            "(binary), one of them with .gz, or .kv (gensim's own). Choose one, or set binary."
        )
    _check_numbers(vectors.vectors, vectors.index_to_key, "")
    try:
        with replacing(path, "the word vectors", vectors.vectors.nbytes) as temporary:
            if own:
                vectors.save(str(temporary), separately=[])  # in one file, for the rename
                return
            with gzip.open(temporary, "wb") if gzipped else temporary.open("wb") as file:
                binary = IS_BINARY[suffix] if binary is None else binary
                write(file, vectors.index_to_key, vectors.vectors, binary=binary)
    except DiskError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error}); give a writable path.") from error


def _load_gensim(path: Path) -> KeyedVectors:
    """Load a file in gensim's own format, if it has one of its suffixes."""
    import_gensim()
    from gensim.models import KeyedVectors

    if path.suffix not in GENSIM_SUFFIXES:
        raise InputError(
            f"{path} looks like a pickle, which can execute arbitrary code when loaded: if it is a "
            "file of gensim's own that you trust, give it a name that ends in .kv or .model."
        )
    try:
        vectors = KeyedVectors.load(str(path))
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        raise_damaged(path, f"its second part {missing!r} is not in the same folder", error)
    except Exception as error:  # noqa: BLE001  a damaged pickle may raise anything
        raise_damaged(path, f"gensim cannot read it ({type(error).__name__}: {error})", error)
    vectors = getattr(vectors, "wv", vectors)  # a whole model
    if not isinstance(vectors, KeyedVectors):
        kind = type(vectors).__name__
        raise InputError(f"{path} holds a {kind}, no word vectors; save them with save_vectors.")
    return vectors


def _check_numbers(table: np.ndarray, words: list[str], where: str) -> None:
    for start in range(0, len(table), 10_000):  # in parts, to save memory
        finite = np.isfinite(table[start : start + 10_000]).all(axis=1)
        if not finite.all():
            row = start + int(np.argmin(finite))
            raise InputError(
                f"{where}the vector of {words[row]!r} (word {row + 1}) holds NaN or infinity: "
                "drop the word, or train with a lower learning rate."
            )


def _keyed(words: list[str], table: np.ndarray) -> KeyedVectors:
    import_gensim()
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(table.shape[1])
    vectors.index_to_key = words
    vectors.key_to_index = {word: row for row, word in enumerate(words)}
    vectors.vectors = table.astype("float32", copy=False)
    return vectors


def _load_keras(path: Path) -> KeyedVectors:
    """Return the vectors of a saved `SkipGram` or `CBOW`."""
    from rnnkit.embeddings.model import Word2Vec

    try:
        saved = read_saved_model(path)
    except ValueError as error:
        raise_damaged(path, f"it is a zip archive without a Keras model ({error})", error)
    if not issubclass(saved.cls, Word2Vec):
        raise InputError(
            f"{path} holds no SkipGram or CBOW but a {saved.class_name}: train word vectors with "
            "rnnkit train word_vectors."
        )
    return load_saved_model(path, saved.class_name).keyed_vectors()
