"""Hidden Markov models: chains, estimators, features for a network, conditional random fields.

`inference` holds pure functions over log-likelihoods `(B, T, K)`; it never sees an emission.
The estimators, the layer and the CRF are three callers of it.
"""
