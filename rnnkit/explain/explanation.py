"""The record of an explanation: what each word or step added to an answer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.atomic import replacing


@dataclass(frozen=True)
class Connectivity:
    """Norms of the gradient of outputs by steps of the input.

    Attributes:
        outputs: O names.
        norms: `(O, T)`; see `rnnkit.explain.connectivity`.
    """

    outputs: tuple[str, ...]
    norms: np.ndarray


@dataclass(frozen=True)
class Explanation:
    """Which words of a text, or steps of a series, moved an answer.

    `attributions` are integrated gradients: they add up to `value - baseline_value`. `occlusion` is
    their check, computed another way: what the value falls by where one word or step alone is
    missing.

    Attributes:
        question: what is explained, such as "log-odds of 'pos'".
        target: the class, tag, token or output that is explained.
        answer: what the model answers, such as "pos (probability 0.9712)".
        unit: of the values and attributions.
        words: T words or steps.
        attributions: `(T,)`.
        value: F(x), what is explained.
        baseline_value: F of the baseline.
        baseline: what the baseline is.
        parts: name -> `(T,)`, the attributions by branch of the network or by column of a series;
            they add up to `attributions`. One part where there is nothing to tell apart.
        occlusion: `(T,)`; NaN for words that cannot be left out; None = not computed.
        without: what is done to the word that occlusion leaves out.
        features: pairs of a feature of several words, such as an n-gram, and what it adds to
            the attributions of its words; the largest first.
        connectivity: None = not computed.
        place: the number of the word or step whose answer is explained; None = that of the whole.
        steps: nodes of the quadrature.
        notes: what a reader has to know.

    Example:
        >>> found = Explanation("log-odds of 'pos'", "pos", "pos (0.88)", "log-odds", ("a", "fine"),
        ...     np.array([0.0, 2.0]), 2.0, 0.0, "zero vectors")
        >>> found.completeness_error, found.ranked()
        (0.0, [(1, 'fine', 2.0), (0, 'a', 0.0)])
    """

    question: str
    target: str
    answer: str
    unit: str
    words: tuple[str, ...]
    attributions: np.ndarray
    value: float
    baseline_value: float
    baseline: str
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    occlusion: np.ndarray | None = None
    without: str = ""
    features: Sequence[tuple[str, float]] = ()
    connectivity: Connectivity | None = None
    place: int | None = None
    steps: int = 0
    notes: tuple[str, ...] = ()

    @property
    def completeness_error(self) -> float:
        """The sum of the attributions minus `value - baseline_value`."""
        return float(self.attributions.sum()) - (self.value - self.baseline_value)

    @property
    def agreement(self) -> float | None:
        """Spearman's rank correlation of attributions and occlusion; None with fewer than three."""
        if self.occlusion is None:
            return None
        known = np.isfinite(self.occlusion)
        one, other = self.attributions[known], self.occlusion[known]
        if known.sum() < 3 or not np.ptp(one) or not np.ptp(other):
            return None
        return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])

    def ranked(self) -> list[tuple[int, str, float]]:
        """Return number, word and attribution, the largest amount first."""
        order = np.argsort(-np.abs(self.attributions), kind="stable").tolist()
        return [(i, self.words[i], float(self.attributions[i])) for i in order]

    def record(self) -> dict[str, Any]:
        """Return everything as what JSON can hold; numbers that are not finite are None."""
        found: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("question", "target", "answer", "unit", "value", "baseline_value")
        }
        found |= {"baseline": self.baseline, "place": self.place, "words": list(self.words)}
        found["attributions"] = _plain(self.attributions)
        found["parts"] = {name: _plain(part) for name, part in self.parts.items()}
        found["occlusion"] = None if self.occlusion is None else _plain(self.occlusion)
        found["without"] = self.without
        found["features"] = [list(pair) for pair in self.features]
        if self.connectivity is not None:
            norms = [_plain(row) for row in self.connectivity.norms]
            found["connectivity"] = {"outputs": list(self.connectivity.outputs), "norms": norms}
        found["completeness_error"] = self.completeness_error
        found["agreement"] = self.agreement
        return {**found, "steps": self.steps, "notes": list(self.notes)}

    def to_json(self) -> str:
        """Return `record` as JSON."""
        return json.dumps(self.record(), ensure_ascii=False, allow_nan=False)

    def to_html(self) -> str:
        """Return a page that needs no other file and no network."""
        from rnnkit.explain.html import page

        return page(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_html` to a file; what was there before is replaced as a whole.

        Raises:
            DiskError: the file cannot be written.
        """
        with replacing(Path(path)) as new:
            new.write_text(self.to_html(), encoding="utf-8")

    def __str__(self) -> str:
        """Return the plain form: a line of what is explained, a line for each word."""
        from rnnkit.explain.plain import lines

        return "\n".join(lines(self))

    def _repr_html_(self) -> str:
        """Show in a notebook."""
        from rnnkit.explain.html import body

        return body(self)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[inverse]


def _plain(values: np.ndarray) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
