"""Small changes of rnnkit's code at random places, for `tests/mutation.py`.

Modules of other backends, and what raises errors or describes types, are left alone.
"""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

OTHERS = ("jax", "tensorflow")  # backends that are not tested here
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
    lines: range  # from the first line of its statement to the last of its own
    line: int
    old: str
    new: str

    def applied(self, source: str) -> str:
        """Return the source of the module with the change."""
        return source[: self.start] + self.new + source[self.end :]


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


def places(node: ast.AST, inside: bool = False, statement: Any = None) -> Iterator[tuple[Any, Any]]:
    """Yield the nodes in functions that may be changed, each with its statement."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.arguments):
        return
    if isinstance(node, ast.stmt):
        statement = node
    if inside:
        yield node, statement
    inside = inside or isinstance(node, ast.FunctionDef)
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from places(child, inside, statement)


def mutants_of(path: Path, root: Path) -> list[Mutant]:
    """Return every mutant of a module."""
    source = (root / path).read_text(encoding="utf-8")
    text = source.split("\n")
    starts = [0]
    for line in text:
        starts.append(starts[-1] + len(line) + 1)

    def position(line: int, column: int) -> int:
        return starts[line - 1] + len(text[line - 1].encode()[:column].decode())

    found = []
    for node, statement in places(ast.parse(source)):
        for kind, new in changes(node):
            start = position(node.lineno, node.col_offset)
            end = position(node.end_lineno, node.end_col_offset)
            written = f"({ast.unparse(new)})" if isinstance(new, ast.expr) else ast.unparse(new)
            lines = range(statement.lineno, node.end_lineno + 1)
            found.append(
                Mutant(path, kind, start, end, lines, node.lineno, source[start:end], written)
            )
    return found


def room(path: Path) -> str:
    """Return the room of a module: its folder below the package, or its own name."""
    return path.parts[1] if len(path.parts) > 2 else path.stem


def draw(root: Path, rng: random.Random) -> Iterator[Mutant]:
    """Draw mutants, none twice: a room, then a place in it."""
    rooms: dict[str, list[Mutant]] = {}
    for file in sorted((root / "rnnkit").rglob("*.py")):
        path = file.relative_to(root)
        if not any(word in part for part in path.parts for word in OTHERS):
            # Single modules at the top are one room together.
            name = room(path) if len(path.parts) > 2 else "(top)"
            rooms.setdefault(name, []).extend(mutants_of(path, root))
    names = sorted(rooms)
    while any(rooms.values()):
        rng.shuffle(names)
        for name in names:
            if rooms[name]:
                yield rooms[name].pop(rng.randrange(len(rooms[name])))
