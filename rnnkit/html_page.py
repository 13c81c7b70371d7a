"""Parts of a self-contained HTML page: escaped text, tables, figures as data, sections."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; padding-bottom: .2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem; border: 1px solid #ddd; }
thead th { background: #f3f3f3; }
td { font-variant-numeric: tabular-nums; }
figure { margin: 1.5rem 0; }
figure img { max-width: 100%; height: auto; }
figcaption { font-size: .9rem; color: #444; }
pre { background: #f3f3f3; padding: .6rem; overflow-x: auto; }
@media print {
  body { max-width: none; margin: 0; font-size: 11pt; }
  figure, tr { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  table { font-size: 8pt; overflow-wrap: anywhere; }
  .wide { overflow: visible; }
}
"""
# Nothing of the page is fetched or executed, whatever is in it.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


class Section(NamedTuple):
    """A section of a page.

    Attributes:
        name: of its anchor.
        title: as text.
        parts: HTML.
    """

    name: str
    title: str
    parts: list[str]


def page(title: str, introduction: Iterable[str], sections: Sequence[Section]) -> str:
    """Return a page with a table of contents.

    Args:
        title: as text.
        introduction: HTML, before the contents.
        sections: in their order; those without parts are left out.

    Example:
        >>> text = page("A & B", [paragraph("Hello.")], [Section("end", "The end", ["<p>.</p>"])])
        >>> "<h1>A &amp; B</h1>" in text, '<a href="#end">The end</a>' in text
        (True, True)
    """
    sections = [section for section in sections if section.parts]
    contents = "\n".join(
        f'<li><a href="#{section.name}">{escape(section.title)}</a></li>' for section in sections
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
{"".join(introduction)}
</header>
<nav aria-labelledby="contents">
<h2 id="contents">Contents</h2>
<ol>
{contents}
</ol>
</nav>
<main>
{"".join(map(_section, sections))}</main>
</body>
</html>
"""


def _section(section: Section) -> str:
    body = "\n".join(section.parts)
    return f"""<section aria-labelledby="{section.name}">
<h2 id="{section.name}">{escape(section.title)}</h2>
{body}
</section>
"""


def inline(text: str) -> str:
    """Return a text of report.md as HTML: escaped, with its bold words and its code.

    Example:
        >>> inline("**One seed** of `<rnn>`")
        '<strong>One seed</strong> of <code>&lt;rnn&gt;</code>'
    """
    found = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))
    return re.sub(r"`(.+?)`", r"<code>\1</code>", found)


def paragraph(text: str) -> str:
    """Return a paragraph; bold and code as in `inline`."""
    return f"<p>{inline(text)}</p>"


def bullets(texts: Iterable[str]) -> str:
    """Return a list; bold and code as in `inline`."""
    return "<ul>\n" + "\n".join(f"<li>{inline(text)}</li>" for text in texts) + "\n</ul>"


def code(text: str) -> str:
    """Return a line of code.

    Example:
        >>> code("tensorboard --logdir 'a b'")
        '<pre><code>tensorboard --logdir &#x27;a b&#x27;</code></pre>'
    """
    return f"<pre><code>{escape(text)}</code></pre>"


def table(lines: Sequence[Sequence[str]], caption: str) -> str:
    """Return a table.

    Args:
        lines: of texts; the first one, and the first cell of each, are headings.
        caption: what it shows, as text.

    Example:
        >>> '<th scope="row">a&lt;b</th><td>1</td>' in table([["x", "y"], ["a<b", "1"]], "xy")
        True
    """
    first, *rest = lines
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in first)
    rows = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rest
    )
    return f"""<div class="wide">
<table>
<caption>{escape(caption)}</caption>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>"""


def figure(png: bytes, about: str, caption: str) -> str:
    """Return a figure whose image is part of the page.

    Args:
        png: the bytes of a PNG file.
        about: what there is to see, for those who cannot see it.
        caption: below the image.

    Example:
        >>> figure(b"", "A line.", "Line").splitlines()[1]
        '<img alt="A line." src="data:image/png;base64,">'
    """
    data = base64.b64encode(png).decode()
    return f"""<figure>
<img alt="{escape(about)}" src="data:image/png;base64,{data}">
<figcaption>{escape(caption)}</figcaption>
</figure>"""
