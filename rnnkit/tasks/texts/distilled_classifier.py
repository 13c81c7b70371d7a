"""Text classifier that learns from an ensemble, which it trains first."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from rnnkit.tasks.ensemble import Ensemble
from rnnkit.tasks.task import Examples, Task
from rnnkit.tasks.texts.document_classifier import DocumentVectorClassifier
from rnnkit.tasks.texts.text_classifier import TextClassifier
from rnnkit.tasks.training.sets import EncodedSets
from rnnkit.training.checkpoints import Checkpoints


@keras.saving.register_keras_serializable(package="rnnkit")
class DistilledTextClassifier(TextClassifier):
    """Text classifier that learns the predictions of an ensemble, which it trains first.

    The first `fit` without a `teacher` trains the members of the ensemble on the training texts,
    chooses their weights on the validation data, and asks them for the training texts and for
    `unlabelled` ones. The network then learns these predictions beside the labels: one network
    that answers about as well as all of them. Only the network is saved.

    Args:
        build_network: as `TextClassifier` takes it.
        build_teachers: functions that return the untrained members; none = an ordinary
            `TextClassifier`.
        **options: see `TextClassifier`.

    Source: Hinton, Vinyals and Dean 2015, arXiv:1503.02531; Mukherjee and Awadallah 2020,
    arXiv:1910.01769, for recurrent students and unlabelled texts.

    Example:
        >>> from rnnkit.recipes import best_sentiment
        >>> model = best_sentiment(units=8, embedding="random", teachers=1)
        >>> history = model.fit(["a good film", "a bad film"] * 8, [1, 0] * 8, verbose=0)
        >>> model.predict("a good film", verbose=0).shape
        (1, 1)
    """

    trains_teacher = True

    def __init__(
        self,
        build_network: Any = None,
        *,
        build_teachers: Sequence[Callable[[], Task | DocumentVectorClassifier]] = (),
        **options: Any,
    ) -> None:
        super().__init__(build_network, **options)
        self.__dict__["_build_teachers"] = tuple(build_teachers)  # past Keras, which would track it

    def own_teacher(
        self,
        sets: EncodedSets,
        unlabelled: Sequence[str],
        checkpoints: Checkpoints | None,
        verbose: Any,
    ) -> Ensemble | None:
        """Train the members, or load those that an interrupted training has finished."""
        builders = self.__dict__["_build_teachers"]
        if self.network is not None or not builders:
            return None
        train, valid = sets.train, sets.valid
        options = {"sample_weight": train.weights, "unlabelled": unlabelled, "verbose": verbose}
        if valid is not None:
            weights = () if valid.weights is None else (valid.weights,)
            options["validation_data"] = (*valid.examples, *weights)
        members = []
        for number, build in enumerate(builders, 1):
            folder = None if checkpoints is None else checkpoints.folder / f"teacher-{number}"
            if verbose != 0:
                print(f"rnnkit: teacher {number} of {len(builders)}", file=sys.stderr)
            members.append(_train(build(), train.examples, folder, options))
        ensemble = Ensemble(members)
        if valid is not None:
            ensemble.fit_weights(*valid.examples)
            shares = ", ".join(f"{weight:.2f}" for weight in ensemble.weights)
            accuracy = ensemble.evaluate(*valid.examples)["accuracy"]
            self._startup_messages.append(
                f"the ensemble that teaches: validation accuracy {accuracy:.4f}, weights {shares}"
            )
        return ensemble


def _train(member: Any, train: Examples, folder: Path | None, options: dict[str, Any]) -> Any:
    """Return the trained member; it is kept in the folder, if there is one."""
    if isinstance(member, DocumentVectorClassifier):
        return _train_documents(member, train, folder, options)
    file = None if folder is None else folder / "model.keras"
    if file is not None and file.is_file():
        from rnnkit.tasks.loading import load  # it knows all tasks

        return load(file)
    member.fit(train.x, train.y, checkpoints=folder, **options)
    if file is not None:
        member.save(file)
    return member


def _train_documents(
    member: DocumentVectorClassifier, train: Examples, folder: Path | None, options: dict[str, Any]
) -> DocumentVectorClassifier:
    """Return the trained member; weights of the texts are not used."""
    file = None if folder is None else folder / "model.npz"
    if file is not None and file.is_file():
        return DocumentVectorClassifier.load(file)
    measured = options.get("validation_data")
    member.fit(
        train.x,
        train.y,
        unlabelled=options["unlabelled"],
        validation_data=None if measured is None else measured[:2],
    )
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        member.save(file)
    return member
