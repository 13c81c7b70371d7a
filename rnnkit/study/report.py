"""report.md of a study, and the tables and sentences that it shares with report.html."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnkit import recipes
from rnnkit.atomic import replacing
from rnnkit.recipes.registry import registered
from rnnkit.study import outputs
from rnnkit.study.records import ENVIRONMENT, check_record, read_json
from rnnkit.study.remarks import remarks
from rnnkit.study.runs import Run

if TYPE_CHECKING:
    from rnnkit.study.compare import Comparison, Row

# Measures that every run has, after those of its family.
COMMON = {
    **{"loss": "loss", "seconds": "seconds", "processor_seconds": "processor seconds"},
    "compiling_seconds": "compiling",
    **{"steps": "steps", "step_seconds": "seconds of steps"},
    **{"tokens_per_second": "tokens/s", "parameters": "parameters"},
    **{"network_parameters": "parameters without embedding"},
    **{"peak_memory_bytes": "peak memory (MB)", "peak_device_memory_bytes": "peak on GPU (MB)"},
}
SECONDS = ("seconds", "processor_seconds", "compiling_seconds", "step_seconds")
WHOLE = ("tokens_per_second", "steps", "parameters", "network_parameters")
MEGABYTES = ("peak_memory_bytes", "peak_device_memory_bytes")
IN_UNITS = ("mae", "rmse")  # of the data, which may be tiny or huge
CURVES = "learning_curves.png"


@functools.cache
def headings() -> dict[str, str]:
    """Return measure -> heading, in the order of the tables.

    Example:
        >>> list(headings().values())[:4], headings()["step_seconds"]
        (['accuracy', 'precision', 'recall', 'F1'], 'seconds of steps')
    """
    found: dict[str, str] = {}
    for family in registered():
        found |= {name: text for name, text in family.headings.items() if name not in found}
    return {**found, **COMMON}


def heading(measure: str) -> str:
    """Return the heading of a measure.

    Example:
        >>> heading("mae"), heading("coverage_80")
        ('MAE', 'coverage of 80 % intervals')
    """
    name, _, level = measure.partition("_")
    if name == "coverage" and level:
        return f"coverage of {level} % intervals"
    return headings().get(measure, measure)


def write_report(study: Comparison, dataset: Any = None) -> Path:
    """Write report.md, the learning curves and report.html into the study's folder.

    Args:
        study: with one complete run or more.
        dataset: of the runs, whose test split report.html quotes; None = it is loaded.

    Returns:
        The path of report.md.
    """
    from rnnkit.study.html_report import write_html_report  # these two bring Matplotlib in
    from rnnkit.study.report_figures import learning_curves

    curves = learning_curves(study.runs.values()).png()
    with replacing(study.path / CURVES, "the learning curves") as part:
        part.write_bytes(curves)
    write_text(study.report, "\n".join(_lines(study)) + "\n")
    write_html_report(study, curves, dataset)
    return study.report


def write_text(path: Path, text: str) -> None:
    """Write a report atomically; halves of characters, such as of file names, as escapes."""
    with replacing(path, "the report") as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")


def table(rows: Iterable[Row]) -> list[list[str]]:
    """Return the table of a study as text, the heading first.

    Measures of single outputs and groups are left out: see `rnnkit.study.outputs.tables`.

    Example:
        >>> from rnnkit.study.compare import Row
        >>> table([Row("lstm", 2, {"accuracy": (0.9, 0.01)})])[1][:3]
        ['lstm', '2', '0.9000 ± 0.0100']
    """
    rows = list(rows)
    every = in_order(measure for row in rows for measure in row.values)
    measures = [measure for measure in every if not outputs.is_part(measure)]
    lines = [["recipe", "runs", *map(heading, measures)]]
    for row in rows:
        cells = [show(measure, *row.values.get(measure, (None, None))) for measure in measures]
        runs = f"{row.runs} ({row.diverged} diverged)" if row.diverged else str(row.runs)
        lines.append([row.name, runs, *cells])
    return lines


def markdown(lines: Sequence[Sequence[str]]) -> Iterable[str]:
    """Return a table in Markdown, line by line; the first of `lines` is the heading.

    Example:
        >>> list(markdown([["recipe", "MAE"], ["lstm", "2.1"]]))
        ['| recipe | MAE |', '|---|---|', '| lstm | 2.1 |']
    """
    first, *rest = lines
    yield "| " + " | ".join(first) + " |"
    yield "|---" * len(first) + "|"
    for row in rest:
        yield "| " + " | ".join(row) + " |"


def in_order(measures: Iterable[str]) -> list[str]:
    """Return distinct measures in the order of the tables.

    Example:
        >>> in_order(["seconds", "loss", "f1/PER", "accuracy", "f1", "perplexity", "loss"])
        ['accuracy', 'f1', 'f1/PER', 'perplexity', 'loss', 'seconds']
    """
    known = list(headings())

    def place(measure: str) -> tuple[int, bool]:
        whole, part, _ = measure.partition("/")  # f1/PER comes after f1
        whole = whole if whole in known else whole.partition("_")[0]  # coverage_80
        return (known.index(whole) if whole in known else -1, bool(part))

    return sorted(dict.fromkeys(measures), key=place)


def show(measure: str, mean: float | None, spread: float | None = None) -> str:
    """Format a value for the tables.

    Example:
        >>> show("seconds", 83.04, 1.31)
        '83.0 ± 1.3'
        >>> show("mae", 2.3456e-6)
        '2.3456e-06'
        >>> show("peak_memory_bytes", 1_234_567_890)
        '1,235'
    """
    if mean is None:
        return "–"
    if measure in MEGABYTES:
        mean, spread = mean / 1e6, None if spread is None else spread / 1e6
    if measure.partition("/")[0].partition("_")[0] in IN_UNITS and not 0.01 <= abs(mean) < 1e7:
        return f"{mean:.5g}" if spread is None else f"{mean:.5g} ± {spread:.2g}"
    digits = ",.0f" if measure in (*WHOLE, *MEGABYTES) else ".1f" if measure in SECONDS else ".4f"
    if spread is None or (spread == 0 and measure in WHOLE):
        return f"{mean:{digits}}"
    return f"{mean:{digits}} ± {spread:{digits}}"


def tensorboard_command(path: Path) -> str:
    """Return the command that opens TensorBoard on a run or a study.

    Example:
        >>> tensorboard_command(Path("runs/mine"))
        'tensorboard --logdir runs/mine'
    """
    return f"tensorboard --logdir {shlex.quote(str(path))}"


def compared(study: Comparison) -> list[str]:
    """Return the recipes of the complete runs of a study."""
    return list(dict.fromkeys(run.settings["recipe"] for run in study.runs.values()))


def untested(study: Comparison) -> list[str]:
    """Return the baselines of a study, whose answers are not kept."""
    names = compared(study)
    return [row.name for row in study.rows if row.name not in names]


def about(study: Comparison) -> Iterable[str]:
    """Yield what the runs learned from, and what their measures are, in sentences."""
    first = next(iter(study.runs.values()))
    settings, counts = first.settings, first.results["examples"]
    family = recipes.family_of(settings["recipe"])
    seeds = ", ".join(map(str, sorted({run.settings["seed"] for run in study.runs.values()})))
    data = f"`{settings['data']['name']}`, {_counted(counts)}"
    yield f"Data: {data}, the same for all. Seeds: {seeds}."
    monitors = {monitor_of(run).removeprefix("val_") for run in study.runs.values()}
    best = " or ".join(headings().get(name, name) for name in in_order(monitors))
    on, weights = f"the {family.evaluated_on}", f"best validation {best}"
    if not family.has_test_split:
        on, weights = family.evaluated_on, "last epoch"
    yield (
        f"Mean ± sample standard deviation over the runs on {on}, with the weights of the "
        f"{weights}. Seconds are those of the whole training, with pre-training, compilation and "
        "validation; those of compiling are a part of them. Processor seconds are added up over "
        "the threads. Tokens/s (words of texts, steps of series) are those of the epochs, without "
        "compiling."
    )
    if family.intrinsic is not None:
        yield family.intrinsic.about
    by = {how for run in study.runs.values() if (how := run.results.get("counted_by"))}
    if by:
        yield f"Counted by {' or '.join(sorted(by))}."


def monitor_of(run: Run) -> str:
    """Return the measure that chose the best epoch; earlier versions did not record it."""
    return run.results.get("monitor", "val_loss")


def about_settings(study: Comparison) -> str:
    """Return the settings that all runs share, in words."""
    settings = next(iter(study.runs.values())).settings
    limit = settings["data"]["limit"]
    return f"Patience {_plain(settings['patience'])}, limit {_plain(limit)}; of each recipe:"


def table_of_settings(study: Comparison) -> list[list[str]]:
    """Return one line per setting, one column per recipe, the heading first."""
    by_recipe = {run.settings["recipe"]: run.settings["settings"] for run in study.runs.values()}
    lines = [["setting", *compared(study)]]
    every = dict.fromkeys(key for settings in by_recipe.values() for key in settings)
    for setting in (key for key in every if key not in ("recipe", "seed")):
        cells = [each.get(setting, "–") for each in by_recipe.values()]
        lines.append([setting, *map(_plain, cells)])
    return lines


def where_it_ran(study: Comparison) -> str:
    """Return versions, devices and system of the first run, in words."""
    first = next(iter(study.runs.values()))
    here = read_json(first.folder.environment)
    check_record(here, ENVIRONMENT, first.folder.environment, needed=tuple(ENVIRONMENT))
    return (
        f"rnnkit {here['rnnkit']}, Keras {here['keras']} on {here['backend']} "
        f"{here['backend_version']} ({', '.join(here['devices'])}), Python {here['python']}, "
        f"NumPy {here['numpy']}, {here['cpus']} CPUs, {here['system']}."
    )


def _lines(study: Comparison) -> Iterable[str]:
    from rnnkit.study import report_figures, significance_report

    yield f"# {', '.join(compared(study))}\n"
    yield from about(study)
    yield (
        f"\nWith figures, and what the numbers support in words: [{study.html_report.name}]"
        f"({study.html_report.name}).\n"
    )
    yield from markdown(table(study.rows))
    yield ""
    for lines in outputs.tables(study.rows):
        yield f"By {lines[0][0]}:\n"
        yield from markdown(lines)
        yield ""
    for line in remarks(study):
        yield f"{line}\n"
    yield f"![{report_figures.curves_title(study.runs.values())}]({CURVES})\n"
    yield from significance_report.lines(study.tests, untested(study))
    yield "## Settings\n"
    yield f"{about_settings(study)}\n"
    yield from markdown(table_of_settings(study))
    yield "\n## Where it ran\n"
    yield where_it_ran(study)
    yield "\n## Look closer\n"
    yield "All runs side by side, in TensorBoard (Scalars, HParams):\n"
    yield f"    {tensorboard_command(study.path)}"


def _counted(counts: Mapping[str, int]) -> str:
    """Return the sizes of the splits in words."""
    if not counts["test"]:
        return f"{counts['train']:,} training examples"
    return (
        f"{counts['train']:,} training, {counts['valid']:,} validation and {counts['test']:,} test "
        "examples"
    )


def _plain(value: Any) -> str:
    return "none" if value is None else str(value)
