"""The options of a recipe come from its signature."""

from __future__ import annotations

from typing import Literal

import pytest
import typer
from typer.testing import CliRunner

from rnnkit.cli.settings import (
    parse_value,
    renamed_settings,
    settings_of,
    shared_settings,
    type_name,
    with_settings,
)
from rnnkit.options import Option, Setting


def tiny(
    *,
    units: int = 8,
    rate: float = 1e-3,
    max_length: int | None = 400,
    pooling: Literal["last", "mean"] = "last",
    reverse: bool = True,
    stop_words: str | None = None,
    dropout=0.5,
    lower: bool = False,
    strip: bool = False,
    seed: int = 0,
):
    """A tiny recipe.

    Args:
        units: size of the state,
            an even number.
        rate: the learning rate [linear].
        lower, strip: steps of the pipeline.

    Returns:
        units: not a setting.
    """


@pytest.fixture
def given():
    """Run a command with the settings of `tiny`; return what it was given."""

    def run(*args):
        seen = {}
        app = typer.Typer(add_completion=False)

        def command(settings: dict, seed: int = 3):
            seen.update(settings=settings, seed=seed)

        app.command()(with_settings(command, settings_of(tiny)))
        result = CliRunner().invoke(app, list(args), env={"COLUMNS": "200"})
        return seen, result

    return run


def test_every_setting_is_read_with_type_default_and_help():
    settings = settings_of(tiny)
    assert list(settings)[:3] == ["units", "rate", "max_length"]
    option = Option(8, "size of the state, an even number.")
    assert settings["units"] == Setting("units", int, option)
    assert type_name(settings["max_length"]) == "int or none"
    assert settings["lower"].option.help == settings["strip"].option.help
    assert settings["strip"].option.help == "steps of the pipeline."
    assert settings["dropout"].annotation is str  # no hint: text


def test_annotations_kept_as_text_are_understood():
    tiny_with_text = type(tiny)(tiny.__code__, globals(), "later")
    tiny_with_text.__annotations__ = {"units": "int | None"}
    tiny_with_text.__kwdefaults__ = tiny.__kwdefaults__
    assert settings_of(tiny_with_text)["units"].annotation == (int | None)


def test_nothing_given_is_nothing_passed_on(given):
    assert given()[0] == {"settings": {}, "seed": 3}


@pytest.mark.parametrize(
    ("args", "settings"),
    [
        (["--units", "16"], {"units": 16}),
        (["--units", "8"], {"units": 8}),  # the default, said aloud: a preset must not change it
        (["--rate", "1e-2"], {"rate": 0.01}),
        (["--rate", "1"], {"rate": 1.0}),
        (["--max-length", "none"], {"max_length": None}),
        (["--max-length", "50"], {"max_length": 50}),
        (["--stop-words", "none"], {"stop_words": None}),
        (["--stop-words", "full"], {"stop_words": "full"}),
        (["--pooling", "mean"], {"pooling": "mean"}),
        (["--no-reverse"], {"reverse": False}),
        (["--reverse"], {"reverse": True}),
    ],
)
def test_what_is_given_arrives_with_its_type(given, args, settings):
    seen, result = given(*args)
    assert result.exit_code == 0, result.output
    assert seen["settings"] == settings
    assert {k: type(v) for k, v in seen["settings"].items()} == {
        k: type(v) for k, v in settings.items()
    }


def test_an_option_of_the_command_stays_its_own(given):
    assert given("--seed", "5")[0] == {"settings": {}, "seed": 5}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--units", "many"], "--units is 'many'; expected an integer."),
        (["--units", "1.5"], "--units is '1.5'; expected an integer."),
        (["--max-length", "nome"], "--max-length is 'nome'; expected an integer or none."),
        (["--pooling", "meen"], "Did you mean 'mean'?"),
        (["--unit", "8"], "--units"),
    ],
)
def test_what_does_not_fit_is_refused(given, args, message):
    seen, result = given(*args)
    assert result.exit_code == 2
    assert message in result.output
    assert not seen


def test_help_shows_defaults_and_descriptions(given):
    text = " ".join(given("--help")[1].output.replace("│", " ").split())
    for words in ("Size of the state, an even number.", "--no-reverse", "[linear]"):
        assert words in text
    assert "(default: 8)" in text
    assert "(default: yes)" in text
    assert "(default: none)" in text


def test_what_a_recipe_declares_goes_before_its_signature():
    def declared(*, units: int = 8, seed: int = 0): ...

    declared.settings = {"units": Setting("units", int | None, Option(8, "size.", least=1))}
    settings = settings_of(declared)
    assert settings["units"] is declared.settings["units"]
    assert settings["seed"] == Setting("seed", int, Option(0, ""))


def test_old_names_of_settings_are_hidden_options():
    seen = {}
    app = typer.Typer(add_completion=False)

    def command(settings: dict):
        seen.update(settings)

    settings = settings_of(tiny)
    size = settings["units"]._replace(name="size")
    app.command()(with_settings(command, settings, {"size": size}))
    run = CliRunner().invoke
    assert run(app, ["--size", "16"], env={"COLUMNS": "200"}).exit_code == 0
    assert seen == {"size": 16}  # the plan renames it, with a warning
    assert "--size" not in run(app, ["--help"], env={"COLUMNS": "200"}).output
    assert run(app, ["--gone", "1"]).exit_code == 2


def test_an_old_option_takes_its_old_values():
    from rnnkit import recipes
    from rnnkit.study.plan import make_plan

    old = renamed_settings([recipes.translator, recipes.lstm_sentiment])
    assert parse_value(old["vocabulary"], "separate") == "separate"
    assert old["trainable"].annotation is bool
    with pytest.warns(DeprecationWarning, match="now called 'shared_vocabulary'"):
        plan = make_plan("translator", settings={"vocabulary": "separate"})
    assert plan.overrides["shared_vocabulary"] is False


def test_shared_settings_are_the_union_and_name_a_default_that_differs():
    def other(*, units: int = 16, depth: int = 1): ...

    shared = shared_settings([tiny, other])
    assert set(shared) == {*settings_of(tiny), "depth"}
    assert shared["units"].default == "each recipe's own"
    assert shared["units"].option.help == "size of the state, an even number."
    assert shared["depth"].default == 1


def test_every_recipe_offers_every_setting_it_has():
    import inspect

    from rnnkit import recipes

    for name in recipes.names():
        recipe = recipes.find(name)
        settings = settings_of(recipe)
        assert list(settings) == list(inspect.signature(recipe).parameters)
        for setting in settings.values():
            assert setting.option.help, f"{name}: {setting.name} is not described"
            assert not isinstance(setting.annotation, str), f"{name}: {setting.name}"
