"""Explanations in TensorBoard."""

from __future__ import annotations

from rnnkit.explain.explanation import Explanation
from rnnkit.explain.figures import connectivity_figure, steps_figure
from rnnkit.explain.plain import facts, table
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.figures import escape_markdown, markdown_table
from rnnkit.monitor.tags import EXPLANATION

SHOWN = 30  # words of the table


def write_explanation(
    writer: EventWriter, explanation: Explanation, step: int = 0, tag: str = EXPLANATION
) -> None:
    """Write an explanation to TensorBoard.

    | page | content |
    |---|---|
    | Text | `explanation/words`: the facts, and the words with the largest amounts |
    | Images | `explanation/attributions`: a bar for each word or step |
    | Images | `explanation/connectivity`, where it was measured |

    Args:
        writer: of a run.
        explanation: what `explain` of a task returned.
        step: such as the epoch, or a number of the example.
        tag: in the place of `explanation`.

    Example:
        >>> from rnnkit.monitor import EventWriter
        >>> import numpy as np
        >>> found = Explanation("log-odds of 'pos'", "pos", "pos", "log-odds", ("fine",),
        ...     np.array([2.0]), 2.0, 0.0, "zero vectors")
        >>> with EventWriter("runs/explained") as writer:
        ...     write_explanation(writer, found)
    """
    places = [place for place, *_ in explanation.ranked()[:SHOWN]]
    heading, rows = table(explanation, places)
    known = [*facts(explanation), *explanation.notes]
    lines = [f"- {escape_markdown(line)}" for line in known]
    cells = [[escape_markdown(cell) for cell in row] for row in rows]
    text = "\n".join(lines) + "\n\n" + markdown_table(list(map(escape_markdown, heading)), cells)
    writer.text(f"{tag}/words", text, step)
    writer.image(f"{tag}/attributions", steps_figure(explanation).png(), step)
    if explanation.connectivity is not None:
        writer.image(f"{tag}/connectivity", connectivity_figure(explanation).png(), step)
