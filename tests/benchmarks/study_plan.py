"""The trainings of the study of recurrent networks: what is compared, with how many seeds.

A row is a line of a table of docs/study.md: a recipe, its settings and the data. Minutes are
planned for one thread, and only decide what is begun first and what no longer fits into the hours
that are left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """A row of the study.

    Attributes:
        table: of recipes/results.json.
        network: what the row is called.
        recipe: by its name.
        minutes: planned, of one seed on one thread.
        seeds: how many.
        data: a data set.
        settings: of the recipe, where they are not its defaults.
        budget: of parameters, time or steps. Trainings with a budget of time run after all others.
    """

    table: str
    network: str
    recipe: str
    minutes: float
    seeds: int = 1
    data: str = "imdb"
    settings: Mapping[str, Any] = field(default_factory=dict)
    budget: tuple[str, ...] = ()

    @property
    def timed(self) -> bool:
        """Whether it has a budget of time: what runs beside it takes some of that."""
        return any(re.fullmatch(r"[\d.]+(s|m|h)", amount) for amount in self.budget)

    def folder(self, seed: int) -> str:
        """Return the name of the folder of a run."""
        words = re.sub(r"[^a-z0-9]+", "-", f"{self.table}-{self.network}".lower()).strip("-")
        return f"{words.removeprefix('study-')}-seed{seed}"


CLASSIC = {"preset": "classic"}
CELLS = {
    **{"rnn": "simple RNN", "lstm": "LSTM", "gru": "GRU"},
    **{"mingru": "MinGRU", "minlstm": "MinLSTM", "rglru": "RG-LRU"},
}
VECTORS = {
    "random": {"embedding": "random"},
    "CBOW": {"embedding": "cbow"},
    "skip-gram": {"embedding": "skip-gram"},
}
OPTIONS = {
    "plain": {},
    "averaged weights": {"averaged_weights": 0.995},
    "adversarial steps": {"adversarial": 1.0},
}
WINDOWS = (8, 32, 128)  # steps of truncated back-propagation


def at_equal_cost(
    table: str, recipe: str, data: str, parameters: str, minutes: int
) -> Iterator[Row]:
    """Return a row for each cell, with as many parameters and as much time for all."""
    for cell, name in CELLS.items():
        budget = (parameters, f"{minutes}m")
        yield Row(table, name, recipe, minutes, 1, data, {"cell": cell}, budget)


ROWS = (
    *(
        Row("study_textbook", CELLS[cell], f"{cell}_sentiment", 6, 3, settings=CLASSIC)
        for cell in ("rnn", "lstm", "gru")
    ),
    *(
        Row("study_tuned", CELLS[cell], f"{cell}_sentiment", 8, 3)
        for cell in ("rnn", "lstm", "gru")
    ),
    Row("study_tuned", "bidirectional LSTM", "bilstm_sentiment", 12, 3),
    Row(
        "study_tuned",
        "bidirectional LSTM, averaged weights",
        "bilstm_sentiment",
        *(12, 3),
        settings={"averaged_weights": 0.999},
    ),
    Row("study_tuned", "best_sentiment", "best_sentiment", 100, 3),
    Row("study_tuned", "LSTM, 2 layers", "lstm_sentiment", 14, settings={"layers": 2}),
    *(
        Row("study_tuned", CELLS[cell], f"{cell}_sentiment", 5)
        for cell in ("mingru", "minlstm", "rglru")
    ),
    Row("study_tuned", "bag of 1- to 3-grams", "bag_of_words_sentiment", 3),
    *(
        Row(
            "study_vectors",
            f"{name}, {how}",
            "lstm_sentiment",
            8,
            settings={**vectors, "embedding_trainable": trained},
        )
        for name, vectors in VECTORS.items()
        for how, trained in (("trained on", True), ("frozen", False))
        if (name, trained) != ("skip-gram", True)  # the LSTM of study_tuned
    ),
    *(
        Row(
            "study_clipping",
            f"{CELLS[cell]}, {how}",
            f"{cell}_sentiment",
            6,
            settings={**CLASSIC, "clip_norm": norm, "learning_rate": 1e-2},
        )
        for cell in ("rnn", "lstm")
        for how, norm in (("clipped at 1", 1.0), ("not clipped", None))
    ),
    *(
        Row(
            "study_bptt",
            f"{CELLS[cell]}, {window} steps",
            "text_generator",
            3,
            data="tinyshakespeare",
            settings={"cell": cell, "window": window},
            budget=("200kparameters", "3m"),
        )
        for cell in ("rnn", "lstm")
        for window in WINDOWS
    ),
    *at_equal_cost("study_characters", "text_generator", "tinyshakespeare", "200kparameters", 3),
    *at_equal_cost("study_tagging", "pos_tagger", "ud_ewt", "100kparameters", 3),
    *(
        Row(
            "study_hidden_states",
            name,
            "sequence_classifier",
            1,
            3,
            data="japanese_vowels",
            settings=settings,
        )
        for name, settings in (
            ("LSTM", {}),
            ("LSTM and states of an HMM", {"hmm": "input"}),
            ("the same, trained together", {"hmm": "joint"}),
        )
    ),
    *(
        Row(
            "study_options", f"names, {how}", "name_tagger", 5, 1, "wnut17", options, ("2000steps",)
        )
        for how, options in OPTIONS.items()
    ),
    *(
        Row(
            "study_options",
            f"characters, {how}",
            "text_generator",
            5,
            data="tinyshakespeare",
            settings=options,
            budget=("200kparameters", "2000steps"),
        )
        for how, options in OPTIONS.items()
    ),
)

QUICK = (
    Row("study_textbook", "simple RNN", "rnn_sentiment", 1, data="sample", settings=CLASSIC),
    Row(
        "study_tuned",
        "LSTM",
        "lstm_sentiment",
        1,
        2,
        data="sample",
        settings={"units": 4, "embedding": "random", "embedding_size": 4, "epochs": 1},
    ),
)


def trainings(rows: tuple[Row, ...]) -> Iterator[tuple[Row, int]]:
    """Return row and seed of each training, in the order in which they are begun.

    Those that may run beside others come first; of them the first seed of every row before the
    second of any, and long ones before short ones.
    """
    pairs = ((row, seed) for row in rows for seed in range(row.seeds))
    yield from sorted(pairs, key=lambda pair: (pair[0].timed, pair[1], -pair[0].minutes))
