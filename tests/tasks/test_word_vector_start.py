"""Where the words' vectors of a text recipe start, and whether they learn."""

from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from typer.testing import CliRunner

from rnnkit.cli import app
from rnnkit.errors import InputError
from rnnkit.recipes import bilstm_sentiment, gru_sentiment, lstm_sentiment, rnn_sentiment
from rnnkit.tasks import load

pytestmark = pytest.mark.one_backend  # but for the tests marked every_backend

SMALL = {"units": 4, "embedding_size": 6, "min_count": 1, "epochs": 2, "learning_rate": 0.03}
FOUND = [f"word{i}" for i in range(15)]  # of the 22 words: not the rarest, nor what decides


@pytest.fixture(scope="module")
def vectors():
    """Vectors of words that the reviews know and of some that they do not."""
    given = KeyedVectors(6)
    numbers = np.random.default_rng(1).normal(size=(17, 6)).astype("float32")
    given.add_vectors([*FOUND, "elsewhere", "nowhere"], numbers)
    return given


@pytest.fixture(scope="module")
def files(vectors, tmp_path_factory):
    """The vectors as gensim writes them."""
    folder = tmp_path_factory.mktemp("vectors")
    vectors.save_word2vec_format(folder / "words.txt")
    vectors.save_word2vec_format(folder / "words.bin", binary=True)
    return folder


@pytest.fixture(scope="module")
def frozen(files, reviews):
    model = bilstm_sentiment(**SMALL, embedding=files / "words.bin", embedding_trainable=False)
    model.fit(*reviews, verbose=0)
    return model


def rows(model):
    """Return the embedding's vectors by word; "" is padding."""
    (table,) = model.network.get_layer("embedding").get_weights()
    return dict(zip(model.vocabulary.tokens, table, strict=True))


@pytest.mark.every_backend
@pytest.mark.deep("tensorflow")
def test_a_frozen_table_stays_as_the_file_has_it(frozen, vectors):
    table = rows(frozen)
    for word in FOUND:
        np.testing.assert_array_equal(table[word], vectors[word])
    mean = np.mean([vectors[word] for word in FOUND], axis=0)
    for word in ("good", "bad", "word15", "word19", "[UNK]"):
        np.testing.assert_allclose(table[word], mean, atol=1e-6)
    assert not table[""].any()
    trained = {weight.path for weight in frozen.trainable_variables}
    assert trained
    assert not any("embedding" in path for path in trained)


def test_the_shares_are_told_in_words_and_in_running_words(frozen, reviews):
    tokens = " ".join(reviews[0]).split()
    assert frozen.share_of_vectors == len(FOUND) / 22
    assert frozen.share_of_tokens == pytest.approx(np.mean([token in FOUND for token in tokens]))


def test_a_saved_model_needs_the_file_no_more(frozen, files, reviews, tmp_path):
    source = files / "words.bin"
    frozen.save(tmp_path / "model.keras")
    source.rename(files / "away.bin")
    try:
        again = load(tmp_path / "model.keras")
    finally:
        (files / "away.bin").rename(source)
    before = rows(again)
    again.fit(*reviews, epochs=1, verbose=0)
    for word, row in rows(frozen).items():
        np.testing.assert_array_equal(row, before[word])
        np.testing.assert_array_equal(row, rows(again)[word])
    assert not again.network.get_layer("embedding").trainable
    assert again.share_of_vectors == frozen.share_of_vectors
    assert again.share_of_tokens == frozen.share_of_tokens
    assert again.settings["embedding"] == str(source)
    assert again.settings["embedding_trainable"] is False


@pytest.mark.every_backend
@pytest.mark.parametrize("recipe", [rnn_sentiment, lstm_sentiment])
@pytest.mark.deep("jax")
def test_the_network_learns_around_a_frozen_table(recipe, files, reviews):
    """One direction, last state or pooled: kernels get inputs that need no gradient."""
    quiet = {"dropout": 0.0, "embedding_dropout": 0.0}  # four epochs outweigh no draw of them
    model = recipe(**SMALL, **quiet, embedding=files / "words.txt", embedding_trainable=False)
    losses = model.fit(*reviews, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_trained_vectors_move_and_a_line_tells_the_share(files, vectors, reviews, capfd):
    model = gru_sentiment(**SMALL, embedding=files / "words.txt")
    model.fit(*reviews, unlabelled=["no use"] * 3, verbose=2)
    assert model.network.get_layer("embedding").trainable
    assert not np.array_equal(rows(model)["word0"], vectors["word0"])
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("rnnkit:")]
    assert "68.2% of the vocabulary's 22 words" in lines[0]
    assert f"{model.share_of_tokens:.1%} of the running words" in lines[0]
    assert "3 unlabelled texts are not used" in lines[1]
    model.fit(*reviews, epochs=1, verbose=2)
    assert "rnnkit:" not in capfd.readouterr().err  # once is enough


def test_random_vectors_can_be_frozen_and_have_no_share(reviews, capfd):
    model = gru_sentiment(**SMALL, embedding="random", embedding_trainable=False)
    model.fit(*reviews, epochs=1, verbose=0)
    first = rows(model)
    model.fit(*reviews, epochs=1, verbose=2)
    for word, row in rows(model).items():
        np.testing.assert_array_equal(row, first[word])
    assert len({row.tobytes() for row in first.values()}) == len(first)  # words differ
    assert (model.share_of_vectors, model.share_of_tokens) == (None, None)
    assert "rnnkit:" not in capfd.readouterr().err


def test_the_trainer_gets_all_texts_and_is_the_one_asked_for(reviews, vectors, monkeypatch):
    seen = {}

    def trained(corpus, **options):
        seen.update(options, corpus=corpus)
        return vectors

    monkeypatch.setattr("rnnkit.tasks.word_task.train_word_vectors", trained)
    model = gru_sentiment(
        **SMALL, embedding="cbow", embedding_trainer="keras", embedding_trainable=False
    )
    model.fit(*reviews, unlabelled=["One more."], epochs=1, verbose=0)
    assert (seen["method"], seen["trainer"], seen["vector_size"]) == ("cbow", "keras", 6)
    assert len(seen["corpus"]) == 129
    assert seen["corpus"][-1] == ["one", "more"]
    assert "one" not in model.vocabulary  # without a label it is no word to learn with
    np.testing.assert_array_equal(rows(model)["word0"], vectors["word0"])


def test_a_file_of_another_width_is_refused_by_both_numbers(files, reviews):
    model = gru_sentiment(**{**SMALL, "embedding_size": 8}, embedding=files / "words.bin")
    with pytest.raises(InputError, match=r"(?s)words\.bin.*\b6\b.*embedding_size=6") as refused:
        model.fit(*reviews, verbose=0)
    assert "8" in str(refused.value)
    assert model.network is None
    assert model.vocabulary is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"embedding": "skipgram"}, r"'skip-gram', 'cbow'\).*file.*Did you mean 'skip-gram'"),
        ({"embedding": Path("no/such/file.bin")}, "no such file\\.$"),
        ({"embedding": Path(__file__).with_suffix(".bin")}, "Did you mean '.*start.py'"),
        ({"embedding": 3}, "embedding is 3"),
        ({"embedding": "cbow", "embedding_trainer": "gensin"}, "Did you mean 'gensim'"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_at_once(settings, message):
    with pytest.raises(InputError, match=message):
        gru_sentiment(**settings)


def test_the_command_line_has_the_settings():
    shown = CliRunner().invoke(app, ["train", "lstm_sentiment", "--help"], env={"COLUMNS": "200"})
    for option in ("--embedding ", "--embedding-trainer", "--no-embedding-trainable"):
        assert option in shown.output
