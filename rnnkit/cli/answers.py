"""What each kind of model is asked by `rnnkit predict`, and how it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rnnkit.cli import frames, pairs, series, tags, texts
from rnnkit.cli.words import is_word_vectors
from rnnkit.errors import InputError


def print_answers(model: Any, run: Path, asked: list[str], file: str | None) -> None:
    """Print what a loaded model says of texts, or of the series in files.

    Args:
        model: a task, or word vectors.
        run: where it was loaded from, for messages.
        asked: texts, or paths of CSV files; "-" reads texts from stdin.
        file: a file with a text on each line; of a model of series, one more CSV file.

    Raises:
        InputError: the model answers other questions than this one; the message names the command.

    Example:
        >>> print_answers(model, Path("runs/mine"), ["A fine film."], None)  # doctest: +SKIP
        pos	0.9712	A fine film.
    """
    from rnnkit import tasks

    if is_word_vectors(model):
        raise InputError(
            f"{run} holds word vectors, which foretell nothing of a text. Ask for what lies near a "
            f"word: rnnkit neighbours {run} WORD"
        )
    if isinstance(model, tasks.LanguageModel):
        raise InputError(
            f"{run} holds a language model, which goes on with a text: rnnkit generate {run} "
            f'"TEXT". For the likeliest next words: rnnkit complete {run} "TEXT".'
        )
    for kind, answer in (
        (tasks.TextClassifier, texts.print_classes),
        (tasks.SequenceTagger, tags.print_tags),
        (tasks.Seq2Seq, pairs.print_outputs),
    ):
        if isinstance(model, kind):
            answer(model, texts.gather(asked, file))
            return
    paths = [*asked, *([] if file is None else [file])]
    if isinstance(model, tasks.FrameLabeller):
        frames.print_frames(model, paths)
    elif isinstance(model, tasks.SequenceClassifier):
        series.print_classes(model, paths)
    else:
        series.print_forecasts(model, paths)
