"""A task is a Keras model that takes raw data: text or series in, answers out."""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
from rnnkit.tasks.ensemble import Ensemble
from rnnkit.tasks.language.language_model import LanguageModel
from rnnkit.tasks.loading import load
from rnnkit.tasks.series.classifier_networks import recurrent_series_classifier
from rnnkit.tasks.series.forecast_networks import recurrent_forecaster
from rnnkit.tasks.series.forecaster import Forecaster
from rnnkit.tasks.series.frame_labeller import FrameLabeller
from rnnkit.tasks.series.sequence_classifier import SequenceClassifier
from rnnkit.tasks.tagging.tagger import SequenceTagger
from rnnkit.tasks.task import Task
from rnnkit.tasks.text_to_text.seq2seq import Seq2Seq
from rnnkit.tasks.texts.bag_networks import bag_of_words_classifier
from rnnkit.tasks.texts.bag_of_words import BagOfWords
from rnnkit.tasks.texts.distilled_classifier import DistilledTextClassifier
from rnnkit.tasks.texts.document_classifier import DocumentVectorClassifier
from rnnkit.tasks.texts.networks import recurrent_classifier
from rnnkit.tasks.texts.ngram_classifier import NGramTextClassifier
from rnnkit.tasks.texts.text_classifier import TextClassifier
from rnnkit.tasks.training.optimizers import clipped
from rnnkit.tasks.truncated import TruncatedBPTT

__all__ = [
    "BagOfWords",
    "DistilledTextClassifier",
    "DocumentVectorClassifier",
    "Ensemble",
    "Forecaster",
    "FrameLabeller",
    "LanguageModel",
    "NGramTextClassifier",
    "Seq2Seq",
    "SequenceClassifier",
    "SequenceTagger",
    "Task",
    "TextClassifier",
    "TruncatedBPTT",
    "bag_of_words_classifier",
    "clipped",
    "load",
    "recurrent_classifier",
    "recurrent_forecaster",
    "recurrent_series_classifier",
]
