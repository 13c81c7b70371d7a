"""What is printed of a series with a label a step."""

from __future__ import annotations

import numpy as np
import pytest

from rnnkit.cli.frames import print_frames
from rnnkit.errors import InputError


class Labeller:
    """Label 1 where the value is above 0."""

    classes = ("below", "above")

    def predict(self, x, verbose=0):
        high = [one.values[:, 0] > 0 for one in x]
        return [np.where(flags[:, None], [0.25, 0.75], [0.9, 0.1]) for flags in high]

    def predict_labels(self, x):
        return [[self.classes[i] for i in row.argmax(axis=1)] for row in self.predict(x)]


def test_a_line_for_each_step(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain.csv").write_text("value\n-1\n2\n")
    (tmp_path / "timed.csv").write_text("2020-01-01 00:00,3\n2020-01-01 00:05,-1\n")
    print_frames(Labeller(), ["plain.csv", "timed.csv"])
    assert capsys.readouterr().out.splitlines() == [
        "0\tbelow\t0.9000\tplain.csv",
        "1\tabove\t0.7500\tplain.csv",
        "2020-01-01 00:00\tabove\t0.7500\ttimed.csv",
        "2020-01-01 00:05\tbelow\t0.9000\ttimed.csv",
    ]
    (tmp_path / "words.csv").write_text("a,b\nc,d\n")
    with pytest.raises(InputError, match=r"words.csv is no series"):
        print_frames(Labeller(), ["words.csv"])
