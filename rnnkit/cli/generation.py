"""`generate` and `complete`: text and completions from a language model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.options import AsText, ModelPath, number
from rnnkit.cli.paths import refuse_paths
from rnnkit.errors import InputError, quote

SEPARATOR = "---"  # a line between generated texts, which may have several lines
CONTENTS = 'To begin with what is in it, give "$(cat {})"'


def generate(
    run: ModelPath,
    prompt: Annotated[str, typer.Argument(metavar="TEXT", help="The beginning of the text.")] = "",
    label: Annotated[
        str | None,
        typer.Option(metavar="CLASS", help="The class to generate, if it was trained with labels."),
    ] = None,
    n: Annotated[
        int,
        typer.Option("-n", "--number", help="Number of texts.", **number("--number", least=1)),
    ] = 1,
    length: Annotated[
        int,
        typer.Option(help="Maximum number of words or characters.", **number("--length", least=1)),
    ] = 100,
    temperature: Annotated[
        float,
        typer.Option(
            help="Below 1 sharpens, above 1 flattens the distribution; 0 = greedy.",
            **number("--temperature", float, least=0),
        ),
    ] = 1.0,
    top_k: Annotated[
        int | None,
        typer.Option(
            help="Sample from this many most probable tokens only.", **number("--top-k", least=1)
        ),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            help="Nucleus sampling: tokens of this total probability only.",
            **number("--top-p", float, above=0, most=1),
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of the sampling.", **number("--seed", least=0))
    ] = 0,
    as_text: AsText = False,
) -> None:
    """Generate texts that continue a prompt, or texts of a class."""
    from rnnkit.cli import show

    options = sampling_options(temperature, top_k, top_p)  # refuses before the model is loaded
    if not as_text:
        refuse_paths([prompt], CONTENTS)
    model = language_model(run)
    notice_unknown(model, prompt)
    texts = model.generate([prompt], n, label=label, length=length, seed=seed, **options)
    print(*texts, sep=f"\n{SEPARATOR}\n")
    ended = sum(text.strip() == prompt.strip() for text in texts)
    if ended:
        show.note(
            f"The model ended {ended} of {n} texts at once, without a word. Try another "
            "beginning, --seed, or a higher --temperature."
        )


def complete(
    run: ModelPath,
    prefix: Annotated[
        str, typer.Argument(metavar="TEXT", help="Text; its last word may be incomplete.")
    ],
    k: Annotated[
        int,
        typer.Option("-k", "--number", help="Number of words.", **number("--number", least=1)),
    ] = 5,
    as_text: AsText = False,
) -> None:
    """Complete the last word of a line, or predict the next word after a space."""
    from rnnkit.cli import show

    if not as_text:
        refuse_paths([prefix], CONTENTS)
    model = language_model(run, "complete")
    notice_unknown(model, prefix, last_is_incomplete=True)
    found = model.complete(prefix, k)
    if not found:
        begun = prefix.split(" ")[-1]
        show.note(f"The model knows no word that begins with {quote(begun)}.")
        return
    show.answers(["word", "probability"], [[word, f"{p:.4f}"] for word, p in found])


def notice_unknown(model: Any, text: str, last_is_incomplete: bool = False) -> None:
    """Print the words of a prompt that a model does not know, on the standard error."""
    from rnnkit.cli import show
    from rnnkit.tasks.answers import name_unknown

    words = model.unknown_words([text])[0]
    if last_is_incomplete and not text[-1:].isspace():
        words = [word for word in words if not text.endswith(word)]
    if words:
        show.note(name_unknown(words))


def sampling_options(temperature: float, top_k: int | None, top_p: float | None) -> dict[str, Any]:
    """Return the sampling strategy and its parameters for `generate`.

    Example:
        >>> sampling_options(0.8, None, None)
        {'strategy': 'temperature', 'temperature': 0.8}
    """
    if top_k is not None and top_p is not None:
        raise InputError("Both --top-k and --top-p: give one of them.")
    if temperature == 0:
        return {"strategy": "greedy"}
    numbers = {"top_k": top_k, "top_p": top_p}
    given = {name: value for name, value in numbers.items() if value is not None}
    return {"strategy": next(iter(given), "temperature"), "temperature": temperature, **given}


def language_model(run: Path, verb: str = "generate") -> Any:
    """Return the model of a run, or of a .keras file, which must be a language model."""
    from rnnkit import study

    model = study.open_model(run)
    if not (hasattr(model, "generate") and hasattr(model, "complete")):
        raise InputError(
            f"{run} holds a {type(model).__name__}, no language model: ask it with rnnkit "
            f"predict. {verb} is for models of next_word and text_generator."
        )
    return model
