"""Layers as ONNX nodes, run by ONNX Runtime: every cell with every mask, and the layers around."""

import itertools

import keras
import numpy as np
import pytest
from onnx_files import check, opened, randomized

from rnnkit import bags, heads
from rnnkit import layers as kit
from rnnkit.errors import InputError
from rnnkit.features import WindowFeatures
from rnnkit.onnx_graph import Graph
from rnnkit.tasks.onnx.tagging import add_viterbi
from rnnkit.tasks.series.forecast_networks import LinearSkip
from rnnkit.tasks.series.forecast_scores import SortedQuantiles
from rnnkit.tasks.tagging.word_layers import CharEncoder, WordDropout
from rnnkit.tasks.texts.bag_networks import TokenWeights, bag_of_words_classifier

CELLS = {
    "rnn": lambda **more: kit.SimpleRNN(3, activation="relu", **more),
    "lstm": lambda **more: kit.LSTM(3, recurrent_activation="hard_sigmoid", **more),
    "gru": lambda **more: kit.GRU(3, **more),
    "gru_before": lambda **more: kit.GRU(3, activation="linear", reset_after=False, **more),
    "no_bias": lambda **more: kit.LSTM(3, use_bias=False, **more),
    "mingru": lambda **more: kit.MinGRU(3, activation="positive", **more),
    "minlstm": lambda **more: kit.MinLSTM(3, signed=True, **more),
    "rglru": lambda **more: kit.RGLRU(4, blocks=2, **more),
    "griffin": lambda **more: kit.RGLRU(4, project=False, use_bias=False, **more),
}
MASKS = {
    "end": [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]],
    "holes": [[0, 1, 0, 1, 1], [1, 0, 1, 0, 0], [0, 0, 0, 0, 1]],
    "nothing": [[0, 0, 0, 0, 0], [1, 1, 0, 1, 0], [0, 0, 0, 0, 0]],
}
EVERY = pytest.mark.parametrize("mask", MASKS)


def inputs(mask=None, width=4):
    values = np.random.default_rng(1).normal(size=(3, 5, width)).astype("float32")
    if mask is None:
        return values
    real = np.array(MASKS[mask], bool)
    return np.where(real[..., None], values, np.nan).astype("float32"), real


def every_form(cell, x, **given):
    """Outputs of all steps and last ones, forward, backward and both."""
    outputs = []
    for sequences in (True, False):
        outputs += [
            cell(return_sequences=sequences)(x, **given),
            cell(return_sequences=sequences, go_backwards=True)(x, **given),
            cell(return_sequences=sequences, zero_output_for_mask=True)(x, **given),
            kit.Bidirectional(cell(return_sequences=sequences))(x, **given),
        ]
    return outputs


@pytest.fixture(scope="module", params=CELLS)
def masked(request):
    x, mask = keras.Input((None, 4)), keras.Input((None,), dtype="bool")
    network = keras.Model([x, mask], every_form(CELLS[request.param], x, mask=mask))
    return randomized(network), opened(network)


@pytest.mark.one_backend
@EVERY
def test_cells_answer_alike_with_any_mask(masked, mask):
    check(*masked, *inputs(mask))


@pytest.mark.one_backend
@pytest.mark.parametrize("cell", ["lstm", "gru_before", "rglru"])
def test_cells_answer_alike_without_a_mask_at_any_size(cell):
    x = keras.Input((None, 4))
    network = randomized(keras.Model(x, every_form(CELLS[cell], x)))
    session = opened(network)
    for values in (inputs(), inputs()[:1, :1]):
        check(network, session, values)


@pytest.mark.every_backend
@pytest.mark.deep("jax")
def test_a_bidirectional_stack_answers_alike_on_each_backend():
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(9, 4, mask_zero=True)(ids)
    for cell in (kit.LSTM, kit.GRU, kit.MinGRU):
        x = kit.Bidirectional(cell(3, return_sequences=True), merge_mode="ave")(x)
    network = keras.Model(ids, kit.MaskedPooling("mean+max")(x))
    check(network, opened(network), np.array([[3, 5, 0, 0], [1, 2, 8, 4], [0, 7, 0, 1]], "int32"))


@pytest.mark.one_backend
@EVERY
def test_poolings_answer_alike_with_any_mask(mask):
    x, real = keras.Input((None, 4)), keras.Input((None,), dtype="bool")
    poolings = [heads.MaskedPooling(name) for name in heads.POOLINGS]
    network = keras.Model([x, real], [pool(x, mask=real) for pool in poolings])
    check(network, opened(network), *inputs(mask))
    network = keras.Model(x, [pool(x) for pool in poolings])
    check(network, opened(network), inputs())


@pytest.mark.one_backend
def test_merges_and_layers_without_a_recurrence_answer_alike():
    x = keras.Input((None, 4))
    both = [
        kit.Bidirectional(kit.GRU(4, return_sequences=True), merge_mode=mode)(x)
        for mode in ("sum", "mul", "ave")
    ]
    y = keras.layers.Add()(both)
    y = keras.layers.Normalization(mean=[1.0, 0, 2, 3], variance=[4.0, 0, 1, 9])(y)
    y = keras.layers.Concatenate()([y, LinearSkip(6, 3)(x[..., 1:3]), keras.layers.ReLU()(y)])
    y = keras.layers.Dense(6, activation="softsign")(keras.layers.Dropout(0.5)(y))
    network = randomized(keras.Model(x, [SortedQuantiles(3)(y), y]))
    check(network, opened(network), inputs())


@pytest.mark.one_backend
@EVERY
def test_window_features_answer_alike_with_any_mask(mask):
    x, real = keras.Input((None, 4)), keras.Input((None,), dtype="bool")
    layers = [
        WindowFeatures("values,centred,slope,spread,steps", window=4, causal=causal)
        for causal in (True, False)
    ]
    network = keras.Model([x, real], [layer(x, mask=real) for layer in layers])
    check(network, opened(network), *inputs(mask))
    network = keras.Model(x, [layer(x) for layer in layers])
    check(network, opened(network), inputs())


@pytest.mark.one_backend
@pytest.mark.parametrize("cap", [None, 0.3])
@pytest.mark.parametrize("outputs", [1, 3])
def test_bags_and_pools_answer_alike(cap, outputs):
    numbers = keras.Input((None,), dtype="int32")
    logits = [
        bags.NaiveBayesLogits(9, outputs)(numbers),
        bags.EmbeddingBag(9, outputs)(numbers),
        bags.EmbeddingBag(9, outputs, combiner="sum")(numbers),
    ]
    pool = bags.LogOpinionPool((0.5, 0.2, 0.3), logit_cap=cap)(logits)
    network = randomized(keras.Model(numbers, [pool, *logits]))
    check(network, opened(network), np.array([[3, 1, 0], [0, 0, 0], [8, 5, 5]], "int32"))


@pytest.mark.one_backend
@pytest.mark.parametrize("weighting", ["binary", "count", "tf-idf", "mean"])
def test_bags_of_words_answer_alike(weighting):
    network = bag_of_words_classifier(9, 2, weighting=weighting, layers=1, units=4)
    weights = next(one for one in network.layers if isinstance(one, TokenWeights))
    for one in weights.weights:
        one.assign(np.linspace(1, 2, 9))
    bag = np.array([[[3, 2], [5, 1]], [[7, 4], [0, 0]], [[0, 0], [0, 0]]], "int32")
    check(network, opened(network), bag)


@pytest.mark.one_backend
@pytest.mark.parametrize("kind", ["cnn", "lstm"])
def test_character_encoders_answer_alike(kind):
    ids = keras.Input((None, 6), dtype="int32")
    words = keras.layers.Embedding(5, 2)(WordDropout(4)(ids[:, :, 0]))
    spelled = CharEncoder(9, 4, kind, size=3)(ids[:, :, 1:])
    network = randomized(keras.Model(ids, [words, spelled]))
    given = np.random.default_rng(0).integers(0, 5, (2, 3, 6)).astype("int32")
    given[1, 1:], given[0, 1, 3:] = 0, 0
    check(network, opened(network), given)


@pytest.mark.one_backend
@pytest.mark.parametrize("constrained", [True, False])
def test_viterbi_finds_the_best_of_all_paths(constrained):
    """Against the enumeration of all labellings of the real steps."""
    import onnxruntime

    random, units = np.random.default_rng(2), 3
    allowed = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]], bool) if constrained else None
    crf = kit.CRF(units, allowed_transitions=allowed, allowed_start=[True, False, True])
    crf.build((None, None, units))
    crf.set_weights([random.normal(size=one.shape) for one in crf.get_weights()])
    graph = Graph()
    tags = add_viterbi(graph, crf, "scores", "mask")
    written = graph.finish(
        "viterbi",
        {"scores": ("float32", ("B", "T", units)), "mask": ("bool", ("B", "T"))},
        {"tags": (tags, "int32", ("B", "T"))},
    )
    session = onnxruntime.InferenceSession(written, providers=["CPUExecutionProvider"])
    start, transitions, end = (keras.ops.convert_to_numpy(w) for w in crf.weights)
    start = np.where([True, False, True], start, -np.inf)
    transitions = transitions if allowed is None else np.where(allowed, transitions, -np.inf)
    for name in MASKS:
        scores, mask = (
            random.normal(size=(3, 5, units)).astype("float32"),
            np.array(MASKS[name], bool),
        )
        (found,) = session.run(None, {"scores": scores, "mask": mask})
        for row, real, path in zip(scores, mask, found, strict=True):
            if not real.any():
                continue
            u = row[real]

            def total(y, u=u):
                moves = sum(transitions[a, b] for a, b in itertools.pairwise(y))
                return start[y[0]] + u[range(len(y)), y].sum() + moves + end[y[-1]]

            best = max(itertools.product(range(units), repeat=len(u)), key=lambda y: total(list(y)))
            assert path[real].tolist() == list(best)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (lambda: kit.LSTM(3, zoneout=0.1), "zoneout=0.1"),
        (lambda: kit.LSTM(3, activation="gelu"), "activation 'gelu'"),
        (lambda: kit.JordanRNN(3, 2), "JordanRNN"),
        (lambda: kit.GRU(3, dtype="mixed_float16"), "float16"),
        (lambda: kit.Bidirectional(keras.layers.LSTM(3)), "it wraps a keras"),
        (lambda: keras.layers.Dense(3, activation="selu"), "activation 'selu'"),
        (lambda: keras.layers.Conv1D(3, 2), "Conv1D"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_with_a_format_that_can(layer, reason):
    x = keras.Input((None, 4))
    with pytest.raises(InputError, match=r"cannot be written as ONNX") as error:
        opened(keras.Model(x, layer()(x)))
    assert reason in str(error.value)
    assert "'saved-model'" in str(error.value)
