"""The seeds of initializers and dropout: the same network has the same weights in each version."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from rnnkit.tasks import (
    bag_of_words_classifier,
    recurrent_classifier,
    recurrent_forecaster,
    recurrent_series_classifier,
)
from rnnkit.tasks.language.language_networks import language_network
from rnnkit.tasks.recurrent_stack import Seeds, recurrent_stack
from rnnkit.tasks.series.frame_networks import frame_network
from rnnkit.tasks.tagging.tagger_networks import TaggerSpec, recurrent_tagger
from rnnkit.tasks.text_to_text.seq2seq_networks import attention_network

pytestmark = pytest.mark.one_backend

TEXTS = (recurrent_classifier, (50, 3))
WALKS = list(np.random.default_rng(0).normal(size=(2, 40, 3)))
SERIES = (recurrent_series_classifier, (WALKS, 4))
BAG = (bag_of_words_classifier, (40, 3))
TAGGER = (recurrent_tagger, (TaggerSpec(30, 20, True, 6, 12, 5, ("B-PER", "I-PER", "O")),))
LANGUAGE = (language_network, (30, 3))
FRAMES = (frame_network, SERIES[1])
ATTENTION = (attention_network, (30, 20))
FORECAST = (recurrent_forecaster, (8,))

# Recorded with version 0.1.0: the seeds in the order of the layers, within a layer by name.
RECORDED = [
    (TEXTS, {"cell": "rnn", "layers": 3, "dropout": 0.4, "seed": 2}, [*range(2000, 2014)]),
    (
        TEXTS,
        {
            "cell": "gru",
            "bidirectional": True,
            "layers": 2,
            "word_dropout": 0.1,
            "embedding_dropout": 0.2,
            "dropout": 0.4,
            "pooling": "mean+max",
            "seed": 3,
        },
        [
            *range(3000, 3003),
            *range(3006, 3009),
            *range(3003, 3006),
            3009,
            *range(3013, 3016),
            *range(3010, 3013),
            3016,
            3017,
        ],
    ),
    (
        TEXTS,
        {"bidirectional": True, "layers": 2, "dropout": 0.0, "seed": 5},
        [5000, 5004, 5005, 5006, 5001, 5002, 5003, 5010, 5011, 5012, 5007, 5008, 5009, 5013],
    ),
    (SERIES, {}, [0, 1, 2, 3, 4]),
    (
        SERIES,
        {"cell": "gru", "hmm": "output", "hmm_states": 2, "layers": 2, "dropout": 0.0, "seed": 1},
        [1001, 1002, 1003, 1004, 1005, 1006, 1000, 1007],
    ),
    (BAG, {"layers": 2, "word_dropout": 0.2, "seed": 6}, [6001, 6000, 6002, 6003, 6004, 6005]),
    (
        BAG,
        {"layers": 2, "weighting": "mean", "word_dropout": 0.2, "seed": 6},
        [6001, 6000, 6002, 6003, 6004, 6005, 6006, 6007],
    ),
    (
        TAGGER,
        {
            "cell": "gru",
            "layers": 2,
            "characters": "lstm",
            "character_units": 6,
            "output": "softmax",
            "recurrent_dropout": 0.1,
            "seed": 2,
        },
        [
            *range(2000, 2003),
            *range(2006, 2009),
            *range(2003, 2006),
            2009,
            *range(2013, 2016),
            *range(2010, 2013),
            2016,
            2017,
        ],
    ),
    (
        LANGUAGE,
        {
            "cell": "gru",
            "layers": 2,
            "units": 6,
            "embedding_size": 8,
            "softmax": "adaptive",
            "cutoffs": (5, 12),
            "word_dropout": 0.1,
            "output_dropout": 0.1,
            "seed": 3,
        },
        [3500, 3002, 3001, *range(3003, 3011)],
    ),
    (
        ATTENTION,
        {
            "cell": "lstm",
            "layers": 2,
            "embedding_dropout": 0.1,
            "scheduled_sampling": 0.3,
            "seed": 5,
        },
        [
            5001,
            5002,
            5005,
            5006,
            5003,
            5004,
            5007,
            5010,
            5011,
            5008,
            5009,
            5000,
            5022,
            *range(5012, 5015),
            5016,
            5015,
            5018,
            5021,
            5020,
            5017,
            5019,
            5023,
            5024,
        ],
    ),
    (
        FRAMES,
        {"cell": "gru", "bidirectional": False, "layers": 2, "input_dropout": 0.2, "seed": 7},
        [*range(7000, 7010)],
    ),
    (FRAMES, {"cell": "dense", "layers": 2, "context": 5, "seed": 8}, [*range(8000, 8005)]),
    (FORECAST, {"cell": "gru", "layers": 2, "dropout": 0.2, "seed": 9}, [*range(9000, 9007)]),
]


def seeds_in(config):
    if isinstance(config, dict):
        for name, value in config.items():
            if name == "seed" and isinstance(value, int):
                yield value
            elif name != "inbound_nodes":
                yield from seeds_in(value)
    elif isinstance(config, list):
        for value in config:
            yield from seeds_in(value)


@pytest.mark.parametrize(("network", "settings", "seeds"), RECORDED)
def test_seeds_are_those_of_earlier_versions(network, settings, seeds):
    build, arguments = network
    config = keras.saving.serialize_keras_object(build(*arguments, **settings))
    config = json.loads(json.dumps(config, sort_keys=True))
    # 0 is that of generators which draw nothing; earlier versions drew one for each at random.
    found = seeds_in(config["config"]["layers"])
    assert [seed for seed in found if seed] == [seed for seed in seeds if seed]


def test_a_stack_returns_what_is_asked_for():
    x, mask = keras.Input((7, 3)), keras.Input((7,), dtype="bool")
    settings = {"cell": "lstm", "layers": 2, "units": 4, "bidirectional": True}
    assert recurrent_stack(x, Seeds(0), mask=mask, **settings).shape == (None, 7, 8)
    last, states = recurrent_stack(
        x, Seeds(0), mask=mask, return_sequences=False, return_state=True, **settings
    )
    assert last.shape == (None, 8)
    assert [[state.shape for state in layer] for layer in states] == [[(None, 4)] * 4] * 2


def test_a_stack_with_initial_states_goes_on_where_they_were_returned():
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    inputs = keras.Input((None, 3))
    first = [[keras.Input((4,)), keras.Input((4,))], [keras.Input((4,)), keras.Input((4,))]]
    settings = {"cell": "lstm", "layers": 2, "units": 4, "return_state": True, "name": "lstm"}
    y, states = recurrent_stack(inputs, Seeds(0), initial_state=first, **settings)
    model = keras.Model([inputs, first], [y, states])
    assert [layer.name for layer in model.layers if "lstm" in layer.name] == ["lstm_0", "lstm_1"]
    zeros = [[np.zeros((2, 4), "float32")] * 2] * 2
    whole, _ = model([x, zeros])
    before, states = model([x[:, :4], zeros])
    after, _ = model([keras.ops.convert_to_tensor(x[:, 4:]), states])
    parts = keras.ops.concatenate([before, after], axis=1)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(whole), keras.ops.convert_to_numpy(parts), atol=1e-6
    )
