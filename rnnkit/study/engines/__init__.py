"""Engines: where the runs of a study and the workers of a search are processes.

`jobs` is what they have in common, `running` the loop over them; `processes` is this machine,
`on_ray` a Ray cluster, `on_slurm` a Slurm cluster.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from rnnkit.errors import InputError, check_choice, check_count, quote
from rnnkit.study.engines.jobs import Engine, Job
from rnnkit.study.engines.running import run_jobs

EngineName = Literal["processes", "ray", "slurm"]
__all__ = [
    "Engine",
    "EngineName",
    "Job",
    "check_engine",
    "make_engine",
    "parse_options",
    "run_jobs",
]


def check_engine(
    engine: str | None,
    workers: int | None,
    options: Mapping[str, Any] | None,
    ray_address: str | None,
) -> None:
    """Refuse arguments of an engine that contradict each other, before anything is loaded.

    Raises:
        InputError: an unknown engine, or an option that the engine has not.
    """
    if engine is not None:
        check_choice("engine", engine, get_args(EngineName))
    if workers is not None:
        check_count("workers", workers)
    if ray_address is not None and engine != "ray":
        raise InputError(
            f"ray_address is {quote(ray_address)}, and engine is {engine or 'not given'}: only "
            "the engine ray has an address."
        )
    if options and engine not in ("ray", "slurm"):
        raise InputError(
            f"engine_options is {dict(options)}, and engine is {engine or 'not given'}: only ray "
            "and slurm have options."
        )


def make_engine(
    engine: str,
    folder: Path,
    options: Mapping[str, Any] | None = None,
    ray_address: str | None = None,
) -> Engine:
    """Return an engine by its name.

    Args:
        engine: "processes", "ray" or "slurm".
        folder: of the study; what the engine itself writes comes into a folder in it.
        options: of the engine, see `Ray` and `Slurm`.
        ray_address: see `Ray`.

    Raises:
        InputError: what it needs is not installed, or its cluster cannot be reached.
    """
    if engine == "ray":
        from rnnkit.study.engines.on_ray import Ray

        return Ray(ray_address, options)
    if engine == "slurm":
        from rnnkit.study.engines.on_slurm import Slurm

        return Slurm(folder / "slurm", options)
    from rnnkit.study.engines.processes import Processes

    return Processes()


def parse_options(given: Sequence[str]) -> dict[str, Any]:
    """Return the options of an engine from texts.

    Raises:
        InputError: one is no NAME=VALUE.

    Example:
        >>> parse_options(["slurm_partition=gpu", "timeout_min=240"])
        {'slurm_partition': 'gpu', 'timeout_min': 240}
    """
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (equals and name.isidentifier()):
            raise InputError(
                f"engine_options is {quote(text)}; expected NAME=VALUE, such as num_gpus=1."
            )
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found
