"""A task is a Keras model that takes raw data: text in, probabilities out."""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
from rnnkit.tasks.base import load
from rnnkit.tasks.classifier import TextClassifier
from rnnkit.tasks.networks import recurrent_classifier
from rnnkit.tasks.optimizers import clipped
from rnnkit.tasks.truncated import TruncatedBPTT

__all__ = ["TextClassifier", "TruncatedBPTT", "clipped", "load", "recurrent_classifier"]
