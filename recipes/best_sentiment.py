"""Train best_sentiment on reviews, evaluate and save it, and classify two sentences.

python recipes/best_sentiment.py            # the built-in sample, minutes
python recipes/best_sentiment.py imdb       # 25,000 reviews and 50,000 without labels, an hour
"""

import sys

from rnnkit import datasets
from rnnkit.recipes import best_sentiment

reviews = datasets.load(sys.argv[1] if len(sys.argv) > 1 else "sample")
model = best_sentiment()
model.fit(
    reviews.train.texts,
    reviews.train.labels,
    validation_data=(reviews.valid.texts, reviews.valid.labels),
    unlabelled=reviews.unlabelled or (),
)
print(model.evaluate(reviews.test.texts, reviews.test.labels, return_dict=True))
model.save("best_sentiment.keras")
print(model.predict(["A wonderful little production.", "It was not good at all."]))
