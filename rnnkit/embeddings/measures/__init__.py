"""Evaluation of word vectors: word analogies, word similarity, nearest neighbours."""
