"""Remarks of a report: the budget, runs that diverged, single runs, missing peak memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rnnkit.training.budget import parse_budget

if TYPE_CHECKING:
    from rnnkit.study.compare import Comparison, Row


def remarks(study: Comparison) -> Iterable[str]:
    """Yield the sentences about the runs of a study, each a paragraph of its report."""
    yield from budget_remark(study)
    yield from seed_remark([row for row in study.rows if row.name in recipes_of(study)])
    yield from memory_remark(study)
    for name, why in study.failures.items():
        yield f"- **{name} diverged and is not in the means**: {' '.join(why.split())}"


def recipes_of(study: Comparison) -> set[str]:
    """Return the recipes of a study, whether or not their runs are complete."""
    named = {name.rpartition("-seed")[0] for name in study.failures}
    return named | {run.settings["recipe"] for run in study.runs.values()}


def budget_remark(study: Comparison) -> Iterable[str]:
    """Yield what each run was allowed to use."""
    budgets = [run.settings.get("budget") for run in study.runs.values()]
    known = {parse_budget(one) for one in budgets if one}
    if not known:
        return
    told = [f"Budget of each run: {' or '.join(sorted(map(str, known)))}."]
    if any(one.ends_training for one in known):
        told += ["Training ended after the step that reached it."]
    if any(one.seconds for one in known):
        told += [
            "Its time is that of the passes over the training data, without compiling, validation "
            "and what was learned before the first step."
        ]
    if any(one.parameters for one in known):
        told += ["Units were chosen for the parameters, which are those without embedding tables."]
    yield " ".join(told)


def seed_remark(rows: Sequence[Row]) -> Iterable[str]:
    """Yield that there is no spread where there is one run.

    Example:
        >>> from rnnkit.study.compare import Row
        >>> [line[:44] for line in seed_remark([Row("lstm", 1, {}), Row("gru", 1, {})])]
        ['**One seed**: there are no standard deviatio']
        >>> list(seed_remark([Row("lstm", 2, {})]))
        []
    """
    single = [row.name for row in rows if row.runs == 1]
    if not single:
        return
    if len(single) == len(rows) and not any(row.diverged for row in rows):
        what = "**One seed**"
    else:
        what = f"**One run of {', '.join(single)}**"
    yield (
        f"{what}: there are no standard deviations and no intervals over seeds, and a difference "
        "may be that of the seeds alone."
    )


def memory_remark(study: Comparison) -> Iterable[str]:
    """Yield for which runs the peak memory is not known."""
    unknown = [
        name for name, run in study.runs.items() if run.results.get("peak_memory_bytes", 0) is None
    ]
    if unknown:
        yield (
            f"Peak memory is not recorded for {', '.join(unknown)}: the process had trained other "
            "runs before, or the system does not tell. With `--processes 1` each run gets a "
            "process of its own."
        )
