"""Classifier of scikit-learn around a task: labels from `predict`."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from rnnkit.data.splits import ClassLabels


class LabelClassifier(ClassifierMixin, BaseEstimator):
    """Classifier of scikit-learn whose `predict` returns labels, made of a task that classifies.

    The task's own `predict` returns probabilities, as that of every Keras model. `fit` trains an
    untrained copy of the task, and returns the classifier. The task's settings are parameters with
    the prefix `task__`.

    Args:
        task: a task that predicts the class of each example; see its `as_classifier`.

    Attributes:
        task_: the trained task.
        classes_: the labels in the order of `predict_proba`.

    Example:
        >>> from sklearn.model_selection import GridSearchCV
        >>> from rnnkit.recipes import gru_sentiment
        >>> search = GridSearchCV(
        ...     LabelClassifier(gru_sentiment()), {"task__units": [32, 64]}, scoring="f1_macro"
        ... )
    """

    def __init__(self, task: Any) -> None:
        self.task = task

    task_: Any
    classes_: np.ndarray

    def fit(self, x: Any, y: Any, **options: Any) -> LabelClassifier:
        """Train an untrained copy of the task.

        Args:
            x: the examples.
            y: one label for each.
            **options: as the task's `fit` takes them; nothing is printed unless `verbose` is given.
        """
        task: Any = clone(self.task)
        task.fit(x, y, **{"verbose": 0, **options})
        return self.keep(task, y)

    def keep(self, task: Any, y: Any = None) -> LabelClassifier:
        """Answer with a trained task; return the classifier.

        Args:
            task: the task.
            y: the labels that it was trained on. Those that are numbers with names, as the data
                sets of rnnkit have them, are predicted as numbers: scorers compare the two.
        """
        self.task_, self.classes_ = task, task.classes_
        if isinstance(y, ClassLabels):
            numbers = {name: number for number, name in enumerate(y.classes)}
            self.classes_ = np.array([numbers.get(name, name) for name in task.classes_])
        return self

    def predict(self, x: Any) -> np.ndarray:
        """Return the most probable label of each example.

        Args:
            x: one example or many.
        """
        best = self.predict_proba(x).argmax(-1)
        return self.classes_[best]

    def predict_proba(self, x: Any) -> np.ndarray:
        """Return the probability of each class for each example, `(N, C)`.

        Args:
            x: one example or many.
        """
        check_is_fitted(self, "task_")
        return self.task_.predict_proba(x)

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator's kind: that of the task."""
        return self.task.__sklearn_tags__()
