"""Error messages of the command line: a few plain lines on stderr, and the exit code.

Exit codes: 2 for invalid input, 1 for a run that failed, 130 and 143 after Ctrl-C and SIGTERM. Any
other exception is a bug and keeps its traceback. DeprecationWarnings about old options are shown.
"""

from __future__ import annotations

import errno
import io
import os
import re
import signal
import sys
import typing
import warnings
from collections.abc import Mapping
from typing import Any

import typer

from rnnkit.cli.help import HelpfulCommand, HelpfulGroup, width, wrap_message
from rnnkit.cli.lean import lean_keras
from rnnkit.disk import write_error_number
from rnnkit.errors import BackendError, DiskError, InputError, NonFiniteLoss, StudyError

ORDER = (
    *("list", "info", "train", "compare", "tune", "runs", "evaluate", "predict", "explain"),
    *("serve", "generate", "complete", "neighbours", "export", "doctor"),
)
UsageError: Any = typer.BadParameter.__bases__[0]  # of the click that this Typer has


class OptionError(typer.BadParameter):
    """A value that an option does not take; the message names the option."""

    def format_message(self) -> str:
        """Return the message alone."""
        return str(self.message)


class Command(HelpfulCommand):
    """A command; its `InputError` names options as they are typed, not as in Python."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            names = {
                one.name: one.opts[0]
                for one in typing.cast(list[Any], self.params)
                if one.param_type_name == "option" and not one.hidden
            }
            if "hold_out" in names:
                names.setdefault("split", names["hold_out"])
            error.args = (as_typed(str(error), names), *error.args[1:])
            raise


def as_typed(message: str, options: Mapping[str, str]) -> str:
    """Return a message in which arguments of Python are named as the options that they are here.

    A name of one word, such as data, is one only where a message begins with "data is ...".

    Args:
        message: of an `InputError`.
        options: name of a parameter -> option.

    Example:
        >>> as_typed("min_count is 0, not 'min_count'", {"min_count": "--min-count"})
        "--min-count is 0, not 'min_count'"
        >>> as_typed("data is the name of no data set", {"data": "--data"})
        '--data is the name of no data set'
    """
    for name, option in options.items():
        if "_" in name:
            free = rf"(?<![\w'\"`./=-]){name}(?![\w'\"`/=(-]|\.\w)"
        else:
            free = rf"(?:^|(?<=: )|(?<=, and )){name}(?= (?:is|was|are) )"
        message = re.sub(free, option, message)
    return message


class Group(HelpfulGroup):
    """A group of commands that tells errors without a traceback; see the module."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands in the order of use; those that `ORDER` lacks come last."""
        commands = super().list_commands(ctx)
        known = [name for name in ORDER if name in commands]
        return [*known, *(name for name in commands if name not in ORDER)]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep what was typed, for messages."""
        ctx.meta["rnnkit.args"] = [*args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is run, complete with options that its listing does without."""
        from rnnkit.cli.training import COMPLETE

        name, command, rest = super().resolve_command(ctx, args)
        return name, COMPLETE[name]() if name in COMPLETE else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see the module."""
        write_any_text()
        usual, warnings.formatwarning = warnings.formatwarning, format_warning
        try:
            with warnings.catch_warnings(), lean_keras():
                warnings.filterwarnings("default", "option .* is now called ", DeprecationWarning)
                return super().invoke(ctx)
        except UsageError as error:
            if type(error).__name__ == "NoArgsIsHelpError":
                raise
            asked = getattr(error.ctx, "command_path", ctx.command_path)
            show_error(_named_as_typed(error, ctx.meta["rnnkit.args"]), help_at=f"{asked} --help")
            raise typer.Exit(2) from error
        except InputError as error:
            show_error(str(error))
            raise typer.Exit(2) from error
        except StudyError as error:
            show_error(str(error))
            raise typer.Exit(1) from error
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
        finally:
            warnings.formatwarning = usual


def _named_as_typed(error: Any, args: list[str]) -> str:
    """Return the message of a usage error; an option with two names has the one that was typed."""
    message = str(error.format_message())
    names = getattr(getattr(error, "param", None), "opts", [])
    typed = [name for name in names if any(arg == name or arg.startswith(name) for arg in args)]
    named = next((name for name in names if message.startswith(f"{name} is ")), None)
    return message.replace(named, typed[0], 1) if named and typed else message


def format_warning(message: Any, category: Any, *_: Any, **__: Any) -> str:
    r"""Return a warning as the command line shows it: without the place in the source.

    Example:
        >>> format_warning("One text has no known word.", UserWarning)
        'Warning: One text has no known word.\n'
    """
    lines = _fitting(f"Warning: {message}")
    return "\n".join(lines) + "\n"


def _fitting(text: str) -> list[str]:
    return wrap_message(text, width()) if sys.stderr.isatty() else [text]


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


def show_error(message: str, title: str = "Error", help_at: str | None = None) -> None:
    """Print a message on stderr: lines that fit a terminal; in a file or a pipe, unbroken.

    Args:
        message: what went wrong, and what to do.
        title: what comes before it.
        help_at: the command that tells more.
    """
    text = f"{title}: {message}"
    lines = _fitting(text)
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        lines[0] = lines[0].replace(f"{title}:", f"\x1b[31m{title}:\x1b[0m", 1)
    lines += [f"Help:  {help_at}"] if help_at else []
    print(*lines, sep="\n", file=sys.stderr)
