"""How good word vectors are: analogies, and likeness as people see it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnkit.embeddings.measures.sets import Questions, read_set, shipped
from rnnkit.errors import InputError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

ALL = "all"
FEWEST = 10  # questions or pairs: the correlation of three pairs is -1, -0.5, 0.5 or 1
_BLOCK = 16_000_000  # similarities in memory at once


@dataclass(frozen=True)
class Score:
    """One line of a `Table`.

    Attributes:
        set: its name.
        section: a part of the set, or "all" for the whole.
        score: accuracy of analogies, Spearman's correlation of pairs; None where there is none.
        found: of how many questions or pairs all words are known: those are scored.
        total: how many there are.
    """

    set: str
    section: str
    score: float | None
    found: int
    total: int


@dataclass(frozen=True)
class Table:
    """What came of an evaluation; as text an aligned table.

    Attributes:
        rows: of each set its sections, then the whole.
    """

    rows: tuple[Score, ...]

    def scores(self) -> dict[str, float]:
        """Return the score of each set as a whole; of fewer than ten known entries it says nothing.

        Example:
            >>> Table((Score("a", "all", 0.5, 20, 90), Score("b", "all", 1.0, 3, 90))).scores()
            {'a': 0.5}
        """
        return {
            row.set: row.score
            for row in self.rows
            if row.section == ALL and row.score is not None and row.found >= FEWEST
        }

    def __str__(self) -> str:
        cells = [("set", "section", "score", "found", "of")]
        for row in self.rows:
            score = "-" if row.score is None else f"{row.score:.3f}"
            cells.append((row.set, row.section, score, f"{row.found:,}", f"{row.total:,}"))
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if place < 2 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in cells
        ]
        lines += [
            f"{row.set} is left out: {row.found} of its {row.total:,} entries are in the "
            "vocabulary, too few for a score."
            for row in self.rows
            if row.section == ALL and row.score is None
        ]
        return "\n".join(lines)


def evaluate(
    vectors: KeyedVectors,
    *,
    sets: Mapping[str, str | os.PathLike[str]] | None = None,
    restrict_vocab: int = 300_000,
) -> Table:
    r"""Measure word vectors on analogies and on pairs whose likeness people have judged.

    Analogies: the share of questions "a is to b as c is to d" for which d is the word nearest to
    `b - a + c`, the three left out (3CosAdd). Pairs: Spearman's correlation between judgement and
    cosine. What has a word outside the vocabulary is not counted; upper and lower case are one.
    The numbers are those of gensim's `evaluate_word_analogies` and `evaluate_word_pairs`; questions
    are answered in blocks, which takes seconds and not minutes.

    Args:
        vectors: gensim's `KeyedVectors`, the most frequent word first.
        sets: name -> path: lines of four words, sections opened by a line `: name`; or lines of two
            words and a number. None = the three that gensim brings: "analogies"
            (questions-words.txt), "wordsim353", "simlex999".
        restrict_vocab: look at so many first words alone; what has another one is not counted.

    Returns:
        A row for each set and each section of analogies.

    Raises:
        InputError: a file that is not there or no such set (with the line), or a number below 1.

    Source: Mikolov et al. 2013, arXiv:1301.3781, section 4.1; Finkelstein et al. 2002, WordSim-353;
        Hill et al. 2015, arXiv:1408.3456, SimLex-999.

    Example:
        >>> import tempfile
        >>> from gensim.models import KeyedVectors
        >>> vectors = KeyedVectors(2)
        >>> words = ["man", "woman", "king", "queen"]
        >>> vectors.add_vectors(words, [[1, 0], [-1, 0.1], [1, 1], [-0.5, 1]])
        >>> path = Path(tempfile.mkdtemp()) / "mine.txt"
        >>> _ = path.write_text(": royal\nman king woman queen\nman duke woman duchess\n")
        >>> print(evaluate(vectors, sets={"mine": path}))
        set   section  score  found  of
        mine  royal    1.000      1   2
        mine  all      1.000      1   2
    """
    if restrict_vocab < 1:
        raise InputError(f"restrict_vocab is {restrict_vocab}; expected at least 1 word.")
    words = vectors.index_to_key[:restrict_vocab]
    names = [word.upper() for word in words]
    first = {name: row for row, name in reversed(list(enumerate(names)))}
    table = np.asarray(vectors.vectors[: len(words)], "float32")
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    unit = np.divide(table, lengths, out=np.zeros_like(table), where=lengths > 0)
    rows: list[Score] = []
    for name, path in (shipped() if sets is None else sets).items():
        entries = read_set(Path(path))
        places = [[first.get(word.upper(), -1) for word in line] for line in entries.words]
        at = np.array(places)
        known = np.all(at >= 0, axis=1)
        if isinstance(entries, Questions):
            right = np.zeros(len(known))
            right[known] = _answer(unit, at[known], np.array([first[name] for name in names]))
            rows += _by_section(name, entries.sections, right, known)
        else:
            score = _correlation(unit, at[known], np.array(entries.judged)[known])
            rows.append(Score(name, ALL, score, int(known.sum()), len(known)))
    return Table(tuple(rows))


def _answer(unit: np.ndarray, at: np.ndarray, forms: np.ndarray) -> np.ndarray:
    """Return for each question `(N, 4)` whether its answer is right, `(N,)`.

    `forms` gives for each word the first one that differs from it by upper or lower case alone:
    asked for one of them, none is an answer, and any is right.
    """
    others: dict[int, list[int]] = {}
    for other in np.flatnonzero(forms != np.arange(len(forms))).tolist():
        others.setdefault(int(forms[other]), []).append(other)
    found = []
    size = max(1, _BLOCK // max(len(unit), 1))
    for start in range(0, len(at), size):
        block = at[start : start + size]
        a, b, c = (unit[block[:, place]] for place in range(3))
        near = (b - a + c) @ unit.T
        np.put_along_axis(near, block[:, :3], -np.inf, axis=1)
        for row, asked in enumerate(block[:, :3].tolist() if others else []):
            for word in asked:
                near[row, others.get(word, [])] = -np.inf
        found.append(forms[near.argmax(axis=1)] == block[:, 3])
    return np.concatenate(found) if found else np.zeros(0, bool)


def _by_section(
    name: str, sections: list[str], right: np.ndarray, known: np.ndarray
) -> list[Score]:
    parts = np.array(sections)
    rows = []
    for part in [*dict.fromkeys(filter(None, sections)), ALL]:
        here = np.full(len(parts), True) if part == ALL else parts == part
        found = int((here & known).sum())
        score = float(right[here].sum() / found) if found else None
        rows.append(Score(name, part, score, found, int(here.sum())))
    return rows


def _correlation(unit: np.ndarray, at: np.ndarray, judged: np.ndarray) -> float | None:
    """Return Spearman's correlation of cosine and judgement; None if one of them never differs."""
    cosines = (unit[at[:, 0]] * unit[at[:, 1]]).sum(axis=1)
    if len(at) < 2 or not np.ptp(cosines) or not np.ptp(judged):
        return None
    return float(np.corrcoef(_ranks(cosines), _ranks(judged))[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the place of each value in order; equal ones share their mean place."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[place]
