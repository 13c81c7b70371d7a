"""R9: the Hopfield network, against its equations unit by unit."""

import warnings

import numpy as np
import pytest

from rnnkit.errors import InputError
from rnnkit.recurrent.hopfield import ORDERS, CapacityWarning, HopfieldNetwork


def patterns(count, units, seed=0):
    return np.random.default_rng(seed).choice([-1, 1], (count, units))


def damaged(rows, share, seed=0):
    rng, cues = np.random.default_rng(seed), rows.copy()
    for row in cues:
        row[rng.choice(len(row), round(share * len(row)), replace=False)] *= -1
    return cues


def loaded(rows, rule="hebb", **options):
    network = HopfieldNetwork(rows.shape[1], **options)
    network.store(rows, rule)
    return network


def energy(network, state):
    """The double sum, term by term."""
    n, w = network.units, network.weights
    pairs = sum(w[i, j] * state[i] * state[j] for i in range(n) for j in range(n))
    return -pairs / 2 + sum(network.thresholds[i] * state[i] for i in range(n))


def test_hebb_by_hand():
    network = HopfieldNetwork(3)
    network.store([1, 1, -1])
    with pytest.warns(CapacityWarning, match="2 patterns are stored in 3 units; past 0.4"):
        network.store([1, -1, -1])
    np.testing.assert_allclose(network.weights * 3, [[0, 0, -2], [0, 0, 0], [-2, 0, 0]])
    assert network.stored == 2


def test_storkey_by_its_formula():
    rows, n = patterns(3, 7), 7
    w = np.zeros((n, n))
    for x in rows:
        h = np.array(
            [
                [sum(w[i, k] * x[k] for k in range(n) if k not in (i, j)) for j in range(n)]
                for i in range(n)
            ]
        )
        w = w + (np.outer(x, x) - x[:, None] * h.T - h * x[None, :]) / n
        np.fill_diagonal(w, 0)
    np.testing.assert_allclose(loaded(rows, "storkey").weights, w, atol=1e-12)


@pytest.mark.parametrize("rule", ["hebb", "storkey"])
def test_storing_in_two_parts_is_storing_at_once(rule):
    rows = patterns(6, 50)
    network = loaded(rows[:2], rule)
    network.store(rows[2], rule)
    network.store(rows[3:], rule)
    np.testing.assert_allclose(network.weights, loaded(rows, rule).weights, atol=1e-12)
    np.testing.assert_array_equal(network.weights, network.weights.T)
    assert (np.diag(network.weights) == 0).all()
    assert network.stored == 6


@pytest.mark.parametrize("rule", ["hebb", "storkey"])
@pytest.mark.parametrize("units", [100, 200, 300])
def test_recalls_a_tenth_of_n_patterns_from_cues_with_a_fifth_flipped(units, rule):
    """Recalled: 97.5 % of the units right. Hebb's rule leaves a few wrong ones at rest."""
    overlaps = []
    for seed in range(600 // units):
        rows = patterns(units // 10, units, seed)
        recall = loaded(rows, rule).recall(damaged(rows, 0.2, seed))
        assert recall.rested.all()
        overlaps.append((recall.states * rows).mean(axis=1))
    assert (np.concatenate(overlaps) >= 0.95).mean() >= 0.95


@pytest.mark.parametrize("order", ORDERS)
def test_a_recalled_state_is_at_rest(order):
    rows = patterns(3, 60)
    network = loaded(rows, thresholds=np.linspace(-0.1, 0.1, 60))
    states, rested = network.recall(damaged(rows, 0.1), order=order)
    np.testing.assert_array_equal(states, rows)
    assert rested.all()
    assert states.dtype == np.int8
    again = network.recall(states, steps=1, order=order)
    np.testing.assert_array_equal(again.states, states)


@pytest.mark.parametrize("order", ["steepest", "random"])
def test_energy_never_rises_in_asynchronous_orders(order):
    """At every single step that the network takes, from anywhere, overloaded and with thresholds.

    The whole pass has to end where the single steps end, so it took the same ones.
    """
    rng = np.random.default_rng(0)
    with pytest.warns(CapacityWarning):
        network = loaded(patterns(20, 30), thresholds=rng.normal(size=30) / 3)
    state = patterns(1, 30, seed=3)[0]
    path, places = [energy(network, state)], np.random.default_rng(5).permutation(30)
    whole = network.recall(state, steps=1, order=order, seed=5).states[0]
    for place in range(30):
        fields = network.weights @ state - network.thresholds
        place = (fields * state).argmin() if order == "steepest" else places[place]
        if fields[place] * state[place] < 0:
            state[place] *= -1
        path.append(energy(network, state))
    np.testing.assert_array_equal(whole, state)
    assert (np.diff(path) <= 1e-12).all()
    assert path[-1] < path[0] - 1
    cues = patterns(200, 30, seed=4)
    before, after = network.energy(cues), network.energy(network.recall(cues, order=order).states)
    assert (after <= before + 1e-9).all()
    assert before[0] == pytest.approx(energy(network, cues[0]))


def test_synchronous_updates_may_go_round_in_circles():
    network = HopfieldNetwork(2)
    network.store([1, 1])
    states, rested = network.recall([[1, -1], [1, 1]], steps=3, order="synchronous")
    np.testing.assert_array_equal(states, [[-1, 1], [1, 1]])
    np.testing.assert_array_equal(rested, [False, True])
    assert network.recall([[1, -1]]).rested.all()


def test_thresholds_decide_and_zero_leaves_a_unit_as_it_is():
    network = HopfieldNetwork(3, thresholds=[-1, 0, 1])
    cues = np.array([[1, 1, 1], [-1, -1, -1]])
    for order in ORDERS:
        states = network.recall(cues, order=order).states
        np.testing.assert_array_equal(states, [[1, 1, -1], [1, -1, -1]])


def test_the_random_order_follows_its_seed():
    rows = patterns(13, 100)
    network, cues = loaded(rows), patterns(40, 100, seed=1)
    one, same, other = (network.recall(cues, order="random", seed=s).states for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize(("rule", "limit"), [("hebb", 13), ("storkey", 32)])
def test_a_notice_past_the_capacity(rule, limit):
    network = HopfieldNetwork(100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network.store(patterns(limit, 100), rule)
    with pytest.warns(CapacityWarning, match=rf"{limit + 1} patterns are stored in 100 units"):
        network.store(patterns(1, 100, seed=1), rule)
    assert network.stored == limit + 1


def test_saved_and_loaded(tmp_path):
    network = loaded(patterns(2, 20), thresholds=0.1)
    network.save(tmp_path / "memory.npz")
    network.save(tmp_path / "memory.npz")
    again = HopfieldNetwork.load(tmp_path / "memory.npz")
    np.testing.assert_array_equal(again.weights, network.weights)
    np.testing.assert_array_equal(again.thresholds, network.thresholds)
    assert (again.units, again.stored) == (20, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["memory.npz"]
    np.savez(tmp_path / "other.npz", weights=np.zeros((2, 2)))
    with pytest.raises(InputError, match=r"has no \['stored', 'thresholds'\]"):
        HopfieldNetwork.load(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: HopfieldNetwork(0), "units is 0; expected an integer"),
        (lambda net: HopfieldNetwork(3, [0, 1]), r"thresholds have the shape \(2,\)"),
        (lambda net: HopfieldNetwork(3, float("nan")), "expected one finite number"),
        (lambda net: net.store([1, -1]), r"patterns have the shape \(2,\); expected \(rows, 3\)"),
        (lambda net: net.store(np.ones((1, 1, 3))), "patterns have the shape"),
        (lambda net: net.store([0, 1, 1]), r"patterns contain \[0, 1\]; expected \+1 and -1"),
        (lambda net: net.store([True, True, False]), "expected .1 and -1 only.*2 . x - 1"),
        (lambda net: net.store([1, np.nan, 1]), "expected .1 and -1 only"),
        (lambda net: net.store([1, 1, 1], "delta"), "rule is 'delta'; expected one of"),
        (lambda net: net.recall([1, 1]), "cues have the shape"),
        (lambda net: net.recall([1, 1, 1], order="fast"), "order is 'fast'; expected one of"),
        (lambda net: net.recall([1, 1, 1], steps=0), "steps is 0; expected an integer"),
        (lambda net: net.energy([1, 1, 2]), r"states contain \[1, 2\]"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    network = HopfieldNetwork(3)
    with pytest.raises(InputError, match=message):
        call(network)
    assert network.stored == 0
