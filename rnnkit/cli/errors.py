"""What went wrong, as one panel on stderr: for errors that the reader can put right.

Exit codes: 2 for bad input, 1 for a run that could not go on. Any other exception is a fault in
the program and keeps its traceback.
"""

from __future__ import annotations

import errno
from typing import Any

import typer
import typer.core

from rnnkit.errors import BackendError, InputError, NonFiniteLoss


class ErrorPanels(typer.core.TyperGroup):
    """A group of commands that shows `InputError`, `NonFiniteLoss` and `OSError` as a panel."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands in the order in which one needs them."""
        first = ("list", "info", "train", "compare", "evaluate", "predict", "generate", "complete")
        known = (*first, "neighbours", "doctor")
        return sorted(super().list_commands(ctx), key=known.index)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see the module."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            show_error(str(error))
            raise typer.Exit(2) from error
        except NonFiniteLoss as error:
            show_error(str(error), "The loss is not finite")
            raise typer.Exit(1) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # `rnnkit list | head`: Typer ends it quietly
                raise
            show_error(str(error))
            raise typer.Exit(1) from error
        except BackendError as error:
            show_error(str(error), "No backend")
            raise typer.Exit(2) from error


def show_error(message: str, title: str = "Error") -> None:
    """Print a message in a panel on stderr.

    Example:
        >>> show_error("No such run.")  # doctest: +SKIP
    """
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    panel = Panel(Text(message), title=title, title_align="left", border_style="red")
    Console(stderr=True).print(panel)
