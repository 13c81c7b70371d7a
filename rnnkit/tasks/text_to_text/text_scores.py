"""BLEU and ROUGE of outputs against references, by sacreBLEU and rouge-score."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class TextScores(NamedTuple):
    """Scores of a set of outputs by name, 0 to 100 each, and how they were computed."""

    values: dict[str, float]
    signature: str  # the settings and versions that the values depend on


References = Sequence[Sequence[str]]


def bleu(texts: Sequence[str], references: References) -> TextScores:
    """Return BLEU of a whole set of texts, by sacrebleu.

    `bleu` is cased; `bleu_lowercase` is computed in lower case, as papers on Multi30k report it.
    Both tokenise as mteval-v13a does.

    Args:
        texts: the outputs.
        references: one or more for each; where one has fewer than another, its first is repeated,
            which changes nothing.

    Source: Papineni et al. 2002; Post 2018, arXiv:1804.08771.

    Example:
        >>> bleu(["The cat is here today ."], [["the cat is here today ."]]).values
        {'bleu': 75.98, 'bleu_lowercase': 100.0}
    """
    from sacrebleu.metrics import BLEU

    most = max((len(row) for row in references), default=1)
    streams = [[row[k] if k < len(row) else row[0] for row in references] for k in range(most)]
    values, signature = {}, ""
    for name, lowercase in (("bleu", False), ("bleu_lowercase", True)):
        metric = BLEU(lowercase=lowercase)
        metric.tokenizer = _tokenizer()
        values[name] = round(metric.corpus_score(list(texts), streams).score, 2)
        signature = signature or str(metric.get_signature())
    return TextScores(values, f"sacrebleu {signature}")


@functools.cache
def _tokenizer() -> Any:
    """Return sacrebleu's tokeniser; its class caches lines, and keeps every object with them."""
    from sacrebleu.metrics import BLEU

    return BLEU().tokenizer


def rouge(texts: Sequence[str], references: References) -> TextScores:
    """Return the means of ROUGE-1, ROUGE-2 and ROUGE-L (F1), by rouge-score, with its stemmer.

    Of one or more references for each text the best one counts, for each of the three.

    Source: Lin 2004.

    Example:
        >>> rouge(["meetings moved"], [["meeting moved to Friday", "the party"]]).values["rouge1"]
        66.67
    """
    import importlib.metadata

    found = rouge_of_examples(texts, references)
    values = {
        name: round(float(sum(scores)) / max(1, len(scores)), 2) for name, scores in found.items()
    }
    version = importlib.metadata.version("rouge-score")
    return TextScores(values, f"rouge-score {version}, F1, with stemmer")


def bleu_of_examples(texts: Sequence[str], references: References) -> dict[str, np.ndarray]:
    """Return what `bleu` is computed of, for each text, as "bleu" `(N, 10)`.

    These are the length of the text, that of its nearest reference, its right 1- to 4-grams, and
    all of its 1- to 4-grams: BLEU is a function of their sums.

    Example:
        >>> bleu_of_examples(["the cat sat"], [["the cat is here"]])["bleu"].tolist()
        [[3, 4, 2, 1, 0, 0, 3, 2, 1, 0]]
    """
    from sacrebleu.metrics import BLEU

    metric = BLEU(effective_order=True)  # counts as without it, and no warning of short texts
    metric.tokenizer = _tokenizer()
    found = [
        metric.sentence_score(text, list(row)) for text, row in zip(texts, references, strict=True)
    ]
    rows = [[one.sys_len, one.ref_len, *one.counts, *one.totals] for one in found]
    return {"bleu": np.array(rows, "int32").reshape(-1, 10)}


def rouge_of_examples(texts: Sequence[str], references: References) -> dict[str, np.ndarray]:
    """Return ROUGE-1, ROUGE-2 and ROUGE-L of each text, 0 to 100; see `rouge`.

    Example:
        >>> rouge_of_examples(["meetings moved"], [["meeting moved"]])["rouge2"].tolist()
        [100.0]
    """
    from rouge_score.rouge_scorer import RougeScorer

    names = ["rouge1", "rouge2", "rougeL"]
    scorer = RougeScorer(names, use_stemmer=True)
    pairs = zip(references, texts, strict=True)
    found = [scorer.score_multi(list(row), text) for row, text in pairs]
    return {name: np.array([100 * scores[name].fmeasure for scores in found]) for name in names}


SCORES: dict[str, Callable[[Sequence[str], References], TextScores]]
SCORES = {"bleu": bleu, "rouge": rouge}
EXAMPLE_SCORES: dict[str, Callable[[Sequence[str], References], dict[str, np.ndarray]]]
EXAMPLE_SCORES = {"bleu": bleu_of_examples, "rouge": rouge_of_examples}
