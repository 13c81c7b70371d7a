"""Write the tables of docs/reliability.md: `python tests/reliability.py`.

The figures come from the JSON files in docs/reliability/, which `python -m tests.fuzz`,
`python tests/mutation.py`, `python -m tests.kills`, `python -m tests.full_disk`,
`python -m tests.processes`, `python -m tests.soak` and `python tests/benchmarks/checkpoints.py`
write.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.tables import table, write_between

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "reliability.md"
RESULTS = ("caught", "timed out", "survived", "test fails without it, too")


def fuzz(record: dict[str, Any]) -> list[str]:
    """Return the counts by boundary."""
    keys = ("inputs", "refused", "read", "differs", "crashed")
    rows = [
        [row["boundary"], row["compared with"], *(f"{row[key]:,}" for key in keys)]
        for row in record["boundaries"]
    ]
    sums = [sum(row[key] for row in record["boundaries"]) for key in keys]
    rows.append(["**all**", "", *(f"**{total:,}**" for total in sums)])
    heading = ["boundary", "compared with", "inputs", "refused", "read alike", "differ", "crash"]
    return [f"`{record['command']}`: {record['seconds']:,} s.", "", *table(heading, rows)]


def mutation(record: dict[str, Any]) -> list[str]:
    """Return the counts of a draw by kind, and what became of those not caught at first."""
    rows = record["mutants"]
    kinds = sorted({row["kind"] for row in rows})
    counts = [[kind, *_counts([row for row in rows if row["kind"] == kind])] for kind in kinds]
    total, caught, *_, same, now = _counts(rows)
    different = total - same
    lines = [
        f"`{record['command']}`: {total} mutants, {same} of them the same program. Of the other "
        f"{different}, {caught} ({caught / different:.0%}) were caught when they were drawn, "
        f"and {now} ({now / different:.0%}) are by now.",
        "",
        *table(
            ["kind of change", "mutants", *RESULTS, "same program", "caught by now"],
            [*counts, ["**all**", *_counts(rows)]],
        ),
    ]
    left = [
        [
            f"{row['module']}:{row['line']}",
            *(f"`{' '.join(row[key].split())[:60]}`".replace("|", "\\|") for key in ("old", "new")),
            row["result"],
            _outcome(row),
        ]
        for row in rows
        if row["result"] != "caught"
    ]
    return [*lines, "", *table(["not caught", "was", "became", "at first", "now"], left), ""]


def _counts(rows: list[dict[str, Any]]) -> list[int]:
    """Return the number of mutants, of each result, of equivalent ones and of those caught now."""
    results = Counter(row["result"] for row in rows)
    same = sum("equivalent" in row for row in rows)
    later = sum(row.get("again", {}).get("result") == "caught" for row in rows)
    return [len(rows), *(results[name] for name in RESULTS), same, results["caught"] + later]


def _outcome(row: dict[str, Any]) -> str:
    """Return what became of a mutant that was not caught at first."""
    if "equivalent" in row:
        return f"the same program: {row['equivalent']}"
    again = row.get("again", {"result": "not judged again"})
    by = f" by `{again['by'].partition('[')[0]}`" if again.get("by") else ""
    return again["result"] + by + (f"; {row['note']}" if "note" in row else "")


def mutations() -> list[str]:
    """Return the tables of all draws, the last first."""
    files = sorted((DOCS / "reliability").glob("mutation-*.json"), reverse=True)
    return [line for file in files for line in mutation(json.loads(file.read_text("utf-8")))]


def full_disk(record: dict[str, Any]) -> list[str]:
    """Return what happens at each stage, and what is kept."""
    rows = []
    for row in record["stages"]:
        warned = f"completes, {row['warnings']} warnings".replace("1 warnings", "1 warning")
        ends = f"ends with `{row['error']}`" if row["error"] else warned
        rows.append([row["stage"], ends, ", ".join(row["names"]), row["kept"], row["then"] or "-"])
    heading = ["stage", "the command", "the message names", "kept", "when there is space again"]
    return [f"`{record['command']}`:", "", *table(heading, rows)]


def processes(record: dict[str, Any]) -> list[str]:
    """Return what came of each situation, and how often."""
    rows = [
        [row["situation"], row["outcome"], row["tries"], row["right"], "; ".join(row["others"])]
        for row in record["rows"]
    ]
    heading = ["situation", "outcome", "tries", "so it was", "otherwise"]
    return [f"`{record['command']}`: {record['seconds']:,} s.", "", *table(heading, rows)]


def soak(record: dict[str, Any]) -> list[str]:
    """Return the memory of each job by backend."""
    backends = ("torch", "jax", "tensorflow")
    names = ("PyTorch", "JAX", "TensorFlow")
    rows = []
    for job, found in record.items():
        cells = []
        for one in (found.get(backend) for backend in backends):
            if one is None:
                cells += ["", ""]
                continue
            grown = "" if one["passed"] else "**grows**: "
            memory = f"{one['first MB']:.0f} → {one['last MB']:.0f}"
            cells += [f"{one['batches']:,}", f"{grown}{memory} ({one['rise MB']:+.1f})"]
        rows.append([job, *cells])
    return table(["job", *(cell for name in names for cell in ("batches", name))], rows)


def kills(record: dict[str, Any]) -> list[str]:
    """Return the kills by backend and task, and what differed."""
    rows = []
    for backend, found in sorted(record["backends"].items()):
        for task in found["tasks"]:
            every = [one for run in task["runs"] for one in run["kills"]]
            real = [one for one in every if one["signal"] != "none" and one["status"]]
            by_kill = sum(one["signal"] == "SIGKILL" for one in real)
            ended = sum("error" not in str(run["kills"]) for run in task["runs"])
            bits = sum(sum(run["differs"].values()) for run in task["runs"])
            control = sum(task["control"].values())
            numbers = [len(task["runs"]), len(real), by_kill, ended, control, bits]
            rows.append([backend, task["task"], *numbers])
    heading = ["backend", "task", "runs", "signals", "of them SIGKILL", "runs that ended"]
    heading += ["differing bits, control", "differing bits, resumed"]
    moments = Counter(
        one["moment"].split(",")[0].split(" 1")[0].split(" 2")[0]
        for found in record["backends"].values()
        for task in found["tasks"]
        for run in task["runs"]
        for one in run["kills"]
        if "moment" in one and one["status"]
    )
    shown = ", ".join(f"{name} ({count})" for name, count in sorted(moments.items()))
    return [f"`{record['command']}`.", "", *table(heading, rows), "", f"The moments: {shown}."]


def checkpoint_costs(record: dict[str, Any]) -> list[str]:
    """Return what a checkpoint costs by data set."""
    rows = [
        [
            *(row["data"], f"{row['examples']:,}", f"{row['parameters']:,}"),
            *(f"{row['megabytes']:.1f}", f"{row['checkpoint']:.3f}", f"{row['epoch']:.1f}"),
            f"{100 * row['checkpoint'] / row['epoch']:.2f} %",
        ]
        for row in record["rows"]
    ]
    heading = ["data", "examples", "parameters", "MB", "seconds of one", "seconds of an epoch"]
    return [f"`{record['command']}`.", "", *table([*heading, "share"], rows)]


def of_file(write: Callable[[dict[str, Any]], list[str]]) -> Callable[[], list[str]]:
    """Return the writer of the table of one file, which is named as its writer; empty without."""
    file = DOCS / "reliability" / f"{write.__name__}.json"
    return lambda: write(json.loads(file.read_text("utf-8"))) if file.is_file() else []


ONE_FILE = (fuzz, full_disk, processes, soak, kills, checkpoint_costs)
WRITERS: dict[str, Callable[[], list[str]]] = {
    "mutation": mutations,
    **{write.__name__: of_file(write) for write in ONE_FILE},
}


def main() -> None:
    """Replace what stands between the markers of each table."""
    for name, write in WRITERS.items():
        write_between(PAGE, name, write())


if __name__ == "__main__":
    main()
