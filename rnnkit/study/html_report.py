"""report.html of a study: what report.md says, with figures, and what single examples tell.

It is one file, which fetches nothing: images are part of it. Every text of users is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnkit import recipes as known_recipes
from rnnkit.html_page import Section, bullets, code, figure, page, paragraph, table
from rnnkit.study import outputs, report, significance_report
from rnnkit.study.by_length import quality_by_length
from rnnkit.study.calibration import BINS, confidences, reliability
from rnnkit.study.comparable import Kept, by_recipe
from rnnkit.study.disagreement import disputed, shown
from rnnkit.study.dynamics import EVENTS, EXAMPLES, dynamics_figures
from rnnkit.study.remarks import remarks
from rnnkit.study.report_figures import (
    curves_title,
    length_figure,
    quality_over_seconds,
    reliability_diagram,
)
from rnnkit.study.sources import Source

if TYPE_CHECKING:
    from rnnkit.study.compare import Comparison

_NAMES = 6  # recipes that an alternative text names


def write_html_report(study: Comparison, curves: bytes, dataset: Any = None) -> None:
    """Write report.html into the study's folder.

    Args:
        study: with one complete run or more.
        curves: PNG of its learning curves.
        dataset: of the runs; None = it is loaded.
    """
    kept = by_recipe(study.runs, [])
    classifiers = bool(kept) and "probabilities" in next(iter(kept.values()))[0].answers
    sections = [
        Section("support", "What the numbers support", list(_support(study))),
        Section("results", "Results", list(_results(study))),
        Section("tests", "Paired tests", list(_tests(study, kept))),
        Section("curves", "Learning curves and training time", list(_curves(study, curves))),
        Section("calibration", "Calibration", list(_calibration(kept) if classifiers else ())),
        Section("length", "Quality by length", list(_length(kept))),
        Section(
            "disagreement",
            "Where the recipes disagree most",
            list(_disagreement(study, kept, dataset) if classifiers else ()),
        ),
        Section("dynamics", "Gradient flow and gates", list(_dynamics(study))),
        Section("settings", "Settings", list(_settings(study))),
        Section("environment", "Where it ran", [paragraph(report.where_it_ran(study))]),
        Section("closer", "Look closer", list(_closer(study))),
    ]
    names = ", ".join(report.compared(study))
    first, *_ = report.about(study)
    report.write_text(study.html_report, page(names, [paragraph(first)], sections))


def _support(study: Comparison) -> Iterable[str]:
    """Yield in words which differences are supported, and what speaks against believing more."""
    tests = study.tests
    pairs = tests.pairs if tests else []
    found: dict[bool, list[str]] = {True: [], False: []}
    for pair in pairs:
        said = significance_report.sentence(
            pair, significance_report.pairs_of(tests, pair.measure) if tests else 1
        )
        names = "" if pair.better else f"{pair.first} and {pair.second}: "
        found[pair.better is not None].append(f"{report.heading(pair.measure)}: {names}{said}.")
    if found[True]:
        yield paragraph(
            "**Supported** on these test examples, after Holm's correction for the number of pairs:"
        )
        yield bullets(found[True])
    if found[False]:
        yield paragraph(
            "**Not supported**: these differences may be chance. That is no evidence that the "
            "recipes are equally good."
        )
        yield bullets(found[False])
    if not pairs:
        yield paragraph("**No difference was tested**, so the numbers below support none.")
    against = list(significance_report.notes(tests, report.untested(study))) if tests else []
    against += [line.removeprefix("- ") for line in remarks(study)]
    if against:
        yield paragraph("To be read with that:")
        yield bullets(against)


def _results(study: Comparison) -> Iterable[str]:
    _, *sentences = report.about(study)
    yield from map(paragraph, sentences)
    # Measures as rows: there are more of them than recipes, and a page is higher than wide.
    yield table(_transposed(report.table(study.rows)), "Mean ± sample standard deviation")
    for lines in outputs.tables(study.rows):
        yield table(lines, f"By {lines[0][0]}")
    if study.tests and study.tests.intervals:
        intervals = significance_report.table_of_intervals(study.tests)
        yield table(intervals, "Intervals of 95 %, over other examples and other seeds")


def _transposed(lines: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(column) for column in zip(*lines, strict=True)]


def _tests(study: Comparison, kept: Mapping[str, Sequence[Kept]]) -> Iterable[str]:
    if study.tests is None:
        return
    if not kept:
        yield paragraph(
            "Tests, calibration, quality by length and the examples about which recipes disagree "
            "are left out: no run has kept what its model answered. Runs of earlier versions did "
            "not, and some tasks do not."
        )
    yield from map(paragraph, significance_report.explanations(study.tests))
    if study.tests.pairs:
        lines = significance_report.table_of_pairs(study.tests)
        yield table(lines, "Differences of each two recipes, first less second")


def _curves(study: Comparison, curves: bytes) -> Iterable[str]:
    runs, names = study.runs.values(), _named(study)
    title = curves_title(runs)
    thin = "Thin lines are runs, thick ones the means of a recipe."
    yield figure(curves, f"{title}: {names}.", f"{title}. {thin}")
    measures = report.in_order(measure for run in runs for measure in run.results["test"])
    measure = measures[0] if measures else None  # word vectors may know no question
    about = "Quality over the seconds of the epochs"
    if measure:
        about += f", and {report.heading(measure)} over the seconds of the whole training"
    yield figure(
        quality_over_seconds(runs, measure).png(),
        f"{about}: {names}.",
        f"{about}. A line or a dot is a run.",
    )


def _named(study: Comparison) -> str:
    names = report.compared(study)
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


def _calibration(kept: Mapping[str, Sequence[Kept]]) -> Iterable[str]:
    """Yield the reliability diagram of the runs of each recipe together, and the error of each."""
    heading = ["share of right answers", "mean confidence", "expected calibration error"]
    lines = [["recipe", "runs", *heading]]
    pooled = {}
    for recipe, each in kept.items():
        given = [(one.answers["probabilities"], one.answers["truth"]) for one in each]
        errors = [reliability(*one).error for one in given]
        outputs, truth = (np.concatenate(column) for column in zip(*given, strict=True))
        pooled[recipe] = reliability(outputs, truth)
        sure = float(np.mean(confidences(outputs)))
        right = float(np.average(pooled[recipe].accuracy, weights=pooled[recipe].examples))
        spread = float(np.std(errors, ddof=1)) if len(errors) > 1 else None
        error = report.show("calibration_error", float(np.mean(errors)), spread)
        lines.append([recipe, str(len(each)), f"{right:.4f}", f"{sure:.4f}", error])
    yield paragraph(
        "Confidence is the probability of the predicted class. A calibrated model is right about "
        "80 % of the examples of which it is 80 % sure; below the diagonal it is too sure. The "
        "expected calibration error is the mean distance from the diagonal, over "
        f"{BINS} bins of equal width, weighted by their examples (Guo et al. 2017)."
    )
    numbers = "; ".join(f"{recipe} {error}" for recipe, *_, error in lines[1:])
    yield figure(
        reliability_diagram(pooled).png(),
        f"Reliability diagrams. Expected calibration error: {numbers}.",
        "Share of right answers by confidence, over the runs of each recipe together",
    )
    yield table(lines, "Calibration, mean ± sample standard deviation over the runs")


def _length(kept: Mapping[str, Sequence[Kept]]) -> Iterable[str]:
    found = quality_by_length(kept) if kept else None
    if found is None:
        answers = [one.answers for each in kept.values() for one in each]
        if answers and not any("lengths" in each for each in answers) and "truth" in answers[0]:
            yield paragraph(
                "Runs of earlier versions did not keep the lengths of the test examples: train "
                "again to see the quality by length."
            )
        return
    name = report.heading(found.measure)
    yield figure(
        length_figure(found).png(),
        f"Quality by length: {name} of each recipe; the numbers are in the table below.",
        f"{name} by length, with intervals of 95 % over other examples and other seeds",
    )
    lines = [[found.what, "examples", *kept]]
    for group in found.groups:
        cells = [
            f"{mean:.4f} ({low:.4f} to {high:.4f})" for mean, low, high in group.values.values()
        ]
        lines.append([f"{group.least:,} to {group.most:,}", f"{group.examples:,}", *cells])
    yield table(lines, f"{name} by length")


def _disagreement(
    study: Comparison, kept: Mapping[str, Sequence[Kept]], dataset: Any
) -> Iterable[str]:
    if len(kept) < 2:
        return
    found = disputed(kept)
    if not found:
        yield paragraph("All recipes answer every test example alike.")
        return
    yield paragraph(
        "Of the examples to which recipes answer different classes, those with the largest "
        "Jensen-Shannon divergence of the recipes' probabilities, which are means over their runs."
    )
    settings = next(iter(study.runs.values())).settings
    if dataset is None:
        kind = known_recipes.kind_of(settings["recipe"])
        dataset = Source(**settings["data"]).load(kind)
    examples = dataset.test.x
    lines = [["example", "text", "true", *kept]]
    for one in found:
        cells = [f"{label} ({share:.2f})" for label, share in one.answers.values()]
        lines.append([f"{one.place + 1:,}", shown(examples[one.place]), one.truth, *cells])
    yield table(lines, "Class and probability that each recipe answers")


def _dynamics(study: Comparison) -> Iterable[str]:
    if study.dynamics is None:
        return
    notes = [f"{recipe}: {' '.join(why.split())}" for recipe, why in study.dynamics.notes.items()]
    layers = study.dynamics.layers
    if layers:
        yield paragraph(
            f"Of the trained model with the lowest seed of each recipe, on {EXAMPLES} examples of "
            "the validation split. Gradient flow: the gradient of the last state with respect to "
            "the states k steps before, relative to that at the last step. Where it falls fast, "
            "what lies so far apart is hard to learn. A gate is saturated where it is nearly "
            "closed or open: little gradient passes to what it reads."
        )
        figures = dynamics_figures(layers)
        names = ", ".join(layers)
        yield figure(
            figures["gradient_flow"].png(),
            f"Gradient flow by time lag: {names}; the factor per step is in the table below.",
            "Gradient flow by time lag, the median of the examples; logarithmic scale",
        )
        if "saturation" in figures:
            yield figure(
                figures["saturation"].png(),
                f"Saturation of the gates of {names}; the means are in the table below.",
                "Saturation of gates: a dot is a unit; right = mostly closed, top = mostly open",
            )
        yield table(_transposed(_table_of_layers(layers)), "Recurrent layers")
    if notes:
        yield paragraph("Not measured:")
        yield bullets(notes)


def _table_of_layers(layers: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    """Return a line for each layer, with all numbers that one of them has."""
    every = [(recipe, one) for recipe, records in layers.items() for one in records]
    numbers = list(dict.fromkeys(name for _, one in every for name in one["numbers"]))
    lines = [["recipe", "layer", "kind", "units", *(_number_title(name) for name in numbers)]]
    for recipe, one in every:
        cells = [one["numbers"].get(name) for name in numbers]
        shown_cells = ["–" if value is None else f"{value:.3g}" for value in cells]
        lines.append([recipe, one["layer"], one["kind"], str(one["units"]), *shown_cells])
    return lines


def _number_title(name: str) -> str:
    """Return a number of a layer in words.

    Example:
        >>> _number_title("flow_per_step"), _number_title("below_0.1/z")
        ('flow per step', 'gate z below 0.1')
    """
    share, _, gate = name.partition("/")
    words = share.replace("_", " ")
    return f"gate {gate} {words}" if gate else words


def _settings(study: Comparison) -> Iterable[str]:
    yield paragraph(report.about_settings(study))
    yield table(report.table_of_settings(study), "Settings of each recipe")


def _closer(study: Comparison) -> Iterable[str]:
    yield paragraph("All runs side by side, in TensorBoard:")
    yield code(report.tensorboard_command(study.path))
    pages = [
        "Scalars: loss and measures of each epoch, tokens/s and gradient norms",
        "HParams: a row for each run, with its settings and its measures on the test split",
    ]
    if study.dynamics and study.dynamics.layers:
        pages.append(
            f"Scalars, Histograms and Images of the runs `{EVENTS}`: gradient flow, gates and "
            "spectral radii of the recurrent layers, one run for each recipe"
        )
    yield bullets(pages)
    yield paragraph("The same numbers as text: `report.md`.")
