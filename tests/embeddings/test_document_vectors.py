"""Tests of n-gram vectors by document prediction, and of the classifier on their mean."""

import numpy as np
import pytest

from rnnkit.backend.numba.available import missing
from rnnkit.embeddings.document_vectors import train_ngram_vectors
from rnnkit.errors import InputError
from rnnkit.tasks import DocumentVectorClassifier

pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.skipif(missing() is not None, reason=f"the loop needs Numba: {missing()}"),
]


def loss(d, w, label, scale):
    cosine = d @ w / np.linalg.norm(d) / np.linalg.norm(w)
    return np.log1p(np.exp(-scale * cosine if label else scale * cosine))


def slope(function, x, step=1e-6):
    """Return the gradient of a function by central differences."""
    steps = step * np.eye(len(x))
    return np.array([(function(x + e) - function(x - e)) / (2 * step) for e in steps])


def one_step(function, keep=1.0, ngrams=(1,), shared=1):
    """Train on one document; each draw of noise is the n-gram 2."""
    generator = np.random.default_rng(0)
    documents = generator.normal(size=(1, 4)).astype("float32")
    vectors = generator.normal(size=(3, 4)).astype("float32")
    before = documents.astype("float64"), vectors.astype("float64")
    result = function(
        *(np.array(ngrams, np.int32), np.array([0, len(ngrams)]), np.array([0])),
        *(documents, vectors, np.full(3, keep, "float32"), np.array([2], np.int32)),
        *(0.01, 6.0, 1, shared, 0),
    )
    return before, (documents, vectors), result


def descended(d, w, steps):
    """Return the vectors after steps `(n-gram, whether it is there, weight)`, and the loss."""
    total = 0.0
    for number, there, weight in steps:
        total += weight * loss(d, w[number], there, 6.0)
        by_d = slope(lambda x, v=w[number], t=there: loss(x, v, t, 6.0), d)
        by_w = slope(lambda x, d=d, t=there: loss(d, x, t, 6.0), w[number])
        d, w = d - 0.01 * weight * by_d, w.copy()
        w[number] -= 0.01 * weight * by_w
    return d, w, total


@pytest.mark.parametrize(
    ("ngrams", "shared", "steps"),
    [
        ([1], 1, [(1, True, 1), (2, False, 1)]),
        ([1, 0], 1, [(1, True, 1), (2, False, 1), (0, True, 1), (2, False, 1)]),
        ([1, 0], 2, [(1, True, 1), (0, True, 1), (2, False, 2)]),
        ([1, 0, 1], 2, [(1, True, 1), (0, True, 1), (2, False, 2), (1, True, 1), (2, False, 1)]),
        ([1], 4, [(1, True, 1), (2, False, 1)]),  # the end of a document
    ],
)
def test_steps_descend_the_gradient_of_the_loss(ngrams, shared, steps):
    from rnnkit.backend.numba.document_vectors import train_epoch

    (d, w), (new_d, new_w), (total, count) = one_step(train_epoch, ngrams=ngrams, shared=shared)
    expected_d, expected_w, expected = descended(d[0], w, steps)
    np.testing.assert_allclose(new_d[0], expected_d, rtol=0, atol=1e-6)
    np.testing.assert_allclose(new_w, expected_w, rtol=0, atol=1e-6)
    assert count == len(ngrams)
    assert total == pytest.approx(expected, rel=1e-5)


def test_the_compiled_loop_does_what_its_python_source_says():
    from rnnkit.backend.numba.document_vectors import train_epoch

    options = {"ngrams": [1, 0, 1, 2, 0], "shared": 2}
    _, fast, result = one_step(train_epoch, **options)
    _, slow, expected = one_step(train_epoch.py_func, **options)
    for a, b in zip((*fast, *result), (*slow, *expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_what_is_not_kept_changes_nothing():
    from rnnkit.backend.numba.document_vectors import train_epoch

    (d, w), (new_d, new_w), (_, count) = one_step(train_epoch, keep=0.0)
    assert count == 0
    np.testing.assert_array_equal(new_d, d.astype("float32"))
    np.testing.assert_array_equal(new_w, w.astype("float32"))


def test_vectors_are_units_and_the_seed_decides():
    rows = [np.array([1, 2]), np.array([3])] * 10
    one, same, other = (
        train_ngram_vectors(rows, 4, vector_size=4, epochs=2, seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_allclose(np.linalg.norm(one[1:], axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(one[0], 0)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_threads_train_each_document_once_per_epoch():
    """Without noise, documents that share no n-gram do not see each other."""
    rows = [np.arange(1, 51) + 50 * i for i in range(20)]
    options = {"vector_size": 200, "epochs": 3, "negatives": 0, "rate": 0.1}
    one, two = (train_ngram_vectors(rows, 1001, threads=n, **options) for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_two_threads_learn_as_well_as_one():
    """N-grams of the same documents get similar vectors, whoever trains the documents."""
    generator = np.random.default_rng(0)
    rows = [generator.integers(1, 21, 60) + 20 * (i % 2) for i in range(400)]
    for threads in (1, 2):
        v = train_ngram_vectors(rows, 41, vector_size=64, rate=0.05, epochs=5, threads=threads)
        cosine = v[1:] @ v[1:].T
        alike = np.kron(np.eye(2, dtype=bool), np.ones((20, 20), bool))
        assert cosine[alike].mean() > cosine[~alike].mean() + 0.2


def test_documents_without_ngrams_are_refused():
    with pytest.raises(InputError, match="n-gram"):
        train_ngram_vectors([np.array([], int)] * 3, 2)


POSITIVE = ["a great film", "great fun", "what great fun it was", "fun and great"]
NEGATIVE = ["a bad film", "bad bore", "what a bad bore it was", "bore and bad"]


def classifier(**options):
    options = {"min_count": 1, "vector_size": 8, "epochs": 30, "ngrams": 2} | options
    return DocumentVectorClassifier(**options)


def test_classes_are_told_apart_and_unlabelled_texts_are_learned():
    """Words that only unlabelled texts have get vectors like those they stand beside."""
    labels = ["pos"] * 4 + ["neg"] * 4
    unlabelled = ["great splendid fun", "splendid great", "bad dreadful bore", "dreadful bad"] * 10
    model = classifier().fit((POSITIVE + NEGATIVE) * 5, labels * 5, unlabelled=unlabelled)
    assert model.classes == ("neg", "pos")
    p = model.predict_proba(["great fun", "bad bore", "splendid", "dreadful"])[:, 1]
    assert p[0] > 0.5 > p[1]
    assert p[2] > p[3]
    np.testing.assert_allclose(model.predict(["great fun"])[:, 0], p[:1])


def test_rows_permuted_within_a_class_give_the_same_classes():
    """Texts and labels are joined by their place, not by another order."""
    order = [3, 1, 0, 2, 7, 5, 4, 6]
    texts = [(POSITIVE + NEGATIVE)[i] for i in order]
    model = classifier().fit(texts * 5, ([1] * 4 + [0] * 4) * 5)
    found = model.predict_proba(POSITIVE + NEGATIVE)[:, 1] > 0.5
    assert found.tolist() == [True] * 4 + [False] * 4


def test_an_empty_text_and_unknown_words_are_answered_alike():
    model = classifier().fit(POSITIVE + NEGATIVE, [1] * 4 + [0] * 4)
    empty, unknown = model.predict_proba(["", "zzz"])
    np.testing.assert_array_equal(empty, unknown)
    np.testing.assert_allclose(empty.sum(), 1)


def test_three_classes_and_a_file_of_the_classifier(tmp_path):
    texts = POSITIVE + NEGATIVE + ["a sad film", "so sad", "what sad tears", "tears and sad"]
    model = classifier().fit(texts * 5, (["pos"] * 4 + ["neg"] * 4 + ["sad"] * 4) * 5)
    p = model.predict_proba(["great fun", "bad bore", "sad tears"])
    assert p.argmax(1).tolist() == [1, 0, 2]
    model.save(tmp_path / "model.npz")
    again = DocumentVectorClassifier.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.predict_proba(texts), model.predict_proba(texts))
    assert again.classes == model.classes


def test_an_unfitted_classifier_is_refused():
    with pytest.raises(InputError):
        classifier().predict(["a text"])
