"""Which tests could catch a mutant: the examples of its module, and files that mention it most.

Of a file that was followed by `traced_lines` those tests are taken that run the mutant's line. What
they ran is kept in pytest's cache until the file or the package changes.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mutants import Mutant, room

TRIED = 6  # test files that are looked at for one mutant, at most
TAKEN = 3  # of them, those with tests to run
SECONDS = 10  # of the tests of one file; the fastest are taken
SLOW = ("test_docs.py", "test_imports.py")  # files that go through the whole package
EXAMPLES = "tests/docs/test_docs.py::test_examples_in_docstrings[{}]"  # of a module


class Choice(NamedTuple):
    """Some tests of a mutant."""

    tests: list[str]
    seconds: float  # that they may take


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
    mutant: Mutant, root: Path, follow: Callable[[str], list[dict[str, Any]] | None]
) -> Iterator[Choice]:
    """Yield tests for a mutant, those of one file after the other.

    Args:
        mutant: the change.
        root: the folder that holds rnnkit and tests.
        follow: gives the lines that the tests of a file run, the rows of `traced_lines`; or None:
            all tests of the file are taken.
    """
    examples, taken = [EXAMPLES.format(module_name(mutant.path))], 0
    for file in files_for(mutant.path, root)[:TRIED]:
        rows = follow(file)
        if rows is None:
            yield Choice([*examples, file], 40.0)
        elif tests := covering_tests(mutant, rows):
            names, seconds = zip(*tests, strict=True)
            yield Choice([*examples, *names], 20 + sum(seconds))
        else:
            continue
        examples, taken = [], taken + 1
        if taken == TAKEN:
            break
    if examples:
        yield Choice(examples, 20.0)


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
