"""report.html: one whole file, whatever the runs kept, in which nothing of users is executed."""

import html.parser
import re
import types

import numpy as np
import pytest
from finished_runs import Study, classified

from rnnkit.html_page import inline
from rnnkit.study.dynamics import StudyDynamics
from rnnkit.study.report import write_report

EVIL = "<script>alert('x')</script>"
LAYER = {
    "layer": f"lstm{EVIL}",
    "kind": "LSTM",
    "units": 4,
    "numbers": {"flow_per_step": 0.93, "below_0.1/i": 0.25},
    "flow": {"median": [1.0, 0.5, 0.25]},
    "gates": {"i": {"below_0.1": [0.5, 0.0], "above_0.9": [0.0, 0.1]}},
}
ALWAYS = ["support", "results", "tests", "curves", "settings", "environment", "closer"]
FAILED = {"gru_sentiment-seed1": "The loss became nan."}
VOID = {"meta", "img"}


class Page(html.parser.HTMLParser):
    """What a page holds; `open` is left empty where all tags are closed in their order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def of(self, tag):
        return [a for name, a in zip(self.tags, self.attributes, strict=True) if name == tag]

    @property
    def sections(self):
        """The names of the sections, by the table of contents."""
        return [link["href"].removeprefix("#") for link in self.of("a")]


def written(comparison, texts):
    dataset = types.SimpleNamespace(test=types.SimpleNamespace(x=texts))
    write_report(comparison, dataset)
    return comparison.html_report.read_text(encoding="utf-8")


@pytest.fixture
def classifiers(tmp_path):
    """Two recipes of two seeds, the first of which is better; their classes and texts are evil."""
    study = Study(tmp_path)
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 300).astype("int32")
    names = np.array(["neg", EVIL])
    for number, (recipe, accuracy) in enumerate([("lstm_sentiment", 0.95), ("rnn_sentiment", 0.7)]):
        for seed in (0, 1):
            kept = classified(truth, accuracy, 10 * number + seed, names)
            study.add(recipe, seed, {**kept, "lengths": rng.permutation(300)})
    return study


def test_page_of_classifiers_is_whole_and_escaped(classifiers):
    dynamics = StudyDynamics(
        {"lstm_sentiment": [LAYER]}, {"rnn_sentiment": "runs/rnn has no recurrent layer."}
    )
    why = f"The loss became nan in {EVIL}."
    comparison = classifiers.compared(failures={"rnn_sentiment-seed2": why}, dynamics=dynamics)
    text = written(comparison, [f"a film {EVIL} {number}" for number in range(300)])
    page = Page(text)
    assert page.open == []
    assert "script" not in page.tags
    assert "&lt;script&gt;alert" in text
    of_classifiers = ["calibration", "length", "disagreement", "dynamics"]
    assert page.sections == [*ALWAYS[:4], *of_classifiers, *ALWAYS[4:]]
    assert {*page.sections} <= {attributes.get("id") for attributes in page.attributes}
    images = page.of("img")
    assert len(images) == 6
    assert all(image["src"].startswith("data:image/png;base64,iVBOR") for image in images)
    assert all(len(image["alt"]) > 20 for image in images)
    assert page.tags.count("table") == page.tags.count("caption")
    assert all(cell["scope"] in ("row", "col") for cell in page.of("th"))
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", text)  # nothing is fetched
    support = re.search(r"<h2 id=\"support\">.*?</section>", text, re.DOTALL).group()
    assert "lstm_sentiment is better than rnn_sentiment: +2" in support
    assert "<strong>Not supported" not in support
    table = re.search(r"Mean ± sample standard deviation</caption>.*?</table>", text, re.DOTALL)
    assert '<th scope="row">accuracy</th>' in table.group()
    assert text.count("p of McNemar") == 1
    assert "(report.html)" in (classifiers.path / "report.md").read_text(encoding="utf-8")


def test_page_says_what_is_not_supported_and_what_one_seed_tells(tmp_path):
    study = Study(tmp_path)
    kept = classified(np.arange(200, dtype="int32") % 2, 0.8, 0)
    for recipe in ("gru_sentiment", "lstm_sentiment"):
        study.add(recipe, 0, kept)
    text = written(study.compared(failures=FAILED), ["a"] * 200)
    pair = "accuracy: gru_sentiment and lstm_sentiment"
    assert f"<li>{pair}: no difference that these data support.</li>" in text
    assert "All recipes answer every test example alike." in text
    assert "One seed of gru_sentiment, lstm_sentiment: intervals and p-values tell what" in text
    assert "<strong>gru_sentiment-seed1 diverged and is not in the means</strong>: The loss" in text
    assert "did not keep the lengths of the test examples" in text


def test_runs_that_kept_nothing_have_a_page(classifiers):
    for run in classifiers.values():
        run.folder.answers.unlink()
    comparison = classifiers.compared()
    for run in classifiers.values():
        run.results["test"] = {}  # as of word vectors that know no question
    page = Page(text := written(comparison, []))
    assert "no run has kept what its model answered" in text
    assert "No difference was tested" in text
    assert page.sections == ALWAYS


def test_forecasters_have_no_empty_section(tmp_path):
    study = Study(tmp_path)
    for scale, recipe in enumerate(("forecaster", "traffic_forecaster"), 1):
        error = scale * np.random.default_rng(scale).random(60)
        kept = {"absolute_error": error, "squared_error": error**2, "targets": np.ones(60)}
        study.add(recipe, 0, kept)
    page = Page(text := written(study.compared(), []))
    assert page.sections == ALWAYS
    assert "forecaster is better than traffic_forecaster" in text


def test_marks_of_markdown_become_tags():
    assert inline("**a** & `b`") == "<strong>a</strong> &amp; <code>b</code>"
    assert inline("2 * 3 * 4") == "2 * 3 * 4"
