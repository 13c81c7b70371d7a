"""`tokens`: texts larger than memory as a token file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rnnkit.cli.headings import DATA, RUN
from rnnkit.cli.options import TextColumn, number


def tokens(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A text file (also .gz, .xz), a folder of these, a .parquet or .arrow file.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="NAME.tokens", help="The folder to write.", rich_help_panel=RUN),
    ],
    unit: Annotated[
        str, typer.Option(metavar="UNIT", help="word or character.", rich_help_panel=DATA)
    ] = "word",
    split: Annotated[
        str,
        typer.Option(
            metavar="RULE",
            help='Words end at white "space"; "punctuation" makes its marks words, too.',
            rich_help_panel=DATA,
        ),
    ] = "space",
    lowercase: Annotated[
        bool, typer.Option("--lowercase", help="Lower-case the text.", rich_help_panel=DATA)
    ] = False,
    vocabulary_size: Annotated[
        int | None,
        typer.Option(
            help="Keep at most this many tokens, two reserved ones included.",
            rich_help_panel=DATA,
            **number("--vocabulary-size", least=3),
        ),
    ] = None,
    min_count: Annotated[
        int,
        typer.Option(
            help="Keep tokens that occur at least this often in the training part.",
            rich_help_panel=DATA,
            **number("--min-count", least=1),
        ),
    ] = 1,
    valid_fraction: Annotated[
        float,
        typer.Option(
            help="Share of the text held out for validation.",
            rich_help_panel=DATA,
            **number("--valid-fraction", float, above=0, below=1),
        ),
    ] = 0.05,
    test_fraction: Annotated[
        float,
        typer.Option(
            help="Share of the text held out for the test.",
            rich_help_panel=DATA,
            **number("--test-fraction", float, above=0, below=1),
        ),
    ] = 0.05,
    text_column: TextColumn = None,
) -> None:
    """Encode texts that do not fit into memory, once, for rnnkit train RECIPE --data NAME.tokens.

    Language models read them from the disk while they train. The model's settings of words
    (--split, --lowercase) have to be those of the file.
    """
    from rnnkit.cli import show
    from rnnkit.data.token_writing import write_token_file
    from rnnkit.data.tokenizer import Tokenizer
    from rnnkit.disk import size_text
    from rnnkit.progress import showing

    with showing(True):
        file = write_token_file(
            source,
            out,
            tokenizer=Tokenizer(unit, split=split, lowercase=lowercase),
            vocabulary_size=vocabulary_size,
            min_count=min_count,
            valid_fraction=valid_fraction,
            test_fraction=test_fraction,
            text_column=text_column,
        )
    size = sum(part.stat().st_size for part in file.path.iterdir())
    rows = [["file", str(file.path)], ["size", size_text(size)]]
    rows += [["vocabulary", f"{len(file.vocabulary):,}"]]
    rows += [
        [name, f"{int(texts.lengths.sum()):,} tokens of {len(texts):,} texts"]
        for name, texts in ((name, file.texts(name)) for name in ("train", "valid", "test"))
    ]
    show.answers(["token file", ""], rows)
