"""Settings of recipes and networks: written once, shown one by one, checked by name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import typing
from types import SimpleNamespace

import pytest

import rnnkit.settings
from rnnkit import recipes, tasks
from rnnkit.errors import InputError
from rnnkit.options import Setting, alternatives, settings_of
from rnnkit.recipes.recipe import recipe
from rnnkit.recipes.sentiment import PRESETS
from rnnkit.settings.stack import StackOptions
from rnnkit.tasks.language.language_networks import language_network
from rnnkit.tasks.series.frame_networks import frame_network
from rnnkit.tasks.series.input_features import feature_layer
from rnnkit.tasks.tagging.tagger_networks import recurrent_tagger
from rnnkit.tasks.text_to_text.seq2seq_networks import attention_network

pytestmark = pytest.mark.one_backend

RECIPES = recipes.names()
BUILDERS = {
    builder.__name__: builder
    for builder in (
        tasks.bag_of_words_classifier,
        tasks.recurrent_classifier,
        tasks.recurrent_forecaster,
        tasks.recurrent_series_classifier,
        attention_network,
        feature_layer,
        frame_network,
        language_network,
        recurrent_tagger,
    )
}
TAKERS = {name: recipes.find(name) for name in RECIPES} | BUILDERS
MODULES = [
    importlib.import_module(f"rnnkit.settings.{module.name}")
    for module in pkgutil.iter_modules(rnnkit.settings.__path__)
]
GROUPS = [
    group
    for module in MODULES
    for group in vars(module).values()
    if typing.is_typeddict(group) and group.__module__ == module.__name__
]


def invalid(setting: Setting) -> list:
    """Values of another type, other words, and numbers just outside of the range."""
    kinds, option = alternatives(setting.annotation), setting.option
    values = [object()]
    if str not in kinds:
        values.append("no such word")
    for kind in kinds:
        if kind in (int, float):
            values += [] if option.least is None else [option.least - 1]
            values += [] if option.most is None else [option.most + 1]
            values += [bound for bound in (option.above, option.below) if bound is not None]
    return values


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_every_setting_has_a_type_a_range_and_a_description(group):
    assert group.__doc__
    for setting in settings_of(group).values():
        kinds, option = alternatives(setting.annotation), setting.option
        assert typing.Any not in kinds
        assert option.help.strip() == option.help, setting.name
        assert option.help.endswith("."), setting.name
        assert setting.check(setting.default) is setting.default
        if {int, float} & set(kinds):
            assert option.least is not None or option.above is not None, setting.name
        if setting.name.endswith("dropout"):
            assert (option.least, option.below) == (0, 1), setting.name


@pytest.mark.parametrize("name", TAKERS)
def test_signatures_and_docstrings_show_every_setting(name):
    taker = TAKERS[name]
    parameters = inspect.signature(taker).parameters
    assert not [p for p in parameters.values() if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    assert set(taker.settings) <= set(parameters)
    assert "**" not in taker.__doc__.partition("Returns:")[0]
    for key, setting in taker.settings.items():
        assert parameters[key].default == setting.default
        assert parameters[key].annotation == setting.annotation
        assert f"\n    {key}: " in taker.__doc__
        assert setting.check(setting.default) is setting.default


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name in RECIPES for key in TAKERS[name].settings]
)
def test_a_recipe_refuses_an_invalid_setting_by_its_name(name, key):
    call = recipes.find(name)
    for value in invalid(call.settings[key]):
        with pytest.raises(InputError, match=rf"^{key} is {re.escape(repr(value))}; expected "):
            call(**{key: value})


@pytest.mark.parametrize("name", BUILDERS)
def test_a_network_refuses_an_invalid_setting_by_its_name(name):
    required = [
        p for p in inspect.signature(BUILDERS[name]).parameters.values() if p.default is p.empty
    ]
    for key, setting in BUILDERS[name].settings.items():
        for value in invalid(setting):
            with pytest.raises(InputError, match=rf"^{key} is .*; expected "):
                BUILDERS[name](*[None] * len(required), **{key: value})


@pytest.mark.parametrize("name", TAKERS)
def test_an_unknown_setting_is_refused_and_the_closest_suggested(name):
    key = next(iter(TAKERS[name].settings))
    with pytest.raises(TypeError, match=rf"no setting '{key}x'\. Did you mean '{key}'"):
        TAKERS[name](**{f"{key}x": 1})


@pytest.mark.parametrize(
    ("name", "old"),
    [(name, old) for name in RECIPES for old in getattr(TAKERS[name], "renamed", ())],
)
def test_old_names_of_settings_work_with_a_warning(name, old):
    call = recipes.find(name)
    new = call.renamed[old]
    value = call.settings[new].default
    before = {now: word for word, now in call.old_values.get(old, {}).items()}
    with pytest.warns(DeprecationWarning, match=f"'{old}' of {name} is now called '{new}'"):
        assert call(**{old: before.get(value, value)}).settings[new] == value


@pytest.mark.parametrize(
    ("build", "arguments", "old"),
    [
        (tasks.bag_of_words_classifier, (9, 1), {"penalty": 0.1}),
        (language_network, (9,), {"shrink": 2}),
        (language_network, (9,), {"samples": 2}),
        (tasks.recurrent_forecaster, (3,), {"form": "output"}),
        (tasks.recurrent_forecaster, (3,), {"line": None}),
    ],
)
def test_old_names_of_network_settings_work_with_a_warning(build, arguments, old):
    with pytest.warns(DeprecationWarning, match=f"option '{next(iter(old))}' of"):
        build(*arguments, **old)


def test_a_vocabulary_of_old_is_shared_or_not():
    with pytest.warns(DeprecationWarning, match="'vocabulary' of translator"):
        assert recipes.translator(vocabulary="separate").settings["shared_vocabulary"] is False
    with (
        pytest.warns(DeprecationWarning, match="'vocabulary' of translator"),
        pytest.raises(InputError, match="shared_vocabulary is 'jiont'"),
    ):
        recipes.translator(vocabulary="jiont")


def test_presets_are_valid_and_give_way_to_what_is_given():
    settings = recipes.lstm_sentiment.settings
    for preset in PRESETS.values():
        for key, value in preset.items():
            assert settings[key].check(value) == value
    chosen = recipes.lstm_sentiment(preset="classic", units=7).settings
    assert (chosen["preset"], chosen["units"], chosen["batch_size"]) == ("classic", 7, 50)
    usual = recipes.lstm_sentiment().settings
    assert (usual["preset"], usual["units"], usual["batch_size"]) == (None, 64, 32)


def test_what_is_fixed_is_no_setting_and_reaches_the_builder():
    seen = {}
    call = recipe(
        "tiny",
        "A tiny recipe.",
        lambda settings: seen.update(settings) or SimpleNamespace(),
        groups=(StackOptions,),
        defaults={"units": 2},
        fixed={"cell": "gru", "unit": "word"},
        text="Returns:\n    nothing of {name}.",
    )
    assert call(layers=3).settings == {"recipe": "tiny", "layers": 3, "units": 2, "dropout": 0.5}
    assert seen == {"cell": "gru", "unit": "word", "layers": 3, "units": 2, "dropout": 0.5}
    assert call.__doc__.endswith("nothing of tiny.")
    assert list(call.settings) == ["layers", "units", "dropout"]
    with pytest.raises(TypeError, match="no setting 'cell'"):
        call(cell="gru")
    with pytest.raises(TypeError, match="No group has a setting 'unit'"):
        recipe("bad", "A bad one.", print, groups=(StackOptions,), defaults={"unit": 2})


def test_settings_that_do_not_fit_each_other_are_refused_at_the_call():
    for call, settings, message in (
        (recipes.bag_of_words_sentiment, {"embedding": "cbow"}, "has no word vectors"),
        (recipes.summarizer, {"shared_vocabulary": False}, "copy=True"),
        (recipes.frame_labeller, {"features": "slop"}, "Did you mean 'slope'"),
        (recipes.next_word, {"cutoffs": "10,many"}, "cutoffs is '10,many'; expected integers"),
        (
            recipes.sequence_classifier,
            {"features": "log-mel", "mel_bins": 500},
            "mel_bins is 500",
        ),
        (recipes.lstm_sentiment, {"optimizer": "adma"}, "optimizer is 'adma'"),
        (recipes.lstm_sentiment, {"embedding": "skipgram"}, "Did you mean 'skip-gram'"),
        (recipes.lstm_sentiment, {"classes": "one"}, "two or more different names"),
    ):
        with pytest.raises(InputError, match=message):
            call(**settings)


def test_the_old_name_of_the_forecaster_is_accepted_everywhere():
    assert recipes.find("traffic_forecaster") is recipes.forecaster
    assert recipes.kind_of("traffic_forecaster") == "series"
    with pytest.warns(DeprecationWarning, match="'traffic_forecaster' of rnnkit.recipes"):
        assert recipes.traffic_forecaster is recipes.forecaster


def test_a_recipe_is_found_in_the_module_that_defines_it():
    import pickle

    from rnnkit.recipes import sentiment

    assert sentiment.lstm_sentiment.__module__ == sentiment.__name__
    assert pickle.loads(pickle.dumps(sentiment.lstm_sentiment)) is sentiment.lstm_sentiment
