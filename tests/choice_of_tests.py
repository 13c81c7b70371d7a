"""Which tests could catch a mutant: those that run its line, and the examples of its module.

Test files are taken in the order of how much they mention the module, and followed once; what they
ran, recorded by `traced_lines`, is kept in pytest's cache until the file or the package changes.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mutants import Mutant, room

TRIED = 5  # test files that are followed for one mutant, at most
ENOUGH = 3  # if one of so many runs the line
COVERING = 3  # test files with tests of the line, at most
WHOLE = 2  # test files that are run if no test runs the line
SECONDS = 10  # of the tests of one file; the fastest are taken
SLOW = ("test_docs.py", "test_imports.py")  # files that go through the whole package
EXAMPLES = "tests/docs/test_docs.py::test_examples_in_docstrings[{}]"  # of a module


class Choice(NamedTuple):
    """Tests of a mutant."""

    tests: list[str]
    seconds: float  # that they took, followed
    by_line: bool  # they run the line; if none does: files that mention the module


def files_for(path: Path, root: Path) -> list[str]:
    """Return the test files by how much they mention a module, those of its room first."""
    module = module_name(path)
    tree = ast.parse((root / path).read_text(encoding="utf-8"))
    public = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, [*public, module]))})\b")
    parts = [part for part in path.with_suffix("").parts[1:] if not part.startswith("_")]
    scores = []
    for file in sorted((root / "tests").rglob("test_*.py")):
        if file.name in SLOW:
            continue
        text = file.read_text(encoding="utf-8")
        score = len(pattern.findall(text)) + 20 * text.count(module)
        score += 500 * sum(part in file.stem.split("_") for part in parts[-2:])
        score += sum(len(re.findall(rf"\b{part}\b", text)) for part in parts[1:] or parts)
        score += 100 * (file.relative_to(root).parts[1] == room(path))
        scores.append((-score, str(file.relative_to(root))))
    return [name for _, name in sorted(scores)]


def choices(
    mutant: Mutant, root: Path, follow: Callable[[str], list[dict[str, Any]]]
) -> Iterator[Choice]:
    """Yield tests for a mutant, those of one file after the other.

    Args:
        mutant: the change.
        root: the folder that holds rnnkit and tests.
        follow: gives the lines that the tests of a file run: the rows of `traced_lines`.
    """
    files = files_for(mutant.path, root)
    examples = [EXAMPLES.format(module_name(mutant.path))]
    covering = 0
    for number, file in enumerate(files[:TRIED]):
        if covering == COVERING or (covering and number >= ENOUGH):
            return
        tests = covering_tests(mutant, follow(file))
        if tests:
            names, seconds = zip(*tests, strict=True)
            first = [] if covering else examples
            yield Choice([*first, *names], 20 + sum(seconds), True)
            covering += 1
    if not covering:
        yield Choice(examples + files[:WHOLE], 120.0, False)


def module_name(path: Path) -> str:
    """Return the name by which a module is imported."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def covering_tests(mutant: Mutant, rows: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """Return the tests of a file that run a mutant's line, and their seconds.

    What runs while a fixture is set up counts for all tests of the file, and a test that starts
    other processes counts as soon as one test of the file runs the line.
    """
    lines, name = set(mutant.lines), str(mutant.path)
    passed: dict[str, float] = {}
    run: set[str] = set()
    processes: set[str] = set()
    shared = False
    for row in rows:
        hit = not lines.isdisjoint(row["lines"].get(name, ()))
        if row["when"] == "setup":
            shared |= hit
        if row["when"] == "call" and row["passed"]:
            passed[row["test"]] = row["seconds"]
            if hit:
                run.add(row["test"])
            if row["processes"]:
                processes.add(row["test"])
    if shared:
        run = set(passed)
    if run:
        run |= processes
    chosen, spent = [], 0.0
    for test in sorted(run & set(passed), key=passed.__getitem__):
        spent += passed[test]
        if chosen and spent > SECONDS:
            break
        chosen.append((test, passed[test]))
    return chosen


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return what `traced_lines` wrote."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
