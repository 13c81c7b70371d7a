"""Hidden Markov models by enumeration of every path, in NumPy and float64."""

import itertools

import numpy as np


def joint(log_pi, log_A, log_lik):
    """Every path and its log P(path, observations): `(K ** T, T)`, `(K ** T,)`."""
    steps, states = log_lik.shape
    paths = np.array(list(itertools.product(range(states), repeat=steps)), int)
    paths = paths.reshape(states**steps, steps)
    scores = np.zeros(len(paths))
    for t in range(steps):
        scores = scores + log_lik[t, paths[:, t]]
        scores = scores + (log_A[paths[:, t - 1], paths[:, t]] if t else log_pi[paths[:, 0]])
    return paths, scores


def log_sum(scores):
    top = np.max(scores, initial=-np.inf)
    return top + np.log(np.sum(np.exp(scores - top))) if np.isfinite(top) else -np.inf


def posterior(log_pi, log_A, log_lik, t):
    """`P(z_t | all observations given)`."""
    paths, scores = joint(log_pi, log_A, log_lik)
    shares = np.exp(scores - log_sum(scores))
    return np.array([shares[paths[:, t] == k].sum() for k in range(len(log_pi))])


def explained(log_pi, log_A, log_lik):
    """The likelihoods, 0 at each step that nothing explains; and which steps those are."""
    log_lik, impossible = log_lik.copy(), []
    for t in range(len(log_lik)):
        if not np.isfinite(log_sum(joint(log_pi, log_A, log_lik[: t + 1])[1])):
            log_lik[t] = 0.0
            impossible.append(t)
    return log_lik, impossible


def everything(log_pi, log_A, log_lik, lag=2):
    """What can be known of one sequence without masked steps, as a dictionary."""
    steps, states = log_lik.shape
    log_lik, impossible = explained(log_pi, log_A, log_lik)
    paths, scores = joint(log_pi, log_A, log_lik)
    total = log_sum(scores)
    shares = np.exp(scores - total)
    transitions = np.zeros((states, states))
    for path, share in zip(paths, shares, strict=True):
        for t in range(1, steps):
            transitions[path[t - 1], path[t]] += share
    return {
        "log_prob": -np.inf if impossible else total,
        "filtered": np.array(
            [posterior(log_pi, log_A, log_lik[: t + 1], t) for t in range(steps)]
        ).reshape(steps, states),
        "smoothed": np.array([posterior(log_pi, log_A, log_lik, t) for t in range(steps)]).reshape(
            steps, states
        ),
        "lagged": np.array(
            [posterior(log_pi, log_A, log_lik[: t + 1 + lag], t) for t in range(steps)]
        ).reshape(steps, states),
        "transitions": transitions,
        "best": np.max(scores),
        "best_paths": paths[np.isclose(scores, np.max(scores), rtol=0, atol=1e-9)],
        "impossible": bool(impossible),
    }
