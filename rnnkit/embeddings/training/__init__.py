"""Training of word2vec: encoded corpus, context windows, noise words, Huffman tree, trainers."""

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)
