"""The model card of a run, card.md: what the model is, what it reaches, how it was made.

Source of its sections: Mitchell et al. 2019, Model Cards for Model Reporting, arXiv:1810.03993.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from rnnkit import recipes
from rnnkit.atomic import replacing
from rnnkit.data import datasets
from rnnkit.data.table_files import HUB
from rnnkit.study.kept_answers import Answers, measures
from rnnkit.study.records import read_json, read_settings
from rnnkit.study.run_folder import RunFolder
from rnnkit.study.significance import LEAST_EXAMPLES
from rnnkit.study.statistics import interval, resample

DRAWS = 2_000  # of an interval: its ends are right to a few hundredths of its width
NOT_GIVEN: tuple[Any, ...] = (None, {}, [])
TO_WRITE = """
## To be written by hand

- What the model is meant for, by whom it may be used, and for what it should not be used.
- Whether the people whose texts or measurements are in the data were asked, and which groups they
  are of.
- On which other data it was tried.
"""


def write_card(
    folder: RunFolder,
    model: Any,
    dataset: Any,
    results: Mapping[str, Any] | None = None,
    answers: Answers | None = None,
) -> None:
    """Write card.md, whole or not at all.

    Args:
        folder: of the run, with its settings and environment.
        model: that was trained.
        dataset: that it was trained on.
        results: what results.json will hold; None = it was not measured on the test split.
        answers: what the model answered to the test split, for the intervals.

    Raises:
        DiskError: it could not be written.
    """
    parts = card(
        read_settings(folder.settings),
        read_json(folder.environment),
        model,
        about=getattr(dataset, "about", ""),
        results=results,
        intervals=intervals_of(answers) if answers else {},
    )
    data = ("\n".join(parts) + "\n" + TO_WRITE).encode(errors="backslashreplace")
    with replacing(folder.card, "the model card", len(data)) as temporary:
        temporary.write_bytes(data)


def intervals_of(answers: Answers, draws: int = DRAWS) -> dict[str, tuple[float, float]]:
    """Return the interval of 95 % of each measure, over other test examples; see `resample`.

    There are none where the split has fewer than 20 examples, or pieces of long ones.

    Example:
        >>> tokens = {"tokens": np.full(100, 4), "loss": np.full(100, 4.0)}
        >>> low, high = intervals_of(tokens)["perplexity"]
        >>> round(low, 3), round(high, 3)
        (2.718, 2.718)
    """
    found = {}
    for name, measure in measures(answers).items():
        if len(measure.table) >= LEAST_EXAMPLES:
            with np.errstate(all="ignore"):
                drawn = resample([measure.table], measure.of_sums, draws)[:, 0]
            found[name] = interval(np.clip(drawn, 0, measure.most))
    return found


def card(
    settings: Mapping[str, Any],
    environment: Mapping[str, Any],
    model: Any,
    *,
    about: str,
    results: Mapping[str, Any] | None,
    intervals: Mapping[str, tuple[float, float]],
) -> Iterator[str]:
    """Yield the lines of a card, in Markdown.

    Args:
        settings: of settings.json.
        environment: of environment.json.
        model: the trained task.
        about: what the data set says of itself.
        results: of results.json; None = not measured.
        intervals: of the measures, see `intervals_of`.
    """
    recipe, data = settings["recipe"], settings["data"]
    name = _data_name(data)
    yield f"# {recipe} on {name}"
    yield from ("", "## Task", "")
    yield from _task(recipe, model, results)
    yield from ("", "## Data", "")
    yield from _data(settings, about, results)
    yield from ("", "## Measures", "")
    yield from _measures(recipe, results, intervals)
    yield from ("", "## Limits", "")
    yield from _limits(settings, model, results)
    yield from ("", "## How it was made", "")
    yield from _making(settings, environment, results)


def _data_name(data: Mapping[str, Any]) -> str:
    """Return the name of a data set, or of a file without the folders that it lies in."""
    known = data["name"] in datasets.names() or data["name"].startswith(HUB)
    return str(data["name"]) if known else PurePath(data["name"]).name


def _task(recipe: str, model: Any, results: Mapping[str, Any] | None) -> Iterator[str]:
    first = (inspect.getdoc(recipes.find(recipe)) or recipe).partition("\n")[0]
    yield f"- recipe: `{recipe}`: {first}"
    yield f"- model: `{type(model).__name__}`, learned from {recipes.kind_of(recipe)}"
    classes = getattr(model, "classes", None)
    if classes:
        shown = ", ".join(map(str, classes[:20]))
        yield f"- classes: {shown}" + (f" and {len(classes) - 20} more" * (len(classes) > 20))
    if results is not None:
        yield f"- parameters: {results['parameters']:,}"


def _data(
    settings: Mapping[str, Any], about: str, results: Mapping[str, Any] | None
) -> Iterator[str]:
    data = settings["data"]
    if data["name"] in datasets.names():
        yield f"- data set: `{data['name']}`"
        yield f"- source and licence, as the data set states them: {' '.join(about.split())}"
    else:
        yield f"- file, or data set of the Hugging Face Hub: `{_data_name(data)}`"
        yield (
            "- source and licence: not known to rnnkit. Write down here where the data are from, "
            "and what may be done with them and with a model of them."
        )
    if results is not None and results.get("examples"):
        sizes = (f"{name} {size:,}" for name, size in results["examples"].items())
        yield f"- splits: {', '.join(sizes)}"
    if data.get("limit"):
        yield f"- only the first {data['limit']:,} of each split were used"
    yield from (f"- note: {note}" for note in settings.get("notes", ()))


def _measures(
    recipe: str, results: Mapping[str, Any] | None, intervals: Mapping[str, tuple[float, float]]
) -> Iterator[str]:
    from rnnkit.study.report import heading, in_order, show  # which knows every family

    if not results or not results["test"]:
        yield "There are no test figures: this model was not measured on a test split."
        return
    family = recipes.family_of(recipe)
    if not family.has_test_split:
        yield f"There is no test split; measured on: {family.evaluated_on}."
    else:
        size = results["examples"]["test"]
        yield f"On the test split ({size:,} examples; of series, steps), one run:"
    yield from ("", "| measure | value | 95 % interval |", "|---|---|---|")
    for name in in_order(results["test"]):
        cell = "–"
        if name in intervals:
            cell = " to ".join(show(name, end) for end in intervals[name])
        yield f"| {heading(name)} | {show(name, results['test'][name])} | {cell} |"
    yield ""
    if intervals:
        yield (
            "Intervals tell what other test examples of the same kind would change (bootstrap, "
            f"{DRAWS:,} draws), and nothing of other seeds."
        )
    else:
        yield f"There are no intervals: they need {LEAST_EXAMPLES} test examples that are kept."
    if results.get("counted_by"):
        yield f"Counted by: {results['counted_by']}"


def _limits(
    settings: Mapping[str, Any], model: Any, results: Mapping[str, Any] | None
) -> Iterator[str]:
    yield (
        "- What is measured above holds for data like those of the test split; of other sources, "
        "times and kinds nothing is known."
    )
    yield f"- One run, with the seed {settings['seed']}: another seed gives other weights."
    most = getattr(model, "max_length", None)
    if most:
        end = getattr(model, "truncate", "tail")
        yield f"- Longer inputs than {most:,} tokens or steps are cut; kept is the {end}."
    vocabulary = getattr(model, "vocabulary", None)
    if vocabulary is not None and hasattr(vocabulary, "__len__"):
        yield (
            f"- It knows {len(vocabulary):,} words or tokens; others are read as unknown ones, or "
            "by their letters where the recipe reads letters."
        )
    if getattr(model, "predicts_classes", False):
        yield "- It answers with one of its classes, whatever it is asked."
    validated = results is not None and str(results["monitor"]).startswith("val_")
    if results is not None and validated and results["best_epoch"] == results["epochs"]:
        yield "- The last epoch was the best: more epochs may give better figures."


def _making(
    settings: Mapping[str, Any],
    environment: Mapping[str, Any],
    results: Mapping[str, Any] | None,
) -> Iterator[str]:
    yield from ("```python", "from rnnkit import study", "", command(settings), "```", "")
    commit = environment.get("commit", "not known: an installed package")
    changed = ", with changes" if environment.get("dirty") else ""
    values = {
        "date": environment.get("started"),
        "rnnkit": f"{environment.get('rnnkit')}, commit {commit}{changed}",
        "Keras": f"{environment.get('keras')} on {environment.get('backend')} "
        f"{environment.get('backend_version')}",
        "Python": environment.get("python"),
        "machine": f"{environment.get('processor')}, {', '.join(environment.get('devices') or [])}",
        "card written": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    if results is not None:
        values["epochs"] = (
            f"{results['epochs']}, kept is {results['best_epoch']} by {results['monitor']}"
        )
        values["training"] = f"{results['seconds']:,.0f} s"
    yield from (f"- {name}: {value}" for name, value in values.items())
    yield "- all settings: `settings.json`, versions: `environment.json`, epochs: `metrics.csv`"


def command(settings: Mapping[str, Any]) -> str:
    """Return the call of `study.train` that makes such a run.

    Example:
        >>> command({"recipe": "lstm_sentiment", "data": {"name": "sample", "limit": 60},
        ...          "given": {"units": 8}, "seed": 1, "patience": None, "budget": None})
        "study.train('lstm_sentiment', 'sample', settings={'units': 8}, seed=1, limit=60)"
    """
    data = settings["data"]
    options = {"settings": settings.get("given"), "seed": settings["seed"]}
    options |= {name: data.get(name) for name in ("text_column", "label_column", "limit")}
    options |= {"data_options": data.get("options"), "patience": settings.get("patience")}
    more = ("budget", "teacher", "teacher_weights", "unlabelled")
    options |= {name: settings.get(name) or None for name in more}
    shown = (f", {name}={value!r}" for name, value in options.items() if value not in NOT_GIVEN)
    return f"study.train({settings['recipe']!r}, {_data_name(data)!r}{''.join(shown)})"
