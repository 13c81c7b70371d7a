"""What the documentation shows is true: examples run, commands parse, the reference is whole."""

import doctest
import importlib
import inspect
import json
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest
import typer.main
from deep import mostly_deep

import rnnkit.backend
from rnnkit import recipes
from rnnkit.cli import app
from rnnkit.data import datasets

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
PAGES += [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FRAMEWORKS = ("jax", "tensorflow", "torch")
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "rnnkit").rglob("*.py")
)
# One docstring serves all recipes for texts: its example is run once.
TWINS = tuple(name for name in recipes.names() if name.endswith("_sentiment"))[1:7]
OF_A_BACKEND = {
    m: m.split(".")[2] for m in MODULES if m.split(".")[2:3] in [[f] for f in FRAMEWORKS]
}
SCRIPTS = sorted((ROOT / "recipes").glob("*.py"))
SHELLS = ("sh", "bash", "console")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(page, *languages):
    """Yield language, line of the page and text of each code block of these languages."""
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        if match[1] in languages:
            yield match[1], text.count("\n", 0, match.start(2)), match[2]


def name(page):
    return str(page.relative_to(ROOT))


def with_blocks(*languages):
    return [page for page in PAGES if any(blocks(page, *languages))]


class Shapes(doctest.OutputChecker):
    """Take the frameworks' own ways to show a shape for the plain tuple in a docstring."""

    def check_output(self, want, got, flags):
        shape = re.fullmatch(r"(?:torch\.Size|TensorShape)\(\[([\d, ]*)\]\)\s*", got)
        if shape:
            got = f"{tuple(int(size) for size in shape[1].split(','))}\n"
        return super().check_output(want, got, flags)


def run_doctest(test):
    """Run the examples; what they got wrong stands in the failure's message. Keeps their names."""
    said = []
    runner = doctest.DocTestRunner(Shapes(), optionflags=OPTIONS, verbose=False)
    runner.run(test, out=said.append, clear_globs=False)
    assert not said, "".join(said)


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def few_reviews(monkeypatch):
    """Let pages load all of a data set, and their tests a small part of it."""
    load = datasets.load

    def load_some(name, *, limit=40, **options):
        if name in datasets.names("corpus"):
            limit = None  # 40 sentences have hardly a word twice
        elif name in datasets.names("labelled frames"):
            limit = 4  # series of hundreds of steps, with a label each
        return load(name, limit=limit, **options)

    monkeypatch.setattr(datasets, "load", load_some)


# What pages and docstrings show costs minutes of compiling on JAX and TensorFlow, and is tested on
# each elsewhere: here it is to be true, which one backend can say.
SHOWN = rnnkit.backend.name == "torch" or "torch" not in rnnkit.backend.installed()


@pytest.mark.usefixtures("in_a_folder", "few_reviews")
@pytest.mark.skipif(not SHOWN, reason="pages run on PyTorch, which compiles nothing")
@pytest.mark.parametrize("page", with_blocks("python", "pycon"), ids=name)
def test_python_blocks_run_in_order(page):
    names = {"__name__": "__main__"}
    for language, line, text in blocks(page, "python", "pycon"):
        if language == "pycon":
            parser = doctest.DocTestParser()
            test = parser.get_doctest(text, names, name(page), str(page), line)
            test.globs = names  # get_doctest copies them
            run_doctest(test)
        else:
            # Empty lines before the code make a traceback name the page's own line.
            exec(compile("\n" * line + text, str(page), "exec"), names)


@pytest.mark.usefixtures("in_a_folder", "few_reviews")
@pytest.mark.skipif(not SHOWN, reason="scripts run on PyTorch, which compiles nothing")
@pytest.mark.parametrize("script", mostly_deep(SCRIPTS, *SCRIPTS[::5]), ids=name)
def test_scripts_run_on_a_little_of_their_sample(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(script)])
    runpy.run_path(str(script), run_name="__main__")
    assert Path(f"{script.stem}.keras").is_file() or script.stem == "word_vectors"
    assert capsys.readouterr().out


@pytest.mark.usefixtures("in_a_folder")
@pytest.mark.parametrize(
    "module",
    [
        m
        for m in MODULES
        if OF_A_BACKEND.get(m, rnnkit.backend.name) == rnnkit.backend.name
        and (SHOWN or m.startswith("rnnkit.backend"))
    ],
)
def test_examples_in_docstrings(module):
    module = importlib.import_module(module)
    names = {**vars(module), "__name__": "__main__"}
    for test in doctest.DocTestFinder().find(module, globs=names):
        if not test.name.endswith(TWINS):
            run_doctest(test)


def commands(page):
    """Yield each `rnnkit ...` command line of a page, as words."""
    for _, _, text in blocks(page, *SHELLS):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                del words[0]
            if words[:1] == ["rnnkit"]:
                yield words[1:]


def parse(command, words, parent=None, info_name="rnnkit"):
    """Parse a command line down to its last subcommand, without running it."""
    context = command.make_context(info_name, list(words), parent=parent)
    if hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        found, subcommand, rest = command.resolve_command(context, rest)
        parse(subcommand, rest, context, found)


@pytest.mark.one_backend
@pytest.mark.parametrize("page", with_blocks(*SHELLS), ids=name)
def test_commands_parse(page, monkeypatch):
    # The runs of the pages are not there to tell their recipes.
    monkeypatch.setattr("rnnkit.cli.training._recipe_of", lambda run: "lstm_sentiment")
    for words in commands(page):
        parse(typer.main.get_command(app), words)


@pytest.mark.one_backend
def test_commands_of_measured_results_parse():
    rows = json.loads((ROOT / "recipes" / "results.json").read_text(encoding="utf-8"))["rows"]
    lines = sorted({line for row in rows for line in row.get("command", "").split("; ") if line})
    found = {}
    for line in lines:
        words = [word for word in shlex.split(line) if not re.fullmatch(r"[A-Z_]+=\w+", word)]
        options = tuple(word for word in words if word.startswith("--"))
        kind = words[2].rpartition("_")[2] if words[0] == "rnnkit" else words[1]
        found[(*words[:2], kind, options)] = words
    for words in found.values():
        assert words[0] in ("rnnkit", "python"), words
        if words[0] == "rnnkit":
            parse(typer.main.get_command(app), words[1:])
        else:
            assert (ROOT / words[1]).is_file(), words


def test_a_wrong_command_does_not_parse():
    assert sum(1 for page in PAGES for _ in commands(page)) > 5
    with pytest.raises(Exception, match="No such option"):
        parse(typer.main.get_command(app), ["train", "lstm_sentiment", "--no-such-option"])


def test_every_module_is_in_the_reference():
    documented = {
        found
        for page in (DOCS / "api").glob("*.md")
        for found in re.findall(r"automodule:: (\S+)", page.read_text(encoding="utf-8"))
    }
    public = {m for m in MODULES if not m.rpartition(".")[2].startswith("_")} - set(OF_A_BACKEND)
    assert documented == public


def test_the_table_of_settings_names_every_setting(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(DOCS / "_ext"), *sys.path])
    table = importlib.import_module("recipe_settings")
    page = (DOCS / "recipes.md").read_text(encoding="utf-8")
    for name in recipes.names():
        kind = recipes.kind_of(name)
        assert f"```{{recipe-settings}} {kind}\n" in page
        rows = table.rows(kind)
        settings = set(inspect.signature(recipes.find(name)).parameters)
        assert {row[0].strip("`") for row in rows} >= settings
        assert {len(row) for row in rows} == {len(table.heading(kind))}
        assert all(row[-1] for row in rows), "a setting without a description"


def test_the_chart_of_benchmarks_shows_what_the_tables_say(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests" / "benchmarks")
    chart = runpy.run_path(str(ROOT / "tests" / "benchmarks" / "chart.py"))
    shown = chart["groups"]((DOCS / "benchmarks.md").read_text(encoding="utf-8"))
    assert [len(ratios) for ratios in shown.values()] == [4, 5, 4]
    for ratios in shown.values():
        assert all(set(numbers) == set(chart["COLOURS"]) for numbers in ratios.values())


def test_what_pages_link_to_is_there():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", link):
                assert (page.parent / link).exists(), f"{page}: {link}"
