"""The engine `ray`: tasks of a Ray cluster, or of this machine where there is none."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Mapping
from typing import Any

from rnnkit.errors import InputError
from rnnkit.study.engines.jobs import Job, Outcome, perform

_REACH = 10.0  # seconds to reach the machine of an address
_STOP = 60.0  # seconds for the step under way, and its checkpoint
_SHARED = ("KERAS_BACKEND", "RNNKIT_")  # variables of the environment that tasks get, too


class Ray:
    """Hands jobs to Ray, each as a task in a process that does nothing else.

    Args:
        address: of the cluster, as `ray.init` takes it; None = RAY_ADDRESS, the cluster that runs
            on this machine, or a new one on this machine alone.
        options: of each task, such as ``{"num_cpus": 4, "num_gpus": 1}``.

    Raises:
        InputError: Ray is not installed, the cluster cannot be reached, or has another version.
    """

    most: int | None = None

    def __init__(
        self, address: str | None = None, options: Mapping[str, Any] | None = None
    ) -> None:
        try:
            import ray
        except ImportError as error:
            raise InputError(
                f'engine is ray, which cannot be imported ({error}): pip install "rnnkit[ray]".'
            ) from error
        self._ray = ray
        _refuse_unreachable(address)
        try:
            ray.init(
                address=address,
                include_dashboard=None if address else False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except Exception as error:  # Ray raises some without a class of their own
            raise _no_cluster(address, error) from error
        try:
            # Ray does not count its retries per job; `run_jobs` does. A new process for each task.
            settings = {"num_cpus": 1, **(options or {}), "max_retries": 0, "max_calls": 1}
            self._task = ray.remote(**settings)(_perform_there)
        except (ValueError, TypeError) as error:
            ray.shutdown()
            raise InputError(
                f"engine_options is {dict(options or {})}, and Ray refuses it: {error}"
            ) from error

    def start(self, job: Job) -> RayTask:
        """Hand a job to Ray."""
        shared = {name: text for name, text in os.environ.items() if name.startswith(_SHARED)}
        return RayTask(self._ray, self._task.remote(job, shared))

    def close(self) -> None:
        """Leave the cluster; one that was started for this engine ends."""
        self._ray.shutdown()


class RayTask:
    """A task of Ray.

    Args:
        ray: the module.
        reference: of the task's result.
    """

    def __init__(self, ray: Any, reference: Any) -> None:
        self._ray, self._reference = ray, reference

    def outcome(self) -> Outcome | None:
        """Return how it ended; None while it runs or waits."""
        ended, _ = self._ray.wait([self._reference], timeout=0)
        if not ended:
            return None
        try:
            return Outcome(told=self._ray.get(self._reference))
        except self._ray.exceptions.RayError as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            # Of an exception in the task the last line is it, of a lost worker the first.
            raised = isinstance(error, self._ray.exceptions.RayTaskError)
            what = lines[-1 if raised else 0].strip(" .") if lines else type(error).__name__
            return Outcome(died=f"its task in Ray ended with {type(error).__name__}: {what}")

    def stop(self) -> None:
        """Ask it to end after the step under way; wait for it."""
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.cancel(self._reference)
            self._ray.wait([self._reference], timeout=_STOP)


def _perform_there(job: Job, environment: Mapping[str, str]) -> dict[str, str]:
    """Do a job on a machine of the cluster, before a backend was picked there."""
    os.environ.update(environment)
    return perform(Job(*job))


def _refuse_unreachable(address: str | None) -> None:
    """Refuse an address at which nobody listens: Ray itself would try for minutes."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if not (colon and port.isdecimal()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str | None, error: Exception) -> InputError:
    reason = " ".join(str(error).split())
    return InputError(
        f"ray_address is {address}, and no Ray cluster can be used there: {reason}. Expected "
        "host:port of a cluster that `ray start --head` began, with the same versions of Ray and "
        "Python; without it, Ray is started on this machine."
    )
