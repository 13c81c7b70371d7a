"""CBOW and skip-gram as Keras models: texts in, word vectors out."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
import numpy as np
from keras import ops

from rnnkit.atomic import replacing_model
from rnnkit.data.corpus import open_corpus
from rnnkit.embeddings.training.frequencies import Frequencies
from rnnkit.embeddings.training.gensim_trainer import GensimTrainer
from rnnkit.embeddings.training.numbered import Numbered, number
from rnnkit.embeddings.training.steps import Method
from rnnkit.embeddings.training.trainer import Loss, Trainer, Training, first_tables
from rnnkit.errors import InputError, NonFiniteLoss, require_fitted, suggest

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

TRAINERS = ("keras", "gensim")


class Word2Vec(keras.Model):
    """A Keras model that learns a vector for each word from the words around it. Abstract.

    `fit` counts the words of a corpus, then trains two tables: a vector for each word, and a second
    one for each word (negative sampling) or for each node of a Huffman tree (hierarchical softmax).
    No optimizer is compiled: a step changes only the rows of the words in it, at a learning rate
    that falls evenly, as word2vec has it.

    With h a context vector (skip-gram) or the mean of them (CBOW), u the second table and w the
    word, negative sampling minimises `-log σ(u_w·h) - Σ_k log σ(-u_k·h)` over noise words k drawn
    from unigram^0.75, and hierarchical softmax `-Σ_j log σ(±u_j·h)` over the nodes of w's path.

    Args:
        loss: "negative-sampling" or "hierarchical-softmax".
        vector_size: D, numbers in a vector.
        window: words of context on either side, at most; drawn anew for each word.
        negative: noise words for each word; all its context words share them.
        min_count: words that occur less often get no vector.
        sample: words that make up more than this share of all are thinned out; 0 = none.
        alpha: the first learning rate.
        min_alpha: the last one.
        epochs: passes over the corpus, where `fit` is not told.
        batch_size: words of a step, whose changes are summed up at the tables before it. More of
            them pay on a GPU, and are further from the word2vec program, which takes pair by pair;
            gensim's trainer does so, too, and has no use for it.
        trainer: "keras", on the backend, or "gensim", the same model in its C code on a CPU.
        workers: gensim's threads; None = one below a million words, and one a core above.
        seed: of the first vectors and of all that is drawn. The same seed gives the same vectors,
            but for gensim with several workers.
        rows: V of a model that is loaded.
        epochs_done: how many epochs it was trained.
        settings: what the recipe was called with; kept for the record.

    Raises:
        InputError: a setting that cannot be used.

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.
    """

    method: Method
    assets = ("vocabulary.json",)  # the files that `save_assets` puts beside the weights
    monitor = "loss"  # what falls while it learns
    reads_series = False  # see `rnnkit.tasks.Task`
    network = None  # there is none inside; see `rnnkit.tasks.Task`

    def __init__(
        self,
        *,
        loss: str = "negative-sampling",
        vector_size: int = 100,
        window: int = 5,
        negative: int = 5,
        min_count: int = 5,
        sample: float = 1e-3,
        alpha: float = 0.025,
        min_alpha: float = 0.0001,
        epochs: int = 5,
        batch_size: int = 128,
        trainer: str = "keras",
        workers: int | None = None,
        seed: int = 0,
        rows: int | None = None,
        epochs_done: int = 0,
        settings: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if loss not in get_args(Loss):
            _refuse("loss", loss, get_args(Loss))
        if trainer not in TRAINERS:
            _refuse("trainer", trainer, TRAINERS)
        whole = {"vector_size": vector_size, "window": window, "min_count": min_count}
        whole |= {"epochs": epochs, "workers": 1 if workers is None else workers}
        whole |= {"batch_size": batch_size}
        whole |= {"negative": negative} if loss == "negative-sampling" else {}
        for name, value in whole.items():
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{name} is {value!r}; expected a whole number of 1 or more.")
        for name, number_ in {"sample": sample, "alpha": alpha, "min_alpha": min_alpha}.items():
            if not math.isfinite(number_) or number_ < 0:
                raise InputError(f"{name} is {number_!r}; expected a number of 0 or more.")
        self.options = Training(
            method=self.method,
            loss=loss,  # type: ignore[arg-type]
            vector_size=vector_size,
            window=window,
            negative=negative,
            sample=sample,
            alpha=alpha,
            min_alpha=min_alpha,
            epochs=epochs,
            seed=seed,
            batch_size=batch_size,
        )
        self.min_count = min_count
        self.trainer = trainer
        self.workers = workers
        self.settings = dict(settings or {})
        self.vocabulary: Frequencies | None = None
        self.tokens_per_epoch: int | None = None
        self.epochs_done = epochs_done
        self.words_read = 0  # in all epochs of a fit
        if rows is not None:
            self._make_tables(rows)

    # Training.

    def read(self, x: Any) -> Numbered:
        """Read a corpus: as numbers, with the model's words if it has some, else with its own.

        Args:
            x: whatever `rnnkit.data.corpus.open_corpus` takes; or what this returned.

        Raises:
            InputError: no word in it that is frequent enough, or that the model knows.
        """
        if isinstance(x, Numbered):
            return x
        return number(open_corpus(x), self.min_count, self.vocabulary)

    def fit(
        self,
        x: Any,
        y: None = None,
        *,
        epochs: int | None = None,
        initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        verbose: str | int = "auto",
    ) -> keras.callbacks.History:
        """Learn the words of a corpus, and a vector for each.

        A second `fit` goes on with the words and vectors that are there. A block of steps is what
        Keras calls a batch; the tables can be read after each epoch.

        Args:
            x: the name of a data set, the path of a file, texts, lists of words, or a `Corpus`: see
                `rnnkit.data.corpus.open_corpus`. No text is cut.
            y: nothing.
            epochs: passes over the corpus, those before `initial_epoch` among them; the learning
                rate falls over all of them.
            initial_epoch: where to go on: a model that was saved after two epochs of five, and is
                fitted with `initial_epoch=2`, ends where one would that was never interrupted.
            callbacks: Keras's callbacks.
            verbose: as in Keras.

        Returns:
            Keras's `History`: `loss` (not from gensim) and `words_per_second` of each epoch.

        Raises:
            InputError: a corpus that cannot be used.
            NonFiniteLoss: the loss became NaN or infinite.

        Example:
            >>> model = SkipGram(vector_size=8, window=1, min_count=1, sample=0, epochs=2)
            >>> history = model.fit([["a", "b"], ["c", "d"]] * 50, verbose=0)
            >>> len(history.history["loss"])
            2
        """
        if y is not None:
            raise InputError("word2vec learns from texts alone: leave y out.")
        options = replace(self.options, epochs=epochs or self.options.epochs)
        corpus = self.read(x)
        if len(corpus.frequencies) < 2:
            raise InputError(
                f"The corpus has one word, {corpus.frequencies.words[0]!r}, that occurs min_count="
                f"{self.min_count} times: there is nothing to tell it from. Give more text."
            )
        self.tokens_per_epoch = corpus.read
        if self.vocabulary is None:
            self.vocabulary = corpus.frequencies
            self._make_tables(len(corpus.frequencies))
            self._set_tables(first_tables(len(corpus.frequencies), options))
        trainer = self._trainer(corpus, options)
        self.stop_training = False
        # Without a compiled model some of Keras's callbacks ask for an optimizer; there is none.
        calls = keras.callbacks.CallbackList(
            list(callbacks),
            add_history=True,
            add_progbar=verbose != 0,
            verbose=1 if verbose == "auto" else verbose,
            epochs=options.epochs,
            steps=len(trainer) or None,
            model=self,
        )
        calls.on_train_begin()
        for epoch in range(initial_epoch, options.epochs):
            calls.on_epoch_begin(epoch)
            logs: dict[str, float] = {}
            begin = time.perf_counter()
            for i, (read, loss, rate) in enumerate(trainer.epoch(epoch)):
                calls.on_train_batch_begin(i)
                self.words_read = epoch * corpus.read + read
                speed = read / (time.perf_counter() - begin)
                logs = {} if loss is None else {"loss": loss}
                if loss is not None and not math.isfinite(loss):
                    raise NonFiniteLoss(
                        f"The loss became {loss} in epoch {epoch + 1}; the learning rate was "
                        f"{rate:.3g}. Try alpha={options.alpha / 10:.3g}."
                    )
                logs["words_per_second"] = speed
                calls.on_train_batch_end(i, logs | {"learning_rate": rate})
            self._set_tables(trainer.tables())
            self.epochs_done = epoch + 1
            calls.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        calls.on_train_end()
        return self.history

    def _trainer(self, corpus: Numbered, options: Training) -> Trainer | GensimTrainer:
        tables = self._tables()
        if self.trainer == "gensim":
            return GensimTrainer(corpus, options, tables, self.workers)
        return Trainer(corpus, options, tables)

    # What was learned.

    def vectors_table(self) -> np.ndarray:
        """Return the vectors of all words, the most frequent first, `(V, D)` float32."""
        self._words()
        return np.array(ops.convert_to_numpy(self.word_vectors))

    def keyed_vectors(self) -> KeyedVectors:
        """Return the vectors as gensim's `KeyedVectors`, with the words' counts.

        Example:
            >>> model = CBOW(vector_size=8, min_count=1, trainer="gensim")
            >>> history = model.fit([["a", "b", "c"]] * 50, verbose=0)
            >>> model.keyed_vectors().most_similar("a")[0][0] in "bc"
            True
        """
        from gensim.models import KeyedVectors

        words = self._words()
        vectors = KeyedVectors(self.options.vector_size)
        vectors.add_vectors(words.words, self.vectors_table())
        for word, count in zip(words.words, words.counts.tolist(), strict=True):
            vectors.set_vecattr(word, "count", count)
        return vectors

    def predict(self, x: str | Sequence[str], **options: Any) -> np.ndarray:
        """Return the vectors of words.

        Args:
            x: a word, or N of them.
            **options: Keras's `batch_size`, `verbose` and the like; nothing here depends on them.

        Returns:
            `(N, D)` float32.

        Raises:
            InputError: a word that has no vector (the nearest spellings are named), or the model is
                not trained yet.

        Example:
            >>> model = SkipGram(vector_size=8, min_count=1, trainer="gensim")
            >>> history = model.fit([["a", "b", "c"]] * 50, verbose=0)
            >>> model.predict(["a", "c"]).shape
            (2, 8)
        """
        from rnnkit.embeddings.measures.neighbours import check_words

        index = self._words().index
        words = [x] if isinstance(x, str) else list(x)
        check_words(words, index)
        return self.vectors_table()[[index[word] for word in words]]

    def evaluate(
        self, x: Any = None, y: None = None, *, return_dict: bool = True, **options: Any
    ) -> Any:
        """Return the scores of the vectors on analogies and judged pairs of words.

        Args:
            x: sets, as `rnnkit.embeddings.evaluate` takes them; None = those that gensim ships.
            y: nothing.
            return_dict: as in Keras.
            **options: Keras's `verbose` and the like; nothing here depends on them.

        Returns:
            The score of each set of which the words are known, by name; or a list of them.

        Example:
            >>> model = SkipGram(vector_size=8, min_count=1, trainer="gensim")
            >>> history = model.fit([["a", "b", "c"]] * 50, verbose=0)
            >>> model.evaluate()  # no question has these words
            {}
        """
        from rnnkit.embeddings.measures.evaluation import evaluate

        scores = evaluate(self.keyed_vectors(), sets=x or None).scores()
        return scores if return_dict else list(scores.values())

    def answer(self, inputs: Any, names: Any = None) -> Any:
        """Refuse: word vectors are asked by another command."""
        raise InputError(
            "Word vectors predict nothing of a text. For the nearest neighbours of a word: rnnkit "
            "neighbours RUN WORD"
        )

    def call(self, inputs: Any) -> Any:
        """Return the vectors of words by their numbers, `(...)` to `(..., D)`."""
        self._words()
        return ops.take(self.word_vectors, inputs, axis=0)

    # The tables.

    def _make_tables(self, words: int) -> None:
        vectors, outputs = (table.shape for table in first_tables(words, self.options))
        self.word_vectors = self.add_weight(shape=vectors, initializer="zeros", name="word_vectors")
        self.output_vectors = self.add_weight(
            shape=outputs, initializer="zeros", name="output_vectors"
        )
        self.built = True

    def _set_tables(self, tables: tuple[np.ndarray, np.ndarray]) -> None:
        self.word_vectors.assign(tables[0])
        self.output_vectors.assign(tables[1])

    def _tables(self) -> tuple[np.ndarray, np.ndarray]:
        return self.vectors_table(), np.array(ops.convert_to_numpy(self.output_vectors))

    def _words(self) -> Frequencies:
        return require_fitted(self.vocabulary, self, "vocabulary")

    # One file.

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
        """Save both tables, the words and their counts to one `.keras` file, whole or not at all.

        Raises:
            InputError: the model is not trained yet, or the name does not end in `.keras`.
        """
        self._words()
        with replacing_model(filepath, overwrite) as temporary:
            super().save(temporary, overwrite=True, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the model again; the words travel beside it."""
        options = asdict(self.options)
        del options["method"]
        return {
            "name": self.name,
            **options,
            "min_count": self.min_count,
            "trainer": self.trainer,
            "workers": self.workers,
            "rows": None if self.vocabulary is None else len(self.vocabulary),
            "epochs_done": self.epochs_done,
            "settings": self.settings,
        }

    def save_assets(self, dir_path: str) -> None:
        """Put the words into the file; called by Keras."""
        words = self._words()
        content = {"words": words.words, "counts": words.counts.tolist()}
        path = Path(dir_path, "vocabulary.json")
        path.write_text(json.dumps(content, ensure_ascii=True), encoding="utf-8")

    def load_assets(self, dir_path: str) -> None:
        """Take the words out of the file; called by Keras."""
        content = json.loads(Path(dir_path, "vocabulary.json").read_text(encoding="utf-8"))
        self.vocabulary = Frequencies(content["words"], np.array(content["counts"], "int64"))


@keras.saving.register_keras_serializable(package="rnnkit")
class SkipGram(Word2Vec):
    """A Keras model that learns word vectors: a word is to tell each word around it (W2).

    Args:
        **options: see `Word2Vec`.

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Example:
        >>> model = SkipGram(vector_size=16, window=1)
        >>> history = model.fit("words_sample", epochs=1, verbose=0)
        >>> model.predict("paris").shape
        (1, 16)
    """

    method: Method = "skip-gram"


@keras.saving.register_keras_serializable(package="rnnkit")
class CBOW(Word2Vec):
    """A Keras model that learns word vectors: the mean of the words around a word tells it (W1).

    Args:
        **options: see `Word2Vec`.

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Example:
        >>> model = CBOW(vector_size=16, loss="hierarchical-softmax", trainer="gensim")
        >>> history = model.fit("words_sample", epochs=1, verbose=0)
        >>> model.predict("paris").shape
        (1, 16)
    """

    method: Method = "cbow"


METHODS: dict[str, type[Word2Vec]] = {"skip-gram": SkipGram, "cbow": CBOW}


def of_method(method: str, **options: Any) -> Word2Vec:
    """Return a `SkipGram` or a `CBOW`, by the name of the method.

    Args:
        method: "skip-gram" or "cbow".
        **options: see `Word2Vec`.

    Raises:
        InputError: another method, or a setting that cannot be used.

    Example:
        >>> type(of_method("cbow")).__name__
        'CBOW'
    """
    if method not in METHODS:
        _refuse("method", method, tuple(METHODS))
    return METHODS[method](**options)


def _refuse(name: str, value: Any, known: Sequence[str]) -> None:
    hint = suggest(str(value), known)
    raise InputError(f"{name} is {value!r}; expected one of {', '.join(known)}.{hint}")
