"""Texts of which a model knows no word, and languages without spaces."""

import pytest

from rnnkit import recipes
from rnnkit.data.scripts import language_without_spaces
from rnnkit.data.text import TextPipeline
from rnnkit.errors import InputError, UnknownWordsWarning

pytestmark = pytest.mark.one_backend

BUILT = {"epochs": 1, "initial_epoch": 1}  # no epoch is left to train
ENGLISH = ["a good film", "a dull film"] * 8
CHINESE = ["这部电影非常好看", "剧情无聊透顶真是浪费时间"] * 8


def classifier(name="gru_sentiment", texts=ENGLISH, verbose=0, **settings):
    small = {} if name == "bag_of_words_sentiment" else {"units": 2, "embedding": "random"}
    model = recipes.find(name)(**small, embedding_size=4, **settings)
    model.fit(texts, [1, 0] * 8, verbose=verbose, **BUILT)
    return model


@pytest.mark.parametrize("name", ["gru_sentiment", "bag_of_words_sentiment"])
def test_a_classifier_says_once_that_it_knows_no_word(name):
    model = classifier(name)
    with pytest.warns(UnknownWordsWarning, match=r"1 of 3 texts \(the first at index 1\) have no"):
        model.predict(["a good one", "xyzzy plugh", ""], verbose=0)
    model.predict(["xyzzy"], verbose=0)  # a warning would be an error
    fresh = classifier(name)
    fresh.predict(["", "good xyzzy"], verbose=0)  # a warning would be an error
    with pytest.warns(UnknownWordsWarning, match="1 of 1 text "):
        fresh.predict_labels("xyzzy")


@pytest.mark.parametrize("name", ["gru_sentiment", "bag_of_words_sentiment"])
def test_the_unknown_words_of_texts_are_shown(name):
    model = classifier(name)
    texts = ["A flabbergasting FILM, flabbergasting!", "a good film", "Good 🙂 thing", ""]
    assert model.unknown_words(texts) == [["flabbergasting"], [], ["thing"], []]
    assert model.unknown_words("good grief") == [["grief"]]
    assert model.answer(texts).notes == [
        "text 1, not in the vocabulary: 'flabbergasting'",
        "text 3, not in the vocabulary: 'thing'",
    ]
    assert model.answer(["good grief"]).notes == ["not in the vocabulary: 'grief'"]
    notes = model.answer(["good grief"] * 13).notes
    assert (len(notes), notes[-1]) == (11, "and 3 more texts with unknown words")


@pytest.mark.parametrize(("characters", "unknown"), [("cnn", []), (None, ["qwerty"])])
def test_the_unknown_words_of_a_tagger_are_those_it_cannot_spell(characters, unknown):
    model = recipes.name_tagger(units=2, embedding_size=4, characters=characters)
    model.fit([["Ann", "sings"], ["Bob", "runs"]] * 4, [["B-PER", "O"]] * 8, verbose=0, **BUILT)
    assert model.unknown_words(["Qwerty sings", ["Ann"]]) == [unknown, []]
    shown = ["not in the vocabulary: 'qwerty'"] if unknown else []
    assert [*model.answer(["Qwerty sings"]).notes] == shown


def test_the_unknown_words_of_a_language_model():
    model = recipes.next_word(units=2, embedding_size=4, window=4, min_count=1)
    model.fit(["the cat sat on the mat"] * 4, verbose=0, **BUILT)
    assert model.unknown_words(["the dog sat", "a mat"]) == [["dog"], ["a"]]


@pytest.mark.parametrize("characters", ["cnn", None])
def test_a_tagger_says_so_where_it_does_not_read_letters(characters):
    model = recipes.name_tagger(units=2, embedding_size=4, characters=characters)
    model.fit([["Ann", "sings"], ["Bob", "runs"]] * 4, [["B-PER", "O"]] * 8, verbose=0, **BUILT)
    rows = [["Ann", "sings"], ["Qwerty", "Asdf"]]
    if characters:
        model.predict(rows)  # a warning would be an error
        return
    with pytest.warns(UnknownWordsWarning, match="1 of 2 sentences"):
        model.predict(rows)


def test_a_language_without_spaces_is_noticed_and_characters_help(capsys):
    classifier(texts=CHINESE, verbose=2)
    assert "look Chinese, which is written without spaces" in capsys.readouterr().err
    model = classifier(texts=CHINESE, verbose=2, tokens="characters")
    assert "without spaces" not in capsys.readouterr().err
    assert "影" in model.vocabulary.tokens
    model.predict(["电影好"], verbose=0)  # no such "word" was seen
    classifier(verbose=2)
    assert "without spaces" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        (CHINESE, "Chinese"),
        (["この映画はとても面白かったです", "退屈でした、時間の無駄です"], "Japanese"),
        (["หนังเรื่องนี้สนุกมาก", "หนังน่าเบื่อมากเสียเวลา"], "Thai"),
        (["រឿងនេះល្អណាស់", "គួរឱ្យធុញណាស់"], "Khmer"),
        (["这 部 电影 非常 好看", "剧情 无聊 透顶"], None),
        (["この 映画 は とても 面白かった です"], None),
        (["영화가 정말 재미있었어요", "지루했어요"], None),
        (["Очень хороший фильм", "यह फिल्म बहुत अच्छी है", "هذا فيلم جيد"], None),
        (["A film called 电影 and more words"], None),
        (["Internationalisierung Donaudampfschifffahrt"], None),
        (["", "..."], None),
        ([], None),
    ],
)
def test_which_language_it_is(texts, language):
    assert language_without_spaces(texts) == language


def test_characters_of_a_pipeline():
    pipeline = TextPipeline(tokens="characters")
    assert pipeline("Ab, cd!") == ["a", "b", "c", "d"]
    assert pipeline("ที่นี่") == ["ที่", "นี่"]
    assert TextPipeline(tokens="characters", strip_punctuation=False)("a!") == ["a", "!"]
    assert TextPipeline.from_config(pipeline.get_config())("ab") == ["a", "b"]
    old = {key: value for key, value in pipeline.get_config().items() if key != "tokens"}
    assert TextPipeline.from_config(old)("ab") == ["ab"]
    with pytest.raises(InputError, match="tokens is 'letters'; expected one of"):
        TextPipeline(tokens="letters")
    with pytest.raises(InputError, match="tokens is 'letters'"):
        recipes.gru_sentiment(tokens="letters")
