"""report.md of a study: table of results, learning curves, settings, environment."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnkit import recipes
from rnnkit.atomic import replacing
from rnnkit.recipes.registry import registered
from rnnkit.study import outputs, significance
from rnnkit.study.records import ENVIRONMENT, check_record, read_json
from rnnkit.study.remarks import remarks
from rnnkit.study.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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


def write_report(study: Comparison) -> Path:
    """Write report.md and the learning curves into the study's folder; return the report's path."""
    draw_curves(study.runs.values(), study.path / CURVES)
    with replacing(study.report, "the report") as part:
        part.write_text(
            "\n".join(_lines(study)) + "\n", encoding="utf-8", errors="backslashreplace"
        )
    return study.report


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


def draw_curves(runs: Iterable[Run], path: Path) -> None:
    """Draw the learning curves of complete runs, which `drawn` chooses, into a PNG.

    Thin lines are runs, thick lines the means of a recipe.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    runs = list(runs)
    histories: dict[str, list[list[dict[str, float]]]] = {}
    for run in runs:
        histories.setdefault(run.settings["recipe"], []).append(run.folder.epochs())
    figure = Figure(figsize=(10, 4), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    measures = drawn(next(iter(histories.values()))[0], _monitor(runs[0]))
    left, *_ = every = figure.subplots(1, len(measures), squeeze=False)[0]
    for axes, measure in zip(every, measures, strict=True):
        for number, (recipe, rows) in enumerate(histories.items()):
            _draw_recipe(axes, rows, measure, recipe, f"C{number % 10}")
        axes.set_xlabel("epoch")
        axes.set_ylabel(measure.replace("val_", "validation "))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    left.legend()
    with replacing(path, "the learning curves") as part:
        canvas.print_figure(part, format="png", dpi=120)


def _monitor(run: Run) -> str:
    """Return the measure that chose the best epoch; earlier versions did not record it."""
    return run.results.get("monitor", "val_loss")


def drawn(rows: Sequence[Mapping[str, float]], monitor: str = "val_loss") -> list[str]:
    """Return the columns of metrics.csv that the learning curves show.

    These are the validation loss and one more measure, ``monitor`` if it is another: the one that
    chose the best epoch. Without a validation split, it is the training loss.

    Example:
        >>> drawn([{"val_loss": 1.0, "val_rmse": 9.3, "val_mae": 6.8}])
        ['val_loss', 'val_mae']
        >>> drawn([{"val_loss": 1.0, "val_accuracy": 0.97, "val_f1": 0.7}], "val_f1")
        ['val_loss', 'val_f1']
    """
    if not any(name.startswith("val_") for name in rows[0]):  # no validation split
        return ["loss" if "loss" in rows[0] else "words_per_second"]  # gensim reports no loss
    if monitor != "val_loss" and monitor in rows[0]:
        return ["val_loss", monitor]
    columns = [name.removeprefix("val_") for name in rows[0] if name.startswith("val_")]
    return ["val_loss", *(f"val_{name}" for name in in_order(columns) if name != "loss")][:2]


def _draw_recipe(
    axes: Axes, histories: list[list[dict[str, float]]], measure: str, label: str, color: str
) -> None:
    curves = [[(row["epoch"], row[measure]) for row in rows] for rows in histories]
    if len(curves) > 1:
        for curve in curves:
            axes.plot(*zip(*curve, strict=True), color=color, alpha=0.35, linewidth=0.8)
    # The mean ends with the shortest run: beyond it, it would be a mean over fewer runs.
    together = list(zip(*curves, strict=False))
    mean = [(column[0][0], sum(y for _, y in column) / len(column)) for column in together]
    axes.plot(*zip(*mean, strict=True), color=color, marker="o", markersize=3, label=label)


def _lines(study: Comparison) -> Iterable[str]:
    first = next(iter(study.runs.values()))
    settings, counts = first.settings, first.results["examples"]
    family = recipes.family_of(settings["recipe"])
    here = read_json(first.folder.environment)
    check_record(here, ENVIRONMENT, first.folder.environment, needed=tuple(ENVIRONMENT))
    names = list(dict.fromkeys(run.settings["recipe"] for run in study.runs.values()))
    yield f"# {', '.join(names)}\n"
    seeds = ", ".join(map(str, sorted({run.settings["seed"] for run in study.runs.values()})))
    data = f"`{settings['data']['name']}`, {_counted(counts)}"
    yield f"Data: {data}, the same for all. Seeds: {seeds}."
    monitors = {_monitor(run).removeprefix("val_") for run in study.runs.values()}
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
    yield ""
    yield from markdown(table(study.rows))
    yield ""
    for lines in outputs.tables(study.rows):
        yield f"By {lines[0][0]}:\n"
        yield from markdown(lines)
        yield ""
    for line in remarks(study):
        yield f"{line}\n"
    yield f"![{_curves_title(study.runs.values())}]({CURVES})\n"
    yield from significance.lines(
        study.tests, [row.name for row in study.rows if row.name not in names]
    )
    yield "## Settings\n"
    limit = settings["data"]["limit"]
    yield f"Patience {_plain(settings['patience'])}, limit {_plain(limit)}; of each recipe:\n"
    yield from _settings_table(study.runs.values(), names)
    yield "\n## Where it ran\n"
    yield (
        f"rnnkit {here['rnnkit']}, Keras {here['keras']} on {here['backend']} "
        f"{here['backend_version']} ({', '.join(here['devices'])}), Python {here['python']}, "
        f"NumPy {here['numpy']}, {here['cpus']} CPUs, {here['system']}."
    )
    yield "\n## Look closer\n"
    yield "All runs side by side, in TensorBoard (Scalars, HParams):\n"
    yield f"    {tensorboard_command(study.path)}"


def _settings_table(runs: Iterable[Run], names: list[str]) -> Iterable[str]:
    """One line per setting, one column per recipe."""
    by_recipe = {run.settings["recipe"]: run.settings["settings"] for run in runs}
    yield "| setting | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    every = dict.fromkeys(key for settings in by_recipe.values() for key in settings)
    for setting in (key for key in every if key not in ("recipe", "seed")):
        cells = [_plain(by_recipe[n][setting]) if setting in by_recipe[n] else "–" for n in names]
        yield f"| {setting} | " + " | ".join(cells) + " |"


def _curves_title(runs: Iterable[Run]) -> str:
    columns = drawn(next(iter(runs)).folder.epochs())
    names = [name.removeprefix("val_") for name in columns]
    shown = " and ".join(headings().get(name, name) for name in names)
    split = "Validation" if columns[0].startswith("val_") else "Training"
    return f"{split} {shown} over the epochs"


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
