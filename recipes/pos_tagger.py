"""Train pos_tagger on sentences with a part of speech a word, measure it, save it, and ask it.

python recipes/pos_tagger.py                # generated sentences, a minute
python recipes/pos_tagger.py ud_ewt         # 12,544 sentences of web texts, minutes
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import pos_tagger

data = datasets.load(sys.argv[1] if len(sys.argv) > 1 else "pos_sample")
model = pos_tagger(classes=data.classes)
model.fit(data.train.x, data.train.y, validation_data=(data.valid.x, data.valid.y))
print(model.evaluate(data.test.x, data.test.y, return_dict=True))
model.save("pos_tagger.keras")
words = ["Will", "you", "mark", "the", "book", "?"]
print(list(zip(words, model.predict([words])[0], strict=True)))
