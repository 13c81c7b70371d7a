"""Ensemble of classifiers: the weighted geometric mean of their probabilities."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.data.soft_labels import check_probabilities, from_one
from rnnkit.errors import InputError, quote, suggest_sibling
from rnnkit.tasks.labels import match_classes, one_for_each, to_numbers
from rnnkit.training.fingerprint import digest

LEAST = 1e-7  # probability: the logarithm of 0 would silence all other members


class Ensemble:
    """Weighted geometric mean of classifiers, `p_c ∝ Π_m p_mc^{w_m}` with `Σ_m w_m = 1`.

    A member is a classifier of rnnkit; a folder of a run or a `.keras` file, opened when it is
    asked first; an object of scikit-learn with `predict_proba`; or any other object or function
    whose `predict` returns probabilities, `(N, C)`, or `(N, 1)` of the second of two classes.

    Args:
        models: the members; one is enough.
        weights: of the members, at least 0; scaled to the sum 1. None = equal ones.

    Attributes:
        models: the members.
        weights: `(M,)`.

    Raises:
        InputError: no member, or weights that do not fit.

    Source: Hinton 1999, Products of Experts, doi:10.1049/cp:19991075; Heskes 1998, Selecting
    weighting factors in logarithmic opinion pools.

    Example:
        >>> one, other = lambda x: np.full((len(x), 1), 0.5), lambda x: np.full((len(x), 1), 0.9)
        >>> Ensemble([one, other]).predict(["a text"]).round(3)
        array([[0.75]])
    """

    def __init__(self, models: Sequence[Any], weights: Sequence[float] | None = None) -> None:
        alone = isinstance(models, str | os.PathLike) or not isinstance(models, Sequence)
        self.models: list[Any] = [models] if alone else list(models)
        if not self.models:
            raise InputError("An ensemble needs at least one model, and the list is empty.")
        for model in self.models:
            _check_member(model)
        self._opened: dict[int, Any] = {}
        count = len(self.models)
        self.weights = _check_weights([1.0] * count if weights is None else weights, count)

    @classmethod
    def of(cls, models: Any) -> Ensemble:
        """Return an ensemble of one model or several; what is one already, as it is."""
        return models if isinstance(models, Ensemble) else cls(models)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The classes of the first member that knows its classes; None = none does."""
        known = (classes_of(self._member(i)) for i in range(len(self.models)))
        return next((classes for classes in known if classes is not None), None)

    def predict_proba(self, x: Any, classes: Sequence[Any] | None = None) -> np.ndarray:
        """Return the probability of each class for each example, float64 `(N, C)`.

        Args:
            x: the raw examples.
            classes: the order of the columns; that of `classes` when left out.

        Raises:
            InputError: a member has other classes, or answers with what are no probabilities.
        """
        rows = self.member_probabilities(x, classes)
        return rows[0] if len(rows) == 1 else geometric_mean(rows, self.weights)

    def member_probabilities(self, x: Any, classes: Sequence[Any] | None = None) -> np.ndarray:
        """Return what each member answers, `(M, N, C)`; arguments as above."""
        x = [x] if isinstance(x, str | bytes) else x
        classes = self.classes if classes is None else classes
        self.check_classes(classes)
        rows = [_ask(self._member(i), x, classes) for i in range(len(self.models))]
        if len({row.shape for row in rows}) > 1:
            shapes = " and ".join(str(row.shape) for row in rows)
            raise InputError(f"The members of the ensemble answer with arrays {shapes}.")
        return np.stack(rows)

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> np.ndarray:
        """Return probabilities as a classifier of rnnkit: `(N, 1)` of two classes, or `(N, C)`.

        Args:
            x: the raw examples.
            batch_size: not used; members have their own.
            verbose: not used.
        """
        rows = self.predict_proba(x)
        return rows[:, 1:] if rows.shape[1] == 2 else rows

    def predict_labels(self, x: Any) -> list[str]:
        """Return the name of the most probable class of each example."""
        best = self.predict_proba(x).argmax(-1)
        names = self.classes
        return [str(i) if names is None else names[i] for i in best]

    def fit_weights(self, x: Any, y: Any) -> Ensemble:
        """Choose the weights with the least log-loss on examples; return the ensemble.

        The loss of a logarithmic opinion pool is convex in its weights: there is one minimum.

        Args:
            x: raw examples that no member was trained on, such as the validation split.
            y: one label for each.

        Example:
            >>> ensemble = Ensemble([model, other]).fit_weights(*valid)  # doctest: +SKIP
            >>> ensemble.weights  # doctest: +SKIP
            array([0.31, 0.69])
        """
        rows, numbers = self._measured(x, y)
        if len(self.models) > 1:
            self.weights = least_log_loss(rows, numbers)
        return self

    def evaluate(self, x: Any, y: Any) -> dict[str, float]:
        """Return the log-loss, and the share of labels that are right.

        Args:
            x: the raw examples.
            y: one label for each.
        """
        rows, numbers = self._measured(x, y)
        p = rows[0] if len(rows) == 1 else geometric_mean(rows, self.weights)
        chosen = np.clip(p[np.arange(len(p)), numbers], LEAST, 1)
        right = p.argmax(-1) == numbers
        return {"loss": float(-np.log(chosen).mean()), "accuracy": float(right.mean())}

    def check_classes(self, classes: Sequence[Any] | None) -> None:
        """Refuse members that know other classes than these; members are opened for it."""
        for i in range(len(self.models)):
            known = classes_of(self._member(i))
            if known is not None and classes is not None:
                match_classes(known, classes, _name(self.models[i]))

    def fingerprints(self) -> list[str | None]:
        """Return a digest of each member; None where there is no way to tell members apart."""
        return [*map(_fingerprint, self.models), digest(self.weights)]

    def _measured(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return what the members answer, and the class numbers of labels."""
        rows = self.member_probabilities(x)
        y = one_for_each(y, rows.shape[1], "The labels of the ensemble", "examples")
        return rows, to_numbers(y, list(self.classes or range(rows.shape[2])), "ensemble's")

    def _member(self, i: int) -> Any:
        """Return a member, opened."""
        model = self.models[i]
        if not isinstance(model, str | os.PathLike):
            return model
        if i not in self._opened:
            from rnnkit.tasks.loading import load  # it knows all tasks

            self._opened[i] = load(_model_file(model))
        return self._opened[i]


def geometric_mean(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return `p_nc ∝ Π_m p_mnc^{w_m}` of probabilities `(M, N, C)`, `(N, C)`.

    Example:
        >>> geometric_mean(np.array([[[0.5, 0.5]], [[0.9, 0.1]]]), np.array([0.5, 0.5])).round(3)
        array([[0.75, 0.25]])
    """
    logs = np.tensordot(weights, np.log(np.clip(rows, LEAST, 1)), axes=1)
    p = np.exp(logs - logs.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)


def least_log_loss(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return weights `(M,)`, at least 0 with the sum 1, of the geometric mean with least log-loss.

    Args:
        rows: probabilities `(M, N, C)`.
        numbers: the right classes, `(N,)`.
    """
    from scipy.optimize import minimize

    logs, at = np.log(np.clip(rows, LEAST, 1)), np.arange(len(numbers))
    right = logs[:, at, numbers]  # (M, N)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        mixed = np.tensordot(weights, logs, axes=1)
        top = mixed.max(-1)
        p = np.exp(mixed - top[:, None])
        total = p.sum(-1)
        value = np.mean(np.log(total) + top - weights @ right)
        gradient = np.einsum("mnc,nc->m", logs, p / total[:, None]) / len(at) - right.mean(-1)
        return float(value), gradient

    count = len(rows)
    found = minimize(
        loss,
        np.full(count, 1 / count),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * count,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        options={"ftol": 1e-10, "maxiter": 500},
    )
    return _check_weights(np.where(found.x < 1e-6, 0, found.x), count)  # rounding is no weight


def classes_of(model: Any) -> tuple[str, ...] | None:
    """Return the names of the classes that a model knows, in the order of its columns.

    Example:
        >>> classes_of(print) is None
        True
    """
    try:
        known = getattr(model, "classes_", None)
    except InputError:
        known = None
    if known is None:
        known = getattr(model, "classes", None)
    if known is None or callable(known) or not len(known):
        return None
    return tuple(map(str, known))


def _ask(model: Any, x: Any, classes: Sequence[Any] | None) -> np.ndarray:
    """Return a member's probabilities with the columns in the order of the classes, `(N, C)`."""
    ask = getattr(model, "predict_proba", None) or getattr(model, "predict", None) or model
    found, where = np.asarray(ask(x)), f"The answer of {_name(model)} to examples"
    if found.dtype.kind not in "fiub" or found.ndim not in (1, 2) or len(found) != len(x):
        raise InputError(
            f"{where} is {quote(found)} of the shape {found.shape}; expected probabilities, one "
            f"row for each of the {len(x)} examples."
        )
    if found.ndim == 1 or found.shape[1] == 1:
        rows = from_one(found.reshape(-1), where)
    else:
        rows = check_probabilities(found.astype("float64"), where)
    known = classes_of(model)
    if classes is not None and rows.shape[1] != len(classes):
        raise InputError(
            f"{where} has {rows.shape[1]} probabilities each; expected one for each of the classes "
            f"{', '.join(map(str, classes))}."
        )
    if known is None or classes is None:
        return rows
    return rows[:, match_classes(known, classes, _name(model))]


def _check_member(model: Any) -> None:
    known = callable(model) or hasattr(model, "predict_proba") or hasattr(model, "predict")
    if not known and not isinstance(model, str | os.PathLike):
        raise InputError(
            f"A member of the ensemble is {quote(model)}; expected a model with predict, a run's "
            "folder or a .keras file."
        )


def _model_file(path: str | os.PathLike[str]) -> Path:
    """Return the file of a model: of a run's folder, the one in it."""
    found = Path(path).expanduser()
    file = found / "model.keras" if found.is_dir() else found
    if not file.is_file():
        what = "has no model.keras: it is no run, or not complete" if found.is_dir() else ""
        what = what or f"is no file or folder.{suggest_sibling(found)}"
        raise InputError(f"{found} {what}. Give the folder of a complete run, or a .keras file.")
    return file


def _check_weights(weights: Any, count: int) -> np.ndarray:
    found = np.asarray(weights, "float64")
    if found.shape != (count,) or not np.isfinite(found).all() or (found < 0).any():
        raise InputError(
            f"weights is {quote(weights)}; expected {count} numbers of at least 0, one for each "
            "model."
        )
    if not found.any():
        raise InputError("weights are all 0; expected at least one above 0.")
    return found / found.sum()


def _fingerprint(model: Any) -> str | None:
    """Return a digest of a model: of a file its bytes, of a network its weights."""
    if isinstance(model, str | os.PathLike):
        return digest(np.fromfile(_model_file(model), np.uint8))
    weights = getattr(model, "get_weights", None)
    return None if weights is None else digest(weights(), classes_of(model))


def _name(model: Any) -> str:
    if isinstance(model, str | os.PathLike):
        return str(model)
    name = getattr(model, "name", None) or getattr(model, "__name__", None)
    return f"the model {name!r}" if isinstance(name, str) else f"a {type(model).__name__}"
