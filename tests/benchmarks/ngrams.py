"""N-grams with naive-Bayes weights: accuracy on validation data, seconds and size, by their order.

python tests/benchmarks/ngrams.py                                     # the sample
python tests/benchmarks/ngrams.py --data imdb                         # two minutes on one thread
python tests/benchmarks/ngrams.py --data imdb --recipe bilstm_sentiment --epochs 3

Of each order and `min_count`: the number of n-grams, the penalty C that validation data chose,
accuracy and loss on them, and processor seconds for the vocabulary, for encoding and for all fits.
With a recipe it is trained without and with n-grams of up to three words: the accuracy of both
classifiers alone and together, the weights of their logits, and predictions per second. Nothing
is read of the test split. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import keras
import numpy as np

from rnnkit import datasets, recipes
from rnnkit.data.ngrams import NGramVocabulary
from rnnkit.data.text import TextPipeline
from rnnkit.tasks.inference import predict_batches
from rnnkit.tasks.texts.naive_bayes import choose_linear_model, cross_entropy


def linear(data: Any, tokens: list[list[list[str]]], order: int, min_count: int) -> str:
    """Return a row of the table of linear models."""
    times = [time.process_time()]
    ngrams = NGramVocabulary.learn(tokens[0], order, min_count)
    times.append(time.process_time())
    rows = [ngrams.encode_many(one) for one in tokens]
    times.append(time.process_time())
    labels = [np.asarray(split.y) for split in (data.train, data.valid)]
    outputs = 1 if len(data.classes) == 2 else len(data.classes)
    train, valid = ((*pair, None) for pair in zip(rows, labels, strict=True))
    model = choose_linear_model(train, valid, len(ngrams), outputs)
    times.append(time.process_time())
    logits = model.logits(rows[1])
    loss = cross_entropy(logits, labels[1])
    seconds = " | ".join(f"{seconds:.1f}" for seconds in np.diff(times))
    return (
        f"| {order} | {min_count} | {len(ngrams) - 1:,} | {model.strength:g} "
        f"| {accuracy(logits, labels[1]):.4f} | {loss:.4f} | {seconds} |"
    )


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of right answers of logits `(N, outputs)`."""
    found = logits.argmax(1) if logits.shape[1] > 1 else logits[:, 0] > 0
    return float((found == labels).mean())


def network(data: Any, name: str, ngrams: int, epochs: int | None) -> str:
    """Return a row of the table of networks."""
    model = recipes.find(name)(ngram_order=ngrams, epochs=epochs)
    begin = time.process_time()
    model.fit(
        *(data.train.x, data.train.y),
        validation_data=(data.valid.x, data.valid.y),
        unlabelled=data.unlabelled,
        verbose=0,
    )
    seconds = time.process_time() - begin
    scores = model.evaluate(data.valid.x, data.valid.y, return_dict=True, verbose=0)
    begin = time.process_time()
    model.predict(data.valid.x, verbose=0)
    rate = len(data.valid.x) / (time.process_time() - begin)
    alone = weights = "-"
    if ngrams:
        parts = model.parts()
        layers = [parts.recurrent_logits.output, parts.ngram_logits.output]
        both = keras.Model(model.network.inputs, keras.ops.concatenate(layers, axis=-1))
        batches = model.make_batches(model.encode(data.valid.x))
        members = np.split(predict_batches(both, batches, verbose=0), 2, axis=1)
        alone = ", ".join(f"{accuracy(one, np.asarray(data.valid.y)):.4f}" for one in members)
        found = keras.ops.convert_to_numpy(parts.pool.pool_weights)
        weights = ", ".join(f"{weight:.2f}" for weight in found)
    return (
        f"| {ngrams} | {scores['accuracy']:.4f} | {scores['loss']:.4f} | {alone} | {weights} "
        f"| {seconds:.0f} | {rate:.0f} |"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="sample")
    parser.add_argument("--recipe", help="train it, too, without and with n-grams.")
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    data = datasets.load(options.data)
    tokens = [TextPipeline().tokens(split.x) for split in (data.train, data.valid)]
    print(f"{options.data}: {len(data.train.x):,} texts, {len(data.valid.x):,} to validate\n")
    print("| order | min_count | n-grams | C | accuracy | loss | learn, s | encode, s | fit, s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for order, min_count in ((1, 2), (2, 2), (3, 1), (3, 2), (3, 4)):
        print(linear(data, tokens, order, min_count), flush=True)
    if options.recipe:
        print(f"\n{options.recipe}:\n")
        print("| ngrams | accuracy | loss | each alone | weights | train, s | predictions/s |")
        print("|---|---|---|---|---|---|---|")
        for ngrams in (0, 3):
            print(network(data, options.recipe, ngrams, options.epochs), flush=True)


if __name__ == "__main__":
    main()
