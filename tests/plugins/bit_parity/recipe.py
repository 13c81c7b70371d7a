"""The recipe: settings in, a task out. Keras is imported when it is called."""

import functools


def parity_classifier(
    *,
    units: int = 8,
    learning_rate: float = 0.02,
    epochs: int = 5,
    batch_size: int = 32,
    classes: tuple[str, ...] = ("even", "odd"),
    seed: int = 0,
):
    """Classify bit strings by their parity.

    Args:
        units: size of the GRU's state.
        learning_rate: of Adam.
        epochs: passes over the training data.
        batch_size: bit strings of a batch.
        classes: names of the classes: even, odd.
        seed: of the weights and of the order of the batches.
    """
    settings = dict(locals())
    from keras.optimizers import Adam

    from bit_parity.task import ParityClassifier, build_network

    return ParityClassifier(
        functools.partial(build_network, units, seed),
        optimizer=functools.partial(Adam, learning_rate),
        classes=classes,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        settings={"recipe": "parity_classifier", **settings},
    )
