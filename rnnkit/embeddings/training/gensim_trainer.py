"""The gensim trainer of word2vec: the same model in C, on the cores of a CPU."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rnnkit.embeddings.light_gensim import import_gensim
from rnnkit.embeddings.options import Word2VecOptions
from rnnkit.embeddings.training.encoded_corpus import EncodedCorpus
from rnnkit.embeddings.training.trainer import Progress

MAX_TEXT_LENGTH = 10_000  # gensim truncates longer texts silently; they are passed in pieces
SMALL_CORPUS = 1_000_000  # words; below, one worker is fast enough, and reproducible
REPORT_SECONDS = 0.5  # between two reports of progress


class GensimTrainer:
    """Trains word vectors with gensim, epoch by epoch; same interface as `KerasTrainer`.

    No loss is reported, because gensim's running loss is wrong (its issue 2617).

    With one worker a training resumes within an epoch from a `snapshot`, exactly. Several workers
    change the tables at the same time, so that no two trainings are the same: there is no snapshot.

    Example:
        >>> from rnnkit.embeddings.options import word2vec_options
        >>> from rnnkit.embeddings.training.encoded_corpus import encode_corpus
        >>> from rnnkit.embeddings.training.trainer import initial_tables
        >>> corpus = encode_corpus([["a", "b"], ["c", "d"]] * 50)
        >>> options = word2vec_options(vector_size=8)
        >>> trainer = GensimTrainer(corpus, options, initial_tables(4, options))
        >>> [list(trainer.epoch(e))[-1].words_read for e in range(2)]
        [200, 200]
    """

    def __init__(
        self, corpus: EncodedCorpus, options: Word2VecOptions, tables: tuple[np.ndarray, np.ndarray]
    ) -> None:
        import_gensim()
        from gensim.models import Word2Vec

        self._corpus, self._options = corpus, options
        tree = options["loss"] == "hierarchical-softmax"
        default_workers = 1 if corpus.total_words < SMALL_CORPUS else os.cpu_count() or 1
        same = ("vector_size", "window", "sample", "alpha", "seed")
        self._model = Word2Vec(
            sg=int(options["method"] == "skip-gram"),
            hs=int(tree),
            negative=0 if tree else options["negative"],
            min_count=1,
            sorted_vocab=0,  # the words are sorted already; gensim would reverse equal counts
            workers=(workers := options["workers"] or default_workers),
            **{name: value for name, value in options.items() if name in same},
        )
        known = corpus.frequencies
        counts = dict(zip(known.words, known.counts.tolist(), strict=True))
        self._model.build_vocab_from_freq(counts, corpus_count=len(corpus.text_lengths))
        self._outputs = self._model.syn1 if tree else self._model.syn1neg
        self._model.wv.vectors[:] = tables[0]
        self._outputs[: len(tables[1])] = tables[1]  # gensim has one more row for the tree
        self._rows = len(tables[1])
        self._one_worker = workers == 1
        self._jobs, self._first_job = 0, 0  # of the epoch: begun, and those to leave out
        self._between_jobs = threading.Lock()
        self._train_job = self._model._do_train_job
        self._model._do_train_job = self._job

    def __len__(self) -> int:
        """0: the number of reports in an epoch is unknown."""
        return 0

    def epoch(self, epoch: int, position: Mapping[str, Any] | None = None) -> Iterator[Progress]:
        """Train an epoch, and report progress twice a second.

        Args:
            epoch: from 0.
            position: within the epoch, of a `snapshot`; the tables must be those of it.
        """
        options, corpus = self._options, self._corpus
        # Each epoch has its own random generator, as in the Keras trainer.
        self._model.random = np.random.RandomState([options["seed"], epoch])
        self._jobs, self._first_job = 0, 0
        if position:
            self._model.random.set_state(position["random"])
            self._first_job = position["jobs"]
        first, last = options["alpha"], options["min_alpha"]
        total = options["epochs"]
        start, end = (first + (last - first) * part / total for part in (epoch, epoch + 1))
        texts = _Texts(corpus)
        failed: list[BaseException] = []

        def work() -> None:
            try:
                rates = {"start_alpha": start, "end_alpha": end}
                self._model.train(texts, total_words=max(len(corpus.ids), 1), epochs=1, **rates)
            except BaseException as error:  # noqa: BLE001  raised again below
                failed.append(error)

        thread = threading.Thread(target=work, name="word2vec", daemon=True)
        thread.start()
        ratio = corpus.total_words / max(len(corpus.ids), 1)
        try:
            reported = time.monotonic()
            while thread.is_alive():
                thread.join(0.02)
                if time.monotonic() - reported > REPORT_SECONDS:
                    reported = time.monotonic()
                    yield Progress(round(texts.ids_read * ratio), None, start)
        finally:
            texts.stopped = True  # an interrupt ends gensim's threads within a text
            thread.join()
        if failed:
            raise failed[0]
        yield Progress(corpus.total_words, None, end)

    def snapshot(self) -> tuple[dict[str, Any], tuple[np.ndarray, np.ndarray]] | None:
        """Return the position within the epoch under way, and the tables there.

        None = this moment is none that a training can go on from.
        """
        if not self._one_worker:
            return None
        with self._between_jobs:
            random, jobs = self._model.random.get_state(), max(self._jobs, self._first_job)
            return {"jobs": jobs, "random": random}, self.tables()

    def _job(self, texts: Any, rate: float, memory: Any) -> tuple[int, int]:
        """Train on some texts, as gensim does, or leave out what was trained before."""
        with self._between_jobs:
            self._jobs += 1
            if self._jobs <= self._first_job:
                return 0, sum(map(len, texts))
            if self._one_worker:
                return self._train_job(texts, rate, memory)
        return self._train_job(texts, rate, memory)

    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the current word vectors and output vectors."""
        return self._model.wv.vectors.copy(), self._outputs[: self._rows].copy()


class _Texts:
    """The corpus as gensim reads it: lists of words, short enough not to be truncated."""

    def __init__(self, corpus: EncodedCorpus) -> None:
        self._corpus = corpus
        self.ids_read = 0
        self.stopped = False

    def __iter__(self) -> Iterator[list[str]]:
        words = np.array(self._corpus.frequencies.words, object)
        begin = 0
        for end in np.cumsum(self._corpus.text_lengths).tolist():
            for start in range(begin, end, MAX_TEXT_LENGTH):
                if self.stopped:
                    return
                piece = self._corpus.ids[start : min(start + MAX_TEXT_LENGTH, end)]
                yield words[piece].tolist()
                self.ids_read += len(piece)
            begin = end
