"""The baseline: a simple model on the same splits."""

import numpy as np


def majority_class(dataset, settings):
    """Predict the most frequent class of the training split."""
    most_frequent = np.bincount(dataset.train.y).argmax()
    accuracy = float(np.mean(dataset.test.y == most_frequent))
    return {"test": {"accuracy": accuracy}, "seconds": 0.0, "parameters": 1}
