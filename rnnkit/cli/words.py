"""`neighbours`: nearest neighbours of words by cosine similarity."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnkit.cli.completion import complete_run
from rnnkit.cli.options import AsText, number
from rnnkit.cli.paths import refuse_paths
from rnnkit.errors import InputError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

VectorsPath = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="The folder of a run, a .keras file or a vectors file.",
        autocompletion=complete_run,
    ),
]


def neighbours(
    run: VectorsPath,
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="Words.")],
    n: Annotated[
        int,
        typer.Option("-n", "--number", help="Neighbours per word.", **number("--number", least=1)),
    ] = 10,
    as_text: AsText = False,
) -> None:
    """Show the nearest neighbours of words by cosine similarity."""
    if not as_text:
        refuse_paths(words, "To look up the words in it, give $(cat {})")
    from rnnkit.cli import show
    from rnnkit.embeddings.measures.neighbours import neighbours as find

    lines = [
        [word, near, f"{similarity:.4f}"]
        for word, nearest in zip(words, find(open_vectors(run), words, n), strict=True)
        for near, similarity in nearest
    ]
    if not lines:
        show.note("There are no neighbours: the model knows no other word.")
        return
    show.answers(["word", "neighbour", "similarity"], lines)


def open_vectors(path: Path) -> KeyedVectors:
    """Return the vectors of a run, of a saved model, or of a file that word2vec or gensim wrote."""
    if not path.is_dir():
        from rnnkit.embeddings.files import load_vectors

        return load_vectors(path)
    from rnnkit import study

    model = study.open_model(path)
    if not hasattr(model, "keyed_vectors"):
        raise InputError(
            f"{path} holds a {type(model).__name__}, no word vectors: ask it with rnnkit predict. "
            "Vectors come from rnnkit train word_vectors."
        )
    return model.keyed_vectors()
