"""Learn word vectors, measure them, save them, and ask for a word's neighbours.

python recipes/word_vectors.py               # the built-in sample, seconds
python recipes/word_vectors.py wiki8         # 17 million words, minutes
python recipes/word_vectors.py my_texts.txt  # a text on each line
"""

import sys

from rnnkit.recipes import word_vectors

model = word_vectors(method="skip-gram", trainer="keras")
model.fit(sys.argv[1] if len(sys.argv) > 1 else "words_sample")
print(model.evaluate(return_dict=True))
model.save("word_vectors.keras")
vectors = model.keyed_vectors()
print(vectors.most_similar("france", topn=5))
print(vectors.most_similar(positive=["paris", "italy"], negative=["france"], topn=1))
