"""Draw the chart that docs/benchmarks.md opens with, from the tables of that page.

python tests/benchmarks/chart.py
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from tables import cells, is_rule

DOCS = Path(__file__).resolve().parents[2] / "docs"
COLOURS = {"PyTorch": "#d95f02", "JAX": "#1b6ca8", "TensorFlow": "#3a9d5d"}
MARKS = {"PyTorch": "s", "JAX": "o", "TensorFlow": "D"}
LAYERS = ("SimpleRNN", "LSTM", "GRU", "BiLSTM")
Ratios = dict[str, dict[str, float]]


def tables(page: str) -> list[tuple[str, list[list[str]]]]:
    """Return the Markdown tables of a page, each with the heading above it."""
    found: list[tuple[str, list[list[str]]]] = []
    heading, rows = "", []
    for line in [*page.splitlines(), ""]:
        if line.startswith("|"):
            if not is_rule(line):
                rows.append(cells(line))
            continue
        if rows:
            found.append((heading, rows))
            rows = []
        if line.startswith("#"):
            heading = line.lstrip("# ")
    return found


def layers(page: str) -> Ratios:
    """Return the speed-up over keras.layers of a training step, right-padded, no dropout."""
    ratios: Ratios = {}
    for backend, (heading, *rows) in tables(page):
        if backend in COLOURS:
            ratio = heading.index("keras / rnnkit")
            for row in rows:
                if row[1:4] == ["right", "0", "train"]:
                    ratios.setdefault(row[0], {})[backend] = float(row[ratio])
    return {f"{name}, training step": ratios[name] for name in LAYERS}


def by_backend(page: str, heading: str, pattern: str, *names: str) -> Ratios:
    """Return the number that a pattern finds in the cells of some rows of a table."""
    (backends, *rows) = next(rows for title, rows in tables(page) if title == heading)
    ratios = {}
    for name, *shown in rows:
        if name in names:
            numbers = [float(re.search(pattern, cell)[1]) for cell in shown]
            ratios[name] = dict(zip(backends[1:], numbers, strict=True))
    return ratios


def groups(page: str) -> dict[str, Ratios]:
    """Return the ratios of the chart, by what rnnkit is compared with."""
    emissions = [
        *("GaussianHMM, posteriors", "GaussianHMM, Viterbi", "GaussianHMM, Baum-Welch iteration"),
        *("GMMHMM, Baum-Welch iteration", "CategoricalHMM, Viterbi"),
    ]
    losses = ("negative sampling", "hierarchical softmax")
    vectors = [f"{model}, {loss}" for loss in losses for model in ("skip-gram", "CBOW")]
    return {
        "keras.layers, sequences right-padded": layers(page),
        "hmmlearn, its faster setting": by_backend(
            page, "Hidden Markov models", r"^([\d.]+),", *emissions
        ),
        "gensim, two workers": by_backend(page, "Word vectors", r": ([\d.]+)$", *vectors),
    }


def draw(shown: dict[str, Ratios], path: Path) -> None:
    """Write the chart: one row for each comparison, one mark for each backend."""
    heights = [len(ratios) for ratios in shown.values()]
    figure, panels = plt.subplots(
        len(shown), figsize=(8, 4.6), sharex=True, height_ratios=heights, layout="constrained"
    )
    for panel, (other, ratios) in zip(panels, shown.items(), strict=True):
        panel.axvline(1, color="#333333", linewidth=1)
        for row, numbers in enumerate(ratios.values()):
            panel.hlines(row, min(numbers.values()), max(numbers.values()), color="#d8d8d8", lw=2)
            for backend, number in numbers.items():
                panel.plot(number, row, MARKS[backend], color=COLOURS[backend], ms=7, label=backend)
        panel.set_yticks(range(len(ratios)), ratios)
        panel.set_ylim(len(ratios) - 0.5, -0.5)
        panel.set_title(f"compared with {other}", loc="left", fontsize=10, fontweight="bold")
        panel.set_xscale("log")
        panel.grid(axis="x", color="#eeeeee")
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(axis="y", length=0)
    marks = ("0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50")
    panels[-1].set_xticks([float(mark) for mark in marks], marks)
    panels[-1].minorticks_off()
    panels[-1].set_xlabel("speed of rnnkit divided by the other's; right of 1 rnnkit is faster")
    handles, labels = panels[0].get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique, loc="outside upper right", ncols=3, frameon=False)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    draw(groups((DOCS / "benchmarks.md").read_text("utf-8")), DOCS / "images" / "speed.png")
