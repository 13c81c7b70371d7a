"""Train name_tagger on sentences with marked names, evaluate and save it, and tag sentences.

python recipes/name_tagger.py               # generated sentences, a minute
python recipes/name_tagger.py uner_ewt      # 12,543 sentences of web texts, minutes
python recipes/name_tagger.py mine.conll    # one word and its tag per line
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import name_tagger

name = sys.argv[1] if len(sys.argv) > 1 else "names_sample"
own = name not in datasets.names()
data = datasets.open_files(name, "tagged sentences") if own else datasets.load(name)
model = name_tagger(classes=data.classes)
model.fit(data.train.x, data.train.y, validation_data=(data.valid.x, data.valid.y))
print(model.evaluate(data.test.x, data.test.y, return_dict=True))
model.save("name_tagger.keras")
for text in ("Ellen is very talented girl", "Why don't you ask John"):
    print(text, model.predict_spans(text)[0])
