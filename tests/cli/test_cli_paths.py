"""A path is not taken for a text; answers that say when there is nothing to show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnkit.cli import generation, paths, words

SAVED = Path(__file__).parents[1] / "saved"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text("text\nA fine film.\n")
    run = tmp_path / "runs/one"
    run.mkdir(parents=True)
    (run / "settings.json").write_text(json.dumps({"recipe": "lstm_sentiment"}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("args", "instead"),
    [
        (["predict", "runs/one", "A film.", "reviews.csv"], "--data reviews.csv"),
        (["generate", "runs/one", "reviews.csv"], '"$(cat reviews.csv)"'),
        (["complete", "runs/one", "reviews.csv"], '"$(cat reviews.csv)"'),
        (["neighbours", "runs/one", "reviews.csv"], "$(cat reviews.csv)"),
    ],
)
def test_a_path_is_refused_before_the_model_is_opened(args, instead, folder, rnnkit, monkeypatch):
    monkeypatch.setattr("rnnkit.study.open_model", lambda run: pytest.fail("the model was opened"))
    answer = rnnkit(*args)
    assert answer.code == 2
    assert answer.error.startswith("Error: 'reviews.csv' is a file. To ")
    assert f"give {instead}. To take it as a text, add --text." in answer.error
    missing = rnnkit(*[arg.replace("reviews.", "review.") for arg in args])
    assert missing.code == 2
    assert "looks like a file, and there is none of this name. Did you mean" in missing.error


class Model:
    """It answers with what it was asked."""

    reads_series = False
    asked = ()

    def answer(self, texts):
        self.asked = texts
        return ("text",), [(text,) for text in texts], None, ["A remark."]

    def unknown_words(self, texts):
        return [[] for _ in texts]

    def generate(self, prompts, n, **options):
        self.asked = prompts
        return [f"{prompts[0]} and\nmore", *prompts * (n - 1)]

    def complete(self, prefix, k):
        self.asked = [prefix]
        return []


@pytest.fixture
def model(monkeypatch):
    model = Model()
    monkeypatch.setattr("rnnkit.study.open_model", lambda run: model)
    return model


@pytest.mark.parametrize("command", ["predict", "generate", "complete"])
def test_with_text_it_is_a_text(command, model, folder, rnnkit):
    assert rnnkit(command, "runs/one", "--text", "reviews.csv").code == 0
    assert model.asked == ["reviews.csv"]


def test_with_a_column_of_the_text_a_file_is_read(model, folder, rnnkit):
    (folder / "two.csv").write_text("review,text\nFine.,no\n")

    def predict(column, *inputs):
        return rnnkit("predict", "runs/one", *inputs, "--text-column", column)

    assert predict("review", "It is.", "two.csv").lines == ["It is.", "Fine."]
    assert predict("text", "two.csv").lines == ["no"]
    missing = predict("text", "tow.csv").error
    assert "'tow.csv' looks like a file, and there is none of this name" in missing
    unknown = predict("reviews", "two.csv")
    assert (unknown.code, unknown.lines) == (2, [])
    assert "'reviews'" in unknown.error
    assert "Did you mean 'review'?" in unknown.error


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_column_of_the_text_without_a_table_is_refused(more, model, folder, rnnkit):
    answer = rnnkit("predict", "runs/one", "A film.", "--text-column", "review", *more)
    assert answer.code == 2
    assert "--text-column is 'review', and no table is given that has columns" in answer.error


def test_generated_texts_are_separated_and_an_end_at_once_is_told(model, rnnkit):
    answer = rnnkit("generate", "runs/one", "Once", "-n", 3)
    assert answer.lines == ["Once and", "more", "---", "Once", "---", "Once"]
    assert "ended 2 of 3 texts at once" in answer.error
    one = rnnkit("generate", "runs/one", "Once")
    assert (one.lines, one.error) == (["Once and", "more"], "")


def test_remarks_are_no_part_of_the_answers(model, rnnkit):
    answer = rnnkit("predict", "runs/one", "A film.")
    assert (answer.lines, answer.error) == (["A film."], "A remark.\n")


def test_complete_says_that_no_word_begins_so(model, rnnkit):
    answer = rnnkit("complete", "runs/one", "the zq")
    assert (answer.code, answer.lines) == (0, [])
    assert "no word that begins with 'zq'" in answer.error


def test_a_list_without_a_recipe_of_that_word_says_so(rnnkit):
    found = rnnkit("list", "TAGGER")
    assert [line.split("\t")[0] for line in found.lines] == ["name_tagger", "pos_tagger"]
    nothing = rnnkit("list", "quantum")
    assert nothing.lines == []
    assert "No recipe has the word 'quantum'" in nothing.error


def test_a_tagger_that_finds_nothing_says_so(rnnkit, monkeypatch):
    from rnnkit.tasks.answers import answer_spans, answer_texts

    class Tagger:
        def predict_spans(self, texts):
            return [[] for _ in texts]

        def predict(self, texts):
            return [" "] * len(texts)

    answer = answer_spans(Tagger(), ["so", "it", "is"])
    assert answer.notes == ["Nothing was found in texts 1, 2, 3."]
    assert answer.plain[0] == "1\t-\t-\t-\t-"
    generated = answer_texts(Tagger(), ["so"])
    assert generated.notes == ["The model generated nothing for text 1."]
    (many,) = answer_spans(Tagger(), ["x"] * 9).notes
    assert many == "Nothing was found in texts 1, 2, 3, 4, 5 and 4 more."


def test_messages_fit_a_terminal_and_are_one_line_elsewhere(capsys, monkeypatch):
    from rnnkit.cli.errors import show_error

    message = "The file 'a long name of a file in a folder' is not there. " * 3
    show_error(message, help_at="rnnkit predict --help")
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"Error: {message}"
    assert second == "Help:  rnnkit predict --help"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    for colour, red in ((None, "\x1b[31mError:\x1b[0m"), ("1", "Error:")):
        if colour:
            monkeypatch.setenv("NO_COLOR", colour)
        show_error(message)
        lines = capsys.readouterr().err.splitlines()
        assert lines[0].startswith(red)
        assert all(len(line) <= 60 for line in lines[1:])
        assert "".join(lines).count("'a long name of a file in a folder'") == 3


@pytest.mark.parametrize("columns", ["60", "80"])
@pytest.mark.parametrize("args", [["list"], ["info", "forecaster"], ["doctor"], ["--version"]])
def test_what_a_pipe_gets_has_no_colours(args, columns, rnnkit, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    answer = rnnkit(*args)
    assert answer.code == 0
    assert not any("\x1b" in line or "…" in line for line in answer.lines)


def test_a_table_that_is_too_wide_breaks_one_column_or_becomes_blocks(capsys, monkeypatch):
    from rnnkit.cli import show

    def printed(columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        text = "some long words of a text that go on"
        show.rows(["run", "state", "text"], [["a/b", "done", text], ["c", "", "x"]])
        return capsys.readouterr().out.splitlines()

    for columns in (42, 45, 80):
        lines = printed(columns)
        assert all(len(line) <= columns for line in lines)
        assert any(line.startswith("│ a/b │ done  │ some long words") for line in lines)
    blocks = ["run    a/b", "state  done", "text   some long words of a text that go on"]
    assert printed(41) == printed(20) == [*blocks, "", "run    c", "text   x"]


def test_warnings_are_told_without_their_place_in_the_source(model, rnnkit, monkeypatch):
    import warnings

    from rnnkit.cli.errors import format_warning

    seen = []
    monkeypatch.setattr(Model, "answer", lambda self, texts: seen.append(warnings.formatwarning))
    with pytest.raises(TypeError):  # it answers nothing
        raise rnnkit("predict", "runs/one", "A film.").exception
    assert seen == [format_warning]
    assert warnings.formatwarning is not format_warning
    assert format_warning("No known word.", UserWarning, "a.py", 3) == "Warning: No known word.\n"


def test_the_modules_share_one_refusal():
    assert generation.refuse_paths is words.refuse_paths is paths.refuse_paths
