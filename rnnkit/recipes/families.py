"""Families of recipes: one record for everything that depends on the data that recipes learn from.

`rnnkit.study` and `rnnkit.cli` read it, so that a new family is served without a change there.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit import baselines, plugins
from rnnkit.data.builtin_kinds import KINDS
from rnnkit.data.kinds import DataKind
from rnnkit.errors import InputError, suggest
from rnnkit.recipes.bag_of_words import bag_of_words_sentiment
from rnnkit.recipes.corpora import word_vectors
from rnnkit.recipes.frames import frame_labeller
from rnnkit.recipes.language import next_word, text_generator
from rnnkit.recipes.sentiment import bilstm_sentiment, gru_sentiment, lstm_sentiment, rnn_sentiment
from rnnkit.recipes.series import sequence_classifier
from rnnkit.recipes.tagging import name_tagger, pos_tagger
from rnnkit.recipes.text_to_text import summarizer, translator
from rnnkit.recipes.traffic import traffic_forecaster

Recipe = Callable[..., Any]
Baseline = Callable[[Any, Mapping[str, Any]], dict[str, Any]]


class IntrinsicEvaluation(NamedTuple):
    """Evaluation that needs no test split, such as word vectors on analogies.

    Attributes:
        name: what models are evaluated on, for titles.
        about: what the measures mean, in a sentence for reports.
        table: model -> the scores of each part, with how many of its questions were answered.
    """

    name: str
    about: str
    table: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Family:
    """Recipes that learn from the same kind of data, and all that study and command line need.

    Functions import Keras when they are called, not before: `rnnkit list` reads every family.

    Attributes:
        kind: of the data.
        recipes: functions of keywords that return a model; their names are those of the recipes.
        baselines: row of a table -> function of the splits and a run's settings, which returns
            results shaped like those of a run; may be empty.
        headings: measure -> heading, in the order of a table's columns.
        example: the command that asks a model; "{}" is replaced by the run.
        samples: recipe -> generated data set, where it is not the kind's own.
        dataset_settings: attributes of the data set that recipes with a setting of that name get.
        baseline_settings: settings of the run that the baselines depend on: they are computed again
            when one of them changes.
        intrinsic: evaluation without a test split: all data are training data.
        tensorboard: folder, validation examples -> the callback that writes TensorBoard events;
            None = `rnnkit.monitor.TensorBoard`.

    Raises:
        InputError: a part is missing or does not fit the others; the message names both.

    Example:
        >>> kind = DataKind("coins", {"coins_sample": list})
        >>> def coin_flipper(*, seed=0):
        ...     "Predict a coin."
        >>> Family(kind, (coin_flipper,), {}, {"accuracy": "accuracy"}, "predict RUN 1")
        Traceback (most recent call last):
        rnnkit.errors.InputError: The family 'coins' has an example without {}: 'predict RUN 1'.
    """

    kind: DataKind
    recipes: tuple[Recipe, ...]
    baselines: Mapping[str, Baseline]
    headings: Mapping[str, str]
    example: str
    samples: Mapping[str, str] = field(default_factory=dict)
    dataset_settings: tuple[str, ...] = ()
    baseline_settings: tuple[str, ...] = ()
    intrinsic: IntrinsicEvaluation | None = None
    tensorboard: Callable[[Path, Any], Any] | None = None

    def __post_init__(self) -> None:
        """Refuse a family with a part missing."""
        names = [getattr(recipe, "__name__", "") for recipe in self.recipes]
        settings = {
            name for recipe in self.recipes for name in inspect.signature(recipe).parameters
        }
        problems = {
            "no generated data set": not self.kind.readers,
            "no recipes": not self.recipes,
            "a recipe without a name": not all(names),
            "a recipe without a docstring": not all(recipe.__doc__ for recipe in self.recipes),
            "no headings": not self.headings,
            f"an example without {{}}: {self.example!r}": "{}" not in self.example,
        }
        for recipe, sample in self.samples.items():
            problems[f"a sample for an unknown recipe {recipe!r}"] = recipe not in names
            problems[f"an unknown sample {sample!r}"] = sample not in self.kind.readers
        for name in self.dataset_settings:
            problems[f"no recipe with the dataset_setting {name!r}"] = name not in settings
        for name in self.baseline_settings:
            problems[f"no recipe with the baseline_setting {name!r}"] = name not in {
                *settings,
                "recipe",
            }
        for problem, found in problems.items():
            if found:
                raise InputError(f"The family {self.kind.name!r} has {problem}.")

    @property
    def has_test_split(self) -> bool:
        """Whether models are validated and evaluated on splits of the data."""
        return self.intrinsic is None

    @property
    def evaluated_on(self) -> str:
        """What models are evaluated on, for titles."""
        return "test split" if self.intrinsic is None else self.intrinsic.name


CLASSIFICATION = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}


def _word_vector_scores(model: Any) -> Any:
    from rnnkit.embeddings.measures import evaluation

    return evaluation.evaluate(model.keyed_vectors())


def _word_vector_events(folder: Path, examples: Any) -> Any:
    del examples
    from rnnkit.monitor.word_vectors import WordVectorEvents

    return WordVectorEvents(folder)


def _builtin() -> list[Family]:
    kinds = {kind.name: kind for kind in KINDS}
    return [
        Family(
            kinds["texts"],
            (
                rnn_sentiment,
                lstm_sentiment,
                gru_sentiment,
                bilstm_sentiment,
                bag_of_words_sentiment,
            ),
            baselines={
                "TF-IDF + logistic regression, 1-grams": lambda data, settings: (
                    baselines.tfidf_logistic_regression(data, (1, 1))
                ),
                "TF-IDF + logistic regression, 1-2-grams": lambda data, settings: (
                    baselines.tfidf_logistic_regression(data, (1, 2))
                ),
            },
            headings=CLASSIFICATION,
            example='predict {} "A wonderful little production."',
            dataset_settings=("classes",),
        ),
        Family(
            kinds["tagged sentences"],
            (name_tagger, pos_tagger),
            baselines={
                "most frequent tag": lambda data, settings: baselines.most_frequent_tag(data)
            },
            headings=CLASSIFICATION,
            example='predict {} "Why don\'t you ask John?"',
            samples={"pos_tagger": "pos_sample"},
            dataset_settings=("classes",),
        ),
        Family(
            kinds["running text"],
            (next_word, text_generator),
            baselines={"n-grams, Kneser-Ney": baselines.kneser_ney},
            headings={"perplexity": "perplexity", "bits_per_character": "bits per character"},
            example='generate {} "The"',
            dataset_settings=("classes",),
            baseline_settings=("recipe", "split", "lowercase", "min_count", "vocabulary_size"),
        ),
        Family(
            kinds["pairs"],
            (translator, summarizer),
            baselines={"copy the source": baselines.copy_source},
            headings={
                "bleu": "BLEU",
                "bleu_lowercase": "BLEU, lower-cased",
                "rouge1": "ROUGE-1",
                "rouge2": "ROUGE-2",
                "rougeL": "ROUGE-L",
            },
            example="predict {} --file FILE.txt",
            samples={"summarizer": "mails_sample"},
            baseline_settings=("recipe",),
        ),
        Family(
            kinds["labelled series"],
            (sequence_classifier,),
            baselines={
                "summary statistics + logistic regression": lambda data, settings: (
                    baselines.summary_logistic_regression(data)
                )
            },
            headings=CLASSIFICATION,
            example="predict {} FILE.csv",
            dataset_settings=("classes",),
        ),
        Family(
            kinds["labelled frames"],
            (frame_labeller,),
            baselines={
                "logistic regression of each step": lambda data, settings: (
                    baselines.frame_logistic_regression(data)
                )
            },
            headings=CLASSIFICATION,
            example="predict {} FILE.csv",
            dataset_settings=("classes",),
        ),
        Family(
            kinds["series"],
            (traffic_forecaster,),
            baselines={
                "persistence": baselines.persistence,
                "linear autoregression": baselines.linear_autoregression,
            },
            headings={"mae": "MAE", "rmse": "RMSE"},
            example="predict {} FILE.csv",
            dataset_settings=("target",),
            baseline_settings=("horizon", "context"),
        ),
        Family(
            kinds["corpus"],
            (word_vectors,),
            baselines={"gensim": baselines.gensim_word2vec},
            headings={
                "analogies": "analogies",
                "wordsim353": "WordSim-353",
                "simlex999": "SimLex-999",
                "words_per_second": "words/s",
            },
            example="neighbours {} king",
            baseline_settings=tuple(
                name for name in inspect.signature(word_vectors).parameters if name != "trainer"
            ),
            intrinsic=IntrinsicEvaluation(
                "analogies and pairs of words",
                "Analogies: the share answered correctly. Pairs of words: Spearman's correlation "
                "with human judgements of similarity.",
                _word_vector_scores,
            ),
            tensorboard=_word_vector_events,
        ),
    ]


FAMILIES = tuple(_builtin())


@functools.cache
def registered() -> tuple[Family, ...]:
    """Return rnnkit's own families, then those that other packages registered.

    Raises:
        InputError: another package registered something that is no `Family`, or a recipe whose name
            is taken.

    Example:
        >>> [family.kind.name for family in registered()][:3]
        ['texts', 'tagged sentences', 'running text']
    """
    found = list(FAMILIES)
    taken = {recipe.__name__ for family in found for recipe in family.recipes}
    for family in plugins.families():
        if not isinstance(family, Family):
            raise InputError(
                f"A package registered {family!r} under the entry point {plugins.GROUP}; expected "
                "a rnnkit.recipes.Family. Repair or uninstall it."
            )
        for recipe in family.recipes:
            if recipe.__name__ in taken:
                raise InputError(
                    f"{recipe.__module__} registered a recipe {recipe.__name__!r}, and there is "
                    "one of that name. Rename it or uninstall the package."
                )
            taken.add(recipe.__name__)
        found.append(family)
    return tuple(found)


def names() -> list[str]:
    """Return the names of all recipes.

    Example:
        >>> names()[:4]
        ['rnn_sentiment', 'lstm_sentiment', 'gru_sentiment', 'bilstm_sentiment']
    """
    return [recipe.__name__ for family in registered() for recipe in family.recipes]


def find(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        InputError: there is none; the message names the closest.

    Example:
        >>> find("lstm_sentiment") is lstm_sentiment
        True
    """
    return next(recipe for recipe in family_of(name).recipes if recipe.__name__ == name)


def family_of(name: str) -> Family:
    """Return the family of the recipe of that name.

    Raises:
        InputError: there is no such recipe; the message names the closest.

    Example:
        >>> family_of("traffic_forecaster").headings
        {'mae': 'MAE', 'rmse': 'RMSE'}
    """
    for family in registered():
        if any(recipe.__name__ == name for recipe in family.recipes):
            return family
    raise InputError(
        f"There is no recipe {name!r}.{suggest(name, names())} Known: {', '.join(names())}."
    )


def kind_of(name: str) -> str:
    """Return the name of the kind of data that the recipe of that name learns from.

    Raises:
        InputError: there is no such recipe; the message names the closest.

    Example:
        >>> kind_of("lstm_sentiment")
        'texts'
    """
    return family_of(name).kind.name


def sample_for(name: str) -> str:
    """Return the generated data set that the recipe of that name takes where none is named.

    Raises:
        InputError: there is no such recipe; the message names the closest.

    Example:
        >>> sample_for("lstm_sentiment"), sample_for("pos_tagger")
        ('sample', 'pos_sample')
    """
    family = family_of(name)
    return family.samples.get(name, family.kind.sample)
