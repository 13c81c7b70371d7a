"""Tokenizers and presets of KerasHub: its own ids and vectors are the oracle."""

import copy
import io
import pickle
import zipfile

import keras
import numpy as np
import pytest
import sentencepiece
from later import Later
from typer.testing import CliRunner

from rnnkit import recipes, study
from rnnkit.backend import installed
from rnnkit.cli import app
from rnnkit.data.hub_tokenizer import HubTokenizer
from rnnkit.errors import InputError, UnknownWordsWarning
from rnnkit.recipes import bag_of_words_sentiment, gru_sentiment, next_word
from rnnkit.tasks import load

pytestmark = pytest.mark.one_backend

keras_hub, tokenizers = Later("keras_hub"), Later("keras_hub.tokenizers")

TEXTS = ["a good film", "a bad film", "good films", "dull bad films"] * 4
LABELS = [1, 0, 1, 0] * 4
SMALL = {"units": 2, "embedding": "random", "embedding_size": 4, "min_count": 1}
BUILT = {"verbose": 0, "epochs": 1, "initial_epoch": 1}  # no epoch is left to train
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "bad", "film", "##s", "dull"]


def byte_pairs(letters="abdfgilmosu", **options):
    merges = ["f i", "fi l", "fil m", "g o", "o d", "go od", "b a", "ba d", "Ġ g", "Ġ a"]
    tokens = [*letters, "Ġ", *(merge.replace(" ", "") for merge in merges)]
    numbers = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    return tokenizers.BytePairTokenizer(numbers, merges, **options)


def word_pieces(**options):
    return tokenizers.WordPieceTokenizer(PIECES, lowercase=True, **options)


def sentence_pieces(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=model,
        vocab_size=24,
        model_type="bpe",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return tokenizers.SentencePieceTokenizer(model.getvalue(), **options)


KINDS = {
    "byte pairs": byte_pairs,
    "word pieces": word_pieces,
    "sentencepiece": sentence_pieces,
    "bytes": lambda: tokenizers.ByteTokenizer(),
    "code points": lambda: tokenizers.UnicodeCodepointTokenizer(vocabulary_size=500),
}


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """The folder of a tiny BERT and its tokenizer, and the table of its token embeddings."""
    folder = tmp_path_factory.mktemp("preset")
    options = {"vocabulary_size": len(PIECES), "num_layers": 1, "num_heads": 2, "hidden_dim": 4}
    backbone = keras_hub.models.BertBackbone(**options, intermediate_dim=4, max_sequence_length=8)
    backbone.save_to_preset(str(folder))
    keras_hub.models.BertTokenizer(PIECES, lowercase=True).save_to_preset(str(folder))
    return folder, keras.ops.convert_to_numpy(backbone.token_embedding.embeddings)


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_those_of_the_ids(kind):
    theirs = KINDS[kind]()
    ours = HubTokenizer(theirs)
    expected = [[theirs.id_to_token(int(i)) for i in theirs.tokenize(text)] for text in TEXTS]
    assert ours.tokens(TEXTS) == expected
    assert [ours.detokenize(row) for row in expected] == TEXTS
    assert ours.tokens(["", TEXTS[0], ""]) == [[], expected[0], []]
    assert ours.tokens([]) == []


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", KINDS)
def test_copies_and_stored_ones_split_as_the_original(kind):
    ours = HubTokenizer(KINDS[kind]())
    expected = ours.tokens(TEXTS)
    assert copy.deepcopy(ours).tokens(TEXTS) == expected
    assert pickle.loads(pickle.dumps(ours)).tokens(TEXTS) == expected


def test_what_a_tokenizer_does_not_know_is_an_unknown_token():
    assert HubTokenizer(byte_pairs()).tokens(["bad×film", "×", "Bad", "a\nb"]) == [
        ["bad", "[UNK]", "film"],
        ["[UNK]"],
        ["[UNK]", "a", "d"],
        ["a", "[UNK]", "b"],
    ]
    assert HubTokenizer(byte_pairs(add_prefix_space=True)).tokens(["a×"]) == [["Ġa", "[UNK]"]]
    assert HubTokenizer(word_pieces()).tokens(["good ×"]) == [["good", "[UNK]"]]
    assert HubTokenizer(sentence_pieces()).tokens(["×"]) == [["▁", "[UNK]"]]
    code_points = HubTokenizer(tokenizers.UnicodeCodepointTokenizer(vocabulary_size=256))
    assert code_points.tokens(["a€"]) == [["a", "[UNK]"]]
    other = tokenizers.WordPieceTokenizer(["<none>", "a"], oov_token="<none>")
    assert HubTokenizer(other).tokens(["b a"]) == [["[UNK]", "a"]]


@pytest.mark.parametrize("make", [gru_sentiment, bag_of_words_sentiment])
@pytest.mark.parametrize("kind", ["byte pairs", "word pieces"])
def test_classifiers_count_its_tokens(make, kind, tmp_path):
    small = SMALL if make is gru_sentiment else {"min_count": 1, "ngrams": 1}
    tokenizer = KINDS[kind]()
    model = make(tokenizer=tokenizer, **small)
    assert copy.deepcopy(model).settings["tokenizer"] == type(tokenizer).__name__
    assert pickle.loads(pickle.dumps(model)).tokenizer.name == type(tokenizer).__name__
    model.fit(TEXTS, LABELS, **BUILT)
    tokens = {tokenizer.id_to_token(int(i)) for text in TEXTS for i in tokenizer.tokenize(text)}
    assert set(model.vocabulary.tokens) == {"", "[UNK]", *tokens}
    assert min(row.min() for row in model.encode(TEXTS)) > 0  # padding is no token
    expected = model.predict(TEXTS[:4], verbose=0)
    model.save(tmp_path / "model.keras")
    for other in (load(tmp_path / "model.keras"), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.predict(TEXTS[:4], verbose=0), expected)
        fresh = other.untrained()
        fresh.fit(TEXTS, LABELS, **BUILT)
        assert fresh.vocabulary.tokens == model.vocabulary.tokens
    model.set_params(learning_rate=0.5)
    assert model.network is None
    assert model.tokenizer.tokens(TEXTS) == HubTokenizer(tokenizer).tokens(TEXTS)


def test_a_file_without_a_tokenizer_still_has_none(tmp_path):
    model = gru_sentiment(**SMALL)
    model.fit(TEXTS, LABELS, **BUILT)
    model.save(tmp_path / "model.keras")
    assert load(tmp_path / "model.keras").tokenizer is None
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert not [name for name in archive.namelist() if "tokenizer" in name]


def test_texts_of_unknown_characters_are_warned_of_and_counted(capsys):
    model = gru_sentiment(**SMALL, tokenizer=byte_pairs())
    model.fit([*TEXTS, "bad ×"], [*LABELS, 0], verbose=2, epochs=1, initial_epoch=1)
    tokens = sum(map(len, model.split_texts([*TEXTS, "bad ×"])))
    expected = f"{1 / tokens:.1%} of the tokens of these texts are unknown to the BytePairTokenizer"
    assert expected in capsys.readouterr().err
    with pytest.warns(UnknownWordsWarning, match="1 of 2 texts"):
        model.predict(["×××", "bad"], verbose=0)


@pytest.mark.parametrize("kind", ["byte pairs", "word pieces", "bytes"])
def test_a_language_model_continues_the_prompt(kind, tmp_path):
    model = next_word(
        units=2, embedding_size=2, batch_size=2, window=8, min_count=1, tokenizer=KINDS[kind]()
    )
    model.fit(TEXTS, **BUILT)
    for prompt in ("A good", "a bad ", "Unseen ×"):
        for text in model.generate(prompt, 2, length=3):
            assert text.startswith(prompt.rstrip())
    expected = model.generate("a good", length=4), model.evaluate(TEXTS, verbose=0)
    model.save(tmp_path / "model.keras")
    for other in (load(tmp_path / "model.keras"), copy.deepcopy(model)):
        found = other.generate("a good", length=4), other.evaluate(TEXTS, verbose=0)
        assert found[0] == expected[0]
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-6)
    with pytest.raises(InputError, match="model of words"):
        model.complete("a g")


def test_generated_tokens_join_as_the_tokenizer_joins_them():
    pieces, pairs = HubTokenizer(word_pieces()), HubTokenizer(byte_pairs())
    assert pieces.continued("A GOOD", ["film", "##s"]) == "A GOOD films"
    assert pieces.continued("A GOOD ", ["film"]) == "A GOOD film"
    assert pieces.continued("", ["film", "[UNK]"]) == "film [UNK]"
    assert pairs.continued("bad", ["Ġa", "film"]) == "bad afilm"
    assert pairs.continued("bad ", ["film"]) == "bad film"


@pytest.mark.parametrize("recipe", ["translator", "summarizer"])
def test_texts_to_texts_by_its_tokens(recipe, tmp_path):
    small = {"units": 2, "decoder_units": 2, "embedding_size": 2, "max_target_length": 6}
    model = recipes.find(recipe)(tokenizer=byte_pairs(), **small)
    assert pickle.loads(pickle.dumps(model)).tokenizer.name == "BytePairTokenizer"
    model.fit(TEXTS, TEXTS[::-1], **BUILT)
    ours = HubTokenizer(byte_pairs())
    tokens = {token for row in ours.tokens(TEXTS) for token in row}
    assert len(model.source_subwords) == 4 + len(tokens)
    row = model.encode("a good film")[0]
    assert model.source_subwords.decode(row) == "a good film"
    assert model.source_subwords.names(row) == [*ours.tokenize("a good film"), "</s>"]
    assert row.min() > 2
    expected = model.predict(TEXTS[:2], beam_size=1)
    model.save(tmp_path / "model.keras")
    for other in (load(tmp_path / "model.keras"), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.encode(TEXTS)[0], model.encode(TEXTS)[0])
        assert other.predict(TEXTS[:2], beam_size=1) == expected
        assert other.untrained().tokenizer.tokens(TEXTS) == ours.tokens(TEXTS)
    with pytest.raises(InputError, match="subwords is 'unigram', and a tokenizer is given"):
        recipes.find(recipe)(tokenizer=byte_pairs(), subwords="unigram")
    few = recipes.find(recipe)(tokenizer=byte_pairs(), vocabulary_size=4, **small)
    with pytest.raises(InputError, match="vocabulary is 4; expected more"):
        few.fit(TEXTS, TEXTS, **BUILT)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: word_pieces(sequence_length=8), "sequence_length=8, which pads each text with id"),
        (lambda: word_pieces(split=False), "split=False"),
        (lambda: word_pieces(dtype="string"), 'dtype="string"'),
        (lambda: sentence_pieces(add_bos=True), "add_bos=True"),
        (lambda: sentence_pieces(add_eos=True), "add_eos=True"),
        (lambda: tokenizers.UnicodeCodepointTokenizer(), "no vocabulary_size"),
        (lambda: tokenizers.BytePairTokenizer(), "has no vocabulary"),
        (lambda: keras.layers.TextVectorization, "tokenizer is <class"),
        (lambda: 3, "tokenizer is 3"),
        (lambda: "no/such/preset", "tokenizer is 'no/such/preset'; .*no such folder"),
    ],
)
def test_what_is_refused_when_the_recipe_is_called(make, message):
    with pytest.raises(InputError, match=message):
        gru_sentiment(tokenizer=make())
    with pytest.raises(InputError, match=message):
        next_word(tokenizer=make())


def test_settings_of_words_are_refused_beside_a_tokenizer():
    for recipe, settings in (
        (gru_sentiment, {"lowercase": False}),
        (bag_of_words_sentiment, {"stop_words": "full"}),
        (next_word, {"split": "punctuation"}),
    ):
        (name,) = settings
        with pytest.raises(InputError, match=f"{name} is .*Leave out {name}, or the tokenizer"):
            recipe(tokenizer=word_pieces(), **settings)


@pytest.mark.parametrize("name", ["name_tagger", "pos_tagger"])
def test_a_tagger_has_words_of_its_own(name):
    with pytest.raises(InputError, match="'tokenizer': there is one tag for each word"):
        recipes.find(name)(tokenizer=word_pieces())


def test_a_tokenizer_that_loses_its_settings_is_refused_before_anything_is_learned():
    @keras.saving.register_keras_serializable(package="tests")
    class Backwards(tokenizers.WordPieceTokenizer):
        turned = False

        def tokenize(self, texts):
            return [row[::-1] if self.turned else row for row in super().tokenize(texts)]

    tokenizer = Backwards(PIECES)
    tokenizer.turned = True
    model = gru_sentiment(**SMALL, tokenizer=tokenizer)
    with pytest.raises(InputError, match="does not save all of its settings: once loaded, it"):
        model.fit(TEXTS, LABELS, **BUILT)
    assert model.network is None
    assert model.vocabulary is None


def test_an_argument_that_a_configuration_leaves_out_is_stored():
    pieces = ["[UNK]", "漢", "##字"]
    tokenizer = tokenizers.WordPieceTokenizer(pieces, split_on_cjk=False)
    assert copy.deepcopy(HubTokenizer(tokenizer)).tokenize("漢字") == ["漢", "##字"]


# Presets.


def test_a_preset_of_a_tokenizer_alone_is_enough(tmp_path):
    byte_pairs().save_to_preset(str(tmp_path))
    model = gru_sentiment(**SMALL, tokenizer=tmp_path)
    assert model.settings["tokenizer"] == str(tmp_path)
    assert model.tokenizer.tokens(TEXTS) == HubTokenizer(byte_pairs()).tokens(TEXTS)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="KerasHub cannot load that preset"):
        gru_sentiment(tokenizer=tmp_path)


@pytest.mark.every_backend
@pytest.mark.parametrize("own", [True, False])
def test_token_embeddings_of_a_preset_start_ours(preset, own):
    folder, table = preset
    tokenizer = {"tokenizer": folder} if own else {}
    model = gru_sentiment(**{**SMALL, "embedding": folder}, **tokenizer)
    model.fit(TEXTS, LABELS, **BUILT)
    (rows,) = model.network.get_layer("embedding").get_weights()
    found = {
        token: row
        for token, row in zip(model.vocabulary.tokens, rows, strict=True)
        if token in PIECES and token != "[UNK]"
    }
    expected = {"a", "good", "bad", "film", "dull"} | ({"##s"} if own else set())
    assert set(found) == expected
    for token, row in found.items():
        np.testing.assert_array_equal(row, table[PIECES.index(token)])
    words = len(model.vocabulary) - 2
    assert model.share_of_vectors == pytest.approx(len(expected) / words)


def test_words_are_found_behind_the_marks_of_byte_pairs():
    from rnnkit.embeddings.preset_vectors import token_names

    pairs = byte_pairs()
    assert list(token_names(pairs, whole_words=True)) == ["g", "a"]
    assert token_names(pairs)["Ġg"] == pairs.token_to_id("Ġg")
    words = token_names(sentence_pieces(), whole_words=True)
    assert {"film", "a"} <= set(words)
    assert "ood" not in words  # without its mark it would be a part of a word


def test_presets_that_give_no_vectors_are_refused(preset, tmp_path):
    folder, _ = preset
    model = gru_sentiment(**{**SMALL, "embedding_size": 5}, tokenizer=folder)
    model.embedding = str(folder)
    with pytest.raises(InputError, match=r"vectors of 4 numbers.*Set embedding_size=4"):
        model.fit(TEXTS, LABELS, **BUILT)
    word_pieces().save_to_preset(str(tmp_path))
    model = gru_sentiment(**{**SMALL, "embedding": tmp_path})
    with pytest.raises(InputError, match=r"embedding is '.*KerasHub cannot load that preset"):
        model.fit(TEXTS, LABELS, **BUILT)
    assert model.network is None


@pytest.mark.deep
def test_another_backend_without_tensorflow_gives_the_same_answers(tmp_path, fresh_python):
    """KerasHub is not imported before the file that needs it is met."""
    if "jax" not in installed():
        pytest.skip("JAX is not installed: no other backend runs without TensorFlow")
    model = gru_sentiment(**SMALL, tokenizer=byte_pairs())
    model.fit(TEXTS, LABELS, **BUILT)
    model.save(tmp_path / "model.keras")
    expected = model.predict(TEXTS[:4], verbose=0)
    code = """
import json, sys
sys.modules.update({"tensorflow": None, "tensorflow_text": None})  # as if not installed
from rnnkit import recipes, tasks
recipes.gru_sentiment(), recipes.next_word()
assert "keras_hub" not in sys.modules
model = tasks.load(json.loads(sys.argv[1]))
assert "keras_hub" in sys.modules
print(json.dumps(model.predict(json.loads(sys.argv[2]), verbose=0).tolist()))
"""
    path = str(tmp_path / "model.keras")
    done = fresh_python(code, path, TEXTS[:4], options=("-W", "ignore"), KERAS_BACKEND="jax")
    np.testing.assert_allclose(done.value, expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore::rnnkit.errors.UnknownWordsWarning")
def test_the_command_line_takes_a_preset(preset, tmp_path):
    options = ["--limit", "24", "--epochs", "1", "--units", "2", "--embedding", "random", "--quiet"]
    out = tmp_path / "run"
    done = CliRunner().invoke(
        app,
        ["train", "gru_sentiment", *options, "--tokenizer", str(preset[0]), "--out", str(out)],
    )
    assert done.exit_code == 0, done.output
    assert load(out / "model.keras").tokenizer.name == "BertTokenizer"
    wrong = CliRunner().invoke(app, ["train", "gru_sentiment", *options, "--tokenizer", "nowhere"])
    assert wrong.exit_code != 0
    assert "tokenizer is 'nowhere'" in " ".join(wrong.output.split())


def test_a_run_records_the_folder_of_a_tokenizer(tmp_path):
    with pytest.raises(InputError, match="give tokenizer=folder"):
        study.train("gru_sentiment", settings={"tokenizer": word_pieces()}, out=tmp_path / "run")
    assert not list(tmp_path.iterdir())
