"""Ensemble of classifiers: the weighted geometric mean of their probabilities."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.atomic import replacing
from rnnkit.errors import InputError, quote, suggest_sibling
from rnnkit.tasks.ensemble_members import (
    ask,
    check_member,
    classes_of,
    fingerprint_of,
    model_file,
    name_of,
)
from rnnkit.tasks.labels import match_classes, one_for_each, to_numbers
from rnnkit.training.fingerprint import digest
from rnnkit.untrusted import parse_json

SUFFIX = ".json"
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
        fitted: "loss" and "accuracy" on the examples that `fit_weights` chose the weights on; empty
            where the weights were given.

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
            check_member(model)
        self._opened: dict[int, Any] = {}
        count = len(self.models)
        self.weights = _check_weights([1.0] * count if weights is None else weights, count)
        self.fitted: dict[str, float] = {}

    @classmethod
    def of(cls, models: Any) -> Ensemble:
        """Return an ensemble of one model or several, or of its file; an ensemble as it is."""
        if isinstance(models, str | os.PathLike) and Path(models).suffix == SUFFIX:
            return cls.load(models)
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
        rows = [ask(self._member(i), x, classes) for i in range(len(self.models))]
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
        self.fitted = self._scores(rows, numbers)
        return self

    def evaluate(self, x: Any, y: Any) -> dict[str, float]:
        """Return the log-loss, and the share of labels that are right.

        Args:
            x: the raw examples.
            y: one label for each.
        """
        return self._scores(*self._measured(x, y))

    def _scores(self, rows: np.ndarray, numbers: np.ndarray) -> dict[str, float]:
        """Return log-loss and accuracy of what the members answer, `(M, N, C)`."""
        p = rows[0] if len(rows) == 1 else geometric_mean(rows, self.weights)
        chosen = np.clip(p[np.arange(len(p)), numbers], LEAST, 1)
        right = p.argmax(-1) == numbers
        return {"loss": float(-np.log(chosen).mean()), "accuracy": float(right.mean())}

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Write the paths of the members and their weights to a `.json` file.

        The models stay where they are; a digest of each tells whether it is still the same one. The
        path of a member in the file's folder or below is relative to it: they can be moved as one.

        Args:
            filepath: the file; one that is there is replaced.

        Raises:
            InputError: a member is an object in memory, and no path; or the name of the file does
                not end in `.json`. Nothing was written.
            DiskError: the file cannot be written.

        Example:
            >>> Ensemble(["runs/one", "runs/other"], [0.3, 0.7]).save("mine.json")  # doctest: +SKIP
            >>> Ensemble.load("mine.json").predict(["A fine film."])  # doctest: +SKIP
            array([[0.97]])
        """
        path = Path(filepath).expanduser()
        if path.suffix != SUFFIX:
            raise InputError(f"Cannot save to {path}: expected a name that ends in '{SUFFIX}'.")
        members = []
        for model in self.models:
            if not isinstance(model, str | os.PathLike):
                raise InputError(
                    f"{name_of(model)} is a member of the ensemble, and in memory alone: the file "
                    "of an ensemble names the files of its members. Save it to a .keras file, and "
                    "give the file's path as the member: Ensemble([path, ...], ensemble.weights)."
                )
            place, folder = Path(model).expanduser().resolve(), path.parent.resolve()
            place = place.relative_to(folder) if place.is_relative_to(folder) else place
            members.append({"path": place.as_posix(), "digest": fingerprint_of(model)})
        values = {"ensemble": members, "weights": self.weights.tolist()}
        with replacing(path, "the ensemble") as temporary:
            temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, filepath: str | os.PathLike[str]) -> Ensemble:
        """Return the ensemble of a file that `save` wrote.

        Args:
            filepath: the file.

        Raises:
            InputError: there is no such file, it is of another kind or damaged, or a member is gone
                or not the model that it was.
        """
        path = Path(filepath).expanduser()
        if not path.is_file():
            raise InputError(f"There is no file {path}.{suggest_sibling(path)}")
        try:
            found = parse_json(path.read_text(encoding="utf-8"))
            members = [(str(one["path"]), str(one["digest"])) for one in found["ensemble"]]
            weights = [float(one) for one in found["weights"]]
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            raise InputError(f"{path} is no file of Ensemble.save: {error!r}.") from error
        places = [path.parent / place for place, _ in members]
        for place, (_, then) in zip(places, members, strict=True):
            if fingerprint_of(place) != then:
                raise InputError(
                    f"{place} is another model than when {path} was saved, and its weight may not "
                    "fit. Make the ensemble anew, with Ensemble([...]).fit_weights(...)."
                )
        return cls(places, weights)

    def check_classes(self, classes: Sequence[Any] | None) -> None:
        """Refuse members that know other classes than these; members are opened for it."""
        for i in range(len(self.models)):
            known = classes_of(self._member(i))
            if known is not None and classes is not None:
                match_classes(known, classes, name_of(self.models[i]))

    def fingerprints(self) -> list[str | None]:
        """Return a digest of each member; None where there is no way to tell members apart."""
        return [*map(fingerprint_of, self.models), digest(self.weights)]

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

            self._opened[i] = load(model_file(model))
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


def _check_weights(weights: Any, count: int) -> np.ndarray:
    found = np.asarray(weights, "float64")
    if found.shape != (count,) or not np.isfinite(found).all() or (found < 0).any():
        raise InputError(
            f"weights is {quote(weights)}; expected {count} numbers of at least 0, one for each "
            "model."
        )
    if not found.any():
        raise InputError("weights are all 0; expected at least one above 0.")
    total = found.sum()
    return found if abs(total - 1) < 1e-12 else found / total  # those of a file stay as they are
