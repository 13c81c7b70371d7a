"""Hidden Markov models by enumeration of every path, in NumPy and float64."""

import itertools

import numpy as np


def joint(log_pi, log_A, log_lik):
    """All paths and their log P(path, observations): `(K ** T, T)`, `(K ** T,)`."""
    steps, states = log_lik.shape
    paths = np.array(list(itertools.product(range(states), repeat=steps)), int)
    paths = paths.reshape(states**steps, steps)
    scores = np.zeros(len(paths))
    for t in range(steps):
        scores = scores + log_lik[t, paths[:, t]]
        scores = scores + (log_A[paths[:, t - 1], paths[:, t]] if t else log_pi[paths[:, 0]])
    return paths, scores


def logsumexp(scores):
    top = np.max(scores, initial=-np.inf)
    return top + np.log(np.sum(np.exp(scores - top))) if np.isfinite(top) else -np.inf


def posterior(log_pi, log_A, log_lik, t):
    """`P(z_t | all given observations)`."""
    paths, scores = joint(log_pi, log_A, log_lik)
    probabilities = np.exp(scores - logsumexp(scores))
    return np.array([probabilities[paths[:, t] == k].sum() for k in range(len(log_pi))])


def mark_impossible(log_pi, log_A, log_lik):
    """The log-likelihoods, 0 at each impossible step; and the impossible steps."""
    log_lik, impossible = log_lik.copy(), []
    for t in range(len(log_lik)):
        if not np.isfinite(logsumexp(joint(log_pi, log_A, log_lik[: t + 1])[1])):
            log_lik[t] = 0.0
            impossible.append(t)
    return log_lik, impossible


def infer(log_pi, log_A, log_lik, lag=2):
    """All results of inference for one sequence without masked steps."""
    steps, states = log_lik.shape
    log_lik, impossible = mark_impossible(log_pi, log_A, log_lik)
    paths, scores = joint(log_pi, log_A, log_lik)
    total = logsumexp(scores)
    probabilities = np.exp(scores - total)
    transitions = np.zeros((states, states))
    for path, probability in zip(paths, probabilities, strict=True):
        for t in range(1, steps):
            transitions[path[t - 1], path[t]] += probability
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
