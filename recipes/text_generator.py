"""Train text_generator on characters, evaluate and save it, and generate texts.

python recipes/text_generator.py                   # a generated text, a minute
python recipes/text_generator.py names             # names of 18 languages, by label
python recipes/text_generator.py tinyshakespeare   # a million characters of plays
python recipes/text_generator.py mine.txt          # a text file, or a folder of them
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import text_generator

name = sys.argv[1] if len(sys.argv) > 1 else "running_sample"
own = name not in datasets.names()
data = datasets.open_files(name, "running text") if own else datasets.load(name)
size = {"units": 128} if name == "running_sample" else {}
model = text_generator(**size, classes=data.classes or None)
model.fit(data.train.x, data.train.y, validation_data=(data.valid.x, data.valid.y))
print(model.evaluate(data.test.x, data.test.y, return_dict=True))
model.save("text_generator.keras")
for label in data.classes:
    print(label, model.generate(label=label, n=5, length=25, temperature=0.8))
if not data.classes:
    print(*model.generate(data.test.x[0][:20], n=2, length=200, temperature=0.8), sep="\n---\n")
