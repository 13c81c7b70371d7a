"""Train sequence_classifier on series of numbers, evaluate and save it, and classify one.

python recipes/sequence_classifier.py                               # generated movements, a minute
python recipes/sequence_classifier.py japanese_vowels               # who speaks, 640 utterances
python recipes/sequence_classifier.py spoken_digits --features log-mel      # digits, minutes
"""

import argparse

from rnnkit import datasets
from rnnkit.recipes import sequence_classifier

asked = argparse.ArgumentParser()
asked.add_argument("data", nargs="?", default="sequences_sample")
asked.add_argument("--features", help="log-mel, where the series are waveforms of 8 kHz")
given = asked.parse_args()

data = datasets.load(given.data)
model = sequence_classifier(bidirectional=True, features=given.features, classes=data.classes)
model.fit(data.train.x, data.train.y, validation_data=(data.valid.x, data.valid.y))
print(model.evaluate(data.test.x, data.test.y, return_dict=True))
model.save("sequence_classifier.keras")
print(model.predict_labels(data.test.x[:3]), "were", [data.classes[i] for i in data.test.y[:3]])
