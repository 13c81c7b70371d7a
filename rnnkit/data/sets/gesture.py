"""The data sets `gesture_phase` and `room_occupancy`: a class label for each step of a series."""

from __future__ import annotations

import numpy as np

from rnnkit.data.release import Release
from rnnkit.data.splits import Dataset, Split
from rnnkit.data.tables import csv_rows, decode, parse_number
from rnnkit.errors import InputError

_GESTURE_FILES = {"train": "a1_raw.csv", "test": "a2_raw.csv"}
GESTURE = Release(
    "gesture_phase",
    "timeseries.tar.xz",
    "timeseries/gesture_phase",
    _GESTURE_FILES,
    separate=_GESTURE_FILES,
    counts={"train": 1747, "test": 1264},
    unit="steps",
    home="https://archive.ics.uci.edu/static/public/302/gesture+phase+segmentation.zip",
    about="A person tells a story before a camera: 18 coordinates of hands, wrists, head and spine "
    "in each video frame, and the phase of the gesture. Train and valid are one story, test "
    "another by the same person. Madeo, Lima and Peres 2013, UCI machine learning repository 302, "
    "CC BY 4.0.",
)
PHASES = ("Rest", "Preparation", "Stroke", "Hold", "Retraction")
COLUMNS = 18  # x, y, z of left hand, right hand, head, spine, left wrist, right wrist
GAP = 1000  # milliseconds without a frame after which another series begins
BLOCKS, VALID_BLOCKS = 10, (2, 6)  # of the time of recording a1
_ROOM_FILES = {"train": "datatraining.txt", "valid": "datatest.txt", "test": "datatest2.txt"}
ROOM = Release(
    "room_occupancy",
    "timeseries.tar.xz",
    "timeseries/occupancy",
    _ROOM_FILES,
    separate=_ROOM_FILES,
    counts={"train": 8143, "valid": 2665, "test": 9752},
    unit="steps",
    home="https://archive.ics.uci.edu/static/public/357/occupancy+detection.zip",
    about="Is somebody in the room? Temperature, humidity, light, CO2 and humidity ratio each "
    "minute. One threshold on the light answers it: good to try things out, and no measure of a "
    "model. Candanedo and Feldheim 2016, UCI machine learning repository 357, CC BY 4.0.",
)


def read_gesture() -> Dataset:
    """Read the frames: `(T, 19)`, 18 coordinates and the seconds since the frame before.

    Train is the recording a1 without two blocks of a tenth of its time, which are valid; test is
    a2. A recording is split where no frame came for a second, and train where a block is left out.
    """
    recordings = {}
    for part, (data, source) in GESTURE.read().items():
        recordings[part] = parse_gesture(data, source)
        GESTURE.check_count(part, len(recordings[part][0]), source)
    x, y, gaps = recordings["train"]
    cuts = np.linspace(0, len(x), BLOCKS + 1).round().astype(int)
    block = np.searchsorted(cuts, np.arange(len(x)), side="right") - 1
    valid = np.isin(block, VALID_BLOCKS)
    splits = {
        "train": _contiguous(x, y, gaps, ~valid),
        "valid": _contiguous(x, y, gaps, valid),
        "test": _contiguous(*recordings["test"], np.ones(GESTURE.counts["test"], bool)),
    }
    return GESTURE.dataset(splits, classes=PHASES)


def parse_gesture(data: bytes, source: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Read a file of frames: 18 coordinates, a time in milliseconds, a phase. A header is skipped.

    Returns:
        Frames `(T, 19)` float32, phases `(T,)` int, and boolean `(T,)`, true where a frame comes
        more than a second after the one before it.

    Example:
        >>> lines = "".join(f"{','.join(['1.5'] * 18)},{time},Hold\n" for time in (0, 500, 5030))
        >>> x, y, gaps = parse_gesture(lines.encode(), "tiny.csv")
        >>> x.shape, x[:, -1].tolist(), y.tolist(), gaps.tolist()
        ((3, 19), [0.0, 0.5, 0.0], [3, 3, 3], [False, False, True])
    """
    rows: list[list[float]] = []
    labels: list[int] = []
    for where, row in csv_rows(decode(data, source), source):
        if not rows and row[-1].lower() == "phase":
            continue
        try:
            values = [float(cell) for cell in row[:-1]]
        except ValueError:
            values = []
        phase = row[-1].strip().capitalize()
        if len(values) != COLUMNS + 1 or phase not in PHASES:
            raise InputError(
                f"{where} is not a frame ({','.join(row)[-40:]!r}): expected "
                f"{COLUMNS} coordinates, a time and one of {', '.join(PHASES)}."
            )
        rows.append(values)
        labels.append(PHASES.index(phase))
    table = np.array(rows).reshape(-1, COLUMNS + 1)
    passed = np.diff(table[:, -1], prepend=table[:1, -1])
    gaps = passed > GAP
    table[:, -1] = np.where(gaps, 0, passed) / 1000
    return table.astype("float32"), np.array(labels, np.int64), gaps


def read_room() -> Dataset:
    """Read the minutes of the room: `(T, 5)`; valid and test are the two test files."""
    splits = {}
    for part, (data, source) in ROOM.read().items():
        _, *rows = csv_rows(decode(data, source), source)
        table = np.array(
            [[parse_number(cell, where, "2 to 7") for cell in row[2:8]] for where, row in rows]
        ).reshape(-1, 6)
        ROOM.check_count(part, len(table), source)
        splits[part] = Split([table[:, :5].astype("float32")], [table[:, 5].astype(np.int64)])
    return ROOM.dataset(splits, classes=("empty", "occupied"))


def _contiguous(x: np.ndarray, y: np.ndarray, gaps: np.ndarray, keep: np.ndarray) -> Split:
    """Return the kept steps as series without gaps."""
    begins = np.flatnonzero(keep & (gaps | ~np.concatenate([[False], keep[:-1]])))
    series, labels = [], []
    for first, last in zip(begins, [*begins[1:], len(x)], strict=True):
        rows = np.arange(first, last)[keep[first:last]]
        series.append(x[rows])
        labels.append(y[rows])
    return Split(series, labels)
