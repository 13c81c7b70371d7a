"""Write the tables of docs/reliability.md: `python tests/reliability.py`.

The figures come from the JSON files in docs/reliability/, which `python -m tests.fuzz`,
`python tests/mutation.py` and `python -m tests.kills` write.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "reliability.md"


def table(heading: list[str], rows: list[list[Any]]) -> list[str]:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(heading) + " |", "|---" * len(heading) + "|"]
    return [*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)]


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
    """Return the counts by kind, and the survivors."""
    results = ("caught", "timed out", "survived", "test fails without it, too")
    by_kind: dict[str, Counter[str]] = {}
    for row in record["mutants"]:
        by_kind.setdefault(row["kind"], Counter())[row["result"]] += 1
    rows = [
        [kind, sum(counts.values()), *(counts[result] for result in results)]
        for kind, counts in sorted(by_kind.items())
    ]
    rows.append(["**all**", *(sum(column) for column in list(zip(*rows, strict=True))[1:])])
    lines = [
        f"`{record['command']}`: {len(record['mutants'])} mutants.",
        "",
        *table(["kind of change", "mutants", *results], rows),
    ]
    left = [row for row in record["mutants"] if row["result"] in results[1:]]
    if left:
        one_line = [[" ".join(row[key].split())[:60] for key in ("old", "new")] for row in left]
        shown = [
            [
                f"{row['module']}:{row['line']}",
                f"`{old}`".replace("|", "\\|"),
                f"`{new}`".replace("|", "\\|"),
                row["result"],
            ]
            for row, (old, new) in zip(left, one_line, strict=True)
        ]
        lines += ["", "Not caught:", "", *table(["place", "was", "became", "result"], shown)]
    return lines


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


def main() -> None:
    """Replace what stands between the markers of each table."""
    page = PAGE.read_text(encoding="utf-8")
    tables = {"fuzz": fuzz, "mutation": mutation, "kills": kills}
    tables["checkpoint_costs"] = checkpoint_costs
    for name, write in tables.items():
        file = DOCS / "reliability" / f"{name}.json"
        if file.is_file():
            lines = "\n".join(write(json.loads(file.read_text(encoding="utf-8"))))
            page = re.sub(
                rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)",
                lambda match, lines=lines: f"{match[1]}{lines}\n{match[2]}",
                page,
                flags=re.DOTALL,
            )
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
