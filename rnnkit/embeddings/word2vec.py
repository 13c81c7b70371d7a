"""One function from a corpus to word vectors, kept in the cache; an interrupted one goes on."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras

from rnnkit.data.archive import cache_folder
from rnnkit.embeddings.files import load_vectors, save_vectors
from rnnkit.embeddings.model import Word2Vec, of_method
from rnnkit.embeddings.training.numbered import Numbered
from rnnkit.progress import Bar

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

_FORMAT = 3  # raise it when the same settings give other vectors


def train_word_vectors(
    corpus: Any,
    *,
    method: str = "skip-gram",
    loss: str = "negative-sampling",
    trainer: str = "gensim",
    vector_size: int = 100,
    window: int = 5,
    negative: int = 5,
    min_count: int = 5,
    sample: float = 1e-3,
    epochs: int = 5,
    alpha: float = 0.025,
    min_alpha: float = 0.0001,
    workers: int | None = None,
    seed: int = 0,
    cache: bool = True,
) -> KeyedVectors:
    """Train word vectors, and keep them in the cache: the same corpus is learned from once.

    After each epoch what was learned is written down beside the cache: called again after an
    interrupt, with the same arguments, it goes on from there.

    Args:
        corpus: the name of a data set, the path of a file, texts, lists of words, or a `Corpus`:
            see `rnnkit.data.corpus.open_corpus`. No text is cut, however long.
        method: "skip-gram": a word is to tell each word around it; "cbow": their mean is to tell
            the word.
        loss: "negative-sampling" or "hierarchical-softmax".
        trainer: "gensim", in C on a CPU's cores, or "keras", on the backend; see `Word2Vec` for
            what they compute.
        vector_size: numbers in a vector.
        window: words of context on either side, at most.
        negative: noise words for each word.
        min_count: words that occur less often get no vector.
        sample: words that make up more than this share of all are thinned out; 0 = none.
        epochs: passes over the corpus.
        alpha: the first learning rate.
        min_alpha: the last one.
        workers: gensim's threads; None = one below a million words, and one a core above.
        seed: the same seed and corpus give the same vectors, but for gensim with several workers.
        cache: False trains in any case, and keeps nothing.

    Returns:
        gensim's `KeyedVectors`, with the words' counts.

    Raises:
        InputError: an unknown word for a choice, an empty corpus, or no word frequent enough.

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Example:
        >>> vectors = train_word_vectors([["a", "b"]] * 20, vector_size=4)
        >>> vectors["a"].shape
        (4,)
    """
    settings = {name: value for name, value in locals().items() if name not in ("corpus", "cache")}
    model = of_method(**settings)
    del settings["method"]
    words = model.read(corpus)
    if not cache:
        _fit(model, words, [])
        return model.keyed_vectors()
    named = json.dumps([_FORMAT, method, settings, words.fingerprint], sort_keys=True)
    name = hashlib.sha256(named.encode()).hexdigest()[:32]
    path = cache_folder() / "vectors" / f"{name}.kv"
    if path.exists():
        return load_vectors(path)
    path.parent.mkdir(parents=True, exist_ok=True)  # before the work: it may not be writable
    unfinished = path.with_suffix(".keras")
    if unfinished.exists():
        model = keras.saving.load_model(unfinished)
    _fit(model, words, [_Kept(unfinished)])
    vectors = model.keyed_vectors()
    save_vectors(vectors, path)
    unfinished.unlink(missing_ok=True)
    return vectors


def _fit(model: Word2Vec, words: Numbered, callbacks: list[keras.callbacks.Callback]) -> None:
    """Train the epochs that are left, with a progress bar."""
    total = words.read * model.options.epochs
    with Bar(f"{model.method} vectors", total=total) as bar:
        model.fit(
            words,
            initial_epoch=model.epochs_done,
            callbacks=[_Shown(bar), *callbacks],
            verbose=0,
        )


class _Shown(keras.callbacks.Callback):
    """Moves a progress bar, and tells words a second on it."""

    def __init__(self, bar: Bar) -> None:
        super().__init__()
        self._bar = bar

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move the bar on."""
        model = self.model
        self._bar.describe(f"{model.method} vectors, {logs['words_per_second']:,.0f} words/s")
        self._bar.advance_to(model.words_read)


class _Kept(keras.callbacks.Callback):
    """What was learned, written down after each epoch but the last."""

    def __init__(self, path: os.PathLike[str]) -> None:
        super().__init__()
        self._path = path

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the model, whole or not at all."""
        if epoch + 1 < self.params["epochs"]:
            self.model.save(self._path)
