"""Training of word vectors with a cache; an interrupted training resumes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras

from rnnkit.atomic import replacing
from rnnkit.data.archive import cache_folder
from rnnkit.disk import optional, writing
from rnnkit.embeddings.files import load_vectors, save_vectors
from rnnkit.embeddings.model import Word2Vec, make_word2vec
from rnnkit.embeddings.options import Word2VecOptions
from rnnkit.embeddings.training.encoded_corpus import EncodedCorpus
from rnnkit.embeddings.training.step_choice import choose_steps
from rnnkit.errors import InputError
from rnnkit.locks import read_or_build
from rnnkit.options import takes
from rnnkit.progress import Bar
from rnnkit.saved_files import load_saved_model, read_saved_model
from rnnkit.training.checkpoints import Checkpoint, Checkpoints

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

NOT_KEPT = (
    "The word vectors are used all the same, and not kept in the cache; RNNKIT_CACHE can name "
    "another folder."
)
NO_CHECKPOINT = "The training of the word vectors goes on without a checkpoint."
_CHECKSUM_SIZE = 73  # bytes of the line behind the vectors
# Raise it when the same settings give other vectors, or checkpoints hold other values.
_CACHE_VERSION = 4


@takes(Word2VecOptions, trainer="gensim")
def train_word_vectors(
    corpus: Any, *, cache: bool = True, **options: Unpack[Word2VecOptions]
) -> KeyedVectors:
    """Train word vectors with word2vec; repeated calls read them from the cache.

    Checkpoints are saved there after each epoch and every five minutes; the same call after an
    interruption resumes from the last one, see `rnnkit.embeddings.model.Word2Vec.fit`. What is
    damaged in the cache is trained anew, and vectors that cannot be kept there are returned all the
    same; both with a warning.

    Args:
        corpus: the name of a data set, the path of a file, texts, lists of words, or a `Corpus`:
            see `rnnkit.data.corpus.open_corpus`. Texts are never truncated.
        cache: False = train without cache and checkpoints.

    Returns:
        gensim's `KeyedVectors`, with the counts of the words.

    Raises:
        InputError: an invalid setting, an empty corpus, or no word frequent enough.

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Example:
        >>> vectors = train_word_vectors([["a", "b"]] * 20, vector_size=4)
        >>> vectors["a"].shape
        (4,)
    """
    model = make_word2vec(**options)
    words = model.encode_corpus(corpus)
    if not cache:
        _fit(model, words)
        return model.keyed_vectors()
    ignored = {"method", "batch_size"} if options["trainer"] == "gensim" else {"method"}
    settings = {name: value for name, value in options.items() if name not in ignored}
    key = [_CACHE_VERSION, options["method"], settings, words.fingerprint]
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    path = cache_folder() / "vectors" / f"{name}.kv"
    return read_or_build(
        path,
        f"the word vectors {path.name}, which are trained once",
        read=lambda: _read_cached(path),
        build=lambda: _train_into_cache(model, words, path),
    )


def _train_into_cache(model: Word2Vec, words: EncodedCorpus, path: Path) -> KeyedVectors:
    """Train, or go on with an interrupted training, and keep the vectors."""
    # The steps depend on dropped words, too, and another backend rounds differently.
    on = "gensim" if model.options["trainer"] == "gensim" else choose_steps().backend
    unfinished = path.with_name(f"{path.stem}-{words.total_words}-{on}.unfinished")
    earlier = path.with_suffix(".keras")
    model = _resumed(earlier) or model
    _fit(model, words, _Unfinished(unfinished))
    vectors = model.keyed_vectors()
    with optional(path, NOT_KEPT), writing(path, "word vectors to the cache"):
        _write_cached(vectors, path)
        earlier.unlink(missing_ok=True)
        for folder in path.parent.glob(f"{path.stem}*.unfinished"):
            shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # there is none, or it holds something
        unfinished.rmdir()
    return vectors


def _write_cached(vectors: KeyedVectors, path: Path) -> None:
    """Save vectors with a checksum behind them, which gensim ignores."""
    size = vectors.vectors.nbytes
    with replacing(path, "word vectors to the cache", size) as temporary:
        save_vectors(vectors, temporary)
        checksum = _checksum(temporary, temporary.stat().st_size)
        with temporary.open("ab") as file:
            file.write(checksum)


def _read_cached(path: Path) -> KeyedVectors | None:
    """Return the vectors that `_write_cached` wrote; None where there are none, or damaged ones."""
    try:
        size = path.stat().st_size - _CHECKSUM_SIZE
        with path.open("rb") as file:
            file.seek(max(size, 0))
            whole = size > 0 and file.read() == _checksum(path, size)
        if whole:
            return load_vectors(path)
        _say_damaged(path)
    except FileNotFoundError:
        pass
    except (OSError, InputError) as error:
        _say_damaged(path, f"cannot be read ({error})")
    return None


def _checksum(path: Path, size: int) -> bytes:
    """Return a line with the SHA-256 of the first bytes of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size > 0 and (piece := file.read(min(size, 1 << 20))):
            digest.update(piece)
            size -= len(piece)
    return f"\nsha256 {digest.hexdigest()}\n".encode()


def _resumed(path: Path) -> Word2Vec | None:
    """Return what an earlier version of rnnkit left unfinished; None = nothing, or damaged."""
    try:
        if not path.is_file():
            return None
        model = load_saved_model(path, read_saved_model(path).class_name)
    except (OSError, ValueError):
        model = None
    if isinstance(model, Word2Vec):
        return model
    _say_damaged(path)
    return None


def _say_damaged(path: Path, what: str = "is damaged") -> None:
    warnings.warn(f"{path} in the cache {what}: the word vectors are trained anew.", stacklevel=4)


def _fit(model: Word2Vec, words: EncodedCorpus, checkpoints: Checkpoints | None = None) -> None:
    """Train the remaining epochs, with a progress bar."""
    notice = choose_steps().notice
    if notice and model.options["trainer"] == "keras":
        print(f"rnnkit: {notice}", file=sys.stderr)
    total = words.total_words * model.options["epochs"]
    with Bar(f"{model.method} vectors", total=total) as bar:
        options: dict[str, Any] = {"callbacks": [_ProgressBar(bar)], "checkpoints": checkpoints}
        model.fit(words, initial_epoch=model.epochs_done, verbose=0, **options)


class _ProgressBar(keras.callbacks.Callback):
    """Shows progress and words per second."""

    def __init__(self, bar: Bar) -> None:
        super().__init__()
        self._bar = bar

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Update the bar."""
        model = self.model
        self._bar.describe(f"{model.method} vectors, {logs['words_per_second']:,.0f} words/s")
        self._bar.advance_to(model.words_read)


class _Unfinished(Checkpoints):
    """The checkpoints of word vectors in the cache."""

    def begin(self, model: Any) -> None:
        """Save the model before the first step; the vectors are learned without it, too."""
        with (
            optional(self.folder, NO_CHECKPOINT),
            writing(self.folder, "a checkpoint to the cache"),
        ):
            super().begin(model)

    def write(self, step: int, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint; the vectors are learned without it, too."""
        with optional(self.folder, NO_CHECKPOINT), writing(self.folder, "a checkpoint"):
            super().write(step, checkpoint)
        return self.folder

    def describe_interruption(self, place: str) -> str:
        """Return what is said after a signal, in a line."""
        kept = f"Kept: {self.folder}, where the next training of the same vectors goes on."
        if not self.files():
            kept = f"Nothing is kept: {self.folder} could not be written."
        return f"the training of word vectors was interrupted {place}. {kept}"
