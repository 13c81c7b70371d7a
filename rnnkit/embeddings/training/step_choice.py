"""Where word2vec's steps run: in a loop that Numba compiles, or on the tensors of the backend."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import rnnkit.backend as current
from rnnkit.backend.numba.available import missing
from rnnkit.errors import InputError, check_choice

StepKind = Literal["numba", "tensors"]
Wanted = Literal["auto", "numba", "tensors"]
_ABOUT = {
    "numba": "a loop on NumPy arrays, compiled by Numba; the same vectors on every backend",
    "tensors": "compiled operations on the tensors of {name}",
}
_EAGER = "operations on the tensors of torch, executed one by one"
NOT_INSTALLED = "numba is not installed (pip install 'rnnkit[fast]')"


class StepChoice(NamedTuple):
    """Where word2vec's steps run, and why not in Numba's loop.

    Attributes:
        kind: "numba" or "tensors".
        about: how they are computed.
        passed_over: why not in Numba's loop; "" where they are.

    Example:
        >>> print(StepChoice("tensors", "operations on tensors", "the device is gpu"))
        word2vec steps: tensors (operations on tensors)
          not numba: the device is gpu
    """

    kind: StepKind
    about: str
    passed_over: str = ""

    def __str__(self) -> str:
        """Return one line for what runs, and one for why Numba's loop does not."""
        lines = [f"word2vec steps: {self.kind} ({self.about})"]
        return "\n".join(lines + [f"  not numba: {self.passed_over}"] * bool(self.passed_over))

    @property
    def backend(self) -> str:
        """What the numbers depend on: "numba", or the name of the backend."""
        return "numba" if self.kind == "numba" else current.name

    @property
    def notice(self) -> str:
        """A line for the user where an installation would make the training faster; else ""."""
        if self.passed_over != NOT_INSTALLED:
            return ""
        return (
            f"word2vec runs as {self.about}. A loop that Numba compiles is faster on a CPU; to "
            "install it: pip install 'rnnkit[fast]'"
        )


def choose_steps(
    wanted: Wanted = "auto", *, device: str | None = None, installed: bool | None = None
) -> StepChoice:
    """Return where word2vec's steps run.

    | wanted | runs |
    |---|---|
    | "auto" | Numba's loop on a CPU where Numba is installed; else the backend's tensors |
    | "numba" | Numba's loop; an error where it cannot |
    | "tensors" | the backend's tensors |

    Args:
        wanted: "auto", "numba" or "tensors".
        device: "cpu" or "gpu"; None = the default device of the backend.
        installed: Numba is installed; None = look.

    Raises:
        InputError: an unknown choice, or "numba" where it cannot run.

    Example:
        >>> choose_steps(device="cpu", installed=True).kind
        'numba'
        >>> choose_steps(device="gpu", installed=True).passed_over
        'the device is gpu'
    """
    check_choice("steps", wanted, get_args(Wanted))
    device = current.device() if device is None else device
    if installed is None:
        installed = _installed()
    obstacle = ""
    if wanted == "tensors":
        obstacle = "steps='tensors' was requested"
    elif device != "cpu":
        obstacle = f"the device is {device}"
    elif not installed:
        obstacle = NOT_INSTALLED
    about = _EAGER if current.name == "torch" else _ABOUT["tensors"].format(name=current.name)
    if wanted == "numba" and obstacle:
        raise InputError(
            f"steps is 'numba', whose loop needs Numba and a CPU, and {obstacle}. With "
            f"steps='auto' word2vec runs here as {about}."
        )
    if not obstacle:
        return StepChoice("numba", _ABOUT["numba"])
    return StepChoice("tensors", about, obstacle)


def _installed() -> bool:
    return missing() is None
