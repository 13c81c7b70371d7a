"""Sequence-to-sequence model with attention: translation, summarization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from rnnkit.data.frames import InputForm
from rnnkit.data.hub_subwords import HubSubwords
from rnnkit.data.hub_tokenizer import HubTokenizer
from rnnkit.data.pair_batches import PairBatches
from rnnkit.data.subwords import END, KINDS, Subwords
from rnnkit.data.text import check_texts
from rnnkit.deprecation import renamed_options
from rnnkit.errors import InputError, check_choice, require_fitted
from rnnkit.options import extends
from rnnkit.recurrent.tied_embedding import TiedEmbedding
from rnnkit.tasks.answer_tables import AnswerTable, text_table
from rnnkit.tasks.answers import Answers, answer_texts
from rnnkit.tasks.hub_tokens import HubTokens
from rnnkit.tasks.task import Asset, Examples, Task
from rnnkit.tasks.text_to_text.decoding import DecodingTask, check_pairs
from rnnkit.tasks.text_to_text.seq2seq_losses import (
    SmoothedCrossentropy,
    TokenAccuracy,
    TokenPerplexity,
)
from rnnkit.tasks.text_to_text.seq2seq_networks import Seq2SeqParts
from rnnkit.tasks.text_to_text.text_scores import EXAMPLE_SCORES, SCORES
from rnnkit.tasks.training.full_batches import program_cells

_rename = renamed_options("Seq2Seq", {"vocabulary": "shared_vocabulary", "score": "metric"})
_rename_evaluate = renamed_options("Seq2Seq.evaluate", {"write": "decode"})


def _subwords(attribute: str) -> Asset:
    return Asset(attribute, lambda subwords: subwords.model, _read_subwords)


def _read_subwords(model: bytes) -> Subwords | HubSubwords:
    """Build sub-words from a model of sentencepiece, or from JSON."""
    return HubSubwords.from_bytes(model) if model.startswith(b"{") else Subwords.from_bytes(model)


@keras.saving.register_keras_serializable(package="rnnkit")
class Seq2Seq(HubTokens, DecodingTask):
    """Sequence-to-sequence model: a Keras model from texts to texts.

    Sub-words and network are learned in the first `fit`, which takes sources and the target of each
    (or a list of references, of which the first is learned). It is trained by teacher forcing and
    decodes by beam search.

    Args:
        build_network: `(source's sub-words, target's or None where they are shared) -> functional
            model`, such as `rnnkit.tasks.text_to_text.seq2seq_networks.attention_network`.
        shared_vocabulary: one set of sub-words for sources and targets, or one for each.
        vocabulary_size: sub-words of a set.
        subwords: "bpe" or "unigram"; see `rnnkit.data.subwords`.
        tokenizer: of KerasHub, or a preset with one, whose tokens are the sub-words; see
            `rnnkit.data.hub_tokenizer.HubTokenizer`.
        max_length: truncate sources to this many sub-words; None = never.
        label_smoothing: probability mass that is spread over all sub-words, in the loss.
        metric: the score of outputs in `evaluate`: "bleu" or "rouge".

    Attributes:
        signature: how the last `evaluate` computed BLEU or ROUGE.

    Example:
        >>> from rnnkit.recipes.text_to_text import translator
        >>> model = translator(units=8, decoder_units=8, embedding_size=8, vocabulary_size=300)
        >>> history = model.fit(["ein Hund"] * 8, ["a dog"] * 8, epochs=1, verbose=0)
        >>> len(model.predict("ein Hund", beam_size=1, max_length=3))
        1
    """

    renamed_attributes: ClassVar = {"show": "write_examples"}
    renamed_keys: ClassVar = {"vocabulary": "shared_vocabulary", "score": "metric"}
    form: ClassVar[InputForm] = InputForm("source", "target")
    noun = ("text", "texts")
    network_parts = Seq2SeqParts
    assets: ClassVar = {
        **HubTokens.assets,
        "source.spm": _subwords("source_subwords"),
        "target.spm": _subwords("target_subwords"),
    }
    config_keys = ("shared_vocabulary", "vocabulary_size", "subwords", "label_smoothing", "metric")

    def __init__(
        self,
        build_network: Any = None,
        *,
        shared_vocabulary: bool = True,
        vocabulary_size: int = 6000,
        subwords: str = "bpe",
        tokenizer: Any = None,
        max_length: int | None = 100,
        label_smoothing: float = 0.1,
        metric: str = "bleu",
        **options: Any,
    ) -> None:
        options = _rename(options)
        shared_vocabulary = _is_shared(options.pop("shared_vocabulary", shared_vocabulary))
        metric = options.pop("metric", metric)
        check_choice("subwords", subwords, KINDS)
        check_choice("metric", metric, SCORES)
        if not 0 <= label_smoothing < 1:
            raise InputError(f"label_smoothing is {label_smoothing}; expected 0 to below 1.")
        super().__init__(build_network, max_length=max_length, **options)
        self.shared_vocabulary, self.vocabulary_size = shared_vocabulary, vocabulary_size
        self.subwords, self.label_smoothing, self.metric = subwords, label_smoothing, metric
        self.tokenizer = HubTokenizer.of(tokenizer)
        self.signature: str | None = None

    def embedding_layers(self) -> Sequence[keras.layers.Layer]:
        """Return the tables of source and target, or the one of both."""
        return [one for one in self.network.layers if isinstance(one, TiedEmbedding)]  # type: ignore[union-attr]

    # Texts -> ids.

    def encode(self, x: Any) -> list[np.ndarray]:
        """Return the ids of each source, truncated, followed by the end."""
        rows = self._known(self.source_subwords).encode_many(check_texts(x))
        most = None if self.max_length is None else self.max_length - 1
        return [np.append(row[:most], END).astype(np.int32) for row in rows]

    def learn(self, train: Examples, targets: Any, spec: Any, unlabelled: Sequence[Any]) -> None:
        """Learn the sub-words and build the network."""
        outputs = [row[0] for row in train.y]
        if self.hub_tokenizer is not None:
            self._check_tokenizer(texts := train.x + outputs, self.hub_tokenizer.tokens(texts))

        def learn(texts: list[str]) -> Subwords | HubSubwords:
            if self.hub_tokenizer is not None:
                return HubSubwords.learn(self.hub_tokenizer, texts, self.vocabulary_size)
            return Subwords.learn(texts, self.vocabulary_size, self.subwords)

        if self.shared_vocabulary:
            source = target = learn(train.x + outputs)
        else:
            source, target = learn(train.x), learn(outputs)
        size = None if source is target else len(target)
        self._set_network(self._new_network(len(source), size))
        self.source_subwords, self.target_subwords = source, target

    # The steps of fit and evaluate.

    def check(self, x: Any, y: Any, name: str) -> Examples:
        """Return sources and references, or refuse them."""
        return Examples(*check_pairs(x, y, name))

    def make_batches(
        self, rows: list[Any], targets: Any = None, sample_weight: Any = None, **options: Any
    ) -> PairBatches:
        """Return pairs of sources and first references, for teacher forcing."""
        options.pop("training", None)
        outputs = self.encode_outputs([row[0] for row in targets])
        cells = program_cells(require_fitted(self.network, self, "network"))
        return PairBatches(rows, outputs, program_cells=cells, **self.batch_options(**options))

    def compile_options(self) -> dict[str, Any]:
        """Return label-smoothed cross-entropy, perplexity and accuracy of the next sub-word."""
        return {
            "loss": SmoothedCrossentropy(self.label_smoothing),
            "weighted_metrics": [TokenPerplexity(), TokenAccuracy()],
        }

    def load_assets(self, dir_path: str) -> None:
        """Read what is stored beside the weights; called by Keras."""
        super().load_assets(dir_path)
        for subwords in (self.source_subwords, self.target_subwords):
            if isinstance(subwords, HubSubwords):
                subwords.tokenizer = self.hub_tokenizer

    @extends(Task.evaluate)
    def evaluate(  # type: ignore[override]
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        *,
        return_dict: bool = False,
        decode: bool = True,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        max_length: int | None = None,
        **options: Any,
    ) -> Any:
        """Measure loss, perplexity and accuracy of the next sub-word, and BLEU or ROUGE of outputs.

        BLEU or ROUGE, 0 to 100, are those of beam search against all references; the others are
        measured along the first. `signature` then says how they were computed.

        Args:
            x: the sources.
            y: the reference, or references, of each.
            batch_size: pairs per batch.
            return_dict: as in Keras.
            decode: decode outputs; without them there is no BLEU or ROUGE.
            beam_size: as in `predict`, like the next two.
            length_penalty: see above.
            max_length: see above.
            **options: as in Keras.
        """
        options = _rename_evaluate(options)
        decode = options.pop("decode", decode)
        if "_use_cached_eval_dataset" in options:  # Keras's own call from inside fit
            return super().evaluate(x, y, return_dict=return_dict, **options)
        columns = {n: options.pop(n, None) for n in ("text_column", "label_column", "steps")}
        # A stream can be read once.
        x, y = self.read(x, y, name="The test set", option="steps", **columns)[:2]
        found = dict(super().evaluate(x, y, batch_size, return_dict=True, **options))
        if decode:
            found |= self._score_outputs(x, y, batch_size, beam_size, length_penalty, max_length)[0]
        return found if return_dict else list(found.values())

    def evaluate_examples(
        self, x: Any, y: Any = None, batch_size: int | None = None
    ) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Measure as `evaluate` does, and return what BLEU or ROUGE of each output consist of."""
        x, y = self.read(x, y, name="The test set")[:2]
        found = self.evaluate(x, y, batch_size, return_dict=True, verbose=0, decode=False)
        scores, texts, references = self._score_outputs(x, y, batch_size)
        return found | scores, EXAMPLE_SCORES[self.metric](texts, references)

    def _score_outputs(
        self, x: Any, y: Any, *search: Any
    ) -> tuple[dict[str, float], list[str], list[list[str]]]:
        """Return BLEU or ROUGE of the outputs, the outputs, and their references."""
        sources, references = check_pairs(x, y, "The test set")
        texts = self._decode(self.encode(sources), *search)
        scores = SCORES[self.metric](texts, references)
        self.signature = scores.signature
        return scores.values, texts, references

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return the output for each text."""
        return answer_texts(self, inputs, names)

    def answer_table(self, inputs: Sequence[Any]) -> AnswerTable:
        """Return the output for each text."""
        return text_table(self, inputs)


def _is_shared(vocabulary: bool | str) -> bool:
    """Return whether both sides share a vocabulary; "joint" and "separate" are the old values."""
    if isinstance(vocabulary, bool):
        return vocabulary
    known = {"joint": True, "separate": False}
    check_choice("shared_vocabulary", vocabulary, (True, False, *known))
    return known[vocabulary]
