"""Families: every kind of data has one, each is complete, and a missing part is refused by name."""

from __future__ import annotations

import dataclasses

import pytest

from rnnkit import recipes
from rnnkit.data import datasets
from rnnkit.errors import InputError
from rnnkit.recipes.builtin import FAMILIES
from rnnkit.recipes.families import Family
from rnnkit.study.report import headings

TEXTS = recipes.family_of("lstm_sentiment")


def test_every_kind_of_data_has_exactly_one_family():
    assert sorted(family.kind.name for family in FAMILIES) == sorted(datasets.kinds())


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.kind.name)
def test_every_family_is_complete(family):
    assert family.baselines
    assert all(map(callable, family.baselines.values()))
    assert family.example.startswith(("predict {}", "generate {}", "neighbours {}"))
    assert set(family.headings) <= set(headings())
    for recipe in family.recipes:
        assert recipes.find(recipe.__name__) is recipe
        assert recipes.family_of(recipe.__name__) is family
        assert recipes.sample_for(recipe.__name__) in family.kind.readers


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"recipes": ()}, "no recipes"),
        ({"recipes": (lambda *, classes=(): None,)}, "a recipe without a docstring"),
        ({"headings": {}}, "no headings"),
        ({"example": "predict RUN"}, "an example without {}: 'predict RUN'"),
        ({"samples": {"lstm": "sample"}}, "a sample for an unknown recipe 'lstm'"),
        ({"samples": {"lstm_sentiment": "gone"}}, "an unknown sample 'gone'"),
        ({"dataset_settings": ("target",)}, "no recipe with the dataset_setting 'target'"),
        ({"baseline_settings": ("horizon",)}, "no recipe with the baseline_setting 'horizon'"),
    ],
)
def test_a_part_that_is_missing_is_refused_by_name(change, problem):
    with pytest.raises(InputError) as caught:
        dataclasses.replace(TEXTS, **change)
    assert str(caught.value) == f"The family 'texts' has {problem}."


@pytest.mark.parametrize("part", ["kind", "recipes", "baselines", "headings", "example"])
def test_a_part_that_is_left_out_is_refused_by_name(part):
    parts = {field.name: getattr(TEXTS, field.name) for field in dataclasses.fields(TEXTS)}
    del parts[part]
    with pytest.raises(TypeError, match=f"'{part}'"):
        Family(**parts)
