"""Baseline of text-to-text models: copy the source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnkit.data.splits import Dataset


def copy_source(dataset: Dataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the source of text pairs; for the recipe "summarizer", its first line (lead baseline).

    Example:
        >>> copy_source(load_data("aeslc"), {"recipe": "summarizer"})["test"]  # doctest: +SKIP
        {'rouge1': 15.4, 'rouge2': 6.6, 'rougeL': 14.2}
    """
    from rnnkit.tasks.text_to_text.text_scores import bleu, rouge

    references = [[y] if isinstance(y, str) else list(y) for y in dataset.test.y]
    if settings.get("recipe") == "summarizer":
        lines = [(text.strip().splitlines() or [""])[0] for text in dataset.test.x]
        scores = rouge(lines, references).values
    else:
        scores = bleu(dataset.test.x, references).values
    return {"test": scores, "seconds": 0.0, "parameters": 0}
