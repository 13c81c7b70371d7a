"""The labels of each step of series in files."""

from __future__ import annotations

from typing import Any

from rnnkit.cli.series import read, when


def print_frames(model: Any, paths: list[str]) -> None:
    """Print the label of each step of the series in each CSV file, and its probability.

    A table in a terminal, tab-separated lines elsewhere. When is a time where the file has times,
    else the number of the step, from 0 on.

    Args:
        model: a trained `rnnkit.tasks.FrameLabeller`.
        paths: CSV files: a row a step, a column a feature.

    Raises:
        InputError: a file that holds no series, or one of another number of features.

    Example:
        >>> print_frames(model, ["walk.csv"])  # doctest: +SKIP
        0	clockwise	0.9312	walk.csv
        1	clockwise	0.9457	walk.csv
    """
    from rnnkit.cli import show

    found = [read(path) for path in paths]
    lines = []
    labels, shares = model.predict_labels(found), model.predict(found, verbose=0)
    for path, series, names, rows in zip(paths, found, labels, shares, strict=True):
        for step, (name, row) in enumerate(zip(names, rows, strict=True)):
            share = row[model.classes.index(name)]
            lines.append([when(series, step), name, f"{share:.4f}", path])
    if show.console.is_terminal:
        show.rows(["when", "label", "probability", "series"], lines)
        return
    for line in lines:
        print(*line, sep="\t")
