"""Classification report for TensorBoard: confusion matrix, PR curves, tables of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnkit.errors import InputError, check_count
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.figures import confusion_matrix_png, escape_markdown, markdown_table

_MAX_CURVES = 10  # PR curves, one per class
_TEXT_WIDTH = 240


class ClassificationReport:
    """Predictions of a classifier on a fixed sample of labelled examples, for TensorBoard.

    Args:
        inputs: of the model's `predict`: texts, or an array with a row for each example.
        labels: `(N,)` or `(N, 1)` class indices, or names in `model.classes`.
        limit: size of the sample at most; it is drawn once.
        rows: texts in a table.

    Raises:
        InputError: the number of labels differs from that of examples, or there is no example.
    """

    def __init__(self, inputs: Any, labels: Any, limit: int = 2000, rows: int = 12) -> None:
        is_array = isinstance(inputs, np.ndarray)
        self.inputs: Any = inputs if is_array else list(inputs)
        self.labels = np.asarray(labels)
        if self.labels.ndim == 2 and self.labels.shape[1] == 1:
            self.labels = self.labels[:, 0]
        if self.labels.shape != (len(self.inputs),) or not len(self.inputs):
            raise InputError(
                "examples must be (texts, labels) with one label for each of at least one text; "
                f"got {len(self.inputs)} texts and labels of shape {np.shape(labels)}."
            )
        check_count("limit", limit)
        # A random sample, because data sets are often sorted by class.
        order = np.random.default_rng(0).permutation(len(self.inputs))[:limit]
        self.inputs = inputs[order] if is_array else [self.inputs[i] for i in order]
        self.labels = self.labels[order]
        self.rows = rows

    def write(self, model: Any, writer: EventWriter, step: int) -> None:
        """Predict, and write confusion matrix, PR curves and tables.

        Raises:
            InputError: outputs that are not `(N,)` or `(N, C)`, or a label that is no class.
        """
        outputs = np.asarray(model.predict(self.inputs, verbose=0), dtype=np.float64)
        if outputs.ndim == 1:
            outputs = outputs[:, None]
        if outputs.ndim != 2 or len(outputs) != len(self.labels):
            what = (
                f"The model gives outputs of shape {outputs.shape} for {len(self.labels)} examples"
            )
            raise InputError(f"{what}; expected (N, 1) or (N, classes). Leave examples out.")
        if not np.isfinite(outputs).all():
            writer.text("examples/predictions", "The model's outputs are NaN or infinite.", step)
            return
        probabilities = _probabilities(outputs)
        known = [str(name) for name in getattr(model, "classes", None) or ()]
        count = probabilities.shape[1]
        classes = known if len(known) == count else [str(i) for i in range(count)]
        labels = _class_indices(self.labels, classes)
        # argmax returns the first of equal values: exactly one half is class 0, as in the metrics.
        predicted = probabilities.argmax(axis=1)

        counts = np.zeros((count, count), dtype=int)
        np.add.at(counts, (labels, predicted), 1)
        right = np.trace(counts) / len(labels)
        title = f"epoch {step}: {right:.1%} of {len(labels):,} examples right"
        writer.image(
            "examples/confusion_matrix", confusion_matrix_png(counts, classes, title), step
        )
        for i in range(1 if count == 2 else 0, min(count, _MAX_CURVES)):
            writer.pr_curve(f"pr_curve/{classes[i]}", labels == i, probabilities[:, i], step)
        if not isinstance(self.inputs[0], (str, bytes)):
            return  # only texts are shown in tables
        rows = np.arange(len(labels))
        confidence = probabilities[rows, predicted]
        wrong = rows[predicted != labels]
        worst = wrong[np.argsort(-confidence[wrong], kind="stable")]
        for tag, chosen in (("predictions", rows), ("mistakes", worst)):
            table = []
            for i in chosen[: self.rows]:
                text = self.inputs[i]
                text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
                names = [escape_markdown(classes[j]) for j in (labels[i], predicted[i])]
                mark = "right" if labels[i] == predicted[i] else "**wrong**"
                text = escape_markdown(text, _TEXT_WIDTH) or "*(empty)*"
                table.append([text, *names, f"{confidence[i]:.3f}", mark])
            header = ["text", "true", "predicted", "probability", ""]
            content = markdown_table(header, table) if table else "There are none."
            writer.text(f"examples/{tag}", content, step)


def _probabilities(outputs: np.ndarray) -> np.ndarray:
    """Return `(N, C)` probabilities; outputs outside [0, 1] are taken as logits."""
    if outputs.min() < -1e-6 or outputs.max() > 1 + 1e-6:
        if outputs.shape[1] == 1:
            outputs = np.concatenate([np.zeros_like(outputs), outputs], axis=1)
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    outputs = outputs.clip(0, 1)
    return np.concatenate([1 - outputs, outputs], axis=1) if outputs.shape[1] == 1 else outputs


def _class_indices(labels: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Return the class indices of labels: indices already, or names of classes."""
    index = {name: i for i, name in enumerate(classes)} if labels.dtype.kind in "OUS" else {}
    indices = [index.get(str(label), label) for label in labels]
    numbers = (int, float, np.number, np.bool_)
    for label in indices:
        if not isinstance(label, numbers) or label not in range(len(classes)):
            known = f"{list(classes)} (numbers 0 to {len(classes) - 1})"
            raise InputError(f"The examples hold the label {label!r}; the classes are {known}.")
    return np.array(indices).astype(int)
