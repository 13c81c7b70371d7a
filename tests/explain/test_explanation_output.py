"""Explanations as text, JSON, a page and in TensorBoard."""

import html.parser
import json

import event_files
import numpy as np
import pytest

from rnnkit.explain import Connectivity, Explanation, write_explanation
from rnnkit.monitor import EventWriter

pytestmark = pytest.mark.one_backend

WORDS = ("<b>", "so & so", "fine", "`x`")


@pytest.fixture(scope="module")
def explained():
    return Explanation(
        "log-odds of the class 'pos'",
        "pos",
        "pos, with the probability 0.9",
        "log-odds",
        WORDS,
        np.array([0.5, -2.0, 0.0, 1.5]),
        1.25,
        1.25,
        "zero vectors",
        parts={"network": np.array([0.5, -2, 0, 1]), "n-grams": np.array([0, 0, 0, 0.5])},
        occlusion=np.array([0.4, -1.0, np.nan, 1.4]),
        without="the text without the word",
        features=[("so & so fine", 0.5)],
        connectivity=Connectivity(("pos",), np.array([[1.0, 2.0, 4.0, 0.0]])),
        steps=16,
        notes=("a **note**",),
    )


def test_what_it_adds_up_to(explained):
    assert explained.completeness_error == 0
    assert explained.agreement == 1  # of the three words that have both
    assert [place for place, *_ in explained.ranked()] == [1, 3, 0, 2]


def test_json_holds_everything(explained):
    found = json.loads(explained.to_json())
    assert found["attributions"] == [0.5, -2, 0, 1.5]
    assert found["occlusion"] == [0.4, -1, None, 1.4]
    assert found["words"] == list(WORDS)
    assert found["connectivity"] == {"outputs": ["pos"], "norms": [[1, 2, 4, 0]]}
    assert found["notes"] == ["a **note**"]
    assert found["parts"]["n-grams"] == [0, 0, 0, 0.5]


def test_plain_lines(explained):
    lines = str(explained).splitlines()
    facts = [line for line in lines if line.startswith("#")]
    assert facts[0] == "# answer: pos, with the probability 0.9"
    assert "the attributions add up to 0" in facts[1]
    heading, *rows = (line.split("\t") for line in lines if not line.startswith("#"))
    assert heading == ["number", "word", "attribution", "network", "n-grams", "occlusion"]
    assert rows[1] == ["1", "so & so", "-2", "-2", "0", "-1"]
    assert rows[2][-1] == "–"


class Page(html.parser.HTMLParser):
    """The spans of a page with their styles, and the tags that fetch or run something."""

    def __init__(self):
        super().__init__()
        self.spans, self.fetched, self._open = [], [], None

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "span":
            self._open = found
        address = found.get("src") or found.get("href") or "#"
        if tag in ("script", "link", "iframe") or not address.startswith(("data:", "#")):
            self.fetched.append((tag, address))

    def handle_data(self, data):
        if self._open is not None:
            self.spans.append((data, self._open))
            self._open = None


def test_the_page_holds_all_words_in_order_and_nothing_that_is_fetched(explained, tmp_path):
    path = tmp_path / "new" / "page.html"
    explained.save(path)
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    assert [word for word, _ in page.spans] == list(WORDS)
    assert [found["title"] for _, found in page.spans] == ["+0.5", "-2", "0", "+1.5"]
    assert not page.fetched
    text = explained.to_html()
    assert "a *\u200b*note*\u200b*" in text
    assert text.count("data:image/png;base64,") == 1


def test_colours_grow_with_the_amount(explained):
    page = Page()
    page.feed(explained._repr_html_())
    red, green, blue = (
        [int(found["style"].split("(")[1].split(")")[0].split(",")[i]) for _, found in page.spans]
        for i in range(3)
    )
    assert red[1] > red[0] > red[3]  # the strongest against it is orange; for it, blue
    assert blue[1] < blue[3]
    assert (red[2], green[2], blue[2]) == (255, 255, 255)


def test_pages_of_tensorboard(explained, tmp_path):
    with EventWriter(tmp_path) as writer:
        write_explanation(writer, explained, 3)
    found = event_files.read(tmp_path)
    assert set(found) == {
        "explanation/words",
        "explanation/attributions",
        "explanation/connectivity",
    }
    ((step, text),) = found["explanation/words"]
    assert step == 3
    assert "&lt;b&gt;" in str(text)
