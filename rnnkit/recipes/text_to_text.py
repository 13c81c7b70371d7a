"""Encoder-decoders with attention: translation, summarization."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rnnkit.errors import InputError
from rnnkit.options import pick
from rnnkit.recipes.recipe import NO_CLASSES, Settings, recipe, training_arguments
from rnnkit.settings.text_to_text import AttentionNetworkOptions, Seq2SeqOptions
from rnnkit.settings.training import AdversarialOption, TrainingOptions
from rnnkit.settings.words import SubwordTokenizerOption

if TYPE_CHECKING:
    from rnnkit.tasks import Seq2Seq


def _encoder_decoder(settings: Settings) -> Seq2Seq:
    from rnnkit.tasks import Seq2Seq
    from rnnkit.tasks.text_to_text.seq2seq_networks import attention_network

    training = training_arguments(settings)
    if settings["copy"] and not settings["shared_vocabulary"]:
        raise InputError(
            "copy=True with shared_vocabulary=False: only sub-words of a shared vocabulary can be "
            "copied. Set shared_vocabulary=True, or copy=False."
        )
    if settings["tokenizer"] is not None and settings["subwords"] != "bpe":
        raise InputError(
            f"subwords is {settings['subwords']!r}, and a tokenizer is given, which has sub-words "
            "of its own. Leave out subwords, or the tokenizer."
        )
    return Seq2Seq(
        functools.partial(attention_network, **pick(settings, AttentionNetworkOptions)),
        metric=settings["metric"],
        **pick(settings, Seq2SeqOptions, SubwordTokenizerOption),
        **training,
    )


def _recipe(name: str, summary: str, metric: str, **defaults: Any) -> Callable[..., Seq2Seq]:
    return recipe(
        name,
        summary,
        _encoder_decoder,
        groups=(
            AttentionNetworkOptions,
            Seq2SeqOptions,
            SubwordTokenizerOption,
            TrainingOptions,
            AdversarialOption,
        ),
        defaults={
            "units": 256,
            "decoder_units": 320,
            "embedding_dropout": 0.3,
            "dropout": 0.4,
            "vocabulary_size": 4000,
            "learning_rate": 2e-3,
            "batch_size": 64,
            **defaults,
        },
        fixed={"metric": metric},
        refused=NO_CLASSES,
        renamed={"vocabulary": "shared_vocabulary"},
        old_values={"vocabulary": {"joint": True, "separate": False}},
        text="""
Returns:
    `Seq2Seq`: a Keras model whose `fit` and `evaluate` take texts and their targets, and whose
    `predict` returns texts.

Example:
    >>> model = {name}(units=8, decoder_units=8, embedding_size=8, vocabulary_size=300)
    >>> history = model.fit(["ein Hund"] * 8, ["a dog"] * 8, epochs=1, verbose=0)
    >>> len(model.predict(["ein Hund", ""], beam_size=1, max_length=3))
    2
""",
    )


translator = _recipe(
    "translator",
    "Translation of sentences: recurrent encoder-decoder with attention; BLEU by sacrebleu.",
    "bleu",
    epochs=30,
)
summarizer = _recipe(
    "summarizer",
    "Summarization of texts: pointer-generator encoder-decoder; ROUGE by rouge-score.",
    "rouge",
    copy=True,
    units=192,
    vocabulary_size=6000,
    max_length=160,
    max_target_length=40,
    batch_size=32,
    epochs=12,
    length_penalty=1.5,  # ROUGE-1 of the validation mails is 25.1; 24.0 with 1, 24.9 with 2
)
