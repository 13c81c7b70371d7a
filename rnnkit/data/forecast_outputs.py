"""Encoding of series for models with several horizons or targets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnkit.data.series import Series
from rnnkit.data.series_encoding import Encoded, SeriesEncoder, column_number
from rnnkit.errors import InputError, check_count, quote
from rnnkit.untrusted import parse_json


class MultiSeriesEncoder:
    """Scale and profile of several targets, and what is to be forecast at several horizons.

    There is a `SeriesEncoder` for each pair of a horizon and a target; the pairs are the columns of
    the targets, all targets of the first horizon first. The inputs are those of the first pair,
    then deviation and measurement indicator of the other targets, then the profile of the other
    pairs.

    Args:
        target: number or name of a column, or several.
        horizon: steps ahead, or several numbers.
        **options: see `SeriesEncoder`.

    Example:
        >>> encoder = MultiSeriesEncoder(target=(0, 1), horizon=(1, 6))
        >>> encoder.learn([Series(np.arange(40.0).reshape(20, 2))])
        >>> encoder.encode([Series(np.zeros((9, 2)))])[0].target.shape
        (9, 4)
        >>> encoder.labels
        ['column_0_h1', 'column_1_h1', 'column_0_h6', 'column_1_h6']
    """

    def __init__(self, *, target: Any = 0, horizon: Any = 1, **options: Any) -> None:
        self.target, self.horizon, self.options = target, horizon, options
        self.targets = _several("target", target)
        self.horizons = [check_count("horizon", h) for h in _several("horizon", horizon)]
        self.names_of_columns: list[str] = []
        self.parts = [
            SeriesEncoder(target=t, horizon=h, **options)
            for h in self.horizons
            for t in self.targets
        ]

    def clone(self) -> MultiSeriesEncoder:
        """Return an encoder with the same settings that is not fitted."""
        return MultiSeriesEncoder(target=self.target, horizon=self.horizon, **self.options)

    @property
    def learned(self) -> bool:
        """Return whether `learn` was called."""
        return self.parts[0].learned

    @property
    def timed(self) -> bool:
        """Return whether the training series had times."""
        return self.parts[0].timed

    @property
    def labels(self) -> list[str]:
        """A label for each column of the targets, of what there is more than one of."""
        found = []
        for part in self.parts:
            name = self.names_of_columns[part.target] if self.names_of_columns else ""
            words = [name or f"column_{part.target}"] if len(self.targets) > 1 else []
            words += [f"h{part.horizon}"] if len(self.horizons) > 1 else []
            found.append("_".join(words).replace(" ", "_"))
        return found

    @property
    def scales(self) -> np.ndarray:
        """The scale of each column of the targets, of the group where it is largest."""
        return np.array([part.unit for part in self.parts])

    @property
    def groups(self) -> Any:
        """The groups, with mean and spread of their columns; empty where there are none."""
        return self.parts[0].groups

    @property
    def column_names(self) -> list[str]:
        """The names of the columns of the training series; empty where they had none."""
        return self.parts[0].column_names or self.names_of_columns

    @property
    def deviations(self) -> list[int]:
        """The numbers of the inputs that are deviations, one for each target."""
        first = len(self.parts[0].names)
        return [0, *range(first, first + 2 * (len(self.targets) - 1), 2)]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs at a step."""
        names = [*self.parts[0].names]
        for part in self.parts[1 : len(self.targets)]:
            names += [f"deviation {part.target}", f"measured {part.target}"]
        if self.parts[0].step is not None:
            for part in self.parts[1:]:
                ahead = f"{part.target} in {part.horizon}"
                names += [f"usual {ahead}", f"change {ahead}"]
        return tuple(names)

    def learn(self, series: Sequence[Series]) -> None:
        """Fit scales and profiles to training series."""
        for part in self.parts:
            part.learn(series)
        pairs = [(part.horizon, part.target) for part in self.parts]
        if len(set(pairs)) < len(pairs):
            raise InputError(f"target is {quote(self.target)}; expected each column once.")
        self.names_of_columns = list(series[0].columns)

    def encode(self, series: Sequence[Series]) -> list[Encoded]:
        """Return inputs and targets of each series."""
        encoded = [part.encode(series) for part in self.parts]
        return [self._join(parts) for parts in zip(*encoded, strict=True)]

    def _join(self, parts: tuple[Encoded, ...]) -> Encoded:
        x = [parts[0].x, *(part.x[:, :2] for part in parts[1 : len(self.targets)])]
        if self.parts[0].step is not None:
            usual = self.parts[0].names.index("usual")
            x += [part.x[:, usual : usual + 2] for part in parts[1:]]
        target, base, known = (
            np.stack(columns, 1) for columns in list(zip(*parts, strict=True))[1:4]
        )
        scale = np.array([part.scale for part in parts])
        share = None if parts[0].share is None else np.array([part.share for part in parts])
        return Encoded(np.concatenate(x, 1), target, base, known, scale, share)

    def to_json(self) -> str:
        """Return the settings and the fitted values as JSON."""
        state = {
            "target": self.target,
            "horizon": self.horizon,
            "options": self.options,
            "names_of_columns": self.names_of_columns,
            "parts": [json.loads(part.to_json()) for part in self.parts],
        }
        return json.dumps(state)


def read_encoder(text: str) -> SeriesEncoder | MultiSeriesEncoder:
    """Return the encoder that `to_json` of either class wrote."""
    state = parse_json(text)
    if "parts" not in state:
        return SeriesEncoder.from_json(text)
    encoder = MultiSeriesEncoder(
        target=state["target"], horizon=state["horizon"], **state["options"]
    )
    encoder.names_of_columns = state["names_of_columns"]
    encoder.parts = [SeriesEncoder.from_json(json.dumps(part)) for part in state["parts"]]
    return encoder


def make_encoder(
    *, several: bool = False, target: Any = 0, horizon: Any = 1, **options: Any
) -> SeriesEncoder | MultiSeriesEncoder:
    """Return a `SeriesEncoder` for one horizon and one target, else a `MultiSeriesEncoder`.

    Args:
        several: return the latter in any case.
        target: number or name of a column, or several.
        horizon: steps ahead, or several numbers.
        **options: see `SeriesEncoder`.
    """
    if isinstance(target, str) and "," in target:
        target = [int(p) if p.strip().isdigit() else p.strip() for p in target.split(",")]
    one = isinstance(target, (int, str)) and isinstance(horizon, int) and not several
    cls: Any = SeriesEncoder if one else MultiSeriesEncoder
    return cls(target=target, horizon=horizon, **options)


def _several(name: str, value: Any) -> list[Any]:
    found = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if not found or len(set(found)) < len(found):
        raise InputError(f"{name} is {quote(value)}; expected one or more different ones.")
    return found


__all__ = ["MultiSeriesEncoder", "column_number", "make_encoder", "read_encoder"]
