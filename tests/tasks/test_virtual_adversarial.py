"""Virtual adversarial training: one step against NumPy, labelled and unlabelled texts."""

import keras
import numpy as np
import pytest
import small_tasks
from keras import ops

from rnnkit import recipes
from rnnkit.errors import InputError
from rnnkit.heads import MaskedPooling
from rnnkit.tasks import BagOfWords, SequenceTagger, TextClassifier, load
from rnnkit.tasks.training import virtual_adversarial

TEXTS = ["good good film", "bad", "a bad bad long film", "good", "a film"]
LABELS = [1, 0, 0, 1, 2]
MORE = ["film good film", "long long bad a a a"]  # without a label
RATE, NORM = 0.5, 3.0


def pooled(size, outputs, dropout=0.0):
    """The mean of the real words' vectors, and a dense layer."""
    ids = keras.Input((None,), dtype="int32")
    start = keras.initializers.RandomUniform(-1, 1, seed=1)
    x = keras.layers.Embedding(size, 3, start, mask_zero=True, name="embedding")(ids)
    x = keras.layers.Dropout(dropout, seed=1)(x) if dropout else x
    x = MaskedPooling("mean")(x)
    activation = "sigmoid" if outputs == 1 else "softmax"
    return keras.Model(ids, keras.layers.Dense(outputs, activation, True, start)(x))


def small(build=pooled, **options):
    return TextClassifier(
        build,
        **{"optimizer": lambda: keras.optimizers.SGD(RATE), "embedding": "random", **options},
    )


def fit(model, classes, **options):
    chosen = [i for i, label in enumerate(LABELS) if label < classes]
    texts, labels = [TEXTS[i] for i in chosen], np.array(LABELS)[chosen]
    options = {"epochs": 1, "batch_size": 20, "verbose": 0, "keep_best": False, **options}
    return model.fit(texts, labels, **options).history, texts, labels


def direction(vectors, where, sin, mask):
    """In the place of random numbers: of the words alone, whatever the order of the rows."""
    return where(mask[:, :, None], sin(40 * vectors + 1), 0)


@pytest.fixture
def known_directions(monkeypatch):
    def draw(seeds, embedded, mask):
        del seeds
        return direction(embedded, ops.where, ops.sin, mask)

    monkeypatch.setattr(virtual_adversarial, "draw", draw)


def numpy_step(weights, ids, labels, norm):
    """Losses and gradients of `pooled` in double precision; the label of some texts is -1."""
    table, kernel, bias = (np.asarray(one, "float64") for one in weights)
    real = (ids > 0)[:, :, None].astype(float)
    share, outputs = real / real.sum(1, keepdims=True), kernel.shape[1]

    def predict(e):
        h = (share * e).sum(1)
        z = h @ kernel + bias
        z = np.concatenate([np.zeros_like(z), z], 1) if outputs == 1 else z
        p = np.exp(z)
        return h, p / p.sum(1, keepdims=True)

    def gradients(h, by_logits):
        by_logits = by_logits[:, -outputs:]
        by_e = share * (by_logits @ kernel.T)[:, None]
        d_table = np.zeros_like(table)
        np.add.at(d_table, ids, by_e)
        return by_e, (d_table, h.T @ by_logits, by_logits.sum(0))

    def scaled(u, size):
        s = np.sqrt((real * e**2).sum() / (real.sum() * 3))
        return size * s * u / np.sqrt((u**2).sum((1, 2), keepdims=True))

    e = table[ids]
    h, p = predict(e)
    known = labels >= 0
    truth = np.eye(p.shape[1])[labels]
    loss = -np.log((truth * p).sum(1))[known].mean()
    grads = gradients(h, (p - truth) * known[:, None] / known.sum())[1]
    noise = direction(e, np.where, np.sin, ids > 0)
    h_near, near = predict(e + scaled(noise, 0.1))
    g = gradients(h_near, near - p)[0]
    h_far, far = predict(e + scaled(g, norm))
    divergence = (p * np.log(p / far)).sum(1).mean()
    more = gradients(h_far, (far - p) / len(ids))[1]
    accuracy = (p.argmax(1) == labels)[known].mean()
    found = {"loss": loss, "virtual_adversarial_loss": divergence, "accuracy": accuracy}
    return found, [one + other for one, other in zip(grads, more, strict=True)]


@pytest.mark.every_backend
@pytest.mark.parametrize("classes", [2, 3])
def test_a_step_is_that_of_numpy(known_directions, classes):
    """Labels count in the loss and in metrics, all texts in the divergence."""
    model = small(virtual_adversarial=NORM)
    fit(model, classes, unlabelled=MORE, epochs=0)
    before = model.get_weights()
    history, texts, labels = fit(model, classes, unlabelled=MORE)
    targets = np.concatenate([[-1] * len(MORE), labels])
    ids, targets = model.make_batches(model.encode([*MORE, *texts]), targets)[0][:2]
    expected, grads = numpy_step(before, ids, targets, NORM)
    assert expected["virtual_adversarial_loss"] > 0.02
    for name, value in expected.items():
        assert history[name][0] == pytest.approx(value, rel=1e-3)
    for weight, old, grad in zip(model.get_weights(), before, grads, strict=True):
        np.testing.assert_allclose(weight, old - RATE * grad, rtol=1e-3, atol=1e-5)


def test_rows_that_fill_a_batch_do_not_count_and_padding_is_not_perturbed(known_directions):
    """Two batches of an epoch at the rate 0 are one batch; those of a batch have one width."""
    model = small(optimizer=lambda: keras.optimizers.SGD(0.0), virtual_adversarial=NORM)
    fit(model, 2, epochs=0)
    weights, history = model.get_weights(), fit(model, 2, batch_size=3, shuffle=False)[0]
    ids = np.array([[*row, *[0] * 9][:9] for row in model.encode(TEXTS[:4])])
    parts = [ids[i : i + 3] for i in (0, 3)]
    order = model.make_batches(model.encode(TEXTS[:4]), np.arange(4), batch_size=3)
    parts = [ids[order[i][1].astype(int)] for i in range(2)]
    found = [numpy_step(weights, part, np.zeros(len(part), int), NORM)[0] for part in parts]
    mean = sum(len(p) * f["virtual_adversarial_loss"] for p, f in zip(parts, found, strict=True))
    assert history["virtual_adversarial_loss"][0] == pytest.approx(mean / 4, rel=1e-3)


def test_dropout_draws_the_same_in_all_passes():
    """So without a perturbation nothing differs, and the step is the ordinary one."""
    found = []
    for norm in (0.0, 1e-6):
        model = small(
            lambda size, outputs: pooled(size, outputs, dropout=0.5), virtual_adversarial=norm
        )
        found.append((fit(model, 3, epochs=2)[0], model.get_weights()))
    (plain, weights), (history, others) = found
    assert max(history.pop("virtual_adversarial_loss")) < 1e-6
    assert history.keys() == plain.keys()
    assert history["loss"] == pytest.approx(plain["loss"], rel=1e-4)
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.one_backend
def test_both_losses_of_perturbed_examples_add_up(known_directions):
    """A step of the sum of gradients; the metrics are of training alone."""
    starts, ends = [], []
    for more in ({}, {"adversarial": 1.0}, {"virtual_adversarial": NORM}):
        model = small(**more)
        fit(model, 3, epochs=0)
        starts.append(model.get_weights())
        fit(model, 3)
        ends.append(model.get_weights())
    model = small(adversarial=1.0, virtual_adversarial=NORM)
    history = fit(model, 3, validation_data=(TEXTS, LABELS))[0]
    assert {"adversarial_loss", "virtual_adversarial_loss"} < history.keys()
    assert not [name for name in history if name.startswith("val_") and "adversarial" in name]
    for both, start, (plain, one, other) in zip(
        model.get_weights(), starts[0], zip(*ends, strict=True), strict=True
    ):
        np.testing.assert_allclose(both - start, one + other - plain - start, atol=1e-5)


@pytest.mark.one_backend
def test_a_file_goes_on_with_the_random_directions(tmp_path):
    model = small_tasks.make("gru_sentiment", virtual_adversarial=5.0, dropout=0.5)
    data = small_tasks.examples("gru_sentiment")
    model.fit(*data, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    found = []
    for one in (model, load(tmp_path / "model.keras")):
        assert one.virtual_adversarial == 5.0
        history = one.fit(*data, epochs=1, verbose=0).history
        found.append((history["virtual_adversarial_loss"], one.get_weights()))
    assert found[0][0] == found[1][0] > [0.0]
    for one, other in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="three more graphs")
def test_an_interrupted_training_goes_on_to_the_same_bits(tmp_path):
    """Directions are drawn by a generator of the task, which checkpoints hold."""

    class Stop(keras.callbacks.Callback):
        def __init__(self, last):
            super().__init__()
            self._last = last

        def on_epoch_end(self, epoch, logs=None):
            if epoch == self._last:
                raise KeyboardInterrupt

    found = []
    for folder in ("whole", "interrupted"):
        keras.utils.clear_session()
        options = {"epochs": 2, "unlabelled": MORE, "batch_size": 4}
        if folder == "interrupted":
            options["checkpoints"] = tmp_path
            with pytest.raises(KeyboardInterrupt):
                fit(small(virtual_adversarial=NORM), 3, callbacks=[Stop(0)], **options)
        model = small(virtual_adversarial=NORM)
        history = fit(model, 3, callbacks=[Stop(9)], **options)[0]
        found.append((history, model.get_weights()))
    assert found[0][0] == found[1][0]
    for one, other in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.one_backend
def test_seeds_choose_the_directions():
    histories = [
        fit(small(virtual_adversarial=NORM, seed=seed), 3, shuffle=False)[0] for seed in (0, 0, 1)
    ]
    losses = [one["virtual_adversarial_loss"] for one in histories]
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.one_backend
@pytest.mark.parametrize("more", [{"ngram_order": 2}, {"counterfactuals": 1.0}, {}])
def test_recipes_learn_from_unlabelled_texts(more):
    """They count for the vocabulary; with `distil_unlabelled=False` for word vectors alone."""
    text = "a good film, great fun, well acted"
    data = [text, "a bad film, a dull bore, badly acted"] * 4, [1, 0] * 4
    options = {"unlabelled": ["unheard of"] * 3, "epochs": 1, "verbose": 0}
    small = {"units": 2, "embedding_size": 4, "min_count": 1, "embedding": "random", **more}
    model = recipes.lstm_sentiment(**small, virtual_adversarial=1.0)
    history = model.fit(*data, **options).history
    assert "unheard" in model.vocabulary.tokens
    assert history["accuracy"][0] * 16 % 1 == pytest.approx(0, abs=1e-4)  # 8 texts, or 16
    model = recipes.lstm_sentiment(**small, virtual_adversarial=1.0)
    model.fit(*data, **options, distil_unlabelled=False)
    assert "unheard" not in model.vocabulary.tokens


@pytest.mark.one_backend
def test_the_preset_large_starts_from_a_language_model_of_its_sizes():
    own = recipes.lstm_sentiment(preset="large").settings
    words = recipes.next_word(units=own["units"] // 256, embedding_size=own["embedding_size"] // 64)
    words.fit(TEXTS * 8, epochs=1, verbose=0)
    small = {"pretrained": words, "embedding_size": 4, "epochs": 1, "min_count": 1}
    model = recipes.lstm_sentiment(preset="large", units=4, virtual_adversarial=5.0, **small)
    history = model.fit(TEXTS * 8, [1, 0] * 20, unlabelled=MORE, verbose=0).history
    assert history["virtual_adversarial_loss"][0] > 0
    with pytest.raises(InputError, match="set units=4"):
        recipes.lstm_sentiment(preset="large", **small).fit(TEXTS, [1, 0, 0, 1, 0], verbose=0)


@pytest.mark.one_backend
def test_other_tasks_refuse_it():
    with pytest.raises(
        InputError, match=r"virtual_adversarial is 5.0, and SequenceTagger does not"
    ):
        SequenceTagger(virtual_adversarial=5.0)
    with pytest.raises(InputError, match=r"virtual_adversarial is 5.0, and BagOfWords does not"):
        BagOfWords(virtual_adversarial=5.0)
    with pytest.raises(InputError, match="next_word has no setting 'virtual_adversarial'"):
        recipes.next_word(virtual_adversarial=5.0)
    with pytest.raises(InputError, match=r"virtual_adversarial is -1; expected a number of at"):
        TextClassifier(virtual_adversarial=-1)
