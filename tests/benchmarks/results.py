"""The tables of measured results: collected from run folders, kept as JSON, written into the pages.

python tests/benchmarks/results.py collect runs/imdb --table imdb
python tests/benchmarks/results.py collect runs/a runs/b --table vectors --label "vectors=cbow"
python tests/benchmarks/results.py render
python tests/benchmarks/results.py check

`collect` reads runs of `rnnkit train` and studies of `rnnkit compare`, with their baselines, and
adds a row for each recipe and its settings to a table of recipes/results.json; a row with the same
labels is replaced. `render` writes the pages, `check` says whether they show what the JSON says.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import json
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from result_tables import RESULTS, ROOT, Row, fields, load, pages, put, save

BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "PyTorch"}


def read(path: Path) -> dict[str, Any]:
    """Return a JSON object; the message names a file that is none."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"Cannot read {path}: {error}") from error


def find_runs(path: Path) -> list[Path]:
    """Return the complete runs of a study, or the run itself; names those that are not complete."""
    study = not (path / "settings.json").is_file()
    found = sorted(file.parent for file in path.glob("*/settings.json")) if study else [path]
    complete = [run for run in found if (run / "results.json").is_file()]
    if not complete:
        raise SystemExit(f"{path} is no complete run (results.json) and no study that has one.")
    for run in found:
        if run not in complete:
            print(f"left out, not complete: {run}", file=sys.stderr)
    return complete


def measures(run: Path) -> dict[str, float]:
    """Return what a run measured, its costs, and the measures of the kept epoch."""
    results = read(run / "results.json")
    rows = []
    if (run / "metrics.csv").is_file():
        rows = list(csv.DictReader((run / "metrics.csv").read_text("utf-8").splitlines()))
    kept = next((row for row in rows if int(row["epoch"]) == results.get("best_epoch")), {})
    shown = {name: float(value) for name, value in kept.items() if name.startswith("val_")}
    whole = {**shown, **results, **results["test"]}
    return {name: value for name, value in whole.items() if isinstance(value, (int, float))}


def origin(runs: Sequence[Path]) -> dict[str, Any]:
    """Return where runs come from; what differs between them is listed."""
    here = [read(run / "environment.json") for run in runs]

    def all_of(values: Iterable[Any]) -> str | None:
        return ", ".join(dict.fromkeys(str(value) for value in values if value)) or None

    return {
        "seeds": len(runs),
        "commit": all_of(one.get("commit") for one in here),
        "dirty": any(one.get("dirty") for one in here),
        "date": max(str(one["started"])[:10] for one in here),
        "rnnkit": all_of(one["rnnkit"] for one in here),
        "keras": all_of(one["keras"] for one in here),
        "backend": all_of(
            f"{BACKENDS.get(one['backend'], one['backend'])} {one['backend_version']}"
            for one in here
        ),
        "machine": all_of(
            f"{one.get('processor', 'CPU')}, {one['cpus']} cores"
            + "".join(f", {device}" for device in one["devices"] if "cpu" not in device.lower())
            for one in here
        ),
    }


def command(settings: Mapping[str, Any], seeds: Sequence[int]) -> str:
    """Return the command that trains the runs again."""
    data = settings["data"]
    several = len(seeds) > 1 and list(seeds) == list(range(len(seeds)))
    words = ["rnnkit", "compare" if several else "train", settings["recipe"]]
    words += ["--data", Path(data["name"]).name]
    given = {**(data.get("options") or {}), **settings["given"], "limit": data.get("limit")}
    given |= {"text_column": data.get("text_column"), "label_column": data.get("label_column")}
    for name, value in given.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        elif value is not None and f"--{option}" not in words:
            many = isinstance(value, list)
            words += [f"--{option}", ",".join(map(str, value)) if many else str(value)]
    if several:
        return shlex.join([*words, "--seeds", str(len(seeds))])
    each = [[*words, "--seed", str(seed)] if seed else words for seed in seeds]
    return "; ".join(map(shlex.join, each))


def labels_of(
    columns: Mapping[str, str], known: Mapping[str, Any], given: Mapping[str, str]
) -> dict[str, str]:
    """Return the labels that a table has: given ones, then those that the runs know."""
    wanted = [
        name
        for template in columns.values()
        for name, spec in fields(template).items()
        if not spec and name != "seeds"
    ]
    if unknown := [name for name in given if name not in wanted]:
        raise SystemExit(f"The table has no label {', '.join(unknown)}; it has {wanted}.")
    found = {**known, **given}
    if missing := [name for name in wanted if found.get(name) is None]:
        options = " ".join(f"--label {name}=..." for name in missing)
        raise SystemExit(f"The runs do not say what the table calls {missing}; add {options}.")
    return {name: str(found[name]) for name in dict.fromkeys(wanted)}


def values_of(columns: Mapping[str, str], found: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Return the values that a table shows, a list over the runs."""
    wanted = {name for text in columns.values() for name, spec in fields(text).items() if spec}
    shown = {name: [one[name] for one in found if name in one] for name in sorted(wanted)}
    return {name: values for name, values in shown.items() if values}


def rows_of(
    paths: Sequence[Path], name: str, columns: Mapping[str, str], given: Mapping[str, str]
) -> list[Row]:
    """Return a row for each recipe and its settings over the seeds, then the baselines."""
    groups: dict[str, list[tuple[int, Path]]] = {}
    for run in (run for path in paths for run in find_runs(path)):
        settings = read(run / "settings.json")
        same = {key: settings[key] for key in ("recipe", "given", "data")}
        groups.setdefault(json.dumps(same, sort_keys=True), []).append((settings["seed"], run))
    rows: list[Row] = []
    for group in groups.values():
        seeds, runs = zip(*sorted(group), strict=True)
        if len(set(seeds)) < len(seeds):
            raise SystemExit(
                f"Two runs have the same settings and seed: {', '.join(map(str, runs))}"
            )
        settings, where = read(runs[0] / "settings.json"), origin(runs)
        known = {
            **settings["settings"],
            "recipe": f"`{settings['recipe']}`",
            "data": f"`{Path(settings['data']['name']).name}`",
            "backend": re.sub(r" \S+", "", where["backend"]),
        }
        values = values_of(columns, [measures(run) for run in runs])
        row = {"table": name, "labels": labels_of(columns, known, given), "values": values}
        rows.append(row | where | {"command": command(settings, seeds)})
        for path in paths:
            if (path / "baselines.json").is_file() and runs[0].parent == path:
                rows += baselines(read(path / "baselines.json"), rows[-1], columns, known)
    return rows


def baselines(
    found: Mapping[str, Any], of: Row, columns: Mapping[str, str], known: Mapping[str, Any]
) -> list[Row]:
    """Return the rows of the baselines of a study, which have no seed."""
    rows = []
    for name, result in found["results"].items():
        labels = labels_of(columns, dict.fromkeys(of["labels"], "") | {"data": known["data"]}, {})
        labels |= {"recipe": name} if "recipe" in labels else {next(iter(labels)): name}
        values = values_of(columns, [{**result, **result["test"]}])
        rows.append({**of, "labels": labels, "values": values, "seeds": None})
    return rows


def collect(options: argparse.Namespace) -> None:
    """Add rows to the JSON."""
    found = load(options.json)
    if options.table not in found["tables"]:
        raise SystemExit(f"No table {options.table}; there are {', '.join(found['tables'])}.")
    if wrong := [text for text in options.label if "=" not in text]:
        raise SystemExit(f"--label {wrong[0]} has no =; expected NAME=TEXT.")
    given = dict(text.split("=", 1) for text in options.label)
    columns = found["tables"][options.table]["columns"]
    rows = rows_of(options.runs, options.table, columns, given)
    labels = [row["labels"] for row in rows]
    if twice := [one for one in labels if labels.count(one) > 1]:
        raise SystemExit(
            f"Several rows would be called {twice[0]}: collect them one by one with --label."
        )
    for row in rows:
        put(found, row)
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
    what.add_parser("render", help="the JSON into the pages")
    what.add_parser("check", help="fail where a page differs from the JSON")
    for sub in what.choices.values():
        sub.add_argument("--json", type=Path, default=RESULTS, help="another file")
    options = parser.parse_args()
    if options.what == "collect":
        collect(options)
    elif options.what == "render":
        for page, text in pages(load(options.json)).items():
            page.write_text(text, "utf-8")
    elif lines := differing(load(options.json)):
        advice = "python tests/benchmarks/results.py render"
        raise SystemExit(
            "\n".join(["The pages (-) differ from the JSON (+):", *lines, f"Run {advice}"])
        )


if __name__ == "__main__":
    main()
