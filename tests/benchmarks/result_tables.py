"""The measured results as JSON, and the tables and figures that pages show of them.

recipes/results.json has `tables`, each a page, perhaps a title, and heading -> template of a
column, and `rows`: the values of runs with where they come from. A template is a format string of
Python over the fields of a row: `{recipe}` is a label, `{accuracy:.4f}` a value as mean ± sample
standard deviation. A table stands between `<!-- results NAME -->` and
`<!-- end of results NAME -->`, a single figure in a sentence between
`<!-- = TABLE: ROW: TEMPLATE -->` and `<!-- / -->`.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from tables import cells, read_between, replace_between, table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "recipes" / "results.json"
ORIGINS_PAGE = "recipes/README.md"
ORIGIN = {
    **{"commit": "commit", "date": "date", "seeds": "seeds", "backend": "backend"},
    **{"rnnkit": "rnnkit", "keras": "Keras", "machine": "machine", "command": "command"},
}
FIGURE = re.compile(r"(<!-- = (.+?): (.+?): (\S+) -->)(.*?)(<!-- / -->)")
MISSING = "–"
Row = dict[str, Any]


class Value:
    """A measure over runs: a list of numbers, or what is known of them; formats as mean ± sd.

    A format that ends in `%` shows a hundred times the value, without the sign. `[0]` is the
    value of the first run.
    """

    def __init__(self, known: float | list[float] | Mapping[str, Any]) -> None:
        if isinstance(known, Mapping):
            self.runs = None
            self.mean, self.sd = known["mean"], known.get("sd")
            self.interval = known.get("interval")
        else:
            self.runs = known if isinstance(known, list) else [known]
            self.mean, self.interval = statistics.fmean(self.runs), None
            self.sd = statistics.stdev(self.runs) if len(self.runs) > 1 else None

    def __getitem__(self, run: int) -> Value:
        if self.runs is None:
            raise SystemExit(f"Single runs are not known, only their mean {self.mean}.")
        return Value(self.runs[run])

    def __format__(self, spec: str) -> str:
        shown = number(self.mean, spec)
        if self.interval:
            low, high = (number(bound, spec.replace(".3", ".2")) for bound in self.interval)
            return f"{shown} ({low}-{high})"
        return shown if self.sd is None else f"{shown} ± {number(self.sd, spec)}"


def number(value: float, spec: str) -> str:
    """Return a number as text; `%` as a hundredth, without the sign."""
    return format(value, spec).removesuffix("%")


class Missing:
    """A value that a row does not have."""

    def __format__(self, spec: str) -> str:
        return MISSING

    def __getattr__(self, name: str) -> Missing:
        return self

    def __getitem__(self, run: int) -> Missing:
        return self


def load(path: Path = RESULTS) -> dict[str, Any]:
    """Return the tables and rows."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"Cannot read {path}: {error}") from error


def save(found: Mapping[str, Any], path: Path = RESULTS) -> None:
    """Write tables and rows, a row a line, in the order of the tables."""
    order = list(found["tables"])
    rows = sorted(found["rows"], key=lambda row: order.index(row["table"]))
    tables = json.dumps(found["tables"], indent=1, ensure_ascii=False)
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    path.write_text(f'{{"tables": {tables},\n"rows": [\n{lines}\n]}}\n', "utf-8")


def old_row(found: Mapping[str, Any], row: Row) -> Row | None:
    """Return the row of the same table and labels, or None."""
    same = (old for old in found["rows"] if old["table"] == row["table"])
    return next((old for old in same if old["labels"] == row["labels"]), None)


def put(found: dict[str, Any], row: Row) -> None:
    """Replace the row of the same table and labels, or add it at the end of the table."""
    if row["table"] not in found["tables"]:
        raise SystemExit(f"No table {row['table']}; there are {', '.join(found['tables'])}.")
    old = old_row(found, row)
    if old is None:
        found["rows"].append(row)
    else:
        found["rows"][found["rows"].index(old)] = row


def fields(template: str) -> dict[str, str]:
    """Return field -> format of a template; the fields with a format are values.

    >>> fields("{mae:.2f} / {rmse.mean:.2f} by {recipe}")
    {'mae': '.2f', 'rmse': '.2f', 'recipe': ''}
    """
    parsed = Formatter().parse(template)
    return {re.split(r"[.\[]", name)[0]: spec or "" for _, name, spec, _ in parsed if name}


def cell(template: str, row: Row) -> str:
    """Return a cell; a dash where the row has none of its values."""
    known: dict[str, Any] = {
        name: value if isinstance(value, str) else Value(value)
        for name, value in row["values"].items()
    }
    known = {**{name: Missing() for name in fields(template)}, **row["labels"], **known}
    known["seeds"] = row.get("seeds") or MISSING
    if fields(template) and all(isinstance(known[name], Missing) for name in fields(template)):
        return MISSING if any(fields(template).values()) else ""
    texts = [known[name] for name, spec in fields(template).items() if spec]
    if texts and all(isinstance(text, str) for text in texts):
        return " / ".join(texts)  # published figures, which are quoted
    return template.format_map(known)


def commit(row: Row) -> str:
    """Return the commit as a table shows it; changes that were not committed are marked."""
    return (row.get("commit") or MISSING)[:7] + ("+" if row.get("dirty") else "")


def rendered(found: Mapping[str, Any], name: str) -> list[str]:
    """Return the lines of a table."""
    rows = [row for row in found["rows"] if row["table"] == name]
    about = found["tables"][name]
    columns = about["columns"]
    lines = [[*columns, "commit"]]
    lines += [[*(cell(text, row) for text in columns.values()), commit(row)] for row in rows]
    if about.get("transposed"):  # a column for each row
        lines = [list(line) for line in zip(*lines, strict=True)]
    title = [about["title"], ""] if "title" in about else []
    return [*title, *table(lines[0], lines[1:])]


def origins(found: Mapping[str, Any]) -> list[str]:
    """Return the table of where the rows come from: those of a table with the same origin once."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in found["rows"]:
        if row.get("commit") or row.get("command"):
            known = {**row, "commit": commit(row)}
            shown = [str(known.get(key) or MISSING) for key in ORIGIN]
            shown[-1] = f"`{shown[-1]}`" if shown[-1] != MISSING else MISSING
            groups.setdefault((row["table"], *shown), []).append(row)
    lines = [
        [name, ", ".join(filter(None, rows[0]["labels"].values())), *shown]
        if len(rows) == 1
        else [name, f"{len(rows)} rows", *shown]
        for (name, *shown), rows in groups.items()
    ]
    return table(["table", "row", *ORIGIN.values()], lines)


def figure(found: Mapping[str, Any], name: str, label: str, template: str) -> str:
    """Return a single figure: of a row, which its first label names, without the marks of code.

    The tables `benchmarks` and `kills` are those of two other pages.
    """
    if name == "benchmarks":
        return of_benchmarks(label, template)
    if name == "kills":
        return of_kills(label, template)
    rows = [row for row in found["rows"] if row["table"] == name]
    fitting = [row for row in rows if next(iter(row["labels"].values())).strip("`") == label]
    if len(fitting) != 1:
        raise SystemExit(f"The table {name} has {len(fitting)} rows {label!r}; expected one.")
    shown = cell(template, fitting[0])
    if shown == MISSING:
        raise SystemExit(f"The row {label!r} of the table {name} has no value for {template}.")
    return shown


def of_benchmarks(where: str, spec: str) -> str:
    """Return the first number of a cell of docs/benchmarks.md: `HEADING; START OF ROW; COLUMN`."""
    title, start, column = where.split("; ")
    page = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    section = re.split(rf"^#+ {re.escape(title)}$", page, maxsplit=1, flags=re.MULTILINE)[-1]
    heading, *lines = [cells(line) for line in section.splitlines() if line.startswith("|")]
    for row in lines:
        if " ".join(row).startswith(start):
            return number(float(re.findall(r"[\d.]+", row[heading.index(column)])[0]), spec)
    raise SystemExit(f"docs/benchmarks.md has no row {start!r} under {title!r}.")


def of_kills(column: str, spec: str) -> str:
    """Return the sum of a column of the table of kills in docs/reliability.md."""
    lines = read_between(ROOT / "docs" / "reliability.md", "kills")
    heading, _, *rows = [cells(line) for line in lines if line.startswith("|")]
    return number(sum(float(row[heading.index(column)]) for row in rows), spec)


def pages(found: Mapping[str, Any], root: Path = ROOT) -> dict[Path, str]:
    """Return each page with tables or figures, as the JSON says that it is to be."""
    tables = {f"results {name}": rendered(found, name) for name in found["tables"]}
    tables["results origins"] = origins(found)
    places = {f"results {name}": about["page"] for name, about in found["tables"].items()}
    shown: dict[str, str] = {}
    for marker, lines in tables.items():
        page = places.get(marker, ORIGINS_PAGE)
        shown[page] = replace_between(shown.get(page) or text_of(root / page), marker, lines)
    for page in [root / "README.md", *(root / "docs").rglob("*.md")]:
        name = str(page.relative_to(root))
        if "<!-- = " in text_of(page):
            shown.setdefault(name, text_of(page))

    def fresh(match: re.Match[str]) -> str:
        return match[1] + figure(found, *match.group(2, 3, 4)) + match[6]

    return {root / page: FIGURE.sub(fresh, text) for page, text in shown.items()}


def write_pages(found: Mapping[str, Any]) -> None:
    """Write the pages anew."""
    for page, text in pages(found).items():
        page.write_text(text, "utf-8")


def text_of(page: Path) -> str:
    """Return the text of a page."""
    return page.read_text("utf-8")
