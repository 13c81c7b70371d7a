"""Train next_word on running text, measure it, save it, complete a line and write one.

python recipes/next_word.py                    # a generated text, a minute
python recipes/next_word.py --data wikitext2   # 2 million words, hours on a processor
python recipes/next_word.py --data mine.txt    # a text file, or a folder of them
"""

import argparse
from pathlib import Path

from rnnkit.data import running_text
from rnnkit.data.samples import running_sample
from rnnkit.recipes.language import next_word

KNOWN = {"running_sample": running_sample.read, "wikitext2": running_text.read_wikitext}

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="running_sample")
parser.add_argument("--epochs", type=int, default=6)
options = parser.parse_args()

data = KNOWN[options.data]() if options.data in KNOWN else running_text.from_path(options.data)
if options.data == "running_sample":
    model = next_word(units=64, embedding_size=64, batch_size=8, learning_rate=0.01)
elif Path(options.data).exists():
    model = next_word(split="punctuation", min_count=2)
else:
    model = next_word(softmax="adaptive")
model.fit(data.train.x, validation_data=data.valid.x, epochs=options.epochs)
print(model.evaluate(data.test.x, return_dict=True))

cache = model.choose_cache(data.valid.x)  # words that came lately come again
print(cache, model.evaluate(data.test.x, cache=cache, return_dict=True))
model.save("next_word.keras")
print(model.complete("in the ", k=3), model.complete("in the mor", k=3))
print(*model.generate("in the", n=2, length=30, temperature=0.8), sep="\n")
