"""Write the tables of docs/reliability.md: `python tests/reliability.py`.

The figures come from the JSON files beside it, which `python -m tests.fuzz`,
`python tests/mutation.py`, `python -m tests.full_disk`, `python -m tests.processes` and
`python -m tests.soak` write.
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


def main() -> None:
    """Replace what stands between the markers of each table."""
    page = PAGE.read_text(encoding="utf-8")
    writers = {
        "fuzz": fuzz,
        "mutation": mutation,
        "full_disk": full_disk,
        "processes": processes,
        "soak": soak,
    }
    for name, write in writers.items():
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
