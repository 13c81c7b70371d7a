"""Train rglru_sentiment on reviews, evaluate and save it, and classify two sentences.

python recipes/rglru_sentiment.py            # the built-in sample, seconds
python recipes/rglru_sentiment.py imdb       # 25,000 reviews, minutes
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import rglru_sentiment

reviews = datasets.load(sys.argv[1] if len(sys.argv) > 1 else "sample")
model = rglru_sentiment()
model.fit(
    reviews.train.texts,
    reviews.train.labels,
    validation_data=(reviews.valid.texts, reviews.valid.labels),
)
print(model.evaluate(reviews.test.texts, reviews.test.labels, return_dict=True))
model.save("rglru_sentiment.keras")
print(model.predict(["A wonderful little production.", "It was not good at all."]))
