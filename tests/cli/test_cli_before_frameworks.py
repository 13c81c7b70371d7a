"""What is wrong in a command line is said before a framework is imported; what Keras skips."""

from __future__ import annotations

from deep import DEEP

from rnnkit.recipes import names

# One process runs all command lines; an import of a framework, by whomever, would be an error.
REFUSED = """
import contextlib, io, json, pathlib, sys
class Trap:
    def find_spec(self, name, path=None, target=None):
        if name in ("keras", "jax", "tensorflow", "torch"):
            raise AssertionError(f"{name} is imported")
sys.meta_path.insert(0, Trap())
from rnnkit.cli import app
pathlib.Path("taken").mkdir()
pathlib.Path("taken", "mine.txt").write_text("x")
pathlib.Path("data.csv").write_text("text,label\\n" + "good,pos\\nbad,neg\\n" * 10)
pathlib.Path("run").mkdir()
settings = {"recipe": "lstm_sentiment", "settings": {}, "data": {"name": "sample"}}
pathlib.Path("run", "settings.json").write_text(json.dumps(settings))
found = []
for args in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            app(args)
            code = 0
        except SystemExit as end:
            code = end.code
        except BaseException as error:
            code = repr(error)
    found.append([code, said.getvalue()])
print(json.dumps(found))
"""

PER_RECIPE = {
    "an unknown option": ["--no-such-option", "1"],
    "a value of another type": ["--epochs", "many"],
    "a value out of range": ["--epochs", "0"],
    "an unknown data set": ["--data", "no_such_data"],
    "a path without a file": ["--data", "nowhere/data.csv"],
    "a folder that holds something": ["--out", "taken"],
    "a run that is none": ["--resume", "taken"],
}
OTHERS = [
    ["no_such_command"],
    ["--no-such-option"],
    ["list", "--no-such-option"],
    ["info", "lstm_sentimant"],
    ["info"],
    ["train", "lstm_sentimant"],
    ["train", "--resume", "nowhere"],
    ["train", "lstm_sentiment", "--data", "running_sample"],
    ["train", "lstm_sentiment", "--dropout", "7"],
    ["train", "lstm_sentiment", "--pooling", "lst"],
    ["train", "lstm_sentiment", "--patience", "0"],
    ["train", "lstm_sentiment", "--limit", "0"],
    ["compare", "lstm_sentimant"],
    ["compare", "lstm_sentiment", "name_tagger"],
    ["compare", "lstm_sentiment", "--seeds", "0"],
    ["compare", "lstm_sentiment", "--data", "no_such_data"],
    ["compare", "lstm_sentiment", "--no-such-option"],
    ["compare", "lstm_sentiment", "--dropout", "7"],
    ["compare", "lstm_sentiment", "--engine", "rays"],
    ["compare", "lstm_sentiment", "--ray-address", "head:6379"],
    ["tune", "lstm_sentimant"],
    ["tune", "lstm_sentiment", "--search", "unit=3..4"],
    ["tune", "lstm_sentiment", "--search", "units=4..3"],
    ["tune", "lstm_sentiment", "--search", "units=1..4", "--search", "units=3..4"],
    ["tune", "lstm_sentiment", "--pruner", "mean"],
    ["tune", "lstm_sentiment", "--data", "no_such_data"],
    ["tune", "lstm_sentiment", "--out", "taken"],
    ["tune", "word_vectors", "--search", "window=2..8"],
    ["runs", "nowhere"],
    ["evaluate"],
    ["evaluate", "nowhere"],
    ["evaluate", "data.csv"],
    ["evaluate", "taken"],
    ["evaluate", "run"],
    ["evaluate", "run", "--limit", "0"],
    ["predict"],
    ["predict", "run"],
    ["predict", "nowhere", "A fine film."],
    ["predict", "data.csv", "A fine film."],
    ["predict", "run", "A fine film.", "--no-such-option"],
    ["predict", "run", "--file", "nowhere.txt"],
    ["predict", "run", "--data", "nowhere.csv"],
    ["predict", "run", "data.csv"],
    ["predict", "run", "nowhere.csv", "--json"],
    ["predict", "run", "data.csv", "--out", "data.csv"],
    ["predict", "run", "A fine film.", "--out", "answers.xls"],
    ["predict", "run", "A fine film.", "--prefix", "mine_"],
    ["generate", "nowhere"],
    ["generate", "data.csv"],
    ["generate", "run", "--number", "0"],
    ["generate", "run", "--length", "0"],
    ["generate", "run", "--temperature", "-1"],
    ["generate", "run", "--top-k", "3", "--top-p", "0.5"],
    ["complete", "nowhere", "the"],
    ["complete", "data.csv", "the"],
    ["complete", "run", "the", "--number", "0"],
    ["neighbours", "nowhere", "king"],
    ["neighbours", "taken", "king"],
    ["neighbours", "run", "king", "--number", "0"],
    ["export", "nowhere", "--out", "x"],
    ["export", "run"],
    ["export", "run", "--out", "x"],
    ["export", "run", "--out", "taken"],
    ["export", "run", "--out", "x", "--format", "onx"],
    ["export", "run", "--out", "x.tflite", "--format", "litert"],
    ["doctor", "--no-such-option"],
]


def test_what_is_wrong_is_refused_before_a_framework_is_imported(fresh_python, tmp_path):
    recipes = names() if DEEP else names()[::8]
    lines = [["train", name, *args] for name in recipes for args in PER_RECIPE.values()] + OTHERS
    start = f"import os; os.chdir({str(tmp_path)!r})\n"
    for line, (code, said) in zip(lines, fresh_python(start + REFUSED, lines).value, strict=True):
        assert code in (1, 2), (line, code, said)
        assert said.strip(), line
        assert "Traceback" not in said, (line, said)


LEAN = """
import json, sys
from rnnkit.cli.lean import lean_keras
with lean_keras():
    import rnnkit.backend
skipped = [name for name in ("sklearn", "matplotlib", "pandas") if name in sys.modules]
import matplotlib.figure, pandas, sklearn.metrics
print(json.dumps([skipped, [repr(one) for one in sys.meta_path if "Hiding" in repr(one)]]))
"""


def test_keras_brings_nothing_that_commands_do_without_and_others_still_import_it(fresh_python):
    assert fresh_python(LEAN, KERAS_BACKEND="torch").value == [[], []]
