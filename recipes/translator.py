"""Train translator on pairs of sentences, evaluate and save it, and translate sentences.

python recipes/translator.py                     # generated German and English, a minute
python recipes/translator.py multi30k            # captions, German to English
python recipes/translator.py mine.tsv            # a source, a tab and a target per line
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import translator

name = sys.argv[1] if len(sys.argv) > 1 else "pairs_sample"
own = name not in datasets.names()
data = datasets.open_files(name, "pairs") if own else datasets.load(name)
small = {"units": 64, "decoder_units": 96, "embedding_size": 64, "vocabulary_size": 600}
model = translator(**small, epochs=10) if name == "pairs_sample" else translator()
model.fit(data.train.x, data.train.y, validation_data=(data.valid.x, data.valid.y))
print(model.evaluate(data.test.x, data.test.y, return_dict=True))
print(model.signature)
model.save("translator.keras")
for source, output in zip(data.test.x[:3], model.predict(data.test.x[:3]), strict=True):
    print(source, "->", output)
