"""The engine `slurm`: jobs of a Slurm cluster, by submitit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnkit.errors import InputError
from rnnkit.study.engines.jobs import Job, Outcome, perform

_DEFAULTS = {"timeout_min": 24 * 60, "cpus_per_task": 1}


class Slurm:
    """Submits each job to Slurm.

    A job that is pre-empted or comes to its time limit is put into the queue again by submitit, and
    goes on from its last checkpoint.

    Args:
        folder: for the files and the output of the jobs, on a file system that all machines have.
        options: as submitit's ``AutoExecutor.update_parameters`` takes them, such as
            ``{"slurm_partition": "gpu", "gpus_per_node": 1, "timeout_min": 240}``; and ``cluster``,
            which is "slurm", or "local" for processes of this machine.

    Raises:
        InputError: submitit or Slurm is not installed, or an option is unknown.
    """

    most: int | None = None

    def __init__(self, folder: Path, options: Mapping[str, Any] | None = None) -> None:
        try:
            import submitit
        except ImportError as error:
            raise InputError(
                f'engine is slurm, which needs submitit ({error}): pip install "rnnkit[slurm]".'
            ) from error
        given = {**_DEFAULTS, **(options or {})}
        cluster = given.pop("cluster", "slurm")
        try:
            self._executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
            self._executor.update_parameters(**given)
        except (RuntimeError, ValueError) as error:  # there is no sbatch
            raise InputError(
                f"engine is slurm, and {cluster} cannot be used here: {error}. Start the command "
                "on a machine of the cluster that has sbatch, or give the engine option "
                "cluster=local to try it on this machine."
            ) from error
        except (NameError, TypeError) as error:
            raise InputError(
                f"engine_options is {dict(options or {})}, and submitit refuses it: {error}"
            ) from error

    def start(self, job: Job) -> SlurmJob:
        """Submit a job."""
        return SlurmJob(self._executor.submit(Performer(), job))

    def close(self) -> None:
        """Do nothing: Slurm knows the jobs, not this process."""


class SlurmJob:
    """A job of Slurm.

    Args:
        job: of submitit.
    """

    def __init__(self, job: Any) -> None:
        self._job = job

    def outcome(self) -> Outcome | None:
        """Return how it ended; None while it runs or waits."""
        if not self._job.done():
            return None
        error = self._job.exception()
        if error is None:
            return Outcome(told=self._job.result())
        output = self._job.paths.stderr
        return Outcome(died=f"its job {self._job.job_id} ended as {self._job.state}, see {output}")

    def stop(self) -> None:
        """Cancel it."""
        self._job.cancel()


class Performer:
    """The function of each job; submitit calls `checkpoint` before it is taken from its machine."""

    def __call__(self, job: Job) -> dict[str, str]:
        """Do the job; return what `rnnkit.study.engines.jobs.perform` returns."""
        return perform(Job(*job))

    def checkpoint(self, job: Job) -> Any:
        """Return what is put into the queue: the same job, which goes on from its checkpoint."""
        import submitit

        return submitit.helpers.DelayedSubmission(self, job)
