"""What every task on text shares: pipeline, vocabulary, batches, one file on disk."""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rnnkit.backend import native
from rnnkit.data.batching import BucketedBatches
from rnnkit.data.text import TextPipeline, check_texts
from rnnkit.data.vocabulary import Vocabulary
from rnnkit.embeddings import METHODS, embedding_matrix, train_word_vectors
from rnnkit.errors import InputError, nearest
from rnnkit.monitor.callbacks import sync_state
from rnnkit.tasks import gradient_norm
from rnnkit.tasks.schedule import factor

BuildNetwork = Callable[[int, int], keras.Model]
FORMAT_MARK = "rnnkit>"  # the package under which tasks are registered with Keras


class TextTask(keras.Model):
    """A Keras model that takes texts. Abstract: a subclass gives meaning to the labels.

    A task without a vocabulary learns it in the first `fit`, then builds its network.

    Args:
        build_network: `(vocabulary size, outputs) -> functional model` from token ids `(B, T)`;
            called once the vocabulary is known.
        optimizer: a function that returns a new Keras optimizer; used unless the model is compiled.
        pipeline: text -> tokens.
        vocabulary_size: keep at most this many tokens, padding and unknown included.
        min_count: keep tokens that occur at least this often.
        max_length: cut longer texts to this many tokens.
        truncate: which end a cut keeps: "head", "tail" or "both".
        embedding: how the words' vectors start: "random", or "skip-gram" or "cbow", trained by
            word2vec on the texts of the first `fit` and the unlabelled ones given beside them.
        batch_size: texts of a batch, where `fit` is not told another.
        seed: of the order of the batches.
        learning_rate_schedule: "constant", "linear" or "cosine"; see `rnnkit.tasks.schedule`.
        epochs: how often `fit` goes through the texts, where it is not told; None = as often as
            `enough_epochs` says.
        settings: what the recipe was called with; kept for the record.
        network: a network that is already there (when a file is loaded).
    """

    def __init__(
        self,
        build_network: BuildNetwork | None = None,
        *,
        optimizer: Callable[[], keras.optimizers.Optimizer] = keras.optimizers.Adam,
        pipeline: TextPipeline | None = None,
        vocabulary_size: int | None = 20_000,
        min_count: int = 1,
        max_length: int | None = 400,
        truncate: str = "head",
        embedding: str = "random",
        batch_size: int = 32,
        seed: int = 0,
        learning_rate_schedule: str = "constant",
        epochs: int | None = None,
        settings: dict[str, Any] | None = None,
        network: keras.Model | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        factor(learning_rate_schedule, 0.0)  # refuses a name it does not know
        if embedding not in ("random", *METHODS):
            known = ("random", *METHODS)
            raise InputError(
                f"embedding is {embedding!r}; expected one of {known}.{nearest(embedding, known)}"
            )
        self._build_network = build_network
        self._make_optimizer = optimizer
        self.pipeline = pipeline or TextPipeline()
        self.vocabulary_size = vocabulary_size
        self.min_count = min_count
        self.max_length = max_length
        self.truncate = truncate
        self.embedding = embedding
        self.share_of_vectors: float | None = None
        self.batch_size = batch_size
        self.seed = seed
        self.learning_rate_schedule = learning_rate_schedule
        self.epochs = epochs
        self.settings = dict(settings or {})
        self.vocabulary: Vocabulary | None = None
        self.tokens_per_epoch: int | None = None
        self.network: keras.Model | None = None
        if network is not None:
            self._set_network(network)

    # Text -> ids -> batches.

    def encode(self, texts: Any) -> list[np.ndarray]:
        """Return the token ids of each text, uncut; unknown tokens are 1.

        Raises:
            InputError: something among the texts is no text, or there is no vocabulary yet.
        """
        if self.vocabulary is None:
            raise InputError(
                f"{type(self).__name__} has no vocabulary yet: it learns one from the texts of the "
                "first fit. Call fit first, or load a trained model with rnnkit.tasks.load."
            )
        return self.vocabulary.encode_many(self.pipeline.tokens(texts))

    def _learn(self, texts: list[str], outputs: int, unlabelled: Any = ()) -> list[np.ndarray]:
        """Learn the vocabulary, build the network, return the encoded texts: tokenised once."""
        tokens = self.pipeline.tokens(texts)
        vocabulary = Vocabulary.learn(
            tokens, max_size=self.vocabulary_size, min_count=self.min_count
        )
        if len(vocabulary) <= 2:  # padding and unknown are always there
            raise InputError(
                f"No token of the {len(texts)} training texts occurs {self.min_count} times or "
                "more: there is nothing to learn from. Give texts with words, or lower min_count."
            )
        if self._build_network is None:
            raise InputError(
                f"{type(self).__name__} was given neither a network nor build_network."
            )
        network = self._build_network(len(vocabulary), outputs)
        if self.embedding != "random":
            table = network.get_layer("embedding")
            vectors = train_word_vectors(
                tokens + self.pipeline.tokens(list(unlabelled)),
                method=self.embedding,
                vector_size=table.output_dim,
                min_count=self.min_count,
            )
            matrix, self.share_of_vectors = embedding_matrix(vectors, vocabulary)
            table.set_weights([matrix])
        self.vocabulary = vocabulary
        self._set_network(network)
        return vocabulary.encode_many(tokens)

    def _set_network(self, network: keras.Model) -> None:
        self.network = network
        self.built = True

    def _batches(
        self,
        ids: list[np.ndarray],
        labels: np.ndarray | None = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        shuffle: bool = False,
    ) -> BucketedBatches:
        return BucketedBatches(
            ids,
            labels,
            sample_weight,
            batch_size=batch_size or self.batch_size,
            max_length=self.max_length,
            truncate=self.truncate,  # type: ignore[arg-type]
            shuffle=shuffle,
            seed=self.seed,
        )

    # The model in Keras's eyes: ids in, numbers out.

    def call(self, ids: Any, training: bool = False) -> Any:
        """Run the network on token ids `(B, T)`."""
        if self.network is None:
            raise InputError(
                f"{type(self).__name__} has no network yet: it is built in the first fit, when the "
                "vocabulary is known."
            )
        return self.network(ids, training=training)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the network's output shape."""
        return self.network.compute_output_shape(input_shape)  # type: ignore[union-attr]

    @property
    def gradient_norm(self) -> float | None:
        """Global norm of the gradients of the last training step, before clipping."""
        sync_state(self)
        norm = gradient_norm.find(getattr(self, "optimizer", None))
        return None if norm is None else float(norm)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        callbacks: Any = None,
    ) -> np.ndarray:
        """Return the network's outputs for texts, in their order.

        Args:
            x: one text or many.
            batch_size: texts of a batch.
            verbose: as in Keras.
            callbacks: as in Keras.

        Returns:
            `(N, outputs)`.

        Raises:
            InputError: something among the texts is no text, or the model is not trained yet.

        Example:
            >>> model.predict(["A wonderful little production."])  # doctest: +SKIP
            array([[0.97]], dtype=float32)
        """
        batches = self._batches(self.encode(x), batch_size=batch_size)
        if not len(batches):
            width: int = self.network.output_shape[-1]  # type: ignore[union-attr]
            return np.zeros((0, width), "float32")
        feed = native.feed(Feed(batches))
        sorted_outputs = super().predict(feed, verbose=verbose, callbacks=callbacks)
        outputs = np.empty_like(sorted_outputs)
        outputs[batches.order] = sorted_outputs
        return outputs

    # One file.

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
        """Save network, vocabulary, classes and optimizer state to one `.keras` file.

        The file is written beside its place and renamed, so a crash leaves the old one whole.

        Raises:
            InputError: the model is not trained yet, or the name does not end in `.keras`.
        """
        path = Path(filepath)
        if self.vocabulary is None:
            raise InputError(f"{type(self).__name__} is not trained yet: call fit before save.")
        if path.suffix != ".keras":
            raise InputError(f"Cannot save to {path}: expected a name that ends in '.keras'.")
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists and overwrite=False. Choose another name.")
        temporary = path.with_name(f".{path.stem}.{os.getpid()}.keras")
        try:
            super().save(temporary, **kwargs)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to build the task again; the vocabulary travels beside it."""
        return {
            "name": self.name,
            "network": keras.saving.serialize_keras_object(self.network),
            "pipeline": self.pipeline.get_config(),
            "vocabulary_size": self.vocabulary_size,
            "min_count": self.min_count,
            "max_length": self.max_length,
            "truncate": self.truncate,
            "embedding": self.embedding,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "learning_rate_schedule": self.learning_rate_schedule,
            "epochs": self.epochs,
            "settings": self.settings,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> TextTask:
        """Build the task from what `get_config` returned."""
        config = dict(config)
        config["network"] = keras.saving.deserialize_keras_object(config["network"], custom_objects)
        config["pipeline"] = TextPipeline.from_config(config["pipeline"])
        return cls(**config)

    def save_assets(self, dir_path: str) -> None:
        """Put the vocabulary into the file; called by Keras."""
        if self.vocabulary is not None:
            Path(dir_path, "vocabulary.json").write_text(
                self.vocabulary.to_json(), encoding="utf-8"
            )

    def load_assets(self, dir_path: str) -> None:
        """Take the vocabulary out of the file; called by Keras."""
        text = Path(dir_path, "vocabulary.json").read_text(encoding="utf-8")
        self.vocabulary = Vocabulary.from_json(text)

    def get_compile_config(self) -> dict[str, Any]:
        """Return the compile settings in a form that any backend can go on with.

        On torch Keras writes its private optimizer class, which no other backend can train with;
        on JAX it writes that everything is compiled, and torch would spend minutes on that.
        """
        config = super().get_compile_config()
        optimizer = config.get("optimizer")
        if isinstance(optimizer, dict) and "torch" in (optimizer.get("module") or ""):
            optimizer["module"] = "keras.optimizers"
            optimizer["registered_name"] = None
        if "jit_compile" in config:
            config["jit_compile"] = "auto"
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` says, with a place for the saved gradient norm."""
        super().compile_from_config(config)
        if self.built and self.optimizer is not None:
            gradient_norm.watch(self.optimizer)


class Feed(keras.utils.PyDataset):
    """Batches as Keras wants them: no `None` among the parts."""

    def __init__(self, batches: BucketedBatches) -> None:
        super().__init__()
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple:
        return tuple(part for part in self.batches[index] if part is not None)


class EpochOrder(keras.callbacks.Callback):
    """Draw each epoch's order when the epoch begins.

    Keras calls a data set's own `on_epoch_end` once more on JAX and torch than on TensorFlow, and
    the same seed would give other batches there.
    """

    def __init__(self, batches: BucketedBatches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Draw the order of the epoch that begins."""
        self.batches.start_epoch(epoch)


def enough_epochs(steps: int) -> int:
    """Return how many epochs of that many steps a training is given: 2,000 steps, 3 to 15 epochs.

    A small data set needs more passes to learn as much, and each is quick.

    Example:
        >>> [enough_epochs(steps) for steps in (704, 125, 1)]
        [3, 15, 15]
    """
    return min(15, max(3, math.ceil(2000 / max(1, steps))))


def texts_and_labels(texts: Any, labels: Any, name: str) -> tuple[list[str], np.ndarray]:
    """Check that there is one label for each text, and at least one text."""
    checked = check_texts(texts)
    if not checked:
        raise InputError(f"{name} holds no text. Give at least one text with its label.")
    if labels is None:
        raise InputError(
            f"{name}: labels are missing. Give one for each of the {len(checked)} texts."
        )
    labels = np.asarray(labels)
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or len(labels) != len(checked):
        raise InputError(
            f"{name}: the labels have the shape {labels.shape}; expected one label for each of the "
            f"{len(checked)} texts."
        )
    return checked, labels


def load(filepath: str | os.PathLike[str]) -> TextTask:
    """Load a trained task from its `.keras` file, on any backend.

    Raises:
        InputError: there is no such file, or it is no rnnkit model.

    Example:
        >>> load("sentiment.keras").predict(["Dull."])  # doctest: +SKIP
        array([[0.08]], dtype=float32)
    """
    path = Path(filepath)
    if not path.is_file():
        raise InputError(f"There is no model file {path}.")
    wrong = f"{path} is no rnnkit model: expected a .keras file that model.save wrote"
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            members = set(archive.namelist())
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{wrong} ({error}).") from error
    if not str(config.get("registered_name", "")).startswith(FORMAT_MARK):
        raise InputError(f"{wrong}; it holds a {config.get('class_name')!r}.")
    if "model.weights.h5" not in members or "assets/vocabulary.json" not in members:
        raise InputError(f"{wrong}; its weights or its vocabulary are missing. Save it again.")
    return keras.saving.load_model(path)
