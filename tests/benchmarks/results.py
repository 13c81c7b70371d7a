"""The tables of measured results: collected from run folders, kept as JSON, written into the pages.

python tests/benchmarks/results.py collect runs/imdb --table imdb
python tests/benchmarks/results.py collect runs/a runs/b --table vectors --label "vectors=cbow"
python tests/benchmarks/results.py render
python tests/benchmarks/results.py check

`collect` reads runs of `rnnkit train` and studies of `rnnkit compare`, with their baselines, and
adds a row for each recipe and its settings to a table of recipes/results.json; a row with the same
labels is replaced, or gets more seeds with `--add-seeds`. `render` writes the pages, `check` says
whether they show what the JSON says.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from result_runs import joined, rows_of
from result_tables import RESULTS, ROOT, load, old_row, pages, put, save, write_pages


def collect(options: argparse.Namespace) -> None:
    """Add rows to the JSON."""
    found = load(options.json)
    if options.table not in found["tables"]:
        raise SystemExit(f"No table {options.table}; there are {', '.join(found['tables'])}.")
    if wrong := [text for text in options.label if "=" not in text]:
        raise SystemExit(f"--label {wrong[0]} has no =; expected NAME=TEXT.")
    given = dict(text.split("=", 1) for text in options.label)
    columns = found["tables"][options.table]["columns"]
    rows = rows_of(options.runs, options.table, columns, given, options.baselines)
    labels = [row["labels"] for row in rows]
    if twice := [one for one in labels if labels.count(one) > 1]:
        raise SystemExit(
            f"Several rows would be called {twice[0]}: collect them one by one with --label."
        )
    for row in rows:
        old = old_row(found, row) if options.add_seeds else None
        put(found, row if old is None else joined(old, row))
        print(f"{options.table}: {', '.join(row['labels'].values())}")
    save(found, options.json)


def differing(found: Mapping[str, Any]) -> list[str]:
    """Return, page by page, the lines that differ from what the JSON says."""
    lines = []
    for page, text in pages(found).items():
        old = page.read_text("utf-8")
        changes = difflib.ndiff(old.splitlines(), text.splitlines()) if old != text else ()
        name = page.relative_to(ROOT)
        lines += [f"{name}: {line[:160]}" for line in changes if line[0] in "-+"]
    return lines


def main() -> None:
    """Collect, render or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    what = parser.add_subparsers(dest="what", required=True)
    adding = what.add_parser("collect", help="runs and studies into the JSON")
    adding.add_argument("runs", nargs="+", type=Path, help="folders of runs or studies")
    adding.add_argument("--table", required=True, help="its name in the JSON")
    adding.add_argument("--label", action="append", default=[], help="NAME=TEXT of the rows")
    adding.add_argument(
        "--add-seeds", action="store_true", help="to a row with the same labels, not in its place"
    )
    adding.add_argument("--baselines", action=argparse.BooleanOptionalAction, default=True)
    what.add_parser("render", help="the JSON into the pages")
    what.add_parser("check", help="fail where a page differs from the JSON")
    for sub in what.choices.values():
        sub.add_argument("--json", type=Path, default=RESULTS, help="another file")
    options = parser.parse_args()
    if options.what == "collect":
        collect(options)
    elif options.what == "render":
        write_pages(load(options.json))
    elif lines := differing(load(options.json)):
        advice = "python tests/benchmarks/results.py render"
        raise SystemExit(
            "\n".join(["The pages (-) differ from the JSON (+):", *lines, f"Run {advice}"])
        )


if __name__ == "__main__":
    main()
