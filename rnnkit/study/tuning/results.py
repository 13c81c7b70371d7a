"""What came of a search: its trials, the best settings, and the files that show them."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rnnkit.atomic import replacing
from rnnkit.errors import StudyError
from rnnkit.study.commands import train_command
from rnnkit.study.tuning.storage import import_optuna

_FEWEST = 4  # completed trials from which the importance of settings is estimated
_SHOWN = 10  # trials in the report


class Trial(NamedTuple):
    """One trial.

    Attributes:
        number: its place in the search.
        state: "complete", "pruned", "diverged", "refused", "failed" or "running".
        value: of the monitored measure on the validation split; None unless it is complete.
        epochs: how many were measured.
        seconds: from its beginning to its end; None while it runs.
        run: the name of its run's folder.
        settings: that were searched.
        why: the reason where it diverged or was refused.
    """

    number: int
    state: str
    value: float | None
    epochs: int
    seconds: float | None
    run: str
    settings: dict[str, Any]
    why: str = ""


@dataclass(frozen=True)
class Tuning:
    """The results of a search.

    Attributes:
        path: its folder, with a run for each trial.
        study: of Optuna, for whatever else one wants to know.
        monitor: the measure on the validation split that was to become best.
        trials: in their order.
        best: the best of the complete ones.
        importances: setting -> its share of the differences between trials, which add up to 1;
            empty where there are too few.
        command: what trains the best settings once more.
    """

    path: Path
    study: Any
    monitor: str
    trials: list[Trial]
    best: Trial
    importances: dict[str, float]
    command: str

    @property
    def report(self) -> Path:
        """The report, in Markdown."""
        return self.path / "report.md"


def results_of(path: Path, study: Any, record: Mapping[str, Any]) -> Tuning:
    """Return the results of a search, and write its table, figures and report.

    Raises:
        StudyError: no trial was completed; the table is written.
    """
    trials = [_trial(one) for one in study.get_trials(deepcopy=False)]
    _write(path / "trials.csv", _table(trials))
    complete = [one for one in trials if one.state == "complete"]
    if not complete:
        states = Counter(one.state for one in trials)
        counted = ", ".join(f"{number} {state}" for state, number in states.items())
        why = next((one.why for one in reversed(trials) if one.why), "")
        raise StudyError(
            f"No trial of the search in {path} was completed: {counted}. {why}{' ' if why else ''}"
            "Give narrower ranges with --search, other settings, or more --trials; --pruner none "
            "ends no trial early."
        )
    best = next(one for one in trials if one.number == study.best_trial.number)
    plan = record["plan"]
    found = Tuning(
        path,
        study,
        record["monitor"],
        trials,
        best,
        _importances(study, complete),
        train_command({**plan, "given": {**plan["given"], **best.settings}}),
    )
    from rnnkit.study.tuning.figures import write_figures  # brings Matplotlib in

    write_figures(found)
    _write(found.report, "\n".join(_report(found, plan)) + "\n")
    return found


def _trial(trial: Any) -> Trial:
    state, why = trial.state.name.lower(), trial.user_attrs.get("why", "")
    state = why.partition(":")[0] if why else {"fail": "failed"}.get(state, state)
    return Trial(
        trial.number,
        state,
        trial.value if state == "complete" else None,
        len(trial.intermediate_values),
        None if trial.duration is None else round(trial.duration.total_seconds(), 1),
        trial.user_attrs.get("run", ""),
        dict(trial.params),
        why,
    )


def _importances(study: Any, complete: Sequence[Trial]) -> dict[str, float]:
    """Return the importance of each setting (PED-ANOVA; Watanabe et al., 2023)."""
    varied = len({one.value for one in complete}) > 1
    if len(complete) < _FEWEST or not varied or len(complete[0].settings) < 2:
        return {}
    found = import_optuna().importance.get_param_importances(study)
    return {name: float(value) for name, value in found.items()}


def _table(trials: Sequence[Trial]) -> str:
    names = list(dict.fromkeys(name for one in trials for name in one.settings))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*Trial._fields[:6], *names, "why"])
    for one in trials:
        writer.writerow([*one[:6], *(one.settings.get(name) for name in names), one.why])
    return text.getvalue()


def in_order(found: Tuning) -> list[Trial]:
    """Return the complete trials of a search, the best first."""
    complete = [one for one in found.trials if one.value is not None]
    worst_first = found.study.direction.name == "MAXIMIZE"
    return sorted(complete, key=lambda one: one.value or 0.0, reverse=worst_first)


def _report(found: Tuning, plan: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of report.md."""
    states = Counter(one.state for one in found.trials)
    counted = ", ".join(f"{number} {state}" for state, number in states.items())
    yield from (f"# Search: {plan['recipe']}", "")
    yield f"{len(found.trials)} trials: {counted}. Judged by {found.monitor}, on the validation"
    yield "split; no choice depends on the test split."
    yield from ("", "```sh", found.command, "```", "", "## The best trials", "")
    names = list(found.best.settings)
    yield f"| trial | {found.monitor} | epochs | {' | '.join(names)} |"
    yield "|---" * (len(names) + 3) + "|"
    for one in in_order(found)[:_SHOWN]:
        cells = [str(one.number), f"{one.value:.4g}", str(one.epochs)]
        yield f"| {' | '.join([*cells, *(_shown(one.settings.get(name)) for name in names)])} |"
    yield from ("", "All of them: `trials.csv`.", "", "![History](history.png)")
    if found.importances:
        yield from ("", "## Importance of the settings", "", "![Importance](importance.png)", "")
        yield "Share of the differences between trials that each setting explains (PED-ANOVA)."


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _write(path: Path, text: str) -> None:
    with replacing(path, need=len(text)) as temporary:
        temporary.write_bytes(text.encode())
