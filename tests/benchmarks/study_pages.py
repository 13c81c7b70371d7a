"""Tables and charts of the study, from the folders of its complete runs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.transforms import Bbox
from result_runs import read, rows_of
from result_tables import RESULTS, ROOT, Value, load, put, save, write_pages
from study_plan import Row

PAGE = "docs/study.md"
TITLES = {
    "study_textbook": "Reviews, in the textbook setting: one layer of 50 units, random word "
    "vectors, the last state.",
    "study_tuned": "Reviews, tuned.",
    "study_vectors": "Word vectors of the LSTM.",
    "study_clipping": "Clipping of gradients, in the textbook setting at ten times its learning "
    "rate.",
    "study_bptt": "Truncated back-propagation through time on characters, with equal parameters "
    "and equal time.",
    "study_characters": "Characters, with equal parameters and equal time.",
    "study_tagging": "Parts of speech, with equal parameters and equal time.",
    "study_hidden_states": "Speakers of Japanese vowels, with and without hidden Markov states.",
    "study_options": "Averaged weights and adversarial steps in a tagger of names and a language "
    "model of characters.",
}
TEXTS = {
    "network": "{network}",
    "accuracy": "{accuracy:.4f}",
    "F1": "{f1:.4f}",
    "edited pairs": "{edited_pairs:.3f}",
    "processor minutes": "{processor_minutes:.1f}",
    "parameters": "{parameters.mean:,.0f}",
    "seeds": "{seeds}",
}
COSTS = {
    "processor minutes": "{processor_minutes:.1f}",
    "steps": "{steps.mean:,.0f}",
    "parameters without embedding": "{network_parameters.mean:,.0f}",
}
CHARACTERS = {"network": "{network}", "perplexity": "{perplexity:.3f}", **COSTS}
COLUMNS = {
    **dict.fromkeys(("study_textbook", "study_tuned", "study_vectors", "study_clipping"), TEXTS),
    **dict.fromkeys(("study_bptt", "study_characters"), CHARACTERS),
    "study_tagging": {"network": "{network}", "accuracy": "{accuracy:.4f}", **COSTS},
    "study_hidden_states": {
        **{"network": "{network}", "accuracy": "{accuracy:.4f}"},
        **{"processor minutes": "{processor_minutes:.1f}", "seeds": "{seeds}"},
    },
    "study_options": {
        **{"network": "{network}", "F1 of names": "{f1:.4f}", "perplexity": "{perplexity:.3f}"},
        "processor minutes": "{processor_minutes:.1f}",
    },
}


def collect(rows: Iterable[Row], out: Path, json_file: Path | None = None) -> None:
    """Put the rows with complete runs into the JSON; write the pages and the charts.

    Args:
        rows: of the study.
        out: folder of the runs.
        json_file: another file than recipes/results.json: then no page is written, and the charts
            lie beside it.
    """
    found = load(json_file or RESULTS)
    flows: dict[str, Any] = {}
    for row in rows:
        folders = [out / row.folder(seed) for seed in range(row.seeds)]
        complete = [folder for folder in folders if (folder / "results.json").is_file()]
        if not complete:
            continue
        columns = COLUMNS[row.table]
        found["tables"][row.table] = {"page": PAGE, "title": TITLES[row.table], "columns": columns}
        given = {"network": row.network}
        (line,) = rows_of(complete, row.table, columns, given, False, edited_pairs_of)
        if minutes := processor_minutes(complete):
            line["values"]["processor_minutes"] = minutes
        put(found, line)
        if row.table == "study_textbook":
            flows[row.network] = flow_of(complete[0])
    save(found, json_file or RESULTS)
    charts = ROOT / "docs" / "images" if json_file is None else json_file.parent
    shown = [row for row in found["rows"] if row["table"] in ("study_textbook", "study_tuned")]
    draw_costs(shown, charts / "study_costs.png")
    if flows:
        draw_flows(flows, charts / "study_gradient_flow.png")
    if json_file is None:
        write_pages(load(RESULTS))  # in the order of the file


def processor_minutes(runs: Iterable[Path]) -> list[float]:
    """Return the processor minutes of the runs that counted them: earlier versions did not."""
    counted = (read(run / "results.json").get("processor_seconds") for run in runs)
    return [round(seconds / 60, 3) for seconds in counted if seconds]


def edited_pairs_of(run: Path) -> dict[str, float]:
    """Return the share of edited pairs that a run of a sentiment recipe gets right.

    A pair is right if both of its texts are; what was asked once is kept beside the run's folder.
    """
    if not read(run / "settings.json")["recipe"].endswith("_sentiment"):
        return {}
    kept = run.parent / f"{run.name}.pairs.json"
    if not kept.is_file() or kept.stat().st_mtime < (run / "results.json").stat().st_mtime:
        from rnnkit.study import open_run, robustness

        share = robustness(open_run(run).model)["both right"].share
        kept.write_text(json.dumps({"edited_pairs": share}), "utf-8")
    return json.loads(kept.read_text("utf-8"))


def flow_of(run: Path) -> Any:
    """Return the dynamics of the recurrent layers of a run."""
    from rnnkit.study import dynamics, open_run

    return dynamics(open_run(run))


def draw_flows(flows: Mapping[str, Any], path: Path) -> None:
    """Draw the gradient flow by time lag of the networks."""
    from rnnkit.study.dynamics import dynamics_figures

    dynamics_figures(flows)["gradient_flow"].savefig(path)


def draw_costs(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Draw accuracy against processor minutes, a point for each row, with standard deviations."""
    from rnnkit.monitor.picture import Picture

    picture = Picture(9, 8)  # tall: most networks are within a point or two
    axes = picture.add_subplot()
    colours = {"study_textbook": "#8a8a8a", "study_tuned": "#1b6ca8"}
    timed = [row for row in rows if "processor_minutes" in row["values"]]
    names: list[tuple[str, float, float]] = []
    for row in timed:
        minutes, accuracy = (
            Value(row["values"][name]) for name in ("processor_minutes", "accuracy")
        )
        colour = colours[row["table"]]
        axes.errorbar(minutes.mean, accuracy.mean, accuracy.sd or 0, fmt="o", color=colour)
        textbook = ", textbook setting" if row["table"] == "study_textbook" else ""
        names.append((row["labels"]["network"] + textbook, minutes.mean, accuracy.mean))
    axes.set_xscale("log")
    left, right = axes.get_xlim()
    axes.set_xlim(left, 2.5 * right)  # room for the names
    ticks = [m * 10**e for e in range(-2, 4) for m in (1, 2, 5) if left <= m * 10**e <= 2.5 * right]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.tick_params(axis="x", which="minor", labelbottom=False)
    axes.set_xlabel("processor minutes of a training")
    axes.set_ylabel("accuracy on the test reviews")
    axes.grid(alpha=0.3)
    picture.draw_without_rendering()  # lays the axes out
    annotate(axes, names)
    picture.savefig(path)


def annotate(axes: Any, names: Sequence[tuple[str, float, float]]) -> None:
    """Write names beside their points `(name, x, y)`, where no other name and no point is."""
    taken = [
        Bbox.from_bounds(x - 4, y - 4, 8, 8)
        for x, y in axes.transData.transform([place for _, *place in names])
    ]
    for name, x, y in names:
        for side, dy in itertools.product((1, -1), (-3, 6, -12, 15, -21)):
            text = axes.annotate(
                name,
                (x, y),
                xytext=(7 * side, dy),
                textcoords="offset points",
                fontsize=8,
                ha="left" if side > 0 else "right",
            )
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
            text.remove()
        else:
            raise SystemExit(f"There is no room for {name} in the chart of costs.")
        taken.append(box)
