"""The task: a Keras model that takes bit strings."""

import functools

from rnnkit.tasks import Task  # picks the backend before Keras loads

# isort: split
import keras
import numpy as np

from rnnkit.errors import InputError
from rnnkit.tasks.answers import Answers
from rnnkit.tasks.task import Examples


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
class ParityClassifier(Task):
    """Classify bit strings by their parity. Labels: 0 = even, 1 = odd."""

    noun = ("bit string", "bit strings")
    config_keys = ("classes",)  # constructor arguments that are saved, beside those of Task

    def __init__(self, build_network=None, *, classes=("even", "odd"), **options):
        super().__init__(build_network, **options)
        self.classes = tuple(classes)

    def check(self, x, y, name):
        """Refuse what is not a bit string, and other than one label for each."""
        for text in x:
            if not isinstance(text, str) or not text or set(text) - {"0", "1"}:
                raise InputError(f"{name}: {text!r} is not a bit string, such as '0110'.")
        if len(x) != len(y):
            raise InputError(f"{name} has {len(x)} bit strings and {len(y)} labels.")
        return Examples(list(x), y)

    def encode_targets(self, examples, spec, name):
        """Return the labels as the loss takes them, `(N, 1)`."""
        return np.asarray(examples.y, "float32")[:, None]

    def learn(self, train, targets, spec, unlabelled):
        """Build the network: there is nothing to learn from the data before."""
        self._set_network(self._new_network())

    def encode(self, x):
        """Return the bits of each string as 1 and 2; 0 is padding."""
        self.check(x, x, "The input")
        return [np.array([1 + int(bit) for bit in text]) for text in x]

    def compile_options(self):
        """Return loss and metrics."""
        accuracy = keras.metrics.BinaryAccuracy(name="accuracy")
        return {"loss": "binary_crossentropy", "metrics": [accuracy]}

    def answer(self, inputs, names=None):
        """Return the label of each bit string and the probability that it is odd."""
        odd = self.predict(inputs, verbose=0)[:, 0]
        rows = [
            (self.classes[int(p >= 0.5)], f"{p:.4f}", text)
            for p, text in zip(odd, names or inputs, strict=True)
        ]
        return Answers(("label", "p(odd)", "bits"), rows)
