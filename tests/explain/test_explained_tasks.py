"""Explanations of every task: completeness on every backend, occlusion by brute force."""

import keras
import numpy as np
import pytest
from deep import few_elsewhere
from explained import logit, model_of
from keras import ops

from rnnkit.data.series import Series
from rnnkit.errors import InputError
from rnnkit.explain.question import LONGEST

TEXT = "I was not so good at the film that I saw"
SENTENCE = ["Ellen", "Ripley", "saw", "Paris", "."]


def example(name):
    """An example for a model, and more arguments of `explain`."""
    model, x = model_of(name)
    if name.startswith("forecast"):
        return x[0], {"at": 30}
    if model.reads_series:
        return x[0], {}
    return ([SENTENCE] if name == "name_tagger" else TEXT), {}


ON_EVERY_BACKEND = ["wide", "name_tagger", "next_word", "forecaster"]
ON_ONE = ["gru_sentiment", "bag_of_words_sentiment", "bag_of_pairs", "sequence_classifier"]
ON_ONE += ["frame_labeller", "frames_crf", "forecasts"]


@pytest.mark.every_backend
@pytest.mark.parametrize(
    "name",
    [
        *few_elsewhere(ON_EVERY_BACKEND, ON_EVERY_BACKEND[0]),
        *(pytest.param(n, marks=pytest.mark.one_backend) for n in ON_ONE),
    ],
)
def test_attributions_add_up_to_the_difference_between_answer_and_baseline(name):
    model, _ = model_of(name)
    x, options = example(name)
    found = model.explain(x, occlusion=False, **options)
    size = np.abs(found.attributions).sum()
    assert size > 0.01
    assert abs(found.completeness_error) < 0.01 * size + 1e-5 * max(1, abs(found.value))
    np.testing.assert_allclose(sum(found.parts.values()), found.attributions)
    assert not any("add up" in note for note in found.notes)


# What the values are, and what they are without each word: by `predict`, which explain uses not.


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "name", ["gru_sentiment", "wide", "bag_of_words_sentiment", "bag_of_pairs"]
)
def test_texts_without_each_word(name):
    model, _ = model_of(name)
    found = model.explain(TEXT)
    words = TEXT.lower().split()
    assert found.words == tuple(words)
    texts = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]
    whole, *without = logit(model.predict([TEXT, *texts], verbose=0)[:, 0])
    sign = 1 if found.target == model.classes[1] else -1
    assert found.value == pytest.approx(sign * whole, abs=1e-4)
    np.testing.assert_allclose(found.occlusion, sign * (whole - np.array(without)), atol=2e-4)


@pytest.mark.one_backend
def test_attributions_of_n_grams_are_their_weights():
    """Without n-gram vectors the pool is linear in the n-grams' logit, and so are they."""
    from rnnkit.recipes import gru_sentiment

    model = gru_sentiment(
        units=3, embedding="random", embedding_size=4, min_count=1, ngram_order=2, ngram_min_count=1
    )
    model.fit([TEXT, "a bad film"] * 4, ["pos", "neg"] * 4, epochs=0, verbose=0)
    layer = model.parts().ngram_logits
    ratio = np.random.default_rng(0).normal(size=layer.ratio.shape).astype("float32")
    layer.ratio.assign(ratio)
    found = model.explain("a film not so good not so", "pos", occlusion=False)
    names = model.ngram_vocabulary.ngrams()
    weight = float(model.parts().pool.pool_weights[1])
    one = {
        name: weight * float(ratio[i, 0] * np.array(layer.kernel)[i, 0])
        for i, name in enumerate(names, 1)
    }
    assert not {"a film", "film not", "good not"} & set(one)  # no such pair in the training texts
    expected = [
        one["a"],
        one["film"],
        one["not"] / 2 + one["not so"] / 4,
        one["so"] / 2 + one["not so"] / 4 + one["so good"] / 2,
        one["good"] + one["so good"] / 2,
        one["not"] / 2 + one["not so"] / 4,
        one["so"] / 2 + one["not so"] / 4,
    ]
    np.testing.assert_allclose(found.parts["n-grams"], expected, atol=1e-5)
    assert dict(found.features)["not so"] == pytest.approx(one["not so"], abs=1e-5)
    assert set(found.parts) == {"n-grams", "recurrent network"}


@pytest.mark.one_backend
def test_attributions_of_a_linear_bag_are_its_terms():
    model, _ = model_of("bag_of_pairs")
    found = model.explain("so good so film", "pos", occlusion=False)
    table = np.array(ops.convert_to_numpy(model.parts().embedding.embeddings))[:, 0]
    ids = {int(i) for i in model.encode("so good so film")[0][:, 0]}
    assert found.attributions.sum() == pytest.approx(table[sorted(ids)].sum() / len(ids) ** 0.5)


@pytest.mark.one_backend
def test_the_classes():
    model, _ = model_of("gru_sentiment")
    one, other = (model.explain(TEXT, name, occlusion=False) for name in model.classes)
    np.testing.assert_allclose(one.attributions, -other.attributions, atol=1e-5)
    assert one.value == pytest.approx(-other.value, abs=1e-5)
    model, x = model_of("sequence_classifier")
    p = model.predict([x[0]], verbose=0)[0]
    for place, name in enumerate(model.classes):
        found = model.explain(x[0], name, occlusion=False)
        assert found.value == pytest.approx(logit(p[place]), abs=1e-3)
    assert model.explain(x[0], occlusion=False).target == model.classes[p.argmax()]


@pytest.mark.one_backend
def test_series_with_the_mean_in_the_place_of_each_step():
    model, x = model_of("sequence_classifier")
    found = model.explain(x[0])
    place = model.classes.index(found.target)
    mean = np.ravel(ops.convert_to_numpy(model.network.get_layer("standardisation").mean))
    values = np.array(x[0].values if isinstance(x[0], Series) else x[0])
    changed = np.repeat(values[None], len(values), axis=0)
    changed[np.arange(len(values)), np.arange(len(values))] = mean
    whole, *without = logit(model.predict([values, *changed], verbose=0)[:, place])
    np.testing.assert_allclose(found.occlusion, whole - np.array(without), atol=2e-3)


@pytest.mark.one_backend
@pytest.mark.parametrize("name", ["frame_labeller", "frames_crf"])
def test_the_class_of_a_step(name):
    model, x = model_of(name)
    found = model.explain(x[0], at=7, connectivity=True)
    p = model.predict(x[0])[7]
    assert found.value == pytest.approx(logit(p[model.classes.index(found.target)]), abs=1e-3)
    assert found.target == model.predict_labels(x[0])[7]
    assert found.place == 7
    assert found.connectivity.norms.shape == (len(x[0]), len(x[0]))


@pytest.mark.one_backend
def test_a_tag_is_explained_by_its_marginal_and_words_are_left_out_as_unknown_ones():
    model, _ = model_of("name_tagger")
    found = model.explain([SENTENCE], "O", at=2, connectivity=True)
    (row,) = model.encode([SENTENCE])
    rows = [row]
    for i in range(len(row)):
        rows.append(row.copy())
        rows[-1][i] = [1] + [0] * (row.shape[1] - 1)
    marginals = ops.convert_to_numpy(model.network(np.stack(rows)))[:, 2]
    whole, *without = logit(marginals[:, model.classes.index("O")])
    assert found.value == pytest.approx(whole, abs=1e-3)
    np.testing.assert_allclose(found.occlusion, whole - np.array(without), atol=3e-3)
    assert set(found.parts) == {"word vectors", "characters"}
    assert found.connectivity.norms.shape == (5, 5)
    assert "Ellen" in found.connectivity.outputs[0]
    tags = model.predict([SENTENCE])[0]
    first = next((i for i, tag in enumerate(tags) if tag != "O"), 0)
    assert model.explain([SENTENCE], occlusion=False).place == first
    inside = next(tag for tag in model.classes if tag.startswith("I-"))
    with pytest.raises(InputError, match="no allowed sequence of tags has at word 0"):
        model.explain([SENTENCE], inside, at=0)


@pytest.mark.one_backend
def test_the_next_token():
    model, _ = model_of("next_word")
    tokens = TEXT.split()
    found = model.explain(TEXT, connectivity=True)
    texts = [" ".join(tokens[:i] + tokens[i + 1 :]) for i in range(len(tokens))]
    whole, *without = model.predict([TEXT, *texts])
    number = int(np.argmax(whole))
    assert found.value == pytest.approx(np.log(whole[number]), abs=1e-4)
    expected = np.log(whole[number]) - np.log([row[number] for row in without])
    np.testing.assert_allclose(found.occlusion, expected, atol=2e-4)
    assert not np.triu(found.connectivity.norms, 1).any()
    assert (np.diag(found.connectivity.norms) > 0).all()


@pytest.mark.one_backend
def test_a_token_inside_of_the_text():
    model, _ = model_of("next_word")
    word = model.vocabulary.tokens[7]
    text = f"the {word} and the rest"
    found = model.explain(text, at=1)
    p = model.predict("the")[0]
    assert (found.target, found.words, found.place) == (word, ("the",), 1)
    assert found.value == pytest.approx(np.log(p[7]), abs=1e-4)
    other = model.vocabulary.tokens[9]
    assert model.explain(text, other, at=1).value == pytest.approx(np.log(p[9]), abs=1e-4)


@pytest.mark.one_backend
def test_a_forecast_and_series_with_the_usual_value_at_each_step():
    model, x = model_of("forecaster")
    found = model.explain(x[0], at=30, connectivity=True)
    forecasts = model.predict(x[0], verbose=0)  # the first one is made at step context - 1
    place = 30 - (model.context - 1)
    assert found.value == pytest.approx(forecasts[place], rel=1e-5)
    changed = []
    for step in range(31):
        values = np.array(x[0].values)
        values[step, model.encoder.target] = model.encoder.profile[0]
        changed.append(Series(values, x[0].times, x[0].name, x[0].columns))
    without = [one[place] for one in model.predict(changed, verbose=0)]
    expected = forecasts[place] - np.array(without)
    np.testing.assert_allclose(found.occlusion, expected, atol=1e-3 * np.abs(expected).max())
    assert found.connectivity.norms.shape == (31 - model.context + 1, 31)
    assert found.words[0] == str(x[0].times[0]).replace("T", " ")


@pytest.mark.one_backend
def test_one_of_several_forecasts():
    model, x = model_of("forecasts")
    found = model.explain(x[0], "h3", at=30, occlusion=False)
    median = model.predict(x[0], verbose=0)[30 - model.context + 1, 1, 0, 1]
    assert found.value == pytest.approx(median, rel=1e-5)


@pytest.mark.one_backend
def test_words_beyond_the_truncation():
    from rnnkit.recipes import gru_sentiment

    for settings, shown in (({}, 3), ({"ngram_order": 1, "ngram_min_count": 1}, 9)):
        model = gru_sentiment(
            units=2, embedding_size=2, embedding="random", min_count=1, **settings
        )
        model.max_length, model.truncate = 3, "tail"
        model.fit(["good film", "bad film"] * 4, ["pos", "neg"] * 4, epochs=0, verbose=0)
        found = model.explain("bad " * 6 + "so good film")
        assert len(found.words) == shown
        assert found.words[-3:] == ("so", "good", "film")
        assert "6 of 9 words" in found.notes[0]
        assert not found.parts["recurrent network"][:-3].any()
        assert abs(found.completeness_error) < 1e-3
    million = "bad " * 1_000_000
    with pytest.raises(InputError, match=r"1,000,000 words to explain; expected at most 2,000"):
        model.explain(million)


@pytest.mark.one_backend
def test_a_network_that_reads_words_in_another_way_is_refused():
    """Its attributions would add up, and leave out what the words do past the embedding."""
    from rnnkit.tasks import TextClassifier

    def build(vocabulary_size, outputs):
        ids = keras.Input((None,), dtype="int32")
        x = keras.layers.Embedding(vocabulary_size, 2, mask_zero=True, name="embedding")(ids)
        beside = ops.mean(ops.cast(ids, "float32"), axis=1, keepdims=True)
        x = keras.layers.Concatenate()([keras.layers.GRU(2)(x), beside])
        return keras.Model(ids, keras.layers.Dense(outputs, activation="sigmoid")(x))

    model = TextClassifier(build)
    model.fit(["good film", "bad film"] * 4, ["pos", "neg"] * 4, epochs=0, verbose=0)
    with pytest.raises(InputError, match="by more layers than those"):
        model.explain("a good film")


BAD = [
    ("gru_sentiment", ("", None, {}), "no word in the text"),
    ("gru_sentiment", ("<br/>...", None, {}), "no word in the text"),
    ("gru_sentiment", (TEXT, "positive", {}), "target is 'positive'; expected a class"),
    ("gru_sentiment", (["a", "b"], None, {}), "explain takes one text, and 2 were given"),
    ("gru_sentiment", (TEXT, None, {"at": 2}), "at is 2, and TextClassifier has one answer"),
    ("gru_sentiment", (TEXT, None, {"label": "x"}), "label is 'x', and this TextClassifier"),
    ("gru_sentiment", (TEXT, None, {"steps": 0}), "steps is 0"),
    ("gru_sentiment", ("film " * (LONGEST + 1), None, {}), None),  # it reads 400 of them
    ("name_tagger", ([SENTENCE], None, {"at": 5}), "at is 5; expected the number of a word"),
    ("name_tagger", ([SENTENCE], "B-PERSON", {}), "target is 'B-PERSON'; expected a tag"),
    ("name_tagger", ("", None, {}), "no word in the sentence"),
    ("name_tagger", ("a " * (LONGEST + 1), None, {}), "2,001 words to explain"),
    ("next_word", ("", None, {}), "no token before the one"),
    ("next_word", (TEXT, "flabbergasted", {}), "not in the vocabulary"),
    ("next_word", ("a " * (LONGEST + 1), None, {}), "2,001 tokens to explain"),
    ("forecaster", (np.zeros((3, 1)), None, {}), "Series 0"),
    ("sequence_classifier", ([np.zeros((3, 1))] * 2, None, {}), "takes one series, and 2 were"),
    ("sequence_classifier", (np.zeros((3, 1)), None, {}), "has 1 features"),
    ("translator", ("ein Hund", None, {}), "Seq2Seq has no explanation"),
]


@pytest.mark.one_backend
@pytest.mark.parametrize(("name", "arguments", "message"), BAD)
def test_what_cannot_be_explained(name, arguments, message):
    model, _ = model_of(name)
    x, target, options = arguments
    if message is None:
        assert len(model.explain(x, target, occlusion=False, **options).words) == model.max_length
        return
    with pytest.raises(InputError, match=message):
        model.explain(x, target, **options)


@pytest.mark.one_backend
def test_forecasts_that_have_no_place():
    model, x = model_of("forecaster")
    with pytest.raises(InputError, match=r"has 3 steps before it; the model reads 12"):
        model.explain(x[0], at=2)
    with pytest.raises(InputError, match="single output: leave it out"):
        model.explain(x[0], "h1")
    with pytest.raises(InputError, match="takes one series, and 2 were given"):
        model.explain([x[0], x[0]])
    from rnnkit.recipes import lstm_sentiment

    with pytest.raises(InputError, match="not trained yet"):
        lstm_sentiment().explain("A fine film.")
