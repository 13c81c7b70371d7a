"""Functions that return a configured task: `from rnnkit.recipes import lstm_sentiment`.

No framework is imported until a recipe is called, so names, summaries and settings come at once.
"""

from rnnkit.recipes.bag_of_words import bag_of_words_sentiment
from rnnkit.recipes.corpora import word_vectors
from rnnkit.recipes.families import (
    Family,
    IntrinsicEvaluation,
    family_of,
    find,
    kind_of,
    names,
    sample_for,
)
from rnnkit.recipes.frames import frame_labeller
from rnnkit.recipes.language import next_word, text_generator
from rnnkit.recipes.sentiment import bilstm_sentiment, gru_sentiment, lstm_sentiment, rnn_sentiment
from rnnkit.recipes.series import sequence_classifier
from rnnkit.recipes.tagging import name_tagger, pos_tagger
from rnnkit.recipes.text_to_text import summarizer, translator
from rnnkit.recipes.traffic import traffic_forecaster

__all__ = [
    "Family",
    "IntrinsicEvaluation",
    "bag_of_words_sentiment",
    "bilstm_sentiment",
    "family_of",
    "find",
    "frame_labeller",
    "gru_sentiment",
    "kind_of",
    "lstm_sentiment",
    "name_tagger",
    "names",
    "next_word",
    "pos_tagger",
    "rnn_sentiment",
    "sample_for",
    "sequence_classifier",
    "summarizer",
    "text_generator",
    "traffic_forecaster",
    "translator",
    "word_vectors",
]
