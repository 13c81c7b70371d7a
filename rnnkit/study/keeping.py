"""What is kept of a run that is refused or fails: everything, unless nothing was learned."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from rnnkit.errors import DiskError, InputError, NonFiniteLoss
from rnnkit.records.states import record_failure
from rnnkit.study.run_folder import RunFolder, remove_folder
from rnnkit.training.budget import BudgetTooSmall
from rnnkit.training.checkpoints import Checkpoints


@contextlib.contextmanager
def keeping(folder: RunFolder, model: Any, *, new: bool = True) -> Iterator[None]:
    """Keep the folder of a run that fails within the block, and say what it holds.

    Only the folder of a new run that was refused, or could not be written, before its first step is
    removed: there is nothing in it. A model that finds no room there is saved where the system has
    its temporary files.

    Args:
        folder: of the run.
        model: that is trained.
        new: whether the folder was made for this training; False = it goes on.

    Raises:
        InputError: as within the block, with what was kept.
        DiskError: likewise.
        NonFiniteLoss: likewise.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, BudgetTooSmall) and new:  # the two steps of it are worth nothing
            remove_folder(folder.path)
            raise
        kept = kept_files(folder)
        if isinstance(error, InputError | OSError) and not (kept or folder.training_began):
            if new:
                remove_folder(folder.path)
            raise
        if isinstance(error, NonFiniteLoss):  # the same would come again
            record_failure(folder.path, error)
            raise NonFiniteLoss(f"{error}\nThe partial run is in {folder.path}.") from error
        told = what_is_kept(folder, kept)
        if isinstance(error, DiskError):
            if kept != [folder.model.name]:
                told += _save_elsewhere(model)
            raise DiskError(f"{error}\n{told}", error.errno) from error
        if isinstance(error, InputError):
            raise InputError(f"{error}\n{told}") from error
        error.add_note(told)
        raise


def _save_elsewhere(model: Any) -> str:
    """Save a model into a new folder for temporary files; return a sentence that says where."""
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix="rnnkit-"))
        model.save(folder / "model.keras")
    except (OSError, InputError):
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        return ""
    return f"\nThe model as it is now was saved to {folder / 'model.keras'}: move it from there."


@contextlib.contextmanager
def keeping_study(path: Path, complete: Collection[str]) -> Iterator[None]:
    """Say which runs of a study are complete when a file cannot be written within the block.

    Args:
        path: the study's folder.
        complete: the names of its complete runs.

    Raises:
        DiskError: as within the block, with the names.
    """
    try:
        yield
    except DiskError as error:
        told = (
            f"Complete runs in {path}: {', '.join(complete) or 'none'}. To go on with the study, "
            f"give the same command with --out {shlex.quote(str(path))}"
        )
        raise DiskError(f"{error}\n{told}", error.errno) from error


def kept_files(folder: RunFolder) -> list[str]:
    """Return the files of a run that hold something learned: the model, or else its checkpoints.

    Example:
        >>> kept_files(RunFolder("no/such/run"))
        []
    """
    if folder.model.is_file():
        return [folder.model.name]
    return [f"checkpoints/{path.name}" for path in Checkpoints(folder.checkpoints).files()[:1]]


def what_is_kept(folder: RunFolder, kept: list[str]) -> str:
    """Return what a run's folder holds after a failure, and the command that goes on with it."""
    if not kept:
        return f"The run in {folder.path} has no checkpoint yet."
    what = "the trained model" if kept == [folder.model.name] else "the last checkpoint"
    command = f"rnnkit train --resume {shlex.quote(str(folder.path))}"
    return f"Kept: {what}, {folder.path / kept[-1]}. When that is mended, go on with: {command}"
