"""Intrinsic evaluation of word vectors: word analogies and word similarity."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnnkit.embeddings.measures.benchmarks import Analogies, bundled_benchmarks, read_benchmark
from rnnkit.errors import check_count

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

ALL = "all"
MIN_ENTRIES = 10  # questions or pairs: the correlation of three pairs is -1, -0.5, 0.5 or 1
_BLOCK = 16_000_000  # similarities in memory at once


@dataclass(frozen=True)
class Score:
    """One line of a `Table`.

    Attributes:
        set: name of the benchmark.
        section: a section of it, or "all".
        score: accuracy of analogies, Spearman's rank correlation of pairs; None if undefined.
        found: number of questions or pairs without out-of-vocabulary words: those are scored.
        total: number of all questions or pairs.
    """

    set: str
    section: str
    score: float | None
    found: int
    total: int


@dataclass(frozen=True)
class Table:
    """The rows of each benchmark, its sections, then the whole; `str` gives an aligned table."""

    rows: tuple[Score, ...]

    def scores(self) -> dict[str, float]:
        """Return the score of each benchmark with at least ten known entries.

        Example:
            >>> Table((Score("a", "all", 0.5, 20, 90), Score("b", "all", 1.0, 3, 90))).scores()
            {'a': 0.5}
        """
        whole = [row for row in self.rows if row.section == ALL and row.found >= MIN_ENTRIES]
        return {row.set: row.score for row in whole if row.score is not None}

    def __str__(self) -> str:
        cells = [("set", "section", "score", "found", "of")]
        for row in self.rows:
            score = "-" if row.score is None else f"{row.score:.3f}"
            cells.append((row.set, row.section, score, f"{row.found:,}", f"{row.total:,}"))
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        row_format = "  ".join(f"{{:{'<<>>>'[i]}{width}}}" for i, width in enumerate(widths))
        lines = [row_format.format(*line) for line in cells]
        for row in self.rows:
            if row.section == ALL and row.score is None:
                what = f"{row.found} of its {row.total:,} entries are in the vocabulary"
                lines.append(f"{row.set} is left out: {what}, too few for a score.")
        return "\n".join(lines)


def evaluate(
    vectors: KeyedVectors,
    *,
    sets: Mapping[str, str | os.PathLike[str]] | None = None,
    restrict_vocab: int = 300_000,
) -> Table:
    r"""Evaluate word vectors on word analogies and word similarity benchmarks.

    Analogies: accuracy of answering "a is to b as c is to d" with the word nearest to `b - a + c`,
    except for a, b and c (3CosAdd). Similarity: Spearman's rank correlation between human ratings
    and cosines. Entries with out-of-vocabulary words are skipped; case is ignored. The results
    equal those of gensim's `evaluate_word_analogies` and `evaluate_word_pairs`, but take seconds
    instead of minutes, because questions are answered in blocks.

    Args:
        vectors: gensim's `KeyedVectors`, the most frequent word first.
        sets: name -> path: lines of four words, sections opened by a line `: name`; or lines of two
            words and a rating. None = the three that gensim ships: "analogies"
            (questions-words.txt), "wordsim353", "simlex999".
        restrict_vocab: use only this many of the most frequent words; skip entries with others.

    Returns:
        A row for each benchmark and each section of analogies.

    Raises:
        InputError: a missing or invalid file (with the line), or `restrict_vocab` below 1.

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
    check_count("restrict_vocab", restrict_vocab)
    words = vectors.index_to_key[:restrict_vocab]
    names = [word.upper() for word in words]
    first = {name: row for row, name in reversed(list(enumerate(names)))}
    table = np.asarray(vectors.vectors[: len(words)], "float32")
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    unit = np.divide(table, lengths, out=np.zeros_like(table), where=lengths > 0)
    rows: list[Score] = []
    for name, path in (bundled_benchmarks() if sets is None else sets).items():
        entries = read_benchmark(Path(path))
        ids = np.array([[first.get(word.upper(), -1) for word in line] for line in entries.words])
        known = np.all(ids >= 0, axis=1)
        if isinstance(entries, Analogies):
            right = np.zeros(len(known))
            right[known] = _answer(unit, ids[known], np.array([first[name] for name in names]))
            sections = np.array(entries.sections)
            for part in [*dict.fromkeys(filter(None, entries.sections)), ALL]:
                selected = np.full(len(known), True) if part == ALL else sections == part
                found = int((selected & known).sum())
                accuracy = float(right[selected].sum() / found) if found else None
                rows.append(Score(name, part, accuracy, found, int(selected.sum())))
        else:
            score = _spearman(unit, ids[known], np.array(entries.ratings)[known])
            rows.append(Score(name, ALL, score, int(known.sum()), len(known)))
    return Table(tuple(rows))


def _answer(unit: np.ndarray, ids: np.ndarray, forms: np.ndarray) -> np.ndarray:
    """3CosAdd: return for each question `(N, 4)` whether it is answered correctly, `(N,)`.

    `forms` maps each word to the first that is equal except for case: all forms of the words in the
    question are excluded as answers, and any form of the right answer is accepted.
    """
    others: dict[int, list[int]] = {}
    for other in np.flatnonzero(forms != np.arange(len(forms))).tolist():
        others.setdefault(int(forms[other]), []).append(other)
    found = []
    size = max(1, _BLOCK // max(len(unit), 1))
    for start in range(0, len(ids), size):
        block = ids[start : start + size]
        a, b, c = (unit[block[:, column]] for column in range(3))
        near = (b - a + c) @ unit.T
        np.put_along_axis(near, block[:, :3], -np.inf, axis=1)
        for row, asked in enumerate(block[:, :3].tolist() if others else []):
            for word in asked:
                near[row, others.get(word, [])] = -np.inf
        found.append(forms[near.argmax(axis=1)] == block[:, 3])
    return np.concatenate(found) if found else np.zeros(0, bool)


def _spearman(unit: np.ndarray, ids: np.ndarray, ratings: np.ndarray) -> float | None:
    """Return Spearman's correlation of cosines and ratings; None if one of them is constant."""
    cosines = (unit[ids[:, 0]] * unit[ids[:, 1]]).sum(axis=1)
    if len(ids) < 2 or not np.ptp(cosines) or not np.ptp(ratings):
        return None
    return float(np.corrcoef(_ranks(cosines), _ranks(ratings))[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks; ties get their mean rank."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[group]
