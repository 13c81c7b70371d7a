"""Train pos_tagger on part-of-speech tags, evaluate and save it, and tag sentences.

python recipes/pos_tagger.py                # generated sentences, a minute
python recipes/pos_tagger.py ud_ewt         # 12,544 sentences of web texts, minutes
python recipes/pos_tagger.py mine.conll    # one word and its tag per line
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import pos_tagger

name = sys.argv[1] if len(sys.argv) > 1 else "pos_sample"
own = name not in datasets.names()
data = datasets.open_files(name, "tagged sentences") if own else datasets.load(name)
model = pos_tagger(classes=data.classes)
model.fit(data.train.x, data.train.y, validation_data=(data.valid.x, data.valid.y))
print(model.evaluate(data.test.x, data.test.y, return_dict=True))
model.save("pos_tagger.keras")
words = ["Will", "you", "mark", "the", "book", "?"]
print(list(zip(words, model.predict([words])[0], strict=True)))
