"""What a training of word vectors writes for TensorBoard, read back from the files."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from event_files import read
from tensorboard.plugins.text.text_plugin import text_array_to_html

from rnnkit.embeddings import SkipGram
from rnnkit.errors import InputError
from rnnkit.monitor import TensorBoard, WordVectorEvents
from rnnkit.monitor.word_vectors import nearest_words, select_words

WORDS = ["the", "king", "queen", "a|b", "cold", "warm"]
FIRST = np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1], [-1, 0.1], [-1, 0.2]], "float32")
# in the second epoch the king is nearer to "a|b" than to "the"
SECOND = FIRST.copy()
SECOND[1] = [1, 0.9]


class Model:
    """What the callbacks ask of a model of word vectors."""

    vocabulary = None

    def __init__(self, words=WORDS, tables=(FIRST, SECOND)):
        self.known = SimpleNamespace(words=list(words), counts=np.arange(len(words), 0, -1) * 10)
        self.tables = tables
        self.table = None

    def vectors_table(self):
        return self.table

    def fit(self, callback, epochs=2, first=0, steps=3):
        callback.set_model(self)
        callback.set_params({"steps": steps})
        callback.on_train_begin()
        self.vocabulary = self.known
        for epoch in range(first, first + epochs):
            callback.on_epoch_begin(epoch)
            for batch in range(3):
                loss = 3.0 - epoch - batch / 10
                callback.on_train_batch_end(batch, {"loss": loss, "learning_rate": 0.02})
            self.table = self.tables[epoch]
            callback.on_epoch_end(epoch, {"loss": 2.5 - epoch, "words_per_second": 1e5})
        callback.on_train_end()


def texts(found):
    return [(step, value.ravel()[0].decode()) for step, value in found["examples/neighbours"]]


def test_scalars_neighbours_and_projector_of_each_epoch(tmp_path):
    callback = WordVectorEvents(tmp_path, ("king", "a|b"), n=2)
    Model().fit(callback)
    found = read(tmp_path / "train")
    assert [step for step, _ in found["per_batch/loss"]] == [1, 2, 3, 4, 5, 6]
    losses = [float(value) for _, value in found["per_batch/loss"]]
    assert losses == pytest.approx([3.0, 2.9, 2.8, 2.0, 1.9, 1.8])
    assert {float(value) for _, value in found["per_batch/learning_rate"]} == {np.float32(0.02)}
    assert [(step, float(value)) for step, value in found["epoch/loss"]] == [(1, 2.5), (2, 1.5)]
    assert [float(value) for _, value in found["epoch/tokens_per_second"]] == [1e5, 1e5]
    # by hand: cosines of (1, .1) with (1, .2) and (1, 0); of (1, .9) with (1, .2) and (0, 1)
    assert texts(found) == [
        (
            1,
            "| word | nearest words |\n|---|---|\n"
            "| king | queen 1.00, the 1.00 |\n"
            "| a\\|b | queen .20, warm .20 |",
        ),
        (
            2,
            "| word | nearest words |\n|---|---|\n"
            "| king | queen .86, the .74 |\n"
            "| a\\|b | **king** .67, queen .20 |",
        ),
    ]
    table = text_array_to_html(np.array(texts(found)[1][1].encode(), dtype=object), True)
    assert table.count("<td>") == 4
    assert "<td>a|b</td>\n<td><strong>king</strong> .67, queen .20</td>" in table
    assert (tmp_path / "train" / "projector_config.pbtxt").exists()
    np.testing.assert_allclose(np.loadtxt(tmp_path / "train" / "tensors.tsv"), SECOND, rtol=1e-5)
    rows = (tmp_path / "train" / "metadata.tsv").read_text().splitlines()
    assert rows == ["word\tcount", *(f"{w}\t{10 * (6 - i)}" for i, w in enumerate(WORDS))]


def test_a_second_fit_goes_on_in_a_new_file(tmp_path):
    callback, model = WordVectorEvents(tmp_path, n=1), Model(tables=(FIRST, SECOND, FIRST))
    model.fit(callback, epochs=1)
    model.fit(callback, epochs=1, first=1)
    model.fit(WordVectorEvents(tmp_path, n=1), epochs=1, first=2)  # another process
    found = read(tmp_path / "train")
    assert [step for step, _ in found["per_batch/loss"]] == list(range(1, 10))
    assert [step for step, _ in texts(found)] == [1, 2, 3]
    assert ["**" in text for _, text in texts(found)] == [False, True, False]


def test_a_second_fit_of_unknown_length_counts_its_own_steps(tmp_path):
    Model().fit(WordVectorEvents(tmp_path, n=1), epochs=1, first=1, steps=None)
    assert [step for step, _ in read(tmp_path / "train")["per_batch/loss"]] == [1, 2, 3]


def test_a_model_trained_in_two_runs(tmp_path):
    corpus = [["a", "b", "a"], ["c", "d", "c"]] * 50
    model = SkipGram(vector_size=4, min_count=1, epochs=2, trainer="gensim")
    model.fit(corpus, epochs=1, callbacks=[WordVectorEvents(tmp_path, n=2)], verbose=0)
    callback = WordVectorEvents(tmp_path, n=2)
    model.fit(corpus, epochs=2, initial_epoch=1, callbacks=[callback], verbose=0)
    found = read(tmp_path / "train")
    assert [step for step, _ in found["epoch/tokens_per_second"]] == [1, 2]
    vectors = model.keyed_vectors()
    for row in texts(found)[-1][1].splitlines()[2:]:
        word, nears = row.strip("| ").split(" | ")
        best = [f"{near} {cosine:.2f}" for near, cosine in vectors.most_similar(word, topn=2)]
        assert nears.replace("*", "") == ", ".join(best).replace("0.", ".")
    np.testing.assert_allclose(
        np.loadtxt(tmp_path / "train" / "tensors.tsv"), vectors.vectors, rtol=1e-5
    )


def test_the_projector_shows_the_most_frequent_with_finite_vectors(tmp_path):
    broken = FIRST.copy()
    broken[1] = np.nan
    callback = WordVectorEvents(tmp_path, ["the", "king"], n=10, max_words=3)
    Model(tables=(broken,)).fit(callback, epochs=1)
    rows = (tmp_path / "train" / "metadata.tsv").read_text().splitlines()
    assert rows == ["word\tcount", "the\t60", "queen\t40"]
    assert "nan" not in texts(read(tmp_path / "train"))[0][1]


def test_the_general_callback_writes_the_projector_of_such_a_model(tmp_path):
    model = Model()
    model.vocabulary, model.table = model.known, FIRST
    callback = TensorBoard(tmp_path, max_words=4)
    callback.set_model(model)
    callback.on_train_end()
    rows = (tmp_path / "train" / "metadata.tsv").read_text().splitlines()
    assert [row.split("\t")[0] for row in rows] == ["word", *WORDS[:4]]


def test_neighbours_are_those_of_every_pair():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(30, 4)).astype("float32")
    words = [f"w{number}" for number in range(30)]
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    for word, near in nearest_words(table, words, words[::7], 5).items():
        own = words.index(word)
        by_hand = {other: float(unit[own] @ unit[i]) for i, other in enumerate(words) if i != own}
        best = sorted(by_hand, key=by_hand.get, reverse=True)[:5]
        assert [other for other, _ in near] == best
        assert [cosine for _, cosine in near] == pytest.approx([by_hand[o] for o in best], abs=1e-6)


@pytest.mark.parametrize("size", [1, 2, 12, 13, 500, 9_999, 71_000])
def test_words_are_chosen_over_the_ranks(size):
    ranks = [int(word) for word in select_words([str(rank) for rank in range(size)])]
    assert ranks == sorted(set(ranks))
    assert 1 <= len(ranks) <= 12
    assert ranks[0] == min(100, size // 10)
    assert ranks[-1] == min(10_000, size) - 1
    if size == 71_000:
        ratios = np.array(ranks[1:]) / ranks[:-1]
        assert np.ptp(ratios) < 0.03


def test_bad_input_before_an_epoch_is_spent(tmp_path):
    model = Model()
    with pytest.raises(InputError, match=r"'kings'.* not among the 6 .*Did you mean 'king'"):
        model.fit(WordVectorEvents(tmp_path, ["the", "kings"]))
    assert model.table is None
    for settings in ({"n": 0}, {"max_words": 0}):
        with pytest.raises(InputError, match="at least 1"):
            WordVectorEvents(tmp_path, **settings)
    with pytest.raises(InputError, match="words is empty"):
        WordVectorEvents(tmp_path, ())
