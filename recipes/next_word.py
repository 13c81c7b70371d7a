"""Train next_word on running text, evaluate and save it, complete a line and generate one.

python recipes/next_word.py              # a generated text, a minute
python recipes/next_word.py wikitext2    # 2 million words, hours on a CPU
python recipes/next_word.py mine.txt     # a text file, or a folder of them
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import next_word

name = sys.argv[1] if len(sys.argv) > 1 else "running_sample"
own = name not in datasets.names()
data = datasets.open_files(name, "running text") if own else datasets.load(name)
if name == "running_sample":
    model = next_word(units=64, embedding_size=64, batch_size=8, learning_rate=0.01)
elif own:
    model = next_word(split="punctuation", min_count=2)
else:
    model = next_word(softmax="adaptive")
model.fit(data.train.x, validation_data=data.valid.x)
print(model.evaluate(data.test.x, return_dict=True))

cache = model.choose_cache(data.valid.x)  # a neural cache of recent words
print(cache, model.evaluate(data.test.x, cache=cache, return_dict=True))
model.save("next_word.keras")
print(model.complete("in the ", k=3), model.complete("in the mor", k=3))
print(*model.generate("in the", n=2, length=30, temperature=0.8), sep="\n")
