"""`native.feed`: batches of any length go through `fit`, each once, in order, epoch after epoch."""

import keras
import numpy as np

from rnnkit.backend import native
from rnnkit.layers import GRU


class Batches(keras.utils.PyDataset):
    """The first two batches are of one length, later ones of another: Keras would fix T at that."""

    lengths = (4, 4, 7, 2)

    def __init__(self, labelled=True):
        super().__init__()
        self.labelled = labelled

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, index):
        ids = np.full((2, self.lengths[index]), index + 1, "int32")
        return (ids, np.array([0, 1], "int32")) if self.labelled else (ids,)


def network():
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(9, 3, mask_zero=True)(ids)
    model = keras.Model(ids, keras.layers.Dense(1, activation="sigmoid")(GRU(2)(x)))
    model.compile("sgd", "binary_crossentropy")
    return model


def test_lengths_that_change_after_the_second_batch():
    steps = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: steps.append(step))
    feed = native.feed(Batches())
    network().fit(feed, epochs=2, verbose=0, shuffle=False, callbacks=[count])
    assert steps == [0, 1, 2, 3, 0, 1, 2, 3]


def test_predict_keeps_the_order():
    model = network()
    found = model.predict(native.feed(Batches(labelled=False)), verbose=0)
    apart = [model.predict_on_batch(Batches()[index][0]) for index in range(4)]
    np.testing.assert_allclose(found, np.concatenate(apart), atol=1e-6)
