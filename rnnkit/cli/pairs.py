"""What a model of text pairs answers: a translation or a summary for each text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnkit.tasks.text_to_text.seq2seq import Seq2Seq


def print_outputs(
    model: Seq2Seq,
    texts: list[str],
    *,
    beam_size: int | None = None,
    length_penalty: float | None = None,
    max_length: int | None = None,
) -> None:
    """Print what is written for each text: a table in a terminal, a line each elsewhere.

    Args:
        model: a trained model.
        texts: the sources.
        beam_size: see `Seq2Seq.predict`; None = the model's own.
        length_penalty: the same.
        max_length: the same.

    Example:
        >>> print_outputs(model, ["Ein Hund rennt."])  # doctest: +SKIP
        A dog is running.
    """
    from rnnkit.cli import show

    outputs = model.predict(
        texts, beam_size=beam_size, length_penalty=length_penalty, max_length=max_length
    )
    if show.console.is_terminal:
        show.rows(["output", "text"], [list(row) for row in zip(outputs, texts, strict=True)])
        return
    for output in outputs:
        print(" ".join(output.split()))  # a line each, so that outputs stand beside their texts
