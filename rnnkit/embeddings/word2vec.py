"""word2vec on a list of tokenised texts, trained by gensim."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rnnkit.data.archive import cache_folder
from rnnkit.data.progress import Bar
from rnnkit.errors import InputError, nearest

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

METHODS = ("skip-gram", "cbow")
LONGEST = 10_000  # gensim cuts longer texts without a word; here they are handed over in pieces
SMALL = 1_000_000  # below this many tokens one worker is quick enough, and reproducible


def train_word_vectors(
    corpus: Sequence[Sequence[str]],
    *,
    method: str = "skip-gram",
    vector_size: int = 100,
    window: int = 5,
    negative: int = 5,
    min_count: int = 5,
    epochs: int = 5,
    seed: int = 0,
    workers: int | None = None,
) -> KeyedVectors:
    """Train word vectors with negative sampling and keep them in the cache.

    Skip-gram: the centre word predicts each word of its context, maximising
    `log σ(u_o·v_c) + Σ_k log σ(-u_k·v_c)` over `negative` noise words k drawn from unigram^0.75.
    CBOW: the mean of the context vectors predicts the centre word.

    Args:
        corpus: tokenised texts; none is cut, however long.
        method: "skip-gram" or "cbow".
        vector_size: numbers in a vector.
        window: words of context on either side, at most.
        negative: noise words for each pair.
        min_count: words that occur less often get no vector.
        epochs: passes over the corpus.
        seed: the same seed, corpus and a single worker give the same vectors.
        workers: threads; when left out, one below a million tokens and one a core above.

    Returns:
        gensim's `KeyedVectors`.

    Raises:
        InputError: an unknown method, an empty corpus, or no word frequent enough.

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Example:
        >>> vectors = train_word_vectors([["a", "b"]] * 20, vector_size=4)
        >>> vectors["a"].shape
        (4,)
    """
    if method not in METHODS:
        raise InputError(
            f"method is {method!r}; expected one of {METHODS}.{nearest(method, METHODS)}"
        )
    size = sum(map(len, corpus))
    if not size:
        raise InputError(f"The corpus of {len(corpus)} texts holds no word; give texts with words.")
    settings = {
        "sg": int(method == "skip-gram"),
        "vector_size": vector_size,
        "window": window,
        "negative": negative,
        "min_count": min_count,
        "epochs": epochs,
        "seed": seed,
        "workers": workers or (1 if size < SMALL else os.cpu_count() or 1),
    }

    from gensim.models import KeyedVectors, Word2Vec

    path = cache_folder() / "vectors" / f"{_digest(corpus, settings)}.kv"
    if path.exists():
        return KeyedVectors.load(str(path))
    path.parent.mkdir(parents=True, exist_ok=True)  # before the work: it may not be writable
    model = Word2Vec(**settings)
    texts = _Texts(corpus)
    model.build_vocab(texts)
    if not len(model.wv):
        raise InputError(
            f"No word of the corpus of {len(corpus)} texts occurs min_count={min_count} times; "
            "lower min_count or give more text."
        )
    with Bar(f"{method} vectors", total=epochs * len(corpus)) as texts.bar:
        model.train(texts, total_examples=model.corpus_count, epochs=epochs)
    part = path.with_suffix(f".{os.getpid()}.part")
    model.wv.save(str(part), separately=[])  # one file, so that the rename is the whole of it
    part.replace(path)
    return model.wv


class _Texts:
    """The corpus as gensim reads it: again and again, in pieces it does not cut."""

    def __init__(self, corpus: Sequence[Sequence[str]]) -> None:
        self.corpus = corpus
        self.bar: Bar | None = None

    def __iter__(self) -> Iterator[Sequence[str]]:
        for tokens in self.corpus:
            for start in range(0, len(tokens), LONGEST):
                yield tokens[start : start + LONGEST]
            if self.bar is not None:
                self.bar.update(1)


def _digest(corpus: Sequence[Sequence[str]], settings: dict[str, Any]) -> str:
    """Return a name for the vectors of this corpus under these settings."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for tokens in corpus:
        digest.update(" ".join(tokens).encode())
        digest.update(b"\n")
    return digest.hexdigest()[:32]
