"""Encoding of time series: standardised inputs, a seasonal profile, and targets to forecast."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnnkit.data.series import Series, in_order
from rnnkit.data.series_scales import (
    Columns,
    group_scales,
    mean_and_spread,
    refuse_unmeasured,
    relative,
    scale_of,
)
from rnnkit.errors import InputError, check_choice, check_count, quote, suggest
from rnnkit.untrusted import parse_json

DAY = 24 * 60
WEEK = 7 * DAY
MONDAY = 4 * DAY  # the epoch, 1970-01-01, was a Thursday
PROFILES = (None, "day", "week", "auto")


class Encoded(NamedTuple):
    """Inputs and targets of one series of T steps.

    Args:
        x: `(T, F)` float32, the inputs at each step.
        target: `(T,)` float32, the scaled deviation to forecast at each step; 0 where unknown.
        base: `(T,)` float64, the profile at the step that is forecast.
        known: `(T,)` boolean, true = the step `horizon` later is in the series and was measured.
        scale: of the target: the value to forecast is `base + scale * target`.
        share: `scale` as a share of the largest of all groups; None = there are no groups.
    """

    x: np.ndarray
    target: np.ndarray
    base: np.ndarray
    known: np.ndarray
    scale: Any = 1.0
    share: Any = None

    def counts(self, context: int) -> np.ndarray:
        """Return which steps `(T,)` have a loss: `context` steps were read, the target is known."""
        read = np.arange(len(self.known)) >= context - 1
        return (self.known.T & read).T  # (T, O) where there are several outputs


def column_number(target: int | str, series: Series) -> int:
    """Return the number of a column that is given by its number or name.

    Raises:
        InputError: the series have no column of that name.

    Example:
        >>> column_number("load", Series(np.zeros((2, 2)), columns=("rain", "load")))
        1
    """
    if not isinstance(target, str):
        return target
    if target not in series.columns:
        known = ", ".join(series.columns) or "no names: give its number, from 0"
        raise InputError(
            f"target is {quote(target)}; the columns of the series have {known}."
            f"{suggest(target, series.columns)}"
        )
    return series.columns.index(target)


class SeriesEncoder:
    """Fits a scaler and a seasonal profile: the mean by time of day, or of the week.

    With `p` the profile, `h` the horizon and `s` the standard deviation of `v_t - p_t` in train, a
    network reads `(v_t - p_t) / s` and `p_{t+h}` at step t and forecasts `(v_{t+h} - p_{t+h}) / s`.
    No input at step t is later than step t, except for the calendar.

    Where the series are of two groups or more (`Series.name`), each group is first centred and
    divided by its own spread (see `rnnkit.data.series_scales`), and profile and s are those of the
    result: a station that counts tens is learned as well as one that counts thousands.

    Args:
        target: the column to forecast, by its number or its name.
        horizon: h, the number of steps ahead.
        profile: the period of the profile, "day" or "week"; None = no profile; "auto" = the week
            where train has six weeks or more, else the day. Series without times have no profile.
        smoothing: standard deviation, in minutes, of the Gaussian that smooths the profile.
        harmonics: pairs of a sine and a cosine of the time of day among the inputs.

    Example:
        >>> times = np.datetime64("2024-01-01T00:00") + 360 * np.arange(40)
        >>> encoder = SeriesEncoder(smoothing=0.0, harmonics=1)
        >>> encoder.learn([Series(10.0 * (np.arange(40) % 4), times)])
        >>> encoder.names
        ('deviation', 'measured', 'usual', 'change', 'sin 1', 'cos 1')
        >>> encoder.profile
        [0.0, 10.0, 20.0, 30.0]
    """

    DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

    def __init__(
        self,
        *,
        target: int | str = 0,
        horizon: int = 1,
        profile: str | None = "auto",
        smoothing: float = 5.0,
        harmonics: int = 4,
    ) -> None:
        check_choice("profile", profile, PROFILES)
        if not isinstance(target, str):
            check_count("target", target, 0)
        check_count("horizon", horizon)
        check_count("harmonics", harmonics, 0)
        if not 0 <= smoothing <= DAY:
            raise InputError(f"smoothing is {quote(smoothing)}; expected minutes, 0 to {DAY}.")
        self.target: Any = target  # its number once the encoder is fitted
        self.horizon = horizon
        self.profile_of, self.smoothing, self.harmonics = profile, float(smoothing), harmonics
        self.step: int | None = None  # minutes; None = the series have no times
        self.profile: list[float] = []  # the mean of each step of the day or the week
        self.scale = 1.0  # s
        self.columns: Columns = []  # mean and standard deviation of each
        self.column_names: list[str] = []
        self.groups: dict[str, Columns] = {}  # group -> mean and spread of each column

    def clone(self) -> SeriesEncoder:
        """Return an encoder with the same settings that is not fitted."""
        return SeriesEncoder(
            target=self.target,
            horizon=self.horizon,
            profile=self.profile_of,
            smoothing=self.smoothing,
            harmonics=self.harmonics,
        )

    @property
    def learned(self) -> bool:
        """Return whether `learn` was called."""
        return bool(self.columns)

    @property
    def timed(self) -> bool:
        """Return whether the training series had times."""
        return self.step is not None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs at a step."""
        others = [f"column {i}" for i in range(len(self.columns)) if i != self.target]
        names = ["deviation", "measured", *others]
        if self.step is not None:
            names += ["usual", "change"]
            for i in range(1, self.harmonics + 1):
                names += [f"sin {i}", f"cos {i}"]
            if self._period == WEEK:
                names += self.DAYS
        return tuple(names)

    def learn(self, series: Sequence[Series]) -> None:
        """Fit the scale and the profile to training series."""
        if len(series):
            self.target = column_number(self.target, series[0])
            self.column_names = list(series[0].columns)
        series = [in_order(one, self.column_names, f"Series {i}") for i, one in enumerate(series)]
        self._check(series, series[0].values.shape[1] if len(series) else 0)
        every = np.concatenate([one.values.astype("float64") for one in series])
        refuse_unmeasured(every, self.column_names)
        self.groups = group_scales(series)
        if self.groups:
            series = [relative(one, scale_of(one, self.groups)) for one in series]
            every = np.concatenate([one.values for one in series])
        mean, spread = mean_and_spread(every)
        columns = list(zip(mean.tolist(), spread.tolist(), strict=True))
        self.step = self._find_step(series)
        self.profile = [columns[self.target][0]]
        if self.step is not None and self.profile_of is not None:
            weeks = sum(map(len, series)) * self.step / WEEK
            weekly = self.profile_of == "week" or (self.profile_of == "auto" and weeks >= 6)
            self._learn_profile(series, WEEK if weekly else DAY)
        self.columns = columns
        deviation = np.concatenate(
            [one.values[:, self.target] - self._profile_at(one, 0) for one in series]
        )
        self.scale = float(np.nanstd(deviation))
        rounding = 1e-9 * spread[self.target] + 1e-15 * abs(mean[self.target])
        if self.scale <= rounding:  # nothing is left beside the profile
            self.scale = float(spread[self.target])

    def _learn_profile(self, series: Sequence[Series], period: int) -> None:
        assert self.step is not None
        slots = period // self.step
        mean = self.profile[0]  # subtracted, so that the smoothing does not round large values
        self.profile = [0.0] * slots
        total, count = np.zeros(slots), np.zeros(slots)
        for one in series:
            value = one.values[:, self.target].astype("float64") - mean
            there = np.isfinite(value)
            place = self._slot(one, 0)[there]
            np.add.at(total, place, value[there])
            np.add.at(count, place, 1)
        seen = np.flatnonzero(count)
        profile = np.interp(np.arange(slots), seen, total[seen] / count[seen], period=slots)
        if self.smoothing:
            distance = np.minimum(np.arange(slots), slots - np.arange(slots)) * self.step
            bell = np.exp(-0.5 * (distance / self.smoothing) ** 2)
            spectrum = np.fft.rfft(profile) * np.fft.rfft(bell / bell.sum())
            profile = np.fft.irfft(spectrum, slots)
        self.profile = (mean + profile).tolist()

    def encode(self, series: Sequence[Series]) -> list[Encoded]:
        """Return inputs and targets of each series."""
        if not self.learned:
            raise InputError("The encoder is not fitted: call learn first.")
        series = [in_order(one, self.column_names, f"Series {i}") for i, one in enumerate(series)]
        self._check(series, len(self.columns))
        if self.step is not None:
            found = self._find_step([one for one in series if len(one) > 1] or series)
            if found != self.step and any(len(one) > 1 for one in series):
                raise InputError(
                    f"The series have a step every {found} minutes; the training series had one "
                    f"every {self.step}."
                )
        return [self._encode(one) for one in series]

    def unit_of(self, one: Series) -> float:
        """Return s in the units of a series."""
        return self.scale * (scale_of(one, self.groups)[self.target][1] if self.groups else 1.0)

    @property
    def unit(self) -> float:
        """S in the units of the series, of the group where it is largest."""
        spreads = [columns[self.target][1] for columns in self.groups.values()]
        return self.scale * max(spreads, default=1.0)

    def _encode(self, one: Series) -> Encoded:
        if not self.groups:
            return self._encode_relative(one)
        scale = scale_of(one, self.groups)
        found = self._encode_relative(relative(one, scale))
        mean, spread = scale[self.target]
        unit = self.unit_of(one)
        return found._replace(base=mean + spread * found.base, scale=unit, share=unit / self.unit)

    def _encode_relative(self, one: Series) -> Encoded:
        values = one.values.astype("float64")
        now, later = self._profile_at(one, 0), self._profile_at(one, self.horizon)
        deviation = (values[:, self.target] - now) / self.scale
        columns = [np.nan_to_num(deviation), np.isfinite(deviation)]
        for i, (mean, spread) in enumerate(self.columns):
            if i != self.target:
                columns.append(np.nan_to_num((values[:, i] - mean) / spread))
        if self.step is not None:
            mean, spread = self.columns[self.target]
            columns += [(later - mean) / spread, (later - now) / self.scale]
            minute = self._minute(one, self.horizon)
            for i in range(1, self.harmonics + 1):
                angle = 2 * np.pi * i * minute / DAY
                columns += [np.sin(angle), np.cos(angle)]
            if self._period == WEEK:
                columns += [minute // DAY == day for day in range(len(self.DAYS))]
        target, h = np.full(len(one), np.nan), self.horizon
        target[:-h] = (values[h:, self.target] - later[:-h]) / self.scale
        return Encoded(
            np.stack(columns, 1).astype("float32"),
            np.nan_to_num(target).astype("float32"),
            later,
            np.isfinite(target),
            self.scale,
        )

    @property
    def _period(self) -> int:
        return len(self.profile) * (self.step or 0)

    def _minute(self, one: Series, ahead: int) -> np.ndarray:
        """Return the minute of the week, of the step that is `ahead` steps later."""
        assert one.times is not None
        assert self.step is not None
        return (one.times.astype(int) + ahead * self.step - MONDAY) % WEEK

    def _slot(self, one: Series, ahead: int) -> np.ndarray:
        return self._minute(one, ahead) % self._period // (self.step or 1)

    def _profile_at(self, one: Series, ahead: int) -> np.ndarray:
        if len(self.profile) == 1:
            return np.full(len(one), self.profile[0])
        return np.asarray(self.profile)[self._slot(one, ahead)]

    def _check(self, series: Sequence[Series], width: int) -> None:
        if not len(series):
            raise InputError("There are no series: expected at least one.")
        timed = self.step is not None if self.learned else series[0].times is not None
        for i, one in enumerate(series):
            if one.values.shape[1] != width:
                raise InputError(f"Series {i} has {one.values.shape[1]} columns; expected {width}.")
            if (one.times is not None) != timed:
                found = "no times, those before it have" if timed else "times, those before it none"
                raise InputError(f"Series {i} has {found}: expected all with times, or none.")
        if self.target >= width:
            raise InputError(f"target is {self.target}; the series have {width} columns, from 0.")

    def _find_step(self, series: Sequence[Series]) -> int | None:
        """Return the minutes from step to step, or None where there are no times."""
        if series[0].times is None:
            return None
        distances = [np.diff(one.times).astype(int) for one in series if one.times is not None]
        found, counts = np.unique(np.concatenate(distances), return_counts=True)
        if not len(found):
            raise InputError("The series have one step each: expected longer ones.")
        step = int(found[counts.argmax()])
        if DAY % step:
            raise InputError(
                f"The series have a step every {step} minutes, which does not divide a day: leave "
                "their times out, and there is no time of day."
            )
        return step

    def to_json(self) -> str:
        """Return the settings and the fitted values as JSON."""
        return json.dumps(vars(self))

    @classmethod
    def from_json(cls, text: str) -> SeriesEncoder:
        """Return the encoder that `to_json` wrote."""
        state: dict[str, Any] = parse_json(text)
        own = {name: state.pop(name) for name in ("step", "profile", "scale", "columns")}
        own["column_names"] = list(map(str, state.pop("column_names", [])))
        own["columns"] = _pairs(own["columns"])
        groups = {name: _pairs(pairs) for name, pairs in state.pop("groups", {}).items()}
        own["groups"] = groups
        flat = [
            number
            for pairs in (own["columns"], *groups.values())
            for pair in pairs
            for number in pair
        ]
        if not np.isfinite(np.array([own["scale"], *own["profile"], *flat], "float64")).all():
            raise InputError("The scales or the profile of this encoder are no finite numbers.")
        if own["step"] is not None:
            check_count("step", own["step"])
        state["profile"] = state.pop("profile_of")
        encoder = cls(**state)
        vars(encoder).update(own)
        return encoder


def _pairs(columns: Any) -> Columns:
    return [(mean, spread) for mean, spread in columns]
