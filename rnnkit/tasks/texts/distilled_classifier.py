"""Text classifier that learns from an ensemble, which it trains first."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras

from rnnkit.options import settings_of
from rnnkit.settings.distillation import TeachersOption
from rnnkit.tasks.ensemble import Ensemble
from rnnkit.tasks.task import Task
from rnnkit.tasks.texts.augmentation import DerivedText, passages
from rnnkit.tasks.texts.ngram_classifier import NGramTextClassifier
from rnnkit.tasks.texts.text_classifier import TextClassifier
from rnnkit.tasks.training.distillation import Taught
from rnnkit.tasks.training.examples import EncodedExamples, Examples
from rnnkit.tasks.training.requirements import own_settings
from rnnkit.tasks.training.sets import EncodedSets
from rnnkit.training.checkpoints import (
    Checkpoint,
    Checkpoints,
    read_values,
    refuse_changes,
    write_checkpoint,
)
from rnnkit.training.costs import NOTHING, CostsCallback, TrainingCosts
from rnnkit.training.fingerprint import as_json, digest


@keras.saving.register_keras_serializable(package="rnnkit")
class DistilledTextClassifier(NGramTextClassifier):
    """Text classifier that learns the predictions of an ensemble, which it trains first.

    The first `fit` without a `teacher` trains the members of the ensemble on the training texts,
    chooses their weights on the validation data, and asks them for the training texts and for
    `unlabelled` ones. The recurrent network then learns these predictions beside the labels. The
    linear models of the n-grams are those of the first member that has any: they are fitted once.
    One model that answers about as well as all of them is left, and saved.

    Args:
        build_network: as `NGramTextClassifier` takes it.
        build_teachers: functions that return the untrained members; none = an ordinary
            `NGramTextClassifier`.
        passages: share of the texts, labelled or not, of which one to three sentences are learned,
            too, as a teacher labels them.
        **options: see `NGramTextClassifier`.

    Source: Hinton, Vinyals and Dean 2015, arXiv:1503.02531; Mukherjee and Awadallah 2020,
    arXiv:1910.01769, for recurrent students and unlabelled texts.

    Example:
        >>> from rnnkit.recipes import best_sentiment
        >>> options = {"units": 8, "embedding": "random", "ngram_min_count": 1}
        >>> model = best_sentiment(teachers=1, document_vector_size=0, **options)
        >>> history = model.fit(["a good film", "a bad film"] * 8, [1, 0] * 8, verbose=0)
        >>> model.predict("a good film", verbose=0).shape
        (1, 1)
    """

    config_keys: ClassVar[tuple[str, ...]] = ("passages",)

    def __init__(
        self,
        build_network: Any = None,
        *,
        build_teachers: Sequence[Callable[[], TextClassifier]] = (),
        passages: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(build_network, **options)
        settings_of(TeachersOption)["passages"].check(passages)
        self.passages = passages
        # Past Keras, which would track them.
        self.__dict__["_build_teachers"] = tuple(build_teachers)
        self.__dict__["_linear_models"] = None
        self.trains_teacher = bool(build_teachers)

    def own_teacher(
        self,
        sets: EncodedSets,
        unlabelled: Sequence[str],
        checkpoints: Checkpoints | None,
        verbose: Any,
        costs: Sequence[TrainingCosts] = (),
    ) -> Ensemble | None:
        """Train the members, or load those that an interrupted training has finished."""
        builders = self.__dict__["_build_teachers"]
        if self.network is not None or not builders:
            return None
        train, valid = sets.train, sets.valid
        options: dict[str, Any] = {"sample_weight": train.weights, "unlabelled": unlabelled}
        if valid is not None:
            weights = () if valid.weights is None else (valid.weights,)
            options["validation_data"] = (*valid.examples, *weights)
        depends_on = {
            "training data": digest(*train.examples, options),
            "settings": {name: one for name, one in self.settings.items() if name != "epochs"},
        }
        options["verbose"] = verbose
        members = []
        for number, build in enumerate(builders, 1):
            if verbose != 0:
                print(f"rnnkit: teacher {number} of {len(builders)}", file=sys.stderr)
            member = build()
            folder = None
            if checkpoints is not None:
                path = checkpoints.folder / f"teacher-{number}"
                depends_on["teacher"] = own_settings(member)
                folder = _MemberFolder(path, depends_on, checkpoints.minutes)
            member, earlier = _train(member, train.examples, folder, options)
            members.append(member)
            for total in costs:
                total.add(earlier)
        wide = (member for member in members if isinstance(member, NGramTextClassifier))
        self.__dict__["_linear_models"] = next(wide, None)
        return self._weigh(Ensemble(members), valid)

    def _weigh(self, ensemble: Ensemble, valid: Any) -> Ensemble:
        """Choose the weights of the members on the validation data, if there are any."""
        if valid is None:
            return ensemble
        accuracy = ensemble.fit_weights(*valid.examples).fitted["accuracy"]
        shares = ", ".join(f"{weight:.2f}" for weight in ensemble.weights)
        self._startup_messages.append(
            f"the ensemble that teaches: validation accuracy {accuracy:.4f}, weights {shares}"
        )
        return ensemble

    def teach(
        self,
        teacher: Any,
        train: Examples,
        targets: Any,
        weights: Any,
        spec: Any,
        unlabelled: Sequence[str],
        *rest: Any,
    ) -> Taught:
        """Return texts with what a teacher predicts for them, and passages with the same."""
        more = passages([*train.x, *unlabelled], self.passages, self.seed)
        taught = super().teach(teacher, train, targets, weights, spec, [*unlabelled, *more], *rest)
        count = len(taught.train.x) - len(more)
        texts = [*taught.train.x[:count], *map(DerivedText, more)]
        return taught._replace(train=taught.train._replace(x=texts))

    def learn_features(self, tokens: list[list[str]], unlabelled: Sequence[str]) -> dict[str, Any]:
        """Take the n-grams of the member that has any, or learn them."""
        member = self.__dict__["_linear_models"]
        if member is None:
            return super().learn_features(tokens, unlabelled)
        self.ngram_vocabulary = member.ngram_vocabulary
        return self.network_arguments()

    def fit_constants(
        self, train: EncodedExamples, valid: EncodedExamples | None, unlabelled: Sequence[str]
    ) -> None:
        """Take the linear models of the member that has any, or fit them."""
        member = self.__dict__["_linear_models"]
        if member is None:
            super().fit_constants(train, valid, unlabelled)
            return
        for own, theirs in zip(self.linear_models, member.linear_models, strict=True):
            own.set_weights(theirs.get_weights())
        self.__dict__["_linear_models"] = None


class _MemberFolder:
    """The folder of a member while the whole is trained: what it depends on, and the trained one.

    depends_on.npz    digests of data and settings, written before the training
    checkpoints       of the training; removed at its end
    model.keras       the trained member
    costs.json        the seconds of its training

    Args:
        path: of the folder.
        depends_on: digests of data and settings.
        minutes: the longest time between two checkpoints.

    Raises:
        InputError: the folder holds a member of other data or settings.
    """

    def __init__(self, path: Path, depends_on: dict[str, Any], minutes: float) -> None:
        self.path, self.depends_on, self.minutes = path, as_json(depends_on), minutes
        if (about := path / "depends_on.npz").is_file():
            refuse_changes(read_values(about)["depends_on"], self.depends_on, path.parent)

    def find(self) -> tuple[Any, dict[str, Any]] | None:
        """Return the trained member and its costs; None = its training has not ended."""
        from rnnkit.tasks.loading import load  # it knows all tasks

        model = self.path / "model.keras"
        if not model.is_file():
            return None
        costs = self.path / "costs.json"  # missing in folders of earlier versions
        return load(model), json.loads(costs.read_text()) if costs.is_file() else dict(NOTHING)

    def begin(self) -> Checkpoints:
        """Note what the member depends on; return where its training keeps checkpoints."""
        self.path.mkdir(parents=True, exist_ok=True)
        values = {"depends_on": self.depends_on}
        write_checkpoint(self.path / "depends_on.npz", Checkpoint(values, {}))
        return Checkpoints(self.path / "checkpoints", self.minutes)

    def keep(self, member: Task, costs: TrainingCosts) -> None:
        """Save the trained member and what it cost, in place of the checkpoints."""
        (self.path / "costs.json").write_text(json.dumps(costs.state), encoding="utf-8")
        member.save(self.path / "model.keras")
        shutil.rmtree(self.path / "checkpoints", ignore_errors=True)


def _train(
    member: Task, examples: Any, folder: _MemberFolder | None, options: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return the trained member, which is kept in the folder if there is one.

    Returns:
        The member, and the costs of its training that earlier processes had.
    """
    if folder is None:
        member.fit(*examples, **options)
        return member, dict(NOTHING)
    if (found := folder.find()) is not None:
        return found
    counted = CostsCallback()
    member.fit(*examples, checkpoints=folder.begin(), callbacks=[counted], **options)
    folder.keep(member, counted.costs)
    return member, counted.costs.earlier
