"""The space of a search: by type and range of the settings, and as the user names it."""

from __future__ import annotations

import pytest

from rnnkit import recipes
from rnnkit.errors import InputError
from rnnkit.settings.reading import settings_of
from rnnkit.study.tuning.space import USUAL, Choices, Range, make_space, space_of


def values(text, recipe="gru_sentiment"):
    name, _, rest = text.partition("=")
    return make_space(recipe, {name: rest}, {})[name.replace("-", "_")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("units=32..256", Range(32, 256, log=True, whole=True)),
        ("units=32..64", Range(32, 64, log=False, whole=True)),
        ("units=32..256:linear", Range(32, 256, log=False, whole=True)),
        ("units=8,16", Choices((8, 16))),
        ("dropout=0..0.5", Range(0.0, 0.5, log=False, whole=False)),
        ("learning-rate=1e-4..1e-2", Range(1e-4, 1e-2, log=True, whole=False)),
        ("clip_norm=0.1..5", Range(0.1, 5.0, log=True, whole=False)),
        ("max_length=none,200", Choices((None, 200))),
        ("pooling=mean,mean+max", Choices(("mean", "mean+max"))),
        ("lowercase=yes,no", Choices((True, False))),
        ("pooling", Choices(("last", "mean", "max", "mean+max"))),
        ("lowercase", Choices((False, True))),
        ("word_dropout", Range(0.0, 0.6, log=False, whole=False)),
        ("units", Range(16, 256, log=True, whole=True)),
        ("layers", Range(1, 2, log=False, whole=True)),
    ],
)
def test_values_as_they_are_named(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unit=3..4", r"search is 'unit', .* Did you mean 'units'"),
        ("seed=0..3", "not in luck"),
        ("units=9..3", r"search is 'units=9\.\.3': the range is empty"),
        ("units=9..9", "the range is empty"),
        ("units=a..b", "bounds are no numbers"),
        ("units=..8", r"LOW\.\.HIGH"),
        ("units=1.5..8", "whole numbers"),
        ("units=0..8", "a bound of it is 0; expected an integer of at least 1"),
        ("units=nan..8", "no finite numbers"),
        ("dropout=0..inf", "no finite numbers"),
        ("dropout=0..1", r"a bound of it is 1\.0; expected a number of at least 0 and below 1"),
        ("dropout=0..0.5:log", "begins above 0"),
        ("pooling=0..1", "takes no range"),
        ("pooling=last,mx", r"a value of it is 'mx'; .* Did you mean 'max'"),
        ("adversarial", "no range follows"),
    ],
)
def test_what_cannot_be_searched_is_named(text, message):
    with pytest.raises(InputError, match=message):
        values(text)


def test_values_in_python():
    given = {"units": (4, 8), "pooling": ["last", "max"], "layers": None}
    space = make_space("gru_sentiment", given, {})
    found = Range(4, 8, False, True), Choices(("last", "max")), Range(1, 2, False, True)
    assert (*space.values(),) == found
    assert space_of({name: one.as_record() for name, one in space.items()}) == space


def test_a_fixed_setting_is_not_searched():
    with pytest.raises(InputError, match="search is 'units', and units=8 was given for all"):
        make_space("gru_sentiment", {"units": "4..8"}, {"units": 8})
    assert "units" not in make_space("gru_sentiment", None, {"units": 8})
    with pytest.raises(InputError, match="word_vectors has none of learning_rate"):
        make_space("word_vectors", None, {})


@pytest.mark.parametrize("recipe", [name for name in recipes.names() if name != "word_vectors"])
def test_each_recipe_has_a_usual_search_within_its_ranges(recipe):
    known = settings_of(recipes.find(recipe))
    space = make_space(recipe, None, {})
    assert {*space} <= {*USUAL}
    assert {"learning_rate", "units"} <= {*space}
    for name, one in space.items():
        for bound in (one.low, one.high):
            known[name].check(int(bound) if one.whole else bound)
        assert one.low <= known[name].default <= one.high
