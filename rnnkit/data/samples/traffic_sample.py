"""The data set `traffic_sample`: counts generated from a daily profile and a hidden regime."""

from __future__ import annotations

import numpy as np

from rnnkit.data.series import SeriesDataset, SeriesSplit, cut_at_gaps, split_by_time

DAYS = {"train": 20, "valid": 5, "test": 5}
STEP = 15  # minutes
SEED = 20_240_301
# Free flow, dense, jam: the factor of the daily profile, and the probability to stay.
SHARE = np.array([1.0, 1.35, 0.45])
STAY = np.array([0.97, 0.92, 0.92])
ABOUT = (
    f"{sum(DAYS.values())} weekdays of counts every {STEP} minutes, GENERATED, not measured: "
    "Poisson counts around a daily profile, times the factor of one of three hidden regimes (free "
    "flow, dense, jam) that last for an hour or more. Good for trying things out: a score on it "
    "says nothing about real traffic."
)


def read() -> SeriesDataset:
    """Generate the data set, the same at every call.

    Example:
        >>> sample = read()
        >>> sample.train.steps, sample.valid.steps, sample.test.steps, len(sample.train)
        (1920, 480, 480, 4)
    """
    random = np.random.default_rng(SEED)
    per_day = 24 * 60 // STEP
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-03-01"))
    days = days[np.is_busday(days)][: sum(DAYS.values())]
    moments = (days[:, None] + (STEP * np.arange(per_day)).astype("timedelta64[m]")).reshape(-1)
    hour = np.arange(per_day) * STEP / 60
    usual = 15 + 90 * np.exp(-(((hour - 7.5) / 2) ** 2)) + 80 * np.exp(-(((hour - 16) / 3.5) ** 2))
    regime, share = 0, np.zeros(len(moments))
    for step in range(len(moments)):
        if random.random() > STAY[regime]:
            regime = (regime + 1 + int(random.integers(2))) % 3
        share[step] = SHARE[regime]
    counts = random.poisson(np.tile(usual, len(days)) * share)
    series = cut_at_gaps(counts, moments, STEP)
    parts = split_by_time(series, [count * per_day for count in DAYS.values()])
    train, valid, test = map(SeriesSplit, parts)
    return SeriesDataset(
        "traffic_sample", train, valid, test, ("flow",), target=0, step=STEP, about=ABOUT
    )
