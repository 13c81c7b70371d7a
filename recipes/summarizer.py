"""Train summarizer on texts and their summaries, evaluate and save it, and summarize texts.

python recipes/summarizer.py                     # generated e-mails and their subjects, a minute
python recipes/summarizer.py aeslc               # e-mails and their subjects
python recipes/summarizer.py mine.jsonl          # {"source": "...", "target": "..."} per line
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import summarizer

name = sys.argv[1] if len(sys.argv) > 1 else "mails_sample"
own = name not in datasets.names()
data = datasets.open_files(name, "pairs") if own else datasets.load(name)
small = {"units": 64, "decoder_units": 96, "embedding_size": 64, "vocabulary_size": 600}
model = summarizer(**small, epochs=10) if name == "mails_sample" else summarizer()
model.fit(data.train.x, data.train.y, validation_data=(data.valid.x, data.valid.y))
print(model.evaluate(data.test.x, data.test.y, return_dict=True))
print(model.signature)
model.save("summarizer.keras")
for source, output in zip(data.test.x[:3], model.predict(data.test.x[:3]), strict=True):
    print(source, "->", output, sep="\n")
