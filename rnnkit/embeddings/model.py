"""CBOW and skip-gram word2vec as Keras models: texts in, word vectors out."""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast, get_args

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
import numpy as np
from keras import ops

from rnnkit.atomic import replacing_model
from rnnkit.data.corpus import open_corpus
from rnnkit.deprecation import RENAMES, Rename, renamed_names, warn
from rnnkit.disk import variables_size
from rnnkit.embeddings.light_gensim import import_gensim
from rnnkit.embeddings.options import Method, ModelOptions, TrainerName, Word2VecOptions
from rnnkit.embeddings.training.encoded_corpus import EncodedCorpus, encode_corpus
from rnnkit.embeddings.training.epochs import (
    TABLES,
    Word2VecEpochs,
    what_training_depends_on,
    write_tables,
)
from rnnkit.embeddings.training.frequencies import Frequencies
from rnnkit.embeddings.training.step_choice import StepChoice, choose_steps
from rnnkit.embeddings.training.trainer import initial_tables
from rnnkit.errors import (
    InputError,
    check_choice,
    check_count,
    quote,
    require_fitted,
)
from rnnkit.options import complete, expand_signature, settings_of, with_args
from rnnkit.training.checkpoints import Checkpoint, Checkpoints, check_requirements
from rnnkit.untrusted import parse_json

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

TRAINERS = get_args(TrainerName)
_READ = Rename("method", "SkipGram, CBOW", "read", "encode_corpus")
RENAMES.append(_READ)


class Word2Vec(keras.Model):
    """Base class of `SkipGram` and `CBOW`: word2vec as a Keras model.

    `fit` counts the words of a corpus, then trains two tables: the word (input) vectors, and the
    output vectors of words (negative sampling) or of the nodes of a Huffman tree (hierarchical
    softmax). There is no optimizer to compile: an SGD step updates only the rows of its words, and
    the learning rate decays linearly.

    With h a context vector (skip-gram) or the mean of them (CBOW), u the output vectors and w the
    word, negative sampling minimises `-log σ(u_w·h) - Σ_k log σ(-u_k·h)` over noise words k drawn
    from unigram^0.75, and hierarchical softmax `-Σ_j log σ(±u_j·h)` over the nodes of w's path.

    Args:
        rows: V, the number of words of a loaded model.
        epochs_done: number of epochs that a loaded model was trained.
        settings: the arguments of the recipe that built the model, for the record.
        name: as in Keras.

    Raises:
        InputError: an invalid setting.

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.
    """

    method: Method
    assets = ("vocabulary.json",)  # the files that `save_assets` writes
    monitored_metric = "loss"
    reads_series = False  # see `rnnkit.tasks.Task`
    network = None  # there is no inner network; see `rnnkit.tasks.Task`

    def __init__(
        self,
        *,
        rows: int | None = None,
        epochs_done: int = 0,
        settings: dict[str, Any] | None = None,
        name: str | None = None,
        **options: Unpack[ModelOptions],
    ) -> None:
        super().__init__(name=name)
        completed = complete(settings_of(ModelOptions), options, type(self).__name__)
        if completed["loss"] == "negative-sampling":
            check_count("negative", completed["negative"])
        self.options = cast(Word2VecOptions, {"method": self.method, **completed})
        self.settings = dict(settings or {})
        self.vocabulary: Frequencies | None = None
        self.tokens_per_epoch: int | None = None
        self.epochs_done = epochs_done
        self.words_read = 0  # in all epochs of a fit
        if rows is not None:
            self._make_tables(rows)

    def encode_corpus(self, x: Any) -> EncodedCorpus:
        """Encode a corpus, with the vocabulary of a fitted model, or else with its own.

        Args:
            x: what `rnnkit.data.corpus.open_corpus` takes; an encoded corpus is returned as it is.

        Raises:
            InputError: no word of the corpus is frequent enough, or known to the model.
        """
        if isinstance(x, EncodedCorpus):
            return x
        return encode_corpus(open_corpus(x), self.options["min_count"], self.vocabulary)

    def read(self, x: Any) -> EncodedCorpus:
        """Old name of `encode_corpus`."""
        warn(_READ, stacklevel=2)
        return self.encode_corpus(x)

    def fit(
        self,
        x: Any,
        y: None = None,
        *,
        epochs: int | None = None,
        initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        verbose: str | int = "auto",
        checkpoints: str | os.PathLike[str] | Checkpoints | None = None,
    ) -> keras.callbacks.History:
        """Train on a corpus: count its words, then learn their vectors.

        A second `fit` continues with the vocabulary and vectors of the first. A batch of callbacks
        is a block of many steps; the tables are updated after each epoch.

        Args:
            x: what `rnnkit.data.corpus.open_corpus` takes. Texts are never truncated.
            y: nothing.
            epochs: passes over the corpus, those before `initial_epoch` included; the learning rate
                decays over all of them. None = the setting `epochs`.
            initial_epoch: resume from here, with the same vectors as without an interruption.
            callbacks: Keras callbacks.
            verbose: as in Keras.
            checkpoints: a folder, or `rnnkit.training.checkpoints.Checkpoints`, to write
                checkpoints to, after every epoch and every five minutes. Where it holds those of
                the same training, interrupted or killed, the training goes on from there, with the
                vectors as if it had not stopped; with several workers of gensim, which give other
                vectors each time, from the last epoch's end. `epochs` may be more than before: the
                learning rate decays over all of them from there.

        Ctrl-C, SIGTERM and SIGUSR1 end the training after the block under way.

        Returns:
            Keras's `History`: `loss` (not from gensim) and `words_per_second` of each epoch.

        Raises:
            InputError: an invalid corpus, or `checkpoints` of another corpus or settings.
            NonFiniteLoss: the loss became NaN or infinite.

        Example:
            >>> model = SkipGram(vector_size=8, window=1, min_count=1, sample=0, epochs=2)
            >>> history = model.fit([["a", "b"], ["c", "d"]] * 50, verbose=0)
            >>> len(history.history["loss"])
            2
        """
        if y is not None:
            raise InputError("word2vec trains on texts alone: leave y out.")
        checkpoints = Checkpoints.of(checkpoints)
        found = None if checkpoints is None else checkpoints.newest()
        options = self.options.copy()
        options["epochs"] = epochs or options["epochs"]
        corpus = self.encode_corpus(x)
        if len(corpus.frequencies) < 2:
            raise InputError(
                f"The corpus has only one word, {quote(corpus.frequencies.words[0])}, that occurs "
                f"min_count={options['min_count']} times; word2vec needs two. Give more text."
            )
        choice = self._step_choice(found)
        if choice.notice and verbose != 0 and options["trainer"] == "keras":
            print(f"rnnkit: {choice.notice}", file=sys.stderr)
        depends_on = what_training_depends_on(corpus, options, callbacks, choice.backend)
        if found is not None:
            check_requirements(found, depends_on, options["epochs"])
        self.tokens_per_epoch = corpus.total_words
        if self.vocabulary is None:
            self.vocabulary = corpus.frequencies
            self._make_tables(len(corpus.frequencies))
            write_tables(self, initial_tables(len(corpus.frequencies), options))
        epochs_of_fit = Word2VecEpochs(
            *(self, corpus, options, callbacks),
            verbose=verbose,
            checkpoints=checkpoints,
            found=found,
            record={"depends_on": depends_on},
            steps=choice.kind,
        )
        epochs_of_fit.run(initial_epoch)
        return self.history

    def explain_steps(self) -> str:
        """Return where the steps of `fit` run, and why not where they would be faster.

        Example:
            >>> print(CBOW(trainer="gensim").explain_steps())
            word2vec steps: gensim (its C code, on the cores of a CPU)
        """
        if self.options["trainer"] == "gensim":
            return "word2vec steps: gensim (its C code, on the cores of a CPU)"
        return str(choose_steps())

    def _step_choice(self, found: Checkpoint | None) -> StepChoice:
        """Return where the steps run: what began on the backend's tensors goes on there."""
        began = None if found is None else found.values["depends_on"].get("backend")
        return choose_steps("tensors" if began == keras.config.backend() else "auto")

    def vectors_table(self) -> np.ndarray:
        """Return the word vectors, the most frequent word first, `(V, D)` float32."""
        self._words()
        return np.array(ops.convert_to_numpy(self.word_vectors))

    def keyed_vectors(self) -> KeyedVectors:
        """Return the word vectors as gensim's `KeyedVectors`, with the counts of the words.

        Example:
            >>> model = CBOW(vector_size=8, min_count=1, trainer="gensim")
            >>> history = model.fit([["a", "b", "c"]] * 50, verbose=0)
            >>> model.keyed_vectors().most_similar("a")[0][0] in "bc"
            True
        """
        import_gensim()
        from gensim.models import KeyedVectors

        words = self._words()
        vectors = KeyedVectors(self.options["vector_size"])
        vectors.add_vectors(words.words, self.vectors_table())
        for word, count in zip(words.words, words.counts.tolist(), strict=True):
            vectors.set_vecattr(word, "count", count)
        return vectors

    def predict(self, x: str | Sequence[str], **options: Any) -> np.ndarray:
        """Return the vectors of words.

        Args:
            x: a word, or N of them.
            **options: ignored.

        Returns:
            `(N, D)` float32.

        Raises:
            InputError: an out-of-vocabulary word (similar ones are suggested), or no fit yet.

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
        """Evaluate the vectors on word analogies and word similarity.

        Args:
            x: benchmarks, see `rnnkit.embeddings.evaluate`; None = those of gensim.
            y: nothing.
            return_dict: as in Keras.
            **options: ignored.

        Returns:
            The score of each benchmark with enough known words, by name; or a list of them.

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

    def answer_table(self, inputs: Any) -> Any:
        """Refuse, as `answer` does."""
        return self.answer(inputs)

    def call(self, inputs: Any) -> Any:
        """Embedding lookup: word ids `(...)` to vectors `(..., D)`."""
        self._words()
        return ops.take(self.word_vectors, inputs, axis=0)

    def _make_tables(self, words: int) -> None:
        self.word_vectors, self.output_vectors = (
            self.add_weight(shape=table.shape, initializer="zeros", name=name)
            for name, table in zip(TABLES, initial_tables(words, self.options), strict=True)
        )
        self.built = True

    def _words(self) -> Frequencies:
        return require_fitted(self.vocabulary, self, "vocabulary")

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
        """Save tables, words and counts to one `.keras` file, atomically.

        Raises:
            InputError: the model is not trained yet, or the name does not end in `.keras`.
            DiskError: the file cannot be written.
        """
        self._words()
        with replacing_model(filepath, overwrite, variables_size(self)) as temporary:
            super().save(temporary, overwrite=True, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor; the words are saved by `save_assets`."""
        rows = None if self.vocabulary is None else len(self.vocabulary)
        config = {"name": self.name, **self.options, "rows": rows}
        del config["method"]
        return config | {"epochs_done": self.epochs_done, "settings": self.settings}

    def save_assets(self, dir_path: str) -> None:
        """Save the words; called by Keras."""
        words = self._words()
        content = {"words": words.words, "counts": words.counts.tolist()}
        path = Path(dir_path, "vocabulary.json")
        path.write_text(json.dumps(content, ensure_ascii=True), encoding="utf-8")

    def load_assets(self, dir_path: str) -> None:
        """Load the words; called by Keras."""
        content = parse_json(Path(dir_path, "vocabulary.json").read_text(encoding="utf-8"))
        words, counts = content["words"], [check_count("a count", n) for n in content["counts"]]
        if not all(isinstance(word, str) for word in words) or len({*words}) < len(words):
            raise InputError("The vocabulary holds a word twice, or something that is no word.")
        if not len(words) == len(counts) == self.word_vectors.shape[0]:
            raise InputError(
                f"The vocabulary has {len(words):,} words and {len(counts):,} counts, and the "
                f"table {self.word_vectors.shape[0]:,} rows."
            )
        self.vocabulary = Frequencies(words, np.array(counts, "int64"))


@keras.saving.register_keras_serializable(package="rnnkit")
class SkipGram(Word2Vec):
    """Skip-gram word2vec: a word predicts each word of its context.

    See `rnnkit.embeddings.model.Word2Vec` for the equations.

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
    """CBOW (continuous bag of words) word2vec: the mean of the context vectors predicts the word.

    See `rnnkit.embeddings.model.Word2Vec` for the equations.

    Source: Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.

    Example:
        >>> model = CBOW(vector_size=16, loss="hierarchical-softmax", trainer="gensim")
        >>> history = model.fit("words_sample", epochs=1, verbose=0)
        >>> model.predict("paris").shape
        (1, 16)
    """

    method: Method = "cbow"


METHODS: dict[str, type[Word2Vec]] = {"skip-gram": SkipGram, "cbow": CBOW}

expand_signature(Word2Vec)
for _model in METHODS.values():
    _model.__doc__ = with_args(inspect.getdoc(_model) or "", settings_of(ModelOptions).values())


def make_word2vec(method: str, **options: Unpack[ModelOptions]) -> Word2Vec:
    """Return a `SkipGram` or a `CBOW` model.

    Args:
        method: "skip-gram" or "cbow".
        **options: see `SkipGram`.

    Raises:
        InputError: an unknown method, or an invalid setting.

    Example:
        >>> type(make_word2vec("cbow")).__name__
        'CBOW'
    """
    return METHODS[check_choice("method", method, METHODS)](**options)


__getattr__ = renamed_names(__name__, {"of_method": "make_word2vec"})
