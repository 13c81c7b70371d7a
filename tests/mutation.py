"""Mutation testing: `python tests/mutation.py [--mutants 60] [--seed 0] [--minutes 60]`.

Small changes at random places over all rooms, each in a copy of the last commit: does a test fail?
Per mutant those test files run, on PyTorch, that mention its module most. A test that fails is run
once more without the mutant, where it has to pass. What survives is listed with its change.

The results go to `docs/reliability/mutation.json` after each mutant. Modules of other backends, and
what raises errors or describes types, are left alone.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "reliability" / "mutation.json"
OTHERS = ("jax", "tensorflow")  # backends that are not tested here
FILES = 4  # test files per mutant, at most
COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
}  # fmt: skip


class Mutant(NamedTuple):
    """One change of one module."""

    path: Path  # below the repository
    kind: str
    start: int  # characters of the source
    end: int
    line: int
    old: str
    new: str


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield kind and replacement for what may be changed in one node."""
    new: Any = copy.deepcopy(node)
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARE:
        new.ops[0] = COMPARE[type(node.ops[0])]()
        yield "comparison", new
    elif isinstance(node, ast.BoolOp):
        new.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield "and/or", new
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "dropped not", new.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        new.op = ARITHMETIC[type(node.op)]()
        yield "arithmetic", new
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        new.value = not node.value
        yield "constant", new
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        new.value = node.value + 1
        yield "off by one", new
    elif _is_statement(node):
        yield "removed statement", ast.Pass()
    elif isinstance(node, ast.IfExp):
        new.body, new.orelse = node.orelse, node.body
        yield "swapped branches", new


def _is_statement(node: ast.AST) -> bool:
    """Return whether a statement can be left out: a call, or an attribute that is set."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return isinstance(node, ast.Assign | ast.AugAssign) and isinstance(target, ast.Attribute)


def places(node: ast.AST, inside: bool = False) -> Iterator[ast.AST]:
    """Yield the nodes in functions that may be changed."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.arguments):
        return
    if inside:
        yield node
    inside = inside or isinstance(node, ast.FunctionDef)
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from places(child, inside)


def mutants_of(path: Path, root: Path) -> list[Mutant]:
    """Return every mutant of a module."""
    source = path.read_text(encoding="utf-8")
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    found = []
    for node in places(ast.parse(source)):
        for kind, new in changes(node):
            line, end_line = node.lineno, node.end_lineno  # type: ignore[attr-defined]
            text = source.split("\n")
            begin = len(text[line - 1].encode()[: node.col_offset].decode())  # type: ignore[attr-defined]
            stop = len(text[end_line - 1].encode()[: node.end_col_offset].decode())  # type: ignore[attr-defined]
            start, end = starts[line - 1] + begin, starts[end_line - 1] + stop
            written = ast.unparse(new)
            if isinstance(new, ast.expr):
                written = f"({written})"
            found.append(
                Mutant(path.relative_to(root), kind, start, end, line, source[start:end], written)
            )
    return found


def room(path: Path) -> str:
    """Return the room of a module: its folder below the package, or its own name."""
    return path.parts[1] if len(path.parts) > 2 else path.stem


def draw(root: Path, rng: random.Random) -> Iterator[Mutant]:
    """Draw mutants for ever: a room, then a place in it."""
    rooms: dict[str, list[Path]] = {}
    for path in sorted((root / "rnnkit").rglob("*.py")):
        if not any(word in part for part in path.parts for word in OTHERS):
            rooms.setdefault(room(path.relative_to(root)), []).append(path)
    # Single modules at the top are one room together.
    top = [name for name, paths in rooms.items() if paths[0].parent == root / "rnnkit"]
    rooms["(top)"] = [path for name in top for path in rooms.pop(name)]
    every = {
        name: [mutant for path in paths for mutant in mutants_of(path, root)]
        for name, paths in rooms.items()
    }
    names = sorted(name for name, found in every.items() if found)
    while True:
        rng.shuffle(names)
        for name in names:
            yield rng.choice(every[name])


def tests_for(path: Path, root: Path) -> list[str]:
    """Return the test files that mention a module most, those of its room first."""
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    tree = ast.parse((root / path).read_text(encoding="utf-8"))
    public = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, [*public, module]))})\b")
    scores = []
    for file in sorted((root / "tests").rglob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        own = file.relative_to(root).parts[1] == room(path)
        score = len(pattern.findall(text)) + 20 * text.count(module)
        parts = [part for part in path.with_suffix("").parts[2:] if not part.startswith("_")]
        named = sum(500 for part in parts if part in file.stem.split("_"))
        score += sum(len(re.findall(rf"\b{part}\b", text)) for part in parts)
        if score or own:
            scores.append((score + named + 100 * own, str(file.relative_to(root))))
    return [name for _, name in sorted(scores, key=lambda pair: -pair[0])[:FILES]]


def run_tests(root: Path, tests: list[str], limit: float) -> tuple[str, list[str]]:
    """Run tests in a fork, where rnnkit is not imported yet: how they ended, and which failed."""
    report = root / "report.txt"
    report.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        os.setsid()
        os.chdir(root)
        sys.path[:0] = [str(root), str(root / "tests")]
        with open(os.devnull, "w") as null, open(report, "w") as out:  # noqa: PTH123
            os.dup2(out.fileno(), 1)
            os.dup2(null.fileno(), 2)
            import pytest

            options = ["-x", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist"]
            code = int(pytest.main([*options, *tests]))
            sys.stdout.flush()
        os._exit(code)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            text = report.read_text(errors="replace") if report.exists() else ""
            failed = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", text, re.MULTILINE)
            return {0: "passed", 1: "failed", 5: "passed"}.get(code, "failed"), failed
        time.sleep(0.2)
    os.killpg(child, signal.SIGKILL)  # our own child, in a session of its own
    os.waitpid(child, 0)
    return "timed out", []


def judge(mutant: Mutant, root: Path, limit: float) -> dict[str, Any]:
    """Return what the tests say about a mutant."""
    path, tests = root / mutant.path, tests_for(mutant.path, root)
    whole = path.read_text(encoding="utf-8")
    start = time.monotonic()
    try:
        changed = whole[: mutant.start] + mutant.new + whole[mutant.end :]
        compile(changed, str(path), "exec")
        path.write_text(changed, encoding="utf-8")
        ended, failed = run_tests(root, tests, limit)
    finally:
        path.write_text(whole, encoding="utf-8")
    result = {"passed": "survived", "failed": "caught", "timed out": "timed out"}[ended]
    if ended == "failed" and failed:
        again, _ = run_tests(root, [failed[0]], limit)
        if again != "passed":
            result = "test fails without it, too"
    return {
        "module": str(mutant.path),
        "line": mutant.line,
        "kind": mutant.kind,
        "old": mutant.old[:200],
        "new": mutant.new[:200],
        "result": result,
        "by": failed[0] if failed else None,
        "tests": tests,
        "seconds": round(time.monotonic() - start, 1),
    }


def main() -> int:
    """Judge mutants until there are enough, or the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--limit", type=float, default=240, help="seconds of one mutant's tests")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    os.environ |= {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    import keras  # noqa: F401  (once, before the forks)

    end = time.monotonic() + 60 * given.minutes
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        archive = subprocess.run(
            ["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        os.environ["PYTHONPATH"] = f"{folder}:{folder}/tests"
        for mutant in draw(root, random.Random(given.seed)):
            if len(results) >= given.mutants or time.monotonic() > end:
                break
            results.append(judge(mutant, root, given.limit))
            one = results[-1]
            print(f"{len(results)}: {one['result']}: {one['module']}:{one['line']}", flush=True)
            counts: dict[str, int] = {}
            for row in results:
                counts[row["result"]] = counts.get(row["result"], 0) + 1
            command = f"python tests/mutation.py --mutants {given.mutants} --seed {given.seed}"
            record = {"command": command, "counts": counts, "mutants": results}
            given.out.parent.mkdir(parents=True, exist_ok=True)
            given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
