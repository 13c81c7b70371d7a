"""Train text_generator letter by letter, measure it, save it, and let it write.

python recipes/text_generator.py                          # a generated text, a minute
python recipes/text_generator.py --data names             # names of 18 languages, each to order
python recipes/text_generator.py --data tinyshakespeare   # a million letters of plays
python recipes/text_generator.py --data mine.txt          # a text file, or a folder of them
"""

import argparse

from rnnkit.data import running_text
from rnnkit.data.samples import running_sample
from rnnkit.data.sets import names
from rnnkit.recipes.language import text_generator

KNOWN = {
    "running_sample": running_sample.read,
    "tinyshakespeare": running_text.read_shakespeare,
    "names": names.read,
}

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="running_sample")
parser.add_argument("--epochs", type=int, default=2)
options = parser.parse_args()

data = KNOWN[options.data]() if options.data in KNOWN else running_text.from_path(options.data)
size = {"units": 128} if options.data == "running_sample" else {}
model = text_generator(**size, classes=data.classes or None)
model.fit(
    data.train.x,
    data.train.y,
    validation_data=(data.valid.x, data.valid.y),
    epochs=options.epochs,
)
print(model.evaluate(data.test.x, data.test.y, return_dict=True))
model.save("text_generator.keras")
for label in data.classes:
    print(label, model.generate(label=label, n=5, length=25, temperature=0.8))
if not data.classes:
    print(*model.generate(data.test.x[0][:20], n=2, length=200, temperature=0.8), sep="\n---\n")
