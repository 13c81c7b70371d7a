"""Checkpoints of a training in a folder: numbered files, the last two kept, checked when read.

model.keras                 the model before the first step: network, vocabulary, classes
checkpoint-00000120.npz     everything that changes while training, after step 120
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnkit.atomic import replacing
from rnnkit.errors import InputError

KEPT = 2  # files: the newest may be damaged
FORMAT = 1  # of the files; a later version of rnnkit may write another
_NAME = re.compile(r"checkpoint-(\d{8,})\.npz")


class Checkpoint(NamedTuple):
    """What one file holds.

    Attributes:
        values: numbers and texts: epoch, step, the state of the callbacks, ...
        arrays: the variables, and the arrays in the state of the callbacks.
        path: of the file; None before it is written.
    """

    values: dict[str, Any]
    arrays: dict[str, np.ndarray]
    path: Path | None = None


class Checkpoints:
    """Where, how often and of what a training writes checkpoints.

    A file is written under a temporary name, synced and renamed. Each array in it has a CRC-32.

    Args:
        folder: of the files; made when the training begins.
        minutes: the longest time between two checkpoints; one is written after each epoch, too.
        command: how to go on, for the message after an interruption; None = by calling fit again.

    Raises:
        InputError: minutes is not above 0.

    Example:
        >>> Checkpoints("runs/mine/checkpoints", minutes=1).folder.name
        'checkpoints'
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        minutes: float = 5.0,
        command: str | None = None,
    ) -> None:
        self.folder, self.command = Path(folder), command
        if isinstance(minutes, bool) or not isinstance(minutes, (int, float)) or not minutes > 0:
            raise InputError(f"minutes is {minutes!r}; expected a number above 0.")
        self.minutes = float(minutes)
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"checkpoints is {self.folder}, which is a file; expected a folder.")

    @classmethod
    def of(cls, given: str | os.PathLike[str] | Checkpoints | None) -> Checkpoints | None:
        """Return the checkpoints in a folder; what is such already, or None, as it is."""
        return given if given is None or isinstance(given, Checkpoints) else cls(given)

    @property
    def last(self) -> int:
        """The number of the newest file; -1 = there is none."""
        return max(map(_number, self.files()), default=-1)

    @property
    def model(self) -> Path:
        """The file of the model before the first step."""
        return self.folder / "model.keras"

    def files(self) -> list[Path]:
        """Return the checkpoints, the newest first."""
        found = self.folder.glob("checkpoint-*.npz") if self.folder.is_dir() else ()
        return sorted((p for p in found if _NAME.fullmatch(p.name)), key=_number, reverse=True)

    def newest(self) -> Checkpoint | None:
        """Return the newest checkpoint that is whole; of a damaged one a warning tells."""
        files = self.files()
        for path in files:
            try:
                return read_checkpoint(path)
            except InputError as error:
                last = path == files[-1]
                then = "Training starts anew." if last else "The one before it is taken."
                warnings.warn(f"rnnkit: {error} {then}", stacklevel=2)
        return None

    def begin(self, model: Any) -> None:
        """Save the model before the first step; remove what is there of another training.

        Raises:
            OSError: it could not be written.
        """
        self.clear()  # of what is damaged, and of a training that never began
        self.folder.mkdir(parents=True, exist_ok=True)
        model.save(self.model)

    def write(self, step: int, checkpoint: Checkpoint) -> Path:
        """Write the checkpoint after a step, and remove all but the last `KEPT` ones.

        Raises:
            OSError: it could not be written; the older ones are still there.
        """
        path = self.folder / f"checkpoint-{step:08d}.npz"
        write_checkpoint(path, checkpoint)
        self.prune(KEPT)
        return path

    def describe_interruption(self, place: str) -> str:
        """Return what is said after a signal: what was kept, and how to go on.

        Args:
            place: where the training was interrupted.
        """
        kept = next(iter(self.files()), "nothing, because it could not be written")
        how = f"To go on: {self.command}"
        if self.command is None:
            how = f"To go on, call fit again with checkpoints={str(self.folder)!r}."
        return f"training was interrupted {place}. Kept: {kept}\n{how}"

    def prune(self, kept: int) -> None:
        """Remove all but the newest files."""
        for old in self.files()[kept:]:
            with contextlib.suppress(OSError):
                old.unlink()

    def clear(self) -> None:
        """Remove all checkpoints and the model."""
        self.prune(0)
        self.model.unlink(missing_ok=True)


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint under a temporary name, and rename it.

    Raises:
        OSError: it could not be written; what was there before is unchanged.
    """
    values = {**checkpoint.values, "format": FORMAT, "arrays": sorted(checkpoint.arrays)}
    text = np.frombuffer(json.dumps(values).encode(), np.uint8)
    need = sum(array.nbytes for array in checkpoint.arrays.values())
    with replacing(path, "a checkpoint", need) as temporary, temporary.open("wb") as file:
        # Without allow_pickle=False, which NumPy < 2.1 stores as one more array.
        np.savez(file, values=text, **checkpoint.arrays)  # type: ignore[arg-type]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and check it.

    Raises:
        InputError: it is damaged, or of a later version.

    Example:
        >>> read_checkpoint(Path(__file__))
        Traceback (most recent call last):
        rnnkit.errors.InputError: The checkpoint ... is damaged ...
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # Each member to its end, where its CRC-32 is checked: np.load reads only what a damaged
            # header of an array asks for.
            members = {
                info.filename.removesuffix(".npy"): archive.read(info)
                for info in archive.infolist()
            }
        stored = {
            name: np.load(io.BytesIO(raw), allow_pickle=False) for name, raw in members.items()
        }
        values = json.loads(stored.pop("values").tobytes())
        stored.pop("allow_pickle", None)  # an array that earlier versions wrote with NumPy < 2.1
        if sorted(stored) != values["arrays"]:
            raise ValueError("arrays are missing")
        found = Checkpoint(values, stored, path)
    except Exception as error:  # what zipfile and NumPy raise on damaged bytes is not documented
        raise InputError(f"The checkpoint {path} is damaged ({error}).") from error
    if values.get("format") != FORMAT:
        raise InputError(f"The checkpoint {path} is of a later version of rnnkit.")
    return found


def read_values(path: Path) -> dict[str, Any]:
    """Read what a checkpoint says of itself, and none of its arrays.

    Raises:
        InputError: it is damaged.

    Example:
        >>> read_values(Path(__file__))
        Traceback (most recent call last):
        rnnkit.errors.InputError: The checkpoint ... is damaged ...
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(json.loads(archive["values"].tobytes()))
    except Exception as error:  # see `read_checkpoint`
        raise InputError(f"The checkpoint {path} is damaged ({error}).") from error


def check_requirements(found: Checkpoint, now: Mapping[str, Any], epochs: int) -> None:
    """Refuse to go on with other data or settings, or with fewer epochs than were trained.

    Args:
        found: where the training would go on.
        now: what it depends on now, by name.
        epochs: of the whole training.

    Raises:
        InputError: it names what is different.
    """
    where = found.path.parent if found.path else Path()
    refuse_changes(found.values["depends_on"], now, where)
    done = found.values["epoch"] + (found.values["step"] > 0)
    if epochs < done:
        raise InputError(
            f"epochs is {epochs}, and the training in {where} is in epoch {done} already. Give "
            f"{done} or more, or another folder."
        )


def refuse_changes(then: Mapping[str, Any], now: Mapping[str, Any], where: Path) -> None:
    """Refuse to go on where settings or data are not those of the checkpoint.

    Args:
        then: what the training depended on, by name.
        now: what it depends on now.
        where: the folder of the checkpoints, for the message.

    Raises:
        InputError: something is different; the message names it.

    Example:
        >>> refuse_changes({"batch_size": 32}, {"batch_size": 64}, Path("checkpoints"))
        Traceback (most recent call last):
        rnnkit.errors.InputError: checkpoints holds a training with another batch_size (32, and \
now 64). ...
    """
    changed = list(_differences(then, now))
    if changed:
        raise InputError(
            f"{where} holds a training with another {' and another '.join(changed)}. Give the same "
            "data and settings to go on with it, or another folder to start anew."
        )


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in {**then, **now}:
        old, new = then.get(name), now.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new)
        elif isinstance(old, (list, dict)) or isinstance(new, (list, dict)):
            yield name
        else:
            yield f"{name} ({old}, and now {new})"


def _number(path: Path) -> int:
    found = _NAME.fullmatch(path.name)
    return int(found[1]) if found else -1
