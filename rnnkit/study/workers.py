"""Training of the runs of a study in processes of their own, which tells their peak memory.

A process takes part in the study as any other one does (`rnnkit.study.sharing`) and trains the one
run; `rnnkit.study.engines` starts it, on this machine or on another one that has the same folder.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rnnkit import recipes
from rnnkit.errors import InputError
from rnnkit.study.agreement import refuse_other_examples, refuse_other_versions, terms_of
from rnnkit.study.engines import Engine, Job, run_jobs
from rnnkit.study.plan import Plan, plan_of
from rnnkit.study.records import read_json
from rnnkit.study.run_folder import RunFolder
from rnnkit.study.sharing import SharedStudy


def train_apart(
    shared: SharedStudy,
    plans: Mapping[str, Plan],
    dataset: Any,
    engine: Engine,
    workers: int | None,
    verbose: int | str,
    announce: Callable[[str], None],
) -> None:
    """Train each run that is not complete in a process of its own.

    Args:
        shared: the study; its record holds the plans.
        plans: of the runs, by name.
        dataset: that of this process, which those of the others have to be equal to.
        engine: starts the processes.
        workers: how many at a time, at most; with more than one, only the end of each is reported.
        verbose: as in Keras.
        announce: called with a line for each run that begins.

    Raises:
        InputError: as the process of a run raised it.
        DiskError: likewise.
        StudyError: the process of a run ended time and again before the run was complete.
    """
    left = [name for name in plans if not RunFolder(shared.path / name).complete]
    shown = verbose if (workers or engine.most) == 1 else 0
    terms = terms_of(dataset) if left else {}
    study = str(shared.path.resolve())
    jobs = [
        Job(
            name,
            "rnnkit.study.workers:train_one",
            {"study": study, "name": name, "verbose": shown, "terms": terms},
        )
        for name in left
    ]
    run_jobs(jobs, engine, announce, workers)


def train_one(
    study: str, name: str, verbose: int | str, terms: Mapping[str, Any] | None = None
) -> None:
    """Train a run of a study whose record holds its plan.

    Args:
        study: the study's folder.
        name: of the run.
        verbose: as in Keras.
        terms: the versions and examples of the process that began the study, see
            `rnnkit.study.agreement`.

    Raises:
        InputError: versions or examples are others here, or the folder is not on this machine.
    """
    path = Path(study)
    if not (path / "study.json").is_file():
        raise InputError(
            f"{path} is no study on {socket.gethostname()}: give --out on a file system that "
            "every machine has at the same place."
        )
    plan = plan_of(read_json(path / "study.json")[name])
    refuse_other_versions(terms or {}, f"the study in {path}")
    dataset = plan.data.load(recipes.kind_of(plan.recipe))
    refuse_other_examples(terms or {}, dataset, f"the study in {path}")
    with SharedStudy.join(path) as shared:
        shared.train({name: plan}, dataset, verbose, lambda line: None)
