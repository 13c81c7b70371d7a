import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnkit.data.lexicon import ABBREVIATIONS, NEGATIONS, STOP_WORDS
from rnnkit.data.text import TextPipeline, check_texts
from rnnkit.errors import InputError

OFF = {
    "strip_html": False,
    "lowercase": False,
    "expand_abbreviations": False,
    "strip_punctuation": False,
    "squeeze_whitespace": False,
}


@pytest.mark.parametrize(
    ("step", "text", "cleaned"),
    [
        ("strip_html", "a<br /><b class='x'>b</b><!-- c -->&amp;d", "a  b  &d"),
        ("strip_html", "I <3 it, 2 < 3 > 1", "I <3 it, 2 < 3 > 1"),
        ("strip_html", "x<script>var a = 1;</script>y<STYLE>p {}</STYLE >z", "x y z"),
        ("lowercase", "ÉTÉ E\u0301te\u0301 Straße", "été été straße"),
        ("expand_abbreviations", "U pls go, b/c i", "you please go, because i"),
        (
            "strip_punctuation",
            "good/bad, \u201cso-so\u201d_x! 5\u20ac \U0001f600",
            "good bad   so so  x  5   ",
        ),
        ("squeeze_whitespace", " a \t\n b\u00a0c\u2003d ", "a b c d"),
    ],
)
def test_each_step_alone(step, text, cleaned):
    assert TextPipeline(**(OFF | {step: True})).clean(text) == cleaned
    assert TextPipeline(**OFF).clean(text) == text


def test_the_whole_pipeline():
    text = "<p>U DON'T&nbsp;need   it:<br/>\u2018plz\u2019 don\u2019t!!</p>"
    assert TextPipeline()(text) == ["you", "don't", "need", "it", "please", "don't"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (
            "the dogs' 'quoted' ''twice'' rock'n'roll '",
            ["the", "dogs", "quoted", "twice", "rock'n'roll"],
        ),
        ("dont DIDN'T isn\u2019t", ["don't", "didn't", "isn't"]),
        ("u2 u-boat u.s.a. r&u u", ["u2", "u", "boat", "u", "s", "a", "r", "u", "you"]),
        ("r  u there? u r!", ["are", "you", "there", "you", "are"]),
        ("rated r", ["rated", "r"]),
        ("हिन्दी русский 日本語 x²", ["हिन्दी", "русский", "日本語", "x²"]),
        ("", []),
        (" ... <br> ", []),
    ],
)
def test_tokens(text, tokens):
    assert TextPipeline()(text) == tokens


def test_punctuation_becomes_tokens_when_kept():
    kept = TextPipeline(strip_punctuation=False)
    assert kept("It's 'so', so {good}!") == [
        *("it's", "'", "so", "'", ",", "so", "{", "good", "}", "!"),
    ]


def test_abbreviations_can_be_extended_and_replaced():
    assert TextPipeline(expand_abbreviations=ABBREVIATIONS | {"Gr8t": "great"})("gr8t u") == [
        "great",
        "you",
    ]
    assert TextPipeline(expand_abbreviations={"x": "y"})("x u") == ["y", "u"]
    assert TextPipeline(lowercase=False)("PLS Pls") == ["please", "please"]


def test_stop_words():
    text = "It was not a good film, but I don't know why."
    assert TextPipeline(stop_words="full")(text) == ["good", "film", "know"]
    assert TextPipeline(stop_words="keep-negations")(text) == [
        *("not", "good", "film", "but", "don't", "know"),
    ]
    assert TextPipeline(stop_words=["film"])("a film") == ["a"]
    assert {"not", "no", "never", "isn't", "but"} <= NEGATIONS < STOP_WORDS


@pytest.mark.parametrize(
    "settings",
    [{}, OFF, {"stop_words": "full"}, {"expand_abbreviations": {"a": "b"}, "stop_words": ["c"]}],
)
def test_config_builds_the_same_pipeline(settings):
    import json

    pipeline = TextPipeline(**settings)
    again = TextPipeline.from_config(json.loads(json.dumps(pipeline.get_config())))
    text = "<b>U</b> don't  see a c, A film"
    assert again.get_config() == pipeline.get_config()
    assert again(text) == pipeline(text)
    assert again.clean(text) == pipeline.clean(text)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_unicode_text_is_cut_into_tokens(text):
    for pipeline in (TextPipeline(), TextPipeline(lowercase=False, strip_punctuation=False)):
        tokens = pipeline(text)
        assert all(token and not any(map(str.isspace, token)) for token in tokens)
    # What has been cleaned once is clean.
    tokens = TextPipeline(expand_abbreviations=False)(text)
    assert TextPipeline(expand_abbreviations=False)(" ".join(tokens)) == tokens


@settings(max_examples=150, deadline=None)
@given(st.text("<>!-/=&#;0x '\"abrscipt\n"))
def test_no_markup_crashes(text):
    TextPipeline()(text)


@pytest.mark.parametrize(
    "piece",
    [
        "word ",
        "<!--",
        "<a ",
        "<script>",
        "&#" + "9" * 50,
        "'",
        "don't ",
        "&lt;",
        "u ",
        "\u0301",
        "(",
    ],
)
def test_a_million_of_anything_takes_linear_time(piece):
    # Quadratic time would take hours: no clock is needed here.
    tokens = TextPipeline()(piece * (1_000_000 // max(1, len(piece) // 5)))
    if piece == "word ":
        assert tokens == ["word"] * 1_000_000


def test_huge_character_references_vanish():
    assert TextPipeline()("a &#" + "9" * 5000 + "; b") == ["a", "b"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ("one", ["one"]),
        (b"caf\xc3\xa9", ["café"]),
        (["a", b"b"], ["a", "b"]),
        (("a", "b"), ["a", "b"]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array(["a", b"b"], dtype=object), ["a", "b"]),
        (np.array("a"), ["a"]),
        ([], []),
        (["\U0001f600"], ["\U0001f600"]),
    ],
)
def test_texts_come_in_many_containers(texts, expected):
    found = check_texts(texts)
    assert found == expected
    assert all(type(text) is str for text in found)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", "b", "c", 7], r"texts\[3\] is int \(7\)"),
        (["a", None], r"texts\[1\] is NoneType \(None\): drop it"),
        (["a", float("nan")], r"texts\[1\] is float \(nan\): drop it"),
        ([b"ok", b"caf\xe9"], r"texts\[1\] holds bytes that are not UTF-8 \(0xe9 at 3\)"),
        (["a", "x\ud800"], r"texts\[1\] holds half a character .* at 1"),
        ("\udfff", "texts holds half a character"),
        (7, "texts is int"),
        ({"a": 1}, "texts is dict"),
        (np.array([[1, 2]]), r"texts\[0\] is list"),
        (np.array([1.5]), r"texts\[0\] is float \(1.5\)"),
    ],
)
def test_what_is_no_text_is_refused_by_place_and_value(texts, message):
    with pytest.raises(InputError, match=message):
        check_texts(texts)
    with pytest.raises(InputError, match=message):
        TextPipeline().tokens(texts)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stop_words": "keep-negation"}, "Did you mean 'keep-negations'"),
        ({"stop_words": [1]}, r"stop_words\[0\] is int"),
        ({"expand_abbreviations": ["u"]}, "expand_abbreviations is list"),
        ({"expand_abbreviations": {"u": 1}}, "'u': 1"),
        ({"expand_abbreviations": {" ": "x"}}, "expected two texts"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        TextPipeline(**wrong)


def test_the_data_room_imports_no_framework(fresh_python):
    code = (
        "import sys, rnnkit.data.text, rnnkit.data.vocabulary, rnnkit.data.batching, "
        "rnnkit.data.datasets; "
        "print({'keras', 'tensorflow', 'jax', 'torch', 'sklearn'} & set(sys.modules))"
    )
    assert fresh_python(code).out.strip() == "set()"
