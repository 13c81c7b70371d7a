"""Dynamics of the recurrent layers of trained runs, kept in their folders."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rnnkit import recipes
from rnnkit.errors import InputError, check_count
from rnnkit.progress import track
from rnnkit.study.evaluation import splits_for, splits_of
from rnnkit.study.records import read_json
from rnnkit.study.run_folder import write_json
from rnnkit.study.runs import Run

if TYPE_CHECKING:
    from rnnkit.monitor.picture import Picture

FILE = "dynamics.json"
EXAMPLES = 16
EVENTS = "recurrent"  # the TensorBoard run, beside train, validation and test


class StudyDynamics(NamedTuple):
    """Dynamics of a run of each recipe of a study.

    Attributes:
        layers: recipe -> what `dynamics` returned of its run with the lowest seed.
        notes: recipe -> why it has none.
    """

    layers: dict[str, list[dict[str, Any]]]
    notes: dict[str, str]


def dynamics_of_recipes(runs: Mapping[str, Run], dataset: Any = None) -> StudyDynamics:
    """Return `dynamics` of the run with the lowest seed of each recipe.

    Args:
        runs: complete runs, by name.
        dataset: their data, where they are loaded already.

    Example:
        >>> dynamics_of_recipes({}).layers
        {}
    """
    lowest: dict[str, Run] = {}
    for run in sorted(runs.values(), key=lambda run: run.settings["seed"]):
        lowest.setdefault(run.settings["recipe"], run)
    names = dict.fromkeys(run.settings["recipe"] for run in runs.values())
    found = StudyDynamics({}, {})
    for recipe in track(names, "Measuring gradient flow"):
        try:
            # A run of its own, whose model is not kept in memory.
            one = Run(lowest[recipe].folder)
            found.layers[recipe] = dynamics(one, dataset=dataset)
        except InputError as error:
            found.notes[recipe] = str(error)
    return found


def dynamics(run: Run, *, examples: int = EXAMPLES, dataset: Any = None) -> list[dict[str, Any]]:
    """Return gradient flow, gates and step Jacobians of the recurrent layers of a complete run.

    They are those of the trained model on examples of its validation split. They are measured once
    and kept in the run's folder: as dynamics.json, and for TensorBoard as the run `recurrent`.

    Args:
        run: the run.
        examples: how many of the split, evenly spaced.
        dataset: of the run, where it is loaded already.

    Returns:
        The record of each layer, in the order of their calls; see
        `rnnkit.monitor.LayerDynamics.record`.

    Raises:
        InputError: a run that is not complete, or without a recurrent layer; data that changed.

    Example:
        >>> dynamics(open_run("runs/lstm"))[0]["numbers"]["flow_per_step"]  # doctest: +SKIP
        0.93
    """
    check_count("examples", examples)
    done = run.results  # refuses a run that is not complete
    made_of = {"examples": examples, "epochs": done["epochs"], "best_epoch": done["best_epoch"]}
    path = run.path / FILE
    if path.is_file():
        known = read_json(path)
        if known.get("of") == made_of:
            return list(known["layers"])
    recipe = run.settings["recipe"]
    if not recipes.family_of(recipe).has_test_split or not hasattr(run.model, "dynamics"):
        raise InputError(f"{run.path} is a run of {recipe}, which has no recurrent layer.")
    if dataset is None:
        ((x, y),) = splits_for(run, ["valid"])
    else:
        ((x, y),) = splits_of(run, dataset, ["valid"])
    some = range(0, len(x), max(len(x) // examples, 1))[:examples]
    found = run.model.dynamics(_rows(x, some), None if y is None else _rows(y, some))
    records = [one.record() for one in found]
    _write_events(run, found)
    write_json(path, {"of": made_of, "layers": records})
    return records


def dynamics_figures(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Picture]:
    """Draw what `dynamics` returned of several runs, side by side.

    Args:
        runs: label of the run -> its records.

    Returns:
        "gradient_flow" and, where a layer has gates, "saturation".

    Raises:
        InputError: no run.

    Example:
        >>> record = {"layer": "gru", "flow": {"median": [1.0, 0.5]}, "gates": {}}
        >>> list(dynamics_figures({"a": [record], "b": [record]}))
        ['gradient_flow']
    """
    from rnnkit.monitor import flow_figure, saturation_figure

    layers = {
        f"{label}, {one['layer']}" if len(records) > 1 else label: one
        for label, records in runs.items()
        for one in records
    }
    flows = {label: one["flow"]["median"] for label, one in layers.items()}
    figures = {"gradient_flow": flow_figure(flows)}
    gates = {
        label: {name: (g["below_0.1"], g["above_0.9"]) for name, g in one["gates"].items()}
        for label, one in layers.items()
    }
    if any(gates.values()):
        figures["saturation"] = saturation_figure(gates)
    return figures


def _rows(values: Any, places: Sequence[int]) -> Any:
    """Return some rows of a list, or of an array."""
    return values[list(places)] if hasattr(values, "shape") else [values[i] for i in places]


def _write_events(run: Run, found: Sequence[Any]) -> None:
    """Write the pages of TensorBoard, anew."""
    from rnnkit.monitor.dynamics_events import write_dynamics, write_lags
    from rnnkit.monitor.events import EventWriter

    folder = run.folder.events / EVENTS
    shutil.rmtree(folder, ignore_errors=True)
    with EventWriter(folder, required=False) as writer:
        write_dynamics(writer, found, int(run.results["best_epoch"]))
        write_lags(writer, found)
