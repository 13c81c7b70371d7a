"""Train sequence_classifier on series of numbers, measure it, save it, and ask it about one.

python recipes/sequence_classifier.py                     # generated movements, a minute
python recipes/sequence_classifier.py japanese_vowels     # who speaks? 640 utterances
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import sequence_classifier

data = datasets.load(sys.argv[1] if len(sys.argv) > 1 else "sequences_sample")
model = sequence_classifier(bidirectional=True, classes=data.classes)
model.fit(data.train.x, data.train.y, validation_data=(data.valid.x, data.valid.y))
print(model.evaluate(data.test.x, data.test.y, return_dict=True))
model.save("sequence_classifier.keras")
print(model.predict_labels(data.test.x[:3]), "were", [data.classes[i] for i in data.test.y[:3]])
