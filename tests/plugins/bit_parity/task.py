"""The task: a Keras model that takes bit strings."""

import functools

import rnnkit.tasks  # picks the backend before Keras loads

# isort: split
import keras
import numpy as np

from rnnkit.errors import InputError
from rnnkit.tasks.answers import Answers


def build_network(units, seed):
    """Return a GRU on the bits, padding left out; one sigmoid output."""
    weights = functools.partial(keras.initializers.GlorotUniform, seed=seed)
    bits = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(3, 4, mask_zero=True, embeddings_initializer=weights())(bits)
    x = keras.layers.GRU(
        units, kernel_initializer=weights(), recurrent_initializer=weights(), reset_after=False
    )(x)
    return keras.Model(bits, keras.layers.Dense(1, "sigmoid", kernel_initializer=weights())(x))


@keras.saving.register_keras_serializable(package="bit_parity")
class ParityClassifier(rnnkit.tasks.Task):
    """Classify bit strings by their parity."""

    def __init__(self, *, units=8, learning_rate=0.02, classes=("even", "odd"), **options):
        super().__init__(**options)
        self.units, self.learning_rate, self.classes = units, learning_rate, tuple(classes)

    def encode(self, x):
        """Return the bits of each string as 1 and 2; 0 is padding."""
        for text in x:
            if not isinstance(text, str) or not text or set(text) - {"0", "1"}:
                raise InputError(f"{text!r} is not a bit string, such as '0110'.")
        return [np.array([1 + int(bit) for bit in text]) for text in x]

    def _compile(self):
        self.compile(
            keras.optimizers.Adam(self.learning_rate),
            loss="binary_crossentropy",
            metrics=[keras.metrics.BinaryAccuracy(name="accuracy")],
        )

    def _labelled(self, x, y, **options):
        return self._batches(self.encode(x), np.asarray(y, "float32")[:, None], **options)

    def fit(self, x, y, *, validation_data, patience=None, callbacks=(), verbose="auto"):
        """Train on bit strings `x` and labels `y`: 0 = even, 1 = odd."""
        if self.network is None:
            self._set_network(build_network(self.units, self.seed))
        return self._train(
            self._labelled(x, y, shuffle=True),
            self._labelled(*validation_data),
            patience=patience,
            callbacks=callbacks,
            verbose=verbose,
        )

    def evaluate(self, x, y, **options):
        """Measure loss and accuracy."""
        if options.get("_use_cached_eval_dataset"):  # Keras's own call from inside fit
            return super().evaluate(x, y, **options)
        return self._measure(self._labelled(x, y), **options)

    def answer(self, inputs, names=None):
        """Return the label of each bit string and the probability that it is odd."""
        odd = self.predict(inputs, verbose=0)[:, 0]
        rows = [
            (self.classes[int(p >= 0.5)], f"{p:.4f}", text)
            for p, text in zip(odd, names or inputs, strict=True)
        ]
        return Answers(("label", "p(odd)", "bits"), rows)

    def get_config(self):
        """Return what builds the task again."""
        own = {"units": self.units, "learning_rate": self.learning_rate, "classes": self.classes}
        return {**super().get_config(), **own}
