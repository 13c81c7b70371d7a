"""The same two tables trained by gensim, in C, on a CPU's cores."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import numpy as np

from rnnkit.embeddings.training.numbered import Numbered
from rnnkit.embeddings.training.trainer import Progress, Training

LONGEST = 10_000  # gensim cuts longer texts without a word; here they are handed over in pieces
SMALL = 1_000_000  # below this many words one worker is quick enough, and reproducible
LOOKS = 0.5  # seconds between two looks at how far gensim is


class GensimTrainer:
    """Trains as `rnnkit.embeddings.training.trainer.Trainer` does, epoch by epoch, with gensim.

    gensim's running loss is wrong (its issue 2617): none is told.

    Args:
        corpus: the words.
        training: how.
        tables: `(V, D)` each, the vectors and the outputs.
        workers: threads; None = one below a million words, and one a core above. With one the same
            seed gives the same vectors.

    Example:
        >>> from rnnkit.embeddings.training.numbered import number
        >>> from rnnkit.embeddings.training.trainer import first_tables
        >>> corpus = number([["a", "b"], ["c", "d"]] * 50)
        >>> training = Training(vector_size=8)
        >>> trainer = GensimTrainer(corpus, training, first_tables(4, training))
        >>> [list(trainer.epoch(e))[-1].read for e in range(2)]
        [200, 200]
    """

    def __init__(
        self,
        corpus: Numbered,
        training: Training,
        tables: tuple[np.ndarray, np.ndarray],
        workers: int | None = None,
    ) -> None:
        from gensim.models import Word2Vec

        self._corpus, self._training = corpus, training
        tree = training.loss == "hierarchical-softmax"
        self._model = Word2Vec(
            sg=int(training.method == "skip-gram"),
            hs=int(tree),
            negative=0 if tree else training.negative,
            vector_size=training.vector_size,
            window=training.window,
            sample=training.sample,
            alpha=training.alpha,
            min_count=1,
            sorted_vocab=0,  # the words come in order; gensim would turn equal counts round
            workers=workers or (1 if corpus.read < SMALL else os.cpu_count() or 1),
            seed=training.seed,
        )
        counts = dict(
            zip(corpus.frequencies.words, corpus.frequencies.counts.tolist(), strict=True)
        )
        self._model.build_vocab_from_freq(counts, corpus_count=len(corpus.lengths))
        self._outputs = self._model.syn1 if tree else self._model.syn1neg
        self._model.wv.vectors[:] = tables[0]
        self._outputs[: len(tables[1])] = tables[1]  # of the tree gensim has a row too many
        self._rows = len(tables[1])

    def __len__(self) -> int:
        """How many looks an epoch takes is not known."""
        return 0

    def epoch(self, epoch: int) -> Iterator[Progress]:
        """Go through the corpus once, with a look at it now and then.

        Args:
            epoch: which, from 0 on; the learning rate depends on it.
        """
        how = self._training
        # An epoch of its own generator, as with the other trainer.
        self._model.random = np.random.RandomState([how.seed, epoch])
        start, end = (
            how.alpha + (how.min_alpha - how.alpha) * part / how.epochs
            for part in (epoch, epoch + 1)
        )
        texts = _Texts(self._corpus)
        failed: list[BaseException] = []

        def work() -> None:
            try:
                self._model.train(
                    texts,
                    total_words=max(len(self._corpus.words), 1),
                    epochs=1,
                    start_alpha=start,
                    end_alpha=end,
                )
            except BaseException as error:  # noqa: BLE001  raised again below
                failed.append(error)

        thread = threading.Thread(target=work, name="word2vec", daemon=True)
        thread.start()
        share = self._corpus.read / max(len(self._corpus.words), 1)
        try:
            looked = time.monotonic()
            while thread.is_alive():
                thread.join(0.02)
                if time.monotonic() - looked > LOOKS:
                    looked = time.monotonic()
                    yield Progress(round(texts.handed * share), None, start)
        finally:
            texts.stopped = True  # an interrupt ends gensim's threads within a text
            thread.join()
        if failed:
            raise failed[0]
        yield Progress(self._corpus.read, None, end)

    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Return vectors and outputs as they are now."""
        return self._model.wv.vectors.copy(), self._outputs[: self._rows].copy()


class _Texts:
    """The corpus as gensim reads it: lists of words that it does not cut."""

    def __init__(self, corpus: Numbered) -> None:
        self._corpus = corpus
        self.handed = 0
        self.stopped = False

    def __iter__(self) -> Iterator[list[str]]:
        names = np.array(self._corpus.frequencies.words, object)
        begin = 0
        for end in np.cumsum(self._corpus.lengths).tolist():
            for start in range(begin, end, LONGEST):
                if self.stopped:
                    return
                piece = self._corpus.words[start : min(start + LONGEST, end)]
                yield names[piece].tolist()
                self.handed += len(piece)
            begin = end
