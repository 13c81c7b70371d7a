"""Tables of forecast errors by output (horizon, target) and by group of series."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnkit.study.compare import Row

# mae_h6, coverage_80_load_h6: of an output; rmse/north: of a group.
PART = re.compile(r"(?P<measure>mae|rmse|coverage_[\d.]+)(?:_(?P<output>.+)|/(?P<group>.+))")
KINDS = ("output", "group")


def is_part(measure: str) -> bool:
    """Return whether a measure is of one output or one group.

    Example:
        >>> is_part("mae_h6"), is_part("rmse/north"), is_part("coverage_80"), is_part("f1/PER")
        (True, True, False, False)
    """
    return PART.fullmatch(measure) is not None


def parts(measures: Iterable[str], kind: str) -> dict[str, dict[str, str]]:
    """Return part -> measure -> its full name, of one kind ("output" or "group").

    Horizons come in their order, 6 before 12.

    Example:
        >>> parts(["mae", "mae_h12", "mae_h6", "rmse/north"], "output")
        {'h6': {'mae': 'mae_h6'}, 'h12': {'mae': 'mae_h12'}}
    """
    found: dict[str, dict[str, str]] = {}
    for name in measures:
        match = PART.fullmatch(name)
        if match and match[kind]:
            found.setdefault(match[kind], {})[match["measure"]] = name
    return dict(sorted(found.items(), key=lambda item: _natural(item[0])))


def tables(rows: Iterable[Row]) -> list[list[list[str]]]:
    """Return a table by output and one by group, the heading first; none where there is one of it.

    Example:
        >>> from rnnkit.study.compare import Row
        >>> tables([Row("lstm", 1, {"mae_h1": (2.0, None), "mae_h6": (3.0, None)})])
        [[['output', 'recipe', 'MAE'], ['h1', 'lstm', '2.0000'], ['h6', 'lstm', '3.0000']]]
    """
    from rnnkit.study.report import heading, in_order, show

    rows = list(rows)
    found = []
    for kind in KINDS:
        known = parts((name for row in rows for name in row.values), kind)
        measures = in_order(measure for names in known.values() for measure in names)
        lines = [[kind, "recipe", *map(heading, measures)]]
        for part, names in known.items():
            for row in rows:
                cells = [row.values.get(names.get(m, ""), (None, None)) for m in measures]
                if any(mean is not None for mean, _ in cells):
                    texts = [show(m, *cell) for m, cell in zip(measures, cells, strict=True)]
                    lines.append([part, row.name, *texts])
        if known:
            found.append(lines)
    return found


def of_one(test: Mapping[str, float], name: str) -> list[list[list[str]]]:
    """Return the tables of a single run."""
    from rnnkit.study.compare import Row

    return tables([Row(name, 1, {measure: (value, None) for measure, value in test.items()})])


def _natural(text: str) -> list[tuple[int, str]]:
    """Return a key that sorts numbers within texts by their value."""
    return [
        (int(piece), "") if piece.isdigit() else (-1, piece) for piece in re.split(r"(\d+)", text)
    ]
