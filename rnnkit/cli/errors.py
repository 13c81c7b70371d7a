"""Error messages of the command line: one panel on stderr, and the exit code.

Exit codes: 2 for invalid input, 1 for a run that failed, 130 and 143 after Ctrl-C and SIGTERM. Any
other exception is a bug and keeps its traceback. DeprecationWarnings about old options are shown.
"""

from __future__ import annotations

import errno
import io
import signal
import sys
import warnings
from typing import Any

import typer
import typer.core

from rnnkit.disk import write_error_number
from rnnkit.errors import BackendError, DiskError, InputError, NonFiniteLoss

ORDER = (
    *("list", "info", "train", "compare", "runs", "evaluate", "predict", "generate", "complete"),
    *("neighbours", "doctor"),
)


class ErrorPanels(typer.core.TyperGroup):
    """A group of commands that shows `InputError`, `NonFiniteLoss` and `OSError` as a panel."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands in the order of use; those that `ORDER` lacks come last."""
        commands = super().list_commands(ctx)
        known = [name for name in ORDER if name in commands]
        return [*known, *(name for name in commands if name not in ORDER)]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is run, complete with options that its listing does without."""
        from rnnkit.cli.training import COMPLETE

        name, command, rest = super().resolve_command(ctx, args)
        return name, COMPLETE[name]() if name in COMPLETE else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see the module."""
        write_any_text()
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("default", "option .* is now called ", DeprecationWarning)
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
            nameless = error.filename is None and write_error_number(error) is not None
            output = nameless and not isinstance(error, DiskError)  # `rnnkit list > file`
            show_error(f"Cannot write the output: {error}" if output else str(error))
            raise typer.Exit(1) from error
        except BackendError as error:
            show_error(str(error), "No backend")
            raise typer.Exit(2) from error
        except KeyboardInterrupt:  # what is kept was said where it is known
            raise typer.Exit(128 + signal.SIGINT) from None


def write_any_text() -> None:
    r"""Let stdout and stderr write what their encoding lacks as ``\u6620``.

    A pipe in Windows has cp1252, one in the locale C ASCII; and names of files may hold any bytes.
    Without this a command would end in the middle of its answers.

    Example:
        >>> write_any_text()
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show_error(message: str, title: str = "Error") -> None:
    """Print a message in a panel on stderr."""
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    panel = Panel(Text(message), title=title, title_align="left", border_style="red")
    Console(stderr=True).print(panel)
