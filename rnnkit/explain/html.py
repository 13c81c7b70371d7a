"""Explanations as an HTML page: coloured words, tables, and the connectivity as a figure."""

from __future__ import annotations

from html import escape

from rnnkit.explain.explanation import Explanation
from rnnkit.explain.figures import connectivity_figure, steps_figure
from rnnkit.explain.plain import colour, facts, signed, strengths, table
from rnnkit.html_page import Section, bullets, figure, paragraph
from rnnkit.html_page import page as html_page
from rnnkit.html_page import table as html_table

SHOWN = 50  # words of the table, by their amounts


def page(explanation: Explanation) -> str:
    """Return a page that fetches nothing and runs no script.

    Example:
        >>> import numpy as np
        >>> found = Explanation("log-odds of 'pos'", "pos", "pos", "log-odds", ("<fine>",),
        ...     np.array([2.0]), 2.0, 0.0, "zero vectors")
        >>> "&lt;fine&gt;</span>" in page(found), "<script" in page(found)
        (True, False)
    """
    one = explanation
    places = [place for place, *_ in one.ranked()[:SHOWN]]
    heading, rows = table(one, places)
    of = "" if len(places) == len(one.words) else f", the {SHOWN} largest of {len(one.words):,}"
    lines = [[word, amount, *rest, number] for number, word, amount, *rest in rows]
    names = [*heading[1:], "number"]
    amounts = [html_table([names, *lines], f"Attributions{of}")] if lines else []
    parts = []
    if one.features:
        of_several = [[name, signed(amount)] for name, amount in one.features]
        parts.append(html_table([["n-gram", "attribution"], *of_several], "Features of words"))
    connected = []
    if one.connectivity is not None:
        about = (
            "The norm of the gradient of each output (rows) by each word or step (columns): how "
            "much a small change there would change the output. Each row is scaled to its largest."
        )
        png = connectivity_figure(one).png()
        connected = [figure(png, "A heat map of outputs by inputs.", about)]
    sections = [
        Section("words", "What moved the answer", [words(one), *_curve(one)]),
        Section("amounts", "The amounts", amounts),
        Section("features", "Several words together", parts),
        Section("connectivity", "Connectivity", connected),
        Section("reading", "How to read this", [_reading(one)]),
    ]
    introduction = [bullets(map(_plainly, [*facts(one), *one.notes]))]
    return html_page(f"Explanation: {one.question}", introduction, sections)


def body(explanation: Explanation) -> str:
    """Return the facts and the coloured words, for a notebook."""
    return bullets(map(_plainly, [*facts(explanation), *explanation.notes])) + words(explanation)


def words(explanation: Explanation) -> str:
    """Return the words, each on the colour of its attribution, with the amount as a tooltip."""
    spans = []
    shares = strengths(explanation).tolist()
    for place, (word, share) in enumerate(zip(explanation.words, shares, strict=True)):
        red, green, blue = colour(share)
        amount = signed(float(explanation.attributions[place]))
        frame = ";outline:2px solid #333" if place == explanation.place else ""
        style = f"background:rgb({red},{green},{blue});padding:.1em .2em;border-radius:.2em{frame}"
        spans.append(f'<span style="{style}" title="{amount}">{escape(word)}</span>')
    return f'<p style="line-height:2;color:#1a1a1a">{" ".join(spans)}</p>'


def _curve(explanation: Explanation) -> list[str]:
    if explanation.unit != "units of the series":
        return []
    png = steps_figure(explanation).png()
    return [figure(png, "A curve over the steps.", "Attribution of each step.")]


def _plainly(text: str) -> str:
    """Keep a text from being read as markup: bold words and code."""
    return text.replace("`", "'").replace("**", "*\u200b*")


def _reading(explanation: Explanation) -> str:
    one = explanation
    texts = [
        f"Blue words speak for {one.target!r}, orange ones against it; white ones do not matter. "
        "The strongest colour is that of the largest amount.",
        "The attributions are integrated gradients (Sundararajan et al. 2017): they add up to the "
        f"difference between the explained value and that of the baseline ({one.baseline}).",
    ]
    if one.occlusion is not None:
        texts.append(
            f"Occlusion is the change of the value by {one.without}. It checks the attributions, "
            "and differs from them where words matter together."
        )
    texts.append(
        "Both say what this model computes, not what is true of the text, and not what the model "
        "would answer about another one."
    )
    return "".join(paragraph(_plainly(text)) for text in texts)
