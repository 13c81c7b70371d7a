"""Help pages: every option of every command is there, whole, in lines that fit."""

from __future__ import annotations

import re

import pytest
import typer
from typer.testing import CliRunner

from rnnkit import recipes
from rnnkit.cli import app
from rnnkit.cli.headings import ORDER, OTHER, heading_of
from rnnkit.cli.help import definitions, wrap_message
from rnnkit.cli.settings import settings_of

ROOT = typer.main.get_command(app)
PAGES = [[], *([name] for name in ROOT.list_commands(None))]
PAGES += [["train", name] for name in recipes.names()] + [["tune", "forecaster"]]


def page(args, columns, monkeypatch):
    """The help of the command that these arguments name, and its parameters."""
    monkeypatch.setenv("COLUMNS", str(columns))
    command, ctx = ROOT, ROOT.make_context("rnnkit", ["list"])
    for name in args:
        command = command.get_command(ctx, name)
        ctx = type(ctx)(command, info_name=name, parent=ctx)
    return command.get_help(ctx) + "\n", command.get_params(ctx)


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize("args", PAGES, ids=lambda args: " ".join(args) or "rnnkit")
def test_names_are_whole_and_lines_fit(args, columns, monkeypatch):
    text, parameters = page(args, columns, monkeypatch)
    words = set(re.split(r"[\s,]+", text))
    for one in parameters:
        if one.param_type_name == "option" and not one.hidden:
            assert {*one.opts, *one.secondary_opts} <= words
        if one.param_type_name == "option" and not (one.is_flag or one.hidden):
            assert one.metavar, f"{one.opts} says not what it takes"
    for line in text.splitlines():
        assert len(line) <= columns, line
        assert "…" not in line
    assert "\x1b" not in text


@pytest.mark.parametrize("args", [[], ["train"], ["train", "forecaster"], ["predict"]])
def test_h_is_short_for_help(args, monkeypatch):
    text = page(args, 80, monkeypatch)[0]
    for flag in ("-h", "--help"):
        result = CliRunner().invoke(app, [*args, flag], prog_name="rnnkit")
        assert (result.exit_code, result.stdout) == (0, text)


@pytest.mark.parametrize("name", recipes.names())
def test_every_setting_stands_under_a_heading(name, monkeypatch):
    text = page(["train", name], 80, monkeypatch)[0]
    for setting in settings_of(recipes.find(name)):
        assert heading_of(setting) in ORDER
        assert heading_of(setting) != OTHER
    places = [text.index(f"\n{heading}:\n") for heading in ORDER if f"\n{heading}:\n" in text]
    assert places == sorted(places)
    assert len(places) >= 5


def test_a_page_in_full(monkeypatch):
    expected = """\
Usage: rnnkit complete [OPTIONS] RUN TEXT

Complete the last word of a line, or predict the next word
after a space.

Arguments:
  RUN               The folder of a run, or a saved .keras
                    file.
  TEXT              Text; its last word may be incomplete.

Options:
  -k, --number INT  Number of words. (default: 5)
  --text            Take the arguments as texts, even if
                    they are names of files.
  -h, --help        Show this message and exit.
"""
    assert page(["complete"], 60, monkeypatch)[0] == expected


def test_a_long_term_is_broken_after_a_bar_and_its_text_stands_below():
    lines = list(definitions([("--scheme aaaa|bbbb|cccc|dddd|eeee", "a word.")], 24))
    assert lines == [
        "  --scheme aaaa|bbbb|",
        "      cccc|dddd|eeee",
        "        a word.",
    ]


def test_commands_and_quoted_paths_of_a_message_are_not_broken():
    text = "Go on: rnnkit train --resume 'runs/my run' --epochs 3, or give 'another folder'."
    for columns in range(20, 90):
        lines = wrap_message(text, columns)
        assert " ".join(lines) == text
        assert any("rnnkit train --resume 'runs/my run' --epochs" in line for line in lines)
        assert any("'another folder'" in line for line in lines)


def test_the_version_names_the_backend_and_imports_no_framework(fresh_python):
    import keras

    code = "import sys; from rnnkit.cli import app\n"
    code += "sys.argv = ['rnnkit', '--version']\ntry:\n    app()\nexcept SystemExit: pass\n"
    code += (
        "print([name for name in ('keras', 'jax', 'torch', 'tensorflow') if name in sys.modules])"
    )
    version, loaded = fresh_python(code).out.splitlines()
    assert re.match(r"rnnkit [\d.]+, keras [\d.]+, backend ", version)
    assert f"backend {keras.backend.backend()} " in version
    assert loaded == "[]"
