"""Rows of the tables of results, from the folders of runs and from what a benchmark measured."""

from __future__ import annotations

import csv
import json
import math
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from result_tables import Row, fields, load, put, save, write_pages

from rnnkit.study.commands import train_words

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
    kept = next((row for row in rows if float(row["epoch"]) == results.get("best_epoch")), {})
    shown = {name: float(value) for name, value in kept.items() if name.startswith("val_")}
    whole = {**shown, **results, **results["test"]}
    return {name: value for name, value in whole.items() if isinstance(value, (int, float))}


def origin(environments: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return where runs come from, from their environment.json; what differs is listed."""
    here = [one for begun in environments for one in (begun, *begun.get("resumed", []))]

    def all_of(values: Iterable[Any]) -> str:
        return ", ".join(dict.fromkeys(str(value) for value in values if value))

    backends = (f"{BACKENDS[one['backend']]} {one['backend_version']}" for one in here)
    found = {
        "commit": all_of(one.get("commit") for one in here),
        "dirty": any(one.get("dirty") for one in here),
        "date": max(str(one["started"])[:10] for one in here),
        "backend": all_of(backends),
        "rnnkit": all_of(one["rnnkit"] for one in here),
        "keras": all_of(one["keras"] for one in here),
        "machine": all_of(map(machine, here)),
    }
    return {name: value for name, value in found.items() if value}


def machine(environment: Mapping[str, Any]) -> str:
    """Return the processor, its cores, and other devices, as environment.json names them."""
    others = [one for one in environment["devices"] if "cpu" not in one.lower()]
    processor = environment.get("processor", "CPU")
    return ", ".join([processor, f"{environment['cpus']} cores", *others])


def command(settings: Mapping[str, Any], seeds: Sequence[int]) -> str:
    """Return the command that trains the runs again; of files of this machine only the names."""
    words = train_words({name: value for name, value in settings.items() if name != "seed"})
    words = [Path(word).name if Path(word).is_absolute() else word for word in words]
    if len(seeds) > 1 and list(seeds) == list(range(len(seeds))):
        return shlex.join([*words[:1], "compare", *words[2:], "--seeds", str(len(seeds))])
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
    shown = {}
    for name in sorted(wanted):
        values = [float(f"{one[name]:.7g}") for one in found if name in one]
        if values and (len(values) < len(found) or not all(map(math.isfinite, values))):
            raise SystemExit(f"{name} is not a number in each of {len(found)} runs: {values}.")
        if values:
            shown[name] = values
    return shown


def rows_of(
    paths: Sequence[Path],
    name: str,
    columns: Mapping[str, str],
    given: Mapping[str, str],
    with_baselines: bool = True,
    more: Callable[[Path], Mapping[str, float]] = lambda run: {},
) -> list[Row]:
    """Return a row for each recipe and its settings over the seeds, then the baselines.

    `more` returns what was measured of a run and is not in its folder.
    """
    groups: dict[str, list[tuple[int, Path]]] = {}
    for run in (run for path in paths for run in find_runs(path)):
        settings = read(run / "settings.json")
        same = {key: value for key, value in settings.items() if key not in ("seed", "settings")}
        groups.setdefault(json.dumps(same, sort_keys=True), []).append((settings["seed"], run))
    rows: list[Row] = []
    for group in groups.values():
        seeds, runs = zip(*sorted(group), strict=True)
        if len(set(seeds)) < len(seeds):
            raise SystemExit(
                f"Two runs have the same settings and seed: {', '.join(map(str, runs))}"
            )
        settings = read(runs[0] / "settings.json")
        environments = [read(run / "environment.json") for run in runs]
        known = {
            **settings["settings"],
            "recipe": f"`{settings['recipe']}`",
            "data": f"`{Path(settings['data']['name']).name}`",
            "backend": BACKENDS[environments[0]["backend"]],
        }
        values = values_of(columns, [measures(run) | more(run) for run in runs])
        row = {"table": name, "labels": labels_of(columns, known, given), "values": values}
        row |= {"seeds": len(seeds), "of_seeds": list(seeds), **origin(environments)}
        rows.append(row | {"command": command(settings, seeds)})
        file = runs[0].parent / "baselines.json"
        if with_baselines and file.is_file() and runs[0].parent in paths:
            rows += baselines(read(file), rows[-1], columns, known)
            with_baselines = False  # those of a study once
    return rows


def joined(old: Row, new: Row) -> Row:
    """Return a row over the seeds of two rows with the same labels: each trained once."""
    name = ", ".join(filter(None, old["labels"].values()))
    if "of_seeds" not in old:
        raise SystemExit(f"The row {name} does not say its seeds: collect all of its runs at once.")
    if twice := sorted({*old["of_seeds"]} & {*new["of_seeds"]}):
        raise SystemExit(f"The row {name} has the seed {twice[0]} already.")
    if old["values"].keys() != new["values"].keys():
        differing = sorted(old["values"].keys() ^ new["values"].keys())
        raise SystemExit(f"One of two parts of the row {name} has no {', '.join(differing)}.")
    seeds = [*old["of_seeds"], *new["of_seeds"]]
    order = sorted(range(len(seeds)), key=seeds.__getitem__)
    values = {
        measure: [(runs + new["values"][measure])[place] for place in order]
        for measure, runs in old["values"].items()
    }
    both = {
        key: ", ".join(dict.fromkeys([*old[key].split(", "), *new[key].split(", ")]))
        for key in ("commit", "backend", "rnnkit", "keras")
        if key in old and key in new
    }
    if old["machine"] != new["machine"]:
        both["machine"] = f"{old['machine']}; {new['machine']}"
    return {
        **{**old, **new, **both, "values": values},
        **{"seeds": len(seeds), "of_seeds": sorted(seeds)},
        "dirty": bool(old.get("dirty") or new.get("dirty")),
        "date": max(old["date"], new["date"]),
        "command": f"{old['command']}; {new['command']}",
    }


def baselines(
    found: Mapping[str, Any], of: Row, columns: Mapping[str, str], known: Mapping[str, Any]
) -> list[Row]:
    """Return the rows of the baselines of a study, which have no seed."""
    rows = []
    for name, result in found["results"].items():
        labels = labels_of(columns, dict.fromkeys(of["labels"], "") | {"data": known["data"]}, {})
        labels |= {"recipe": name} if "recipe" in labels else {next(iter(labels)): name}
        values = values_of(columns, [{**result, **result["test"]}])
        rows.append({**of, "labels": labels, "values": values})
        del rows[-1]["seeds"], rows[-1]["of_seeds"]  # a baseline has none
    return rows


def record(table: str, measured: Sequence[tuple[dict[str, str], Any]], seeds: int | None) -> None:
    """Put what a benchmark measured, labels and values of each row, into the JSON and the pages.

    The command is that of this process without `--record`.
    """
    from rnnkit.study.environment import environment

    where = origin([environment()])
    script = Path(sys.argv[0])
    words = [one for one in sys.argv[1:] if one != "--record"]
    where["command"] = shlex.join(["python", f"tests/benchmarks/{script.name}", *words])
    found = load()
    for labels, values in measured:
        row = {"table": table, "labels": labels, "values": values}
        texts = all(isinstance(value, str) for value in values.values())  # not measured
        put(found, row if texts else row | ({"seeds": seeds} if seeds else {}) | where)
    save(found)
    write_pages(found)
