"""Explanation of a token's probability: the vectors of the tokens before it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.backend import native
from rnnkit.data.batching import bucket_length
from rnnkit.data.text import check_texts
from rnnkit.data.text_windows import BOS_EOS_ID
from rnnkit.data.vocabulary import UNKNOWN
from rnnkit.errors import InputError, quote, suggest
from rnnkit.explain.integration import ROWS
from rnnkit.explain.question import Outputs, Question, check_length
from rnnkit.tasks.explaining.features import unknown_note
from rnnkit.tasks.explaining.scores import one_example
from rnnkit.tasks.explaining.sources import Sources, blinded
from rnnkit.tasks.explaining.steps import check_place
from rnnkit.tasks.inference import predict_batch

END = "the end of the text"


def question_of_token(task: Any, x: Any, target: Any, at: int | None, label: Any) -> Question:
    """Return what is asked about the probability of a token.

    Args:
        task: a trained `LanguageModel`.
        x: one text.
        target: the token; None = the one at the place, behind the text the most probable one.
        at: the number of the token; None = the one after the text.
        label: of the text, where the model learned labels.

    Raises:
        InputError: no token before the one that is asked about, several texts, more tokens than can
            be explained, an unknown token or place, or a label that is missing.
    """
    texts = check_texts([one_example(x, "text")])
    tokens = task.split_texts(texts)[0]
    place = check_place(at, len(tokens), len(tokens) + 1, "token")
    read = tokens[:place]
    if not read:
        raise InputError(
            "There is no token before the one that is asked about: nothing can be attributed. Give "
            "a text with a word at least, and a place (at) behind it."
        )
    check_length(len(read), "tokens", "Give the last part of the text.")
    labels = task._labels(None if label is None else [label], texts)
    reading = _Reading(task, read, labels)
    number = _number_of(task, target, tokens[place] if place < len(tokens) else None, reading)
    name = task.vocabulary.tokens[number] if number != BOS_EOS_ID else END
    sources = Sources(
        functools.partial(native.run_network, reading.model), reading.inputs, [task.parts().words]
    )
    baseline = sources.outputs[0].copy()
    baseline[1 : len(read) + 1] = 0  # what comes before the text, and padding, stay
    following = np.array([*reading.ids[1:], number], "float32")  # after each step

    def log_p(hidden: Any) -> Any:
        return reading.log_probability(hidden[:, len(read)], np.full(hidden.shape[0], number))

    def chosen_log_p(*given: Any) -> Any:
        *points, chosen = given
        chosen = ops.pad(chosen, [[0, 0], [1, 0]])  # no output is asked for before the text
        hidden = sources.function(lambda found: found)(*points)[:, : len(read) + 1]
        state = ops.sum(hidden * ops.expand_dims(chosen, -1), axis=1)
        # Numbers of tokens are whole, and float32 holds those up to 16 million.
        numbers = ops.cast(ops.sum(chosen * ops.convert_to_tensor(following), axis=-1), "int32")
        return reading.log_probability(state, numbers)

    value = reading.log_probabilities()[number]
    names = [f"→ {token}" for token in [*read[1:], name]]
    about = {
        "question": f"log-probability of the token {name!r} after {len(read)} tokens",
        "target": name,
        "answer": f"{name}, with the probability {np.exp(value):.4f}",
        "unit": "nats",
        "baseline": "zero vectors in the place of the tokens' vectors",
        "without": "the text without the token",
        "place": place,
    }
    return Question(
        about=about,
        words=read,
        function=sources.function(log_p),
        inputs=sources.outputs,
        baselines=[baseline],
        share=lambda parts: {"tokens": parts[0].sum(-1)[1 : len(read) + 1]},
        occluded=lambda: reading.without_each(number),
        blind=sources.function(log_p, [*blinded(reading.inputs[:1]), *reading.inputs[1:]]),
        outputs=Outputs(chosen_log_p, names, np.arange(1, len(read) + 1)),
        notes=unknown_note(task.vocabulary, read),
    )


class _Reading:
    """A text as a language model reads it, from zero states, and what is likely after it.

    Args:
        task: a trained `LanguageModel`.
        read: the tokens.
        labels: the class number of the text, `(1,)`; None = the model has none.
    """

    def __init__(self, task: Any, read: Sequence[str], labels: np.ndarray | None) -> None:
        self.task, network = task, task.network
        self.model = keras.Model(network.inputs, network.outputs[0])
        self.table = task.parts().words
        self.ids = np.array([task.first_token(), *task.vocabulary.encode(read)], "int32")
        self.width = bucket_length(len(self.ids))  # XLA compiles few lengths
        beside = [] if labels is None else [labels]
        states = [one for one in network.inputs if one.name.startswith("state_")]
        zeros = [np.zeros((1, one.shape[-1]), "float32") for one in states]
        self.inputs = [self._padded([self.ids]), *beside, *zeros]

    def _padded(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        found = np.zeros((len(rows), self.width), "int32")
        for place, row in enumerate(rows):
            found[place, : len(row)] = row
        return found

    def log_probability(self, hidden: Any, numbers: Any) -> Any:
        """Return `log p` of tokens `(N,)` after hidden vectors `(N, D)`."""
        return -ops.cast(self.table.nll(hidden, ops.convert_to_tensor(numbers)), "float32")

    def log_probabilities(self) -> np.ndarray:
        """Return `log p` of every token after the text, `(V,)`."""
        hidden = predict_batch(self.model, self.inputs)[:, len(self.ids) - 1]
        return ops.convert_to_numpy(self.table.log_probabilities(ops.convert_to_tensor(hidden)))[0]

    def without_each(self, number: int) -> np.ndarray:
        """Return `log p` of a token after the text without each of its tokens, `(T,)`."""
        rows = [np.delete(self.ids, i) for i in range(1, len(self.ids))]
        found = []
        for first in range(0, len(rows), ROWS):
            some = rows[first : first + ROWS]
            ids = self._padded([*some, *[some[-1]] * (ROWS - len(some))])
            beside = [np.repeat(one, ROWS, axis=0) for one in self.inputs[1:]]
            hidden = predict_batch(self.model, [ids, *beside])[:, len(self.ids) - 2]
            numbers = np.full(ROWS, number)
            log_p = self.log_probability(ops.convert_to_tensor(hidden), numbers)
            found.append(ops.convert_to_numpy(log_p)[: len(some)])
        return np.concatenate(found)


def _number_of(task: Any, target: Any, token: str | None, reading: _Reading) -> int:
    """Return the number of the token that is asked about."""
    vocabulary = task.vocabulary
    if target is None and token is None:
        return int(np.argmax(reading.log_probabilities()))
    if target is None:
        return int(vocabulary.encode([token])[0])
    wanted = str(target)
    if wanted in vocabulary:
        return int(vocabulary.encode([wanted])[0])
    raise InputError(
        f"target is {quote(wanted)}, which is not in the vocabulary of the model."
        f"{suggest(wanted, vocabulary.tokens[UNKNOWN + 1 :])} Give a token that it knows."
    )
