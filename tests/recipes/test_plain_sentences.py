"""The recipe of the first command, with its own settings, on its own sample."""

import os
import sys

import plain_sentences
import pytest
from plain_sentences import NEGATIVE, POSITIVE

import rnnkit.backend

pytestmark = pytest.mark.deep  # a whole training

TRAIN = "import json, plain_sentences; print(json.dumps(plain_sentences.answer()))"
# As users compile: the programs of the other tests are quick to compile and slow, and a whole
# training in them takes twice the time.
AS_USERS_DO = {"XLA_FLAGS": None, "JAX_DISABLE_MOST_OPTIMIZATIONS": None}


@pytest.fixture(scope="module")
def answered(fresh_python):
    """The answers to the sentences and the accuracy in the test."""
    if rnnkit.backend.name == "torch":
        return plain_sentences.answer()
    paths = os.pathsep.join(sys.path)
    return fresh_python(TRAIN, options=("-W", "ignore"), PYTHONPATH=paths, **AS_USERS_DO).value


def test_plain_sentences_are_answered_right(answered):
    found, _ = answered
    sentences = [*POSITIVE, *NEGATIVE]
    labels = ["pos"] * len(POSITIVE) + ["neg"] * len(NEGATIVE)
    wrong = [one for one, label, it in zip(sentences, labels, found, strict=True) if it != label]
    assert len(sentences) == 30
    assert len(wrong) <= 3, wrong


def test_word_order_is_learned(answered):
    # 0.95 to 0.96 by backend; of 1,000 reviews the standard error is 0.007.
    _, accuracy = answered
    assert accuracy >= 0.94
