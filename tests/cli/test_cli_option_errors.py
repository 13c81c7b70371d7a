"""A value that an option does not take: an error that names the option as it was typed."""

from __future__ import annotations

import math
import typing

import pytest
import typer
from typer.testing import CliRunner

from rnnkit import recipes
from rnnkit.cli import app
from rnnkit.cli.errors import as_typed
from rnnkit.cli.settings import settings_of
from rnnkit.cli.wording import option_name
from rnnkit.options import alternatives

ROOT = typer.main.get_command(app)
UNREAL = "no such data set"  # were the option not refused, this would be, and nothing is learned


def bad_values(setting):
    """Texts that are out of the setting's range or of another type; none where any text fits."""
    kinds = alternatives(setting.annotation)
    if setting.annotation is bool or str in kinds or typing.Any in kinds:
        return []
    option, numbers = setting.option, [kind for kind in kinds if kind in (int, float)]
    values = ["many words"]
    if numbers:
        step = 1 if numbers == [int] else 0.5
        beyond = (option.least, -step), (option.most, step), (option.above, 0), (option.below, 0)
        values += [str(end + by) for end, by in beyond if end is not None and math.isfinite(end)]
        values += ["nan"]
    if numbers == [int] and not any(typing.get_origin(kind) for kind in kinds):
        values += ["1.5"]
    return values


def errors(command, args, parent=None):
    """The message with which a command refuses its arguments before it runs."""
    with pytest.raises(typer.BadParameter) as caught:
        command.make_context("rnnkit", args, parent=parent)
    return caught.value.format_message()


@pytest.mark.parametrize("name", recipes.names())
def test_every_setting_refuses_what_does_not_fit_and_is_named_as_typed(name):
    train = ROOT.get_command(None, "train")
    ctx = ROOT.make_context("rnnkit", ["list"])
    command = train.get_command(ctx, name)
    tried = 0
    for setting in settings_of(recipes.find(name)).values():
        if setting.name == "seed":
            continue
        for value in bad_values(setting):
            message = errors(command, [option_name(setting.name), value])
            shown = value if value in ("nan",) or value[-1].isdigit() else repr(value)
            assert message.startswith(f"{option_name(setting.name)} is "), message
            assert shown.strip("'") in message
            assert "; expected " in message
            assert "None" not in message
            tried += 1
    assert tried > 20


COMMON = [
    (["train", "gru_sentiment"], "--limit", "0"),
    (["train", "gru_sentiment"], "--patience", "0"),
    (["train", "gru_sentiment"], "--seed", "-1"),
    (["train", "gru_sentiment"], "--seed", "x"),
    (["train", "gru_sentiment"], "--checkpoint-minutes", "0"),
    (["compare", "gru_sentiment"], "--seeds", "0"),
    (["compare", "gru_sentiment"], "--epochs", "-1"),
    (["compare", "gru_sentiment"], "--batch-size", "many"),
    (["compare", "gru_sentiment"], "--dropout", "1"),
    (["compare", "gru_sentiment"], "--workers", "0"),
    (["tune", "gru_sentiment"], "--trials", "0"),
    (["tune", "gru_sentiment"], "--workers", "many"),
    (["evaluate", "RUN"], "--limit", "-2"),
    (["generate", "RUN"], "--length", "0"),
    (["generate", "RUN"], "--temperature", "-1"),
    (["generate", "RUN"], "--top-k", "0"),
    (["generate", "RUN"], "--top-p", "2"),
    (["generate", "RUN"], "--number", "0"),
    (["complete", "RUN", "text"], "--number", "0"),
    (["neighbours", "RUN", "king"], "--number", "0"),
]


@pytest.mark.parametrize(("command", "option", "value"), COMMON, ids=str)
def test_so_do_the_options_of_the_commands(command, option, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = ["--data", UNREAL] if command[0] in ("train", "compare", "evaluate") else []
    result = CliRunner().invoke(app, [*command, option, value, *data])
    assert result.exit_code == 2
    assert f"Error: {option} is " in result.stderr
    assert "; expected " in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_what_one_recipe_alone_refuses_is_named_as_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args = ["compare", "translator", "next_word", "--vocabulary-size", "1", "--data", UNREAL]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 2
    assert "vocabulary_size" not in result.stderr


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("min_count is 0", "--min-count is 0"),
        (
            "min_count is 'min_count', see `min_count`",
            "--min-count is 'min_count', see `min_count`",
        ),
        ("a/min_count, min_count.csv, min_count(2)", "a/min_count, min_count.csv, min_count(2)"),
        ("Leave out min_count.", "Leave out --min-count."),
        ("data is 'x'", "--data is 'x'"),
        ("The data is small: data is 'x'", "The data is small: --data is 'x'"),
        ("no data is here", "no data is here"),
    ],
)
def test_names_of_python_become_options(message, expected):
    assert as_typed(message, {"min_count": "--min-count", "data": "--data"}) == expected


@pytest.mark.parametrize("command", ["train lstm_sentiment", "train next_word", "compare"])
def test_what_is_held_out_is_an_option_wherever_texts_are_learned_from(rnnkit, command):
    recipes = ["lstm_sentiment"] if command == "compare" else []
    run = rnnkit(*command.split(), *recipes, "--data", "sample", "--hold-out", "films")
    assert run.code == 2
    assert "--hold-out is 'films'; expected one of ('groups', 'random') or none" in run.text
    if command == "train lstm_sentiment":
        run = rnnkit(*command.split(), *recipes, "--data", "sample", "--hold-out", "random")
        assert "--hold-out is 'random': 'sample' has a valid split of its own" in run.text
