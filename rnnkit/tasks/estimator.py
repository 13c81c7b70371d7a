"""Tasks as scikit-learn estimators: parameters, clones, scores and probabilities of classes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rnnkit.errors import InputError, quote, require_fitted, suggest
from rnnkit.tasks.copies import (
    Copies,
    changed_attributes,
    compile_settings,
    make_again,
    recipe_settings,
)
from rnnkit.tasks.labels import one_for_each, to_numbers
from rnnkit.tasks.turns import take_turns

if TYPE_CHECKING:
    from rnnkit.tasks.label_classifier import LabelClassifier


class Estimator(Copies):
    """Mixin of tasks that lets scikit-learn clone, search and validate them.

    The parameters are the settings of the recipe. `fit` returns Keras's History and `predict` the
    network's outputs: see `ClassifierEstimator.as_classifier` for a classifier whose `predict`
    returns labels.
    """

    estimator_type: ClassVar[str | None] = None  # "classifier", "regressor", or neither

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings of the recipe; nothing for a task that no recipe made.

        Args:
            deep: as in scikit-learn; settings hold no estimators.

        Example:
            >>> from rnnkit.recipes import gru_sentiment
            >>> gru_sentiment(units=8).get_params()["units"]
            8
        """
        del deep
        return {} if self._known_recipe() is None else recipe_settings(self)

    def set_params(self, **settings: Any) -> Any:
        """Change settings of the recipe; the task is not trained any more, nor compiled.

        Returns:
            The task itself.

        Raises:
            InputError: no such setting, a value that it does not take, or a `preset`, which
                chooses the defaults of other settings when the recipe is called.

        Example:
            >>> from rnnkit.recipes import gru_sentiment
            >>> gru_sentiment(units=8).set_params(units=4).settings["units"]
            4
        """
        known = self.get_params()
        for name, value in settings.items():
            if name not in known:
                raise InputError(
                    f"{type(self).__name__} has no setting {quote(name)}.{suggest(name, known)} "
                    f"Known: {', '.join(known) or 'none, because no recipe made it'}."
                )
            if name == "preset" and value != known[name]:
                raise InputError(
                    "preset chooses the defaults of other settings, which are chosen already. Call "
                    f"the recipe with preset={quote(value)}, or set the other settings."
                )
        if settings:
            recipe: Any = self._known_recipe()
            _become(self, recipe(**{**known, **settings}))
        return self

    def score(self, x: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return how good the task is on examples, where more is better.

        Classifiers: the share of labels that are right. Other tasks: the monitored metric, negative
        where less is better.

        Args:
            x: the examples.
            y: one target for each.
            sample_weight: weight of each example.

        Example:
            >>> model.score(texts, labels)  # doctest: +SKIP
            0.86
        """
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        found = self.evaluate(x, y, return_dict=True, verbose=0, **given)  # type: ignore[attr-defined]
        value = found[self.monitored_metric.removeprefix("val_")]  # type: ignore[attr-defined]
        return float(value if self.monitor_mode == "max" else -value)  # type: ignore[attr-defined]

    def __sklearn_clone__(self) -> Any:
        """Return an untrained task of the same settings; compiled, where it was before `fit`."""
        untrained = self.network is None  # type: ignore[attr-defined]
        compiled = compile_settings(self) if untrained else None
        return make_again(self._maker(), changed_attributes(self), compiled)

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether the task was trained."""
        return self.network is not None  # type: ignore[attr-defined]

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator's kind."""
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        kind = self.estimator_type
        return Tags(
            estimator_type=kind,
            target_tags=TargetTags(required=not self.self_supervised),  # type: ignore[attr-defined]
            classifier_tags=ClassifierTags() if kind == "classifier" else None,
            regressor_tags=RegressorTags() if kind == "regressor" else None,
            input_tags=InputTags(two_d_array=False, string=True),
        )


class ClassifierEstimator:
    """Mixin of classifiers: probabilities of the classes, and the share of labels that are right.

    Example:
        >>> model.fit(texts, labels)  # doctest: +SKIP
        >>> model.classes_, model.predict_proba(texts[:1])  # doctest: +SKIP
        (array(['neg', 'pos']), array([[0.1, 0.9]]))
    """

    estimator_type: ClassVar[str | None] = "classifier"
    _classes: Any

    @property
    def classes_(self) -> np.ndarray:
        """The labels in the order of `predict_proba`, of the type that `fit` was given."""
        if not self._classes:
            raise AttributeError("There are no classes_ before the first fit.")
        return np.array(list(self._classes))

    def as_classifier(self) -> LabelClassifier:
        """Return a classifier of scikit-learn whose `predict` returns labels.

        For scorers that compare labels, such as `scoring="f1_macro"`, `cross_val_predict` without a
        method, and `VotingClassifier(voting="hard")`. Its parameters are those of the task with the
        prefix `task__`. That of a trained task is trained, and shares the task.

        Example:
            >>> from rnnkit.recipes import gru_sentiment
            >>> gru_sentiment(units=8).as_classifier().get_params()["task__units"]
            8
        """
        from rnnkit.tasks.label_classifier import LabelClassifier

        made = LabelClassifier(self)
        untrained = self.network is None  # type: ignore[attr-defined]
        return made if untrained else made.keep(self)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        callbacks: Any = None,
        *,
        text_column: Any = None,
    ) -> Any:
        """Return the network's outputs for raw examples, in their order.

        Args:
            x: one example or many.
            batch_size: examples per batch; the task's own number when left out.
            verbose: as in Keras.
            callbacks: as in Keras.
            text_column: the column of the examples, where x is a table or has columns.

        Returns:
            `(N, 1)`, the probability of the second of two classes; or `(N, C)`.

        Raises:
            InputError: an invalid example, the model is not trained yet, or scikit-learn asks,
                which takes the answer for labels: see `as_classifier`.

        Example:
            >>> model.predict(["A wonderful little production."])  # doctest: +SKIP
            array([[0.97]], dtype=float32)
        """
        if _calling_module().startswith("sklearn."):
            raise InputError(
                f"scikit-learn asks {type(self).__name__}.predict for labels, and a Keras model "
                "returns probabilities. Give scikit-learn task.as_classifier() in place of the "
                "task, whose predict returns labels; or ask for probabilities, such as by "
                'method="predict_proba", voting="soft" or scoring="neg_log_loss".'
            )
        return super().predict(  # type: ignore[misc]
            x, batch_size, verbose, callbacks, text_column=text_column
        )

    def predict_proba(self, x: Any) -> np.ndarray:
        """Return the probability of each class for each example, `(N, C)`.

        Args:
            x: one example or many.
        """
        outputs = self.predict(x, verbose=0).astype("float64")
        if outputs.shape[-1] == 1:
            return np.hstack([1 - outputs, outputs])
        return outputs / outputs.sum(-1, keepdims=True)

    def score(self, x: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the share of labels that are right.

        Args:
            x: the examples.
            y: one label for each.
            sample_weight: weight of each example.

        Example:
            >>> model.score(texts, labels)  # doctest: +SKIP
            0.86
        """
        require_fitted(self.network, self, "network")  # type: ignore[attr-defined]
        best = self.predict_proba(x).argmax(-1)
        y = one_for_each(y, len(best), "The test set", self.noun[1])  # type: ignore[attr-defined]
        right = best == to_numbers(y, list(self._classes), "test")
        return float(np.average(right, weights=sample_weight))


def _become(task: Any, other: Any) -> None:
    """Make a task what another one is that was only just made, in place."""
    args, kwargs = other._arguments
    fresh = type(task).__new__(type(task), *args, **kwargs)
    # Functions that Keras binds to the object when it is made refer to that very object.
    bound = {name: vars(task)[name] for name in vars(fresh) if callable(vars(fresh)[name])}
    vars(task).clear()
    vars(task).update({**vars(fresh), **bound})
    task.__init__(*args, **kwargs)
    task.settings, task._recipe = other.settings, other._recipe


def _calling_module() -> str:
    """Return the module that called the method that asks, past the wait for other threads."""
    frame: Any = sys._getframe(2)
    while frame.f_globals.get("__name__") == take_turns.__module__:
        frame = frame.f_back
    return frame.f_globals.get("__name__") or ""
