"""Explanations as text: the facts, and a line for each word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnnkit.explain.explanation import Explanation

FOR, AGAINST = (68, 119, 204), (221, 119, 51)  # blue and orange: told apart by colour-blind eyes


def facts(explanation: Explanation) -> list[str]:
    """Return what is explained, what the attributions add up to, and what to know of them.

    Example:
        >>> found = Explanation("log-odds of 'pos'", "pos", "pos", "log-odds", ("fine",),
        ...     np.array([2.0]), 2.5, 0.5, "zero vectors")
        >>> facts(found)[1:]
        ["log-odds of 'pos': 2.5; baseline 0.5 (zero vectors); the attributions add up to 2"]
    """
    one = explanation
    total = float(one.attributions.sum())
    found = [
        f"answer: {one.answer}",
        f"{one.question}: {number(one.value)}; baseline {number(one.baseline_value)} "
        f"({one.baseline}); the attributions add up to {number(total)}",
    ]
    if len(one.parts) > 1:
        sums = (f"{name} {signed(float(part.sum()))}" for name, part in one.parts.items())
        found.append(f"by part: {', '.join(sums)}")
    if one.occlusion is not None:
        agreement = one.agreement
        known = "" if agreement is None else f"; rank correlation {agreement:.2f}"
        found.append(f"occlusion: {one.without}{known}")
    return found


def lines(explanation: Explanation) -> list[str]:
    """Return the facts, each behind a `#`, and tab-separated lines: number, word, amounts."""
    heading, rows = table(explanation)
    found = [f"# {line}" for line in [*facts(explanation), *explanation.notes]]
    for name, amount in explanation.features:
        found.append(f"# {name}: {signed(amount)}")
    return [*found, "\t".join(heading), *("\t".join(row) for row in rows)]


def table(
    explanation: Explanation, places: Sequence[int] | None = None
) -> tuple[list[str], list[list[str]]]:
    """Return heading and cells of a table of words, in their order or in that of `places`."""
    one = explanation
    heading = ["number", "word", "attribution"]
    if len(one.parts) > 1:
        heading += one.parts
    heading += [] if one.occlusion is None else ["occlusion"]
    rows = []
    for place in range(len(one.words)) if places is None else places:
        row = [str(place), " ".join(one.words[place].split()) or repr(one.words[place])]
        row.append(signed(float(one.attributions[place])))
        if len(one.parts) > 1:
            row += [signed(float(part[place])) for part in one.parts.values()]
        if one.occlusion is not None:
            row.append(signed(float(one.occlusion[place])))
        rows.append(row)
    return heading, rows


def signed(value: float) -> str:
    """Return a number of four significant digits with its sign; a dash for one that is not known.

    Example:
        >>> signed(0.123456), signed(-2.0), signed(0.0), signed(float("nan"))
        ('+0.1235', '-2', '0', '–')
    """
    if not np.isfinite(value):
        return "–"
    return f"{value:+.4g}" if value else "0"


def number(value: float) -> str:
    """Return a number of six significant digits.

    Example:
        >>> number(1234.5678)
        '1234.57'
    """
    return f"{value:.6g}"


def strengths(explanation: Explanation) -> np.ndarray:
    """Return the attributions as shares of the largest amount, from -1 to 1: how strong a colour.

    Example:
        >>> found = Explanation("", "", "", "", ("a", "b"), np.array([1.0, -2.0]), 0, 0, "")
        >>> strengths(found).tolist()
        [0.5, -1.0]
    """
    most = np.abs(explanation.attributions).max(initial=0)
    return explanation.attributions / most if most else np.zeros(len(explanation.words))


def colour(share: float) -> tuple[int, int, int]:
    """Return a colour for a share from -1 to 1: orange, over white, to blue.

    Dark text is readable on all of them.

    Example:
        >>> colour(0.0), colour(1.0) == colour(-1.0)
        ((255, 255, 255), False)
    """
    full = FOR if share > 0 else AGAINST
    depth = 0.75 * min(abs(share), 1.0)
    red, green, blue = (round(255 + depth * (part - 255)) for part in full)
    return red, green, blue
