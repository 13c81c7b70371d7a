"""H1: Markov chains against enumeration, powers and eigenvectors, and numbers from a textbook."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from rnnkit.errors import InputError
from rnnkit.hmm.chain.markov_chain import MarkovChain

OZ = np.array([[0.5, 0.25, 0.25], [0.5, 0, 0.5], [0.25, 0.25, 0.5]])  # rain, nice, snow
WEATHER = ["rain", "nice", "snow"]
FEW = settings(max_examples=50, deadline=None)


@st.composite
def matrices(draw, zeros=True):
    """Random chains of 1 to 5 states, many of them with missing transitions."""
    size = draw(st.integers(1, 5))
    whole = st.integers(0 if zeros else 1, 4)
    counts = draw(hnp.arrays("float64", (size, size), elements=whole))
    counts[counts.sum(1) == 0] = 1
    return counts / counts.sum(1, keepdims=True)


def random_chain(size, seed):
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.ones(size), size + 1)
    return MarkovChain.from_matrix(rows[1:], startprob=rows[0])


def test_counts_become_probabilities():
    # a -> a once, a -> b twice, b -> a once, b -> b once; both sequences begin with a
    chain = MarkovChain().fit([["a", "a", "b"], ["a", "b", "b", "a"]])
    assert chain.classes_.tolist() == ["a", "b"]
    np.testing.assert_allclose(chain.transmat_, [[1 / 3, 2 / 3], [1 / 2, 1 / 2]])
    np.testing.assert_allclose(chain.startprob_, [1, 0])
    smooth = MarkovChain(prior=0.5).fit([["a", "a", "b"], ["a", "b", "b", "a"]])
    np.testing.assert_allclose(smooth.transmat_, [[1.5 / 4, 2.5 / 4], [1.5 / 3, 1.5 / 3]])
    np.testing.assert_allclose(smooth.startprob_, [2.5 / 3, 0.5 / 3])


SAME = [
    ([[3, 1, 1], [1, 3]], None),
    ((np.array([3, 1, 1]), np.array([1, 3])), None),
    ([3, 1, 1, 1, 3], [3, 2]),
    (np.array([[3], [1], [1], [1], [3]]), np.array([3, 2])),
    ([[3.0, 1.0, 1.0], [1.0, 3.0]], None),
]


@pytest.mark.parametrize(("sequences", "lengths"), SAME)
def test_each_form_of_input_gives_the_same(sequences, lengths):
    chain = MarkovChain().fit(sequences, lengths)
    assert chain.classes_.tolist() == [1, 3]
    np.testing.assert_allclose(chain.transmat_, [[0.5, 0.5], [1, 0]])
    np.testing.assert_allclose(chain.startprob_, [0.5, 0.5])
    assert chain.score(sequences, lengths) == pytest.approx(math.log(0.5**4))


def test_one_row_is_one_sequence_and_a_table_has_one_in_each_row():
    words = ["ab", "cd", "ab"]
    assert MarkovChain().fit(words).classes_.tolist() == ["ab", "cd"]
    rows = np.array([[0, 1, 0], [1, 1, 0]])
    np.testing.assert_allclose(MarkovChain().fit(rows).transmat_, [[0, 1], [2 / 3, 1 / 3]])
    column = rows[:1].T
    np.testing.assert_allclose(MarkovChain().fit(column).transmat_, [[0, 1], [1, 0]])


def test_the_order_of_states_may_be_given_with_some_never_seen():
    chain = MarkovChain(prior=1, classes=WEATHER).fit([["snow", "rain"]])
    assert chain.classes_.tolist() == WEATHER
    np.testing.assert_allclose(chain.startprob_, [1 / 4, 1 / 4, 1 / 2])
    np.testing.assert_allclose(chain.transmat_[2], [1 / 2, 1 / 4, 1 / 4])
    np.testing.assert_allclose(chain.transmat_[:2], np.full((2, 3), 1 / 3))


def test_a_state_seen_only_at_the_end_gets_a_uniform_row_and_a_warning():
    with pytest.warns(UserWarning, match=r"No transition from \['c'\]"):
        chain = MarkovChain().fit([list("abc"), list("aab")])
    np.testing.assert_allclose(chain.transmat_[2], np.full(3, 1 / 3))
    np.testing.assert_allclose(chain.transmat_.sum(1), 1)
    tiny = MarkovChain(prior=1e-9).fit([list("abc"), list("aab")])  # says nothing
    np.testing.assert_allclose(tiny.transmat_, chain.transmat_, atol=1e-8)


def test_probabilities_of_all_sequences_sum_to_one_and_give_the_marginals():
    chain, steps = random_chain(3, 0), 4
    marginals = np.zeros((steps, 3))
    for path in itertools.product(range(3), repeat=steps):
        p = chain.startprob_[path[0]]
        for i, j in itertools.pairwise(path):
            p *= chain.transmat_[i, j]
        assert chain.probability(path) == pytest.approx(p, rel=1e-12)
        assert chain.log_probability(path) == pytest.approx(math.log(p), rel=1e-12)
        for step, state in enumerate(path):
            marginals[step, state] += p
    np.testing.assert_allclose(chain.marginals(steps), marginals, rtol=1e-12)
    assert chain.marginals(0).shape == (0, 3)


def test_a_long_sequence_and_one_that_cannot_be():
    chain = MarkovChain.from_matrix(OZ, classes=WEATHER)
    assert chain.log_probability(["nice", "nice"]) == -math.inf
    assert chain.probability(["nice", "nice"]) == 0
    assert chain.log_probability(["rain"] * 10_001) == pytest.approx(
        math.log(1 / 3) + 10_000 * math.log(0.5)
    )


@FEW
@given(matrices(), st.integers(0, 6))
def test_later_distributions_are_powers(matrix, steps):
    chain = MarkovChain.from_matrix(matrix)
    power = np.eye(len(matrix))
    for _ in range(steps):
        power = power @ matrix
    size = len(matrix)
    np.testing.assert_allclose(chain.predict_proba(range(size), steps), power, atol=1e-12)
    np.testing.assert_allclose(chain.marginals(steps + 1)[-1], power.mean(0), atol=1e-12)
    np.testing.assert_allclose(chain.predict_proba(size - 1, steps), power[-1], atol=1e-12)


def test_prediction_names_the_likeliest_state():
    chain = MarkovChain.from_matrix(OZ, classes=WEATHER)
    # Grinstead and Snell, example 11.1: two days after rain, snow has probability 0.375.
    assert chain.predict_proba("rain", steps=2)[2] == pytest.approx(0.375)
    assert chain.predict(["snow", "rain", "nice"]).tolist() == ["snow", "rain", "rain"]
    assert chain.predict("snow") == "snow"
    assert type(chain.predict("snow")) is str


def test_textbook_chains():
    # Grinstead and Snell: the Land of Oz, example 11.19; any chain of two states.
    oz = MarkovChain.from_matrix(OZ)
    np.testing.assert_allclose(oz.stationary_distribution(), [0.4, 0.2, 0.4], rtol=1e-14)
    a, b = 0.3, 0.05
    two = MarkovChain.from_matrix([[1 - a, a], [b, 1 - b]])
    np.testing.assert_allclose(two.stationary_distribution(), [b / (a + b), a / (a + b)])


def eigenvector(matrix):
    values, vectors = scipy.linalg.eig(matrix.T)
    found = vectors[:, np.argmin(abs(values - 1))].real
    return found / found.sum()


@FEW
@given(matrices(zeros=False))
def test_stationary_is_the_eigenvector_of_one(matrix):
    found = MarkovChain.from_matrix(matrix).stationary_distribution()
    np.testing.assert_allclose(found, eigenvector(matrix), atol=1e-10)
    np.testing.assert_allclose(found, np.linalg.matrix_power(matrix, 500)[0], atol=1e-10)


def test_stationary_keeps_its_digits_where_an_eigenvector_does_not():
    # Two pairs of states that hardly ever meet: exact in fractions.
    tiny = Fraction(1, 2**60)
    exact = [
        [0, 1 - tiny, tiny, 0],
        [Fraction(1, 2), Fraction(1, 2), 0, 0],
        [2 * tiny, 0, 0, 1],
        [0, 0, Fraction(1, 4), Fraction(3, 4)],
    ]
    # Balance between the pairs: π_0 tiny = π_2 2 tiny; within them π_1 = 2 π_0, π_3 = 4 π_2.
    wanted = np.array([2, 4, 1, 4]) / 11
    found = MarkovChain.from_matrix(np.array(exact, "float64")).stationary_distribution()
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


def test_samples_have_the_chain_s_frequencies():
    chain = MarkovChain.from_matrix(OZ, classes=WEATHER)
    path = chain.sample(20_000, random_state=0)
    assert path[:50].tolist() == chain.sample(50, random_state=0).tolist()
    learned = MarkovChain(classes=WEATHER).fit(path)
    np.testing.assert_allclose(learned.transmat_, OZ, atol=0.015)  # about 3 standard errors
    assert learned.transmat_[1, 1] == 0
    firsts = [chain.sample(1, np.random.default_rng(seed))[0] for seed in range(600)]
    np.testing.assert_allclose([firsts.count(name) / 600 for name in WEATHER], 1 / 3, atol=0.06)
    assert chain.sample(0).shape == (0,)


class Zeros(np.random.Generator):
    """Draws the smallest number there is, always."""

    def random(self, size):
        return np.zeros(size)


def test_a_sample_never_takes_a_transition_of_probability_zero():
    chain = MarkovChain.from_matrix([[0, 1], [1, 0]], startprob=[0, 1])
    assert chain.sample(4, Zeros(np.random.PCG64())).tolist() == [1, 0, 1, 0]


def walks(matrix, steps):
    """Boolean: is there a way of exactly so many steps."""
    return np.linalg.matrix_power((matrix > 0).astype(object), steps) > 0


@FEW
@given(matrices())
def test_classes_and_periods_follow_from_walks(matrix):
    size = len(matrix)
    chain = MarkovChain.from_matrix(matrix)
    ways = [walks(matrix, steps) for steps in range(2 * size**2 + 1)]
    meet = np.any(ways, axis=0) & np.any(ways, axis=0).T
    found = chain.communicating_classes()
    assert sorted(itertools.chain(*found)) == list(range(size))
    for members in found:
        assert np.flatnonzero(meet[members[0]]).tolist() == members
    for state in range(size):
        lengths = [steps for steps, way in enumerate(ways) if steps and way[state, state]]
        assert chain.period(state) == math.gcd(*lengths)


@FEW
@given(matrices())
def test_there_is_an_answer_or_a_reason(matrix):
    chain = MarkovChain.from_matrix(matrix)
    ways = np.any([walks(matrix, steps) for steps in range(len(matrix))], axis=0)
    if not ways.all():
        with pytest.raises(InputError, match="reducible"):
            chain.stationary_distribution()
    elif chain.period() > 1:
        with pytest.raises(InputError, match=f"period {chain.period()}"):
            chain.stationary_distribution()
    else:
        found = chain.stationary_distribution()
        np.testing.assert_allclose(found @ matrix, found, atol=1e-14)


def test_a_reducible_chain_is_refused_by_name():
    chain = MarkovChain.from_matrix(
        [[0.2, 0.4, 0.4, 0], [0, 1, 0, 0], [0, 0, 0.5, 0.5], [0, 0, 1, 0]],
        classes=["fork", "left", "r1", "r2"],
    )
    assert chain.communicating_classes() == [["fork"], ["left"], ["r1", "r2"]]
    with pytest.raises(InputError) as error:
        chain.stationary_distribution()
    message = str(error.value)
    assert "left cannot reach fork, r1, r2; r1 cannot reach fork, left" in message
    assert "never leaves: ['left'], ['r1', 'r2']" in message
    assert "prior=1" in message
    with pytest.raises(InputError, match="reducible"):
        chain.period()
    assert [chain.period(name) for name in ("fork", "r1")] == [1, 1]
    part = MarkovChain.from_matrix(chain.transmat_[2:, 2:])  # what the message advises
    np.testing.assert_allclose(part.stationary_distribution(), [2 / 3, 1 / 3])


def test_a_periodic_chain_is_refused_with_its_period():
    chain = MarkovChain.from_matrix(np.roll(np.eye(3), 1, axis=1))
    assert chain.period() == chain.period(2) == 3
    with pytest.raises(InputError, match=r"period 3.*lazy chain"):
        chain.stationary_distribution()
    lazy = MarkovChain.from_matrix((chain.transmat_ + np.eye(3)) / 2)  # what it advises
    np.testing.assert_allclose(lazy.stationary_distribution(), np.full(3, 1 / 3))
    assert MarkovChain.from_matrix([[0, 1], [0, 1]]).period(0) == 0  # never back


def test_habits_of_scikit_learn():
    chain = MarkovChain(prior=2, classes=("b", "a"))
    twin = clone(chain)
    assert twin.get_params() == {"prior": 2, "classes": ("b", "a")}
    assert repr(MarkovChain(prior=2)) == "MarkovChain(prior=2)"
    assert chain.fit([["a", "b"]]) is chain
    assert not hasattr(clone(chain), "transmat_")
    for call in (
        lambda: twin.marginals(2),
        lambda: twin.score([["a"]]),
        lambda: twin.sample(3),
        lambda: twin.predict("a"),
        lambda: twin.period("a"),
        twin.stationary_distribution,
        twin.communicating_classes,
    ):
        with pytest.raises(NotFittedError):
            call()


@pytest.mark.parametrize(
    ("transmat", "more", "message"),
    [
        ([[0.5, 0.4], [0, 1]], {"classes": ["a", "b"]}, r"Row 0 .*'a'.* sums to 0.9"),
        ([[2, 1], [1, 1]], {}, "counts"),
        ([[1.5, -0.5], [0, 1]], {}, r"Row 0.*probabilities"),
        ([[0.5, 0.5], [np.nan, 1]], {}, "Row 1"),
        ([[0.5, 0.5]], {}, r"shape \(1, 2\)"),
        ([0.5, 0.5], {}, r"shape \(2,\)"),
        (np.zeros((0, 0)), {}, r"shape \(0, 0\)"),
        (np.eye(2), {"startprob": [0.5, 0.6]}, "startprob"),
        (np.eye(2), {"startprob": [1]}, "startprob"),
        (np.eye(2), {"classes": ["a"]}, "1 classes"),
        (np.eye(2), {"classes": ["a", "a"]}, "'a' twice"),
    ],
)
def test_bad_matrices(transmat, more, message):
    with pytest.raises(InputError, match=message):
        MarkovChain.from_matrix(transmat, **more)


@pytest.mark.parametrize(
    ("given", "lengths", "message"),
    [
        ([], None, "no sequence"),
        ([["a"], []], None, "Sequence 1 is empty"),
        (["a", "b"], [2, 0], "Sequence 1 is empty"),
        (["a", "b"], [1], "sum to 2"),
        (["a", "b"], [1.0, 1.0], "expected integers"),
        (["a", "b"], [3, -1], "expected integers"),
        (["a", "b"], [[1], [1, 2]], "expected integers"),
        ([["a", "b"]], [2], "needs none"),
        ("abab", None, r"list\(text\)"),
        (["a", ["b"]], None, "Item 1 is a sequence and item 0 is a label"),
        (["a", 1], None, "strings and some are numbers"),
        ([["a"], [1]], None, "strings and some are numbers"),
        ([["a", None]], None, "Step 1 of sequence 0 is None"),
        ([1.0, np.nan], None, "Step 1 of sequence 0 is nan"),
        ([[[1, 2], [3, 4]]], None, "expected a string or a number"),
    ],
)
def test_bad_sequences(given, lengths, message):
    with pytest.raises(InputError, match=message):
        MarkovChain().fit(given, lengths)


def test_unknown_labels_and_other_bad_words():
    chain = MarkovChain.from_matrix(OZ, classes=WEATHER)
    with pytest.raises(InputError, match=r"'snwo' \(sequence 0, step 1\).*mean 'snow'"):
        chain.probability(["rain", "snwo"])
    with pytest.raises(InputError, match="sequence 1, step 0"):
        MarkovChain(classes=WEATHER).fit([["rain"], ["hail"]])
    with pytest.raises(InputError, match="empty"):
        chain.log_probability([])
    with pytest.raises(InputError, match="n is -1"):
        chain.sample(-1)
    with pytest.raises(InputError, match="prior is -1"):
        MarkovChain(prior=-1).fit([["a"]])
    learned = MarkovChain().fit([["a", "a"]])
    with pytest.raises(InputError):
        learned.fit([["b"], []])
    assert learned.classes_.tolist() == ["a"]  # as it was
