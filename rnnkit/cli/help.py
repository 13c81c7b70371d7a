"""Help pages: plain text that fits the width of the terminal; names are never cut.

`HelpPage` is the base of rnnkit's commands and groups of commands.
"""

from __future__ import annotations

import inspect
import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import typer.core

from rnnkit.cli.headings import place_of

WIDEST, NARROWEST = 100, 40  # longer lines are hard to read
INDENT = "  "
# What one copies from a message: quoted names, and commands with their arguments.
_WHOLE = re.compile(
    r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"|`[^`\n]*`"
    r"|\b(?:rnnkit|pip|python|tensorboard) [a-z]+(?: (?:-\S+|[A-Z]+\b|'[^']*'|[\w.]*[/_=]\S*))*"
)
_KEPT = "\0"  # stands for a space that no line is broken at


def width() -> int:
    """Return the characters of a line: those of the terminal, or of ``COLUMNS``; at most 100.

    Example:
        >>> NARROWEST <= width() <= WIDEST
        True
    """
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


def wrap(text: str, columns: int, indent: str = "") -> list[str]:
    """Return the lines of a paragraph; words, paths and names of options stay whole.

    Example:
        >>> wrap("use --learning-rate here", 16)
        ['use', '--learning-rate', 'here']
    """
    whole = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(
        text, columns, initial_indent=indent, subsequent_indent=indent, **whole
    ) or [""]


def definitions(terms: Iterable[tuple[str, str]], columns: int) -> Iterator[str]:
    """Yield the lines of a list of terms, each with its description beside or below it.

    Args:
        terms: pairs (term, description). A long term is broken at spaces and after ``|``.
        columns: the width.

    Example:
        >>> list(definitions([("--units INT", "size.")], 60))
        ['  --units INT         size.']
    """
    column = min(26, columns // 3)
    for term, text in terms:
        term_lines = list(_term_lines(term, columns))
        text = re.sub(r"\(default: (?=\S+\))", f"(default:{_KEPT}", text)
        lines = [line.replace(_KEPT, " ") for line in wrap(text, columns - column)]
        lines = [f"{'':{column}}{line}" for line in lines if line]
        if lines and len(term_lines[-1]) + 2 <= column:
            term_lines[-1] = term_lines[-1].ljust(column) + lines.pop(0).lstrip()
        yield from (*term_lines, *lines)


def _term_lines(term: str, columns: int) -> Iterator[str]:
    line = INDENT
    for part in re.findall(r"[^ |]*\|? *", term):
        if line.strip() and len(line + part.rstrip()) > columns:
            yield line.rstrip()
            line = INDENT * 3
        line += part
    yield line.rstrip()


class HelpPage:
    """Usage, description, and options by heading, as plain text."""

    def collect_usage_pieces(self: Any, ctx: Any) -> list[str]:
        """Return what follows the name of the command, such as ``[OPTIONS] RUN [TEXT...]``."""
        if isinstance(self, typer.core.TyperGroup):
            return [str(self.subcommand_metavar)]
        arguments = _visible(self.get_params(ctx), "argument")
        names = [(_argument_name(one), one.required) for one in arguments]
        return ["[OPTIONS]", *(name if required else f"[{name}]" for name, required in names)]

    def format_help(self: Any, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        formatter.write("\n".join(self.page(ctx, width())) + "\n")

    def page(self: Any, ctx: Any, columns: int) -> Iterator[str]:
        """Yield the lines of the page."""
        usage = " ".join([ctx.command_path, *self.collect_usage_pieces(ctx)])
        yield from wrap(f"Usage: {usage}", columns)
        for paragraph in inspect.cleandoc(self.help or "").split("\n\n"):
            yield ""
            yield from wrap(" ".join(paragraph.split()), columns)
        parameters = self.get_params(ctx)
        sections: dict[str, list[tuple[str, str]]] = {}
        for argument in _visible(parameters, "argument"):
            term = (_argument_name(argument), argument.help or "")
            sections.setdefault("Arguments", []).append(term)
        for option in _visible(parameters, "option"):
            heading = getattr(option, "rich_help_panel", None) or "Options"
            sections.setdefault(heading, []).append((_option_term(option), _option_text(option)))
        for heading, lines in self.command_sections(ctx).items():
            yield from ("", f"{heading}:", *definitions(lines, columns))
        for heading in sorted(sections, key=place_of):
            yield from ("", f"{heading}:", *definitions(sections[heading], columns))
        for line in (self.epilog or "").splitlines():
            command, _, about = line.strip().partition("  ")
            if len(line) <= columns:
                yield line
            else:  # a command, and what it does
                yield from (f"{INDENT}{command}", *wrap(about.strip(), columns, INDENT * 3))

    def command_sections(self: Any, ctx: Any) -> dict[str, list[tuple[str, str]]]:
        """Return the commands of a group by heading; a command has none."""
        return {}


class HelpfulCommand(HelpPage, typer.core.TyperCommand):
    """A command with such a help page."""


class HelpfulGroup(HelpPage, typer.core.TyperGroup):
    """A group of commands with such a help page."""

    def command_sections(self, ctx: Any) -> dict[str, list[tuple[str, str]]]:
        """Return the commands, each with its first sentence."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        shown = [(name, first_line(one)) for name, one in commands if one and not one.hidden]
        return {"Commands": shown}


def first_line(command: Any) -> str:
    """Return the first line of the help of a command."""
    return str(command.short_help or command.help or "").strip().partition("\n")[0]


def _visible(parameters: Iterable[Any], kind: str) -> list[Any]:
    return [
        one
        for one in parameters
        if one.param_type_name == kind and not getattr(one, "hidden", False)
    ]


def _argument_name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper()).strip("[]")


def _option_term(option: Any) -> str:
    names = ", ".join(sorted(option.opts, key=len))
    if option.secondary_opts:
        return f"{names} / {', '.join(option.secondary_opts)}"
    if option.is_flag:
        return names
    return f"{names} {option.metavar or 'VALUE'}"


def _option_text(option: Any) -> str:
    """Return the description, with the default unless it is none, no or already there."""
    text = " ".join((option.help or "").split())
    default = option.default
    if default is None or default is False or callable(default) or not option.show_default:
        return text
    return f"{text} (default: {'yes' if default is True else default})"


def wrap_message(text: str, columns: int) -> list[str]:
    """Return the lines of a message; quoted names and commands are not broken.

    Example:
        >>> wrap_message("Ask it with rnnkit predict runs/one, or go on", 20)
        ['Ask it with', 'rnnkit predict runs/one,', 'or go on']
    """
    kept = _WHOLE.sub(lambda found: found[0].replace(" ", _KEPT), text)
    lines = [line for paragraph in kept.split("\n") for line in wrap(paragraph, columns)]
    return [line.replace(_KEPT, " ") for line in lines]
