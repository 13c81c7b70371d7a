"""Samplers of KerasHub in `generate`: the same tokens and frequencies as by enumeration."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from later import Later

from rnnkit.errors import InputError
from rnnkit.recipes.language import text_generator
from rnnkit.tasks.language.hub_samplers import HubSampler

P = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
DRAWS = 4000
samplers = Later("keras_hub.samplers")


@pytest.fixture(scope="module")
def model():
    model = text_generator(units=8, embedding_size=4, batch_size=2, window=8, learning_rate=0.02)
    model.fit("abcab cabca bcabc " * 8, epochs=2, verbose=0)
    return model


def last():
    """Return a sampler that takes the last token that has a probability."""

    class Last(samplers.Sampler):
        def get_next_token(self, probabilities):
            size = probabilities.shape[1]
            return size - 1 - keras.ops.argmax(keras.ops.flip(probabilities > 0, axis=1), axis=1)

    return Last()


@pytest.mark.parametrize(
    ("name", "options"),
    [("GreedySampler", {}), ("TopKSampler", {"k": 1}), ("TopPSampler", {"p": 1e-6})],
)
def test_the_most_probable_token_is_the_greedy_one(model, name, options):
    sampler = getattr(samplers, name)(**options)
    prompts = ["ab", "ca b"]
    greedy = model.generate(prompts, 2, length=6, strategy="greedy")
    assert model.generate(prompts, 2, length=6, sampler=sampler) == greedy


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("RandomSampler", {}, P),
        ("RandomSampler", {"temperature": 0.5}, P**2),
        ("TopKSampler", {"k": 2}, P * [1, 1, 0, 0, 0]),
        ("TopKSampler", {"k": 3, "temperature": 2.0}, P**0.5 * [1, 1, 1, 0, 0]),
        ("TopPSampler", {"p": 0.65}, P * [1, 1, 0, 0, 0]),
        ("TopPSampler", {"p": 0.75}, P * [1, 1, 1, 0, 0]),
    ],
)
def test_frequencies_are_those_of_the_definition(name, options, expected):
    sampler = getattr(samplers, name)(**options, seed=1)
    ids = HubSampler(sampler)(np.log(np.tile(P, (DRAWS, 1))))
    found = np.bincount(ids, minlength=5) / DRAWS
    expected = expected / expected.sum()
    assert (found[expected == 0] == 0).all()
    error = np.sqrt(expected * (1 - expected) / DRAWS)
    assert (np.abs(found - expected) <= 4 * error + 1e-9).all()


def test_forbidden_tokens_are_never_drawn():
    log_p = np.log(np.tile(P, (500, 1)))
    log_p[:, :2] = -np.inf
    every = [samplers.RandomSampler(seed=2), samplers.TopKSampler(k=4, seed=2), last()]
    for sampler in every:
        assert HubSampler(sampler)(log_p).min() >= 2


def test_a_sampler_of_the_users_own(model):
    (text,) = model.generate("ab", length=3, sampler=last())
    assert text == "ab" + model.vocabulary.tokens[-1] * 3


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("top_k", None, r"sampler is 'top_k'; expected an object of keras_hub.samplers"),
        ("BeamSampler", {}, "BeamSampler, which searches over whole texts"),
        ("ContrastiveSampler", {}, "ContrastiveSampler, which searches over whole texts"),
        ("Sampler", {}, "is a Sampler, which"),
        ("GreedySampler", {"temperature": 0}, "temperature is 0; expected"),
        ("TopKSampler", {"k": 0}, "k is 0; expected"),
        ("TopKSampler", {"k": 1000}, r"k=1000, and the vocabulary has \d+ tokens"),
        ("TopPSampler", {"p": 1.5}, r"p is 1.5; expected .* at most 1"),
    ],
)
def test_samplers_that_cannot_be_used(model, name, options, message):
    sampler = name if options is None else getattr(samplers, name)(**options)
    with pytest.raises(InputError, match=message):
        model.generate("ab", sampler=sampler)


def test_settings_that_a_sampler_would_ignore_are_refused(model):
    for options in ({"strategy": "greedy"}, {"temperature": 0.5}, {"top_k": 3}, {"seed": 1}):
        with pytest.raises(InputError, match=f"{next(iter(options))} is .*Leave out"):
            model.generate("ab", sampler=samplers.RandomSampler(), **options)


def test_what_get_next_token_returns_is_checked():
    class Wrong(samplers.Sampler):
        def get_next_token(self, probabilities):
            return probabilities

    with pytest.raises(InputError, match=r"Wrong\.get_next_token returned float32"):
        HubSampler(Wrong())(np.log(P)[None])
