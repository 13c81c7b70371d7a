"""Plain sentences about films, and whether they are positive: what people type first.

They were written before any model was trained on the sample of reviews, and are never used to
choose its words, its sentences or the settings of a recipe. Do not change them.
"""

POSITIVE = (
    "I loved it",
    "not bad at all",
    "A wonderful film with brilliant actors.",
    "one of the best movies I have ever seen",
    "The plot is boring but the ending is brilliant",
    "I would watch it again",
    "I expected it to be awful, but it was great!",
    "never boring",
    "The music is beautiful and the story made me cry.",
    "My friends hated it, but I enjoyed every minute.",
    "It is a masterpiece.",
    "Although it starts slowly, it is a really good film.",
    "You will not regret watching this.",
    "much better than the first one",
    "Absolutely fantastic, go and see it!",
)
NEGATIVE = (
    "I hated it",
    "hardly a masterpiece",
    "I would not watch it again",
    "a complete waste of time",
    "The actors are good, but the story is terrible.",
    "This movie is not good.",
    "I did not like it at all",
    "The worst film of the year.",
    "I fell asleep after twenty minutes",
    "it was so boring",
    "Everyone says it is brilliant, but I thought it was dull.",
    "Great music, but the rest is awful.",
    "I wanted to love it, but I was disappointed",
    "Don't waste your money on this",
    "The book is much better than the film.",
)


def answer():
    """Train the first recipe on its sample and return its answers and its accuracy in the test."""
    from rnnkit import datasets, recipes

    reviews = datasets.load("sample")
    train, valid, test = reviews.train, reviews.valid, reviews.test
    model = recipes.lstm_sentiment()
    model.fit(train.texts, train.labels, validation_data=(valid.texts, valid.labels), verbose=0)
    measured = model.evaluate(test.texts, test.labels, return_dict=True, verbose=0)
    return list(model.predict_labels([*POSITIVE, *NEGATIVE])), measured["accuracy"]
