"""Train word vectors, evaluate and save them, and look up nearest neighbours.

python recipes/word_vectors.py                          # the built-in sample, seconds
python recipes/word_vectors.py wiki8 france guitar      # 17 million words, minutes
python recipes/word_vectors.py my_texts.txt some words  # one text per line
"""

import sys

from rnnkit.embeddings import neighbours
from rnnkit.recipes import word_vectors

data, *words = sys.argv[1:] or ["words_sample", "paris", "king", "seven"]

model = word_vectors(method="skip-gram", trainer="keras")
model.fit(data)
print(model.evaluate())  # analogies, WordSim-353, SimLex-999
model.save("word_vectors.keras")
for word, near in zip(words, neighbours(model.keyed_vectors(), words, n=5), strict=True):
    print(word, near)
