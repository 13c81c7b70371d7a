"""What a language model writes, and how it completes what is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnkit.cli.options import ModelPath
from rnnkit.errors import InputError


def generate(
    run: ModelPath,
    prompt: Annotated[str, typer.Argument(help="What the text begins with.")] = "",
    label: Annotated[
        str | None, typer.Option(help="In whose manner, of a model that was trained with labels.")
    ] = None,
    n: Annotated[int, typer.Option("-n", "--number", help="How many texts.")] = 1,
    length: Annotated[int, typer.Option(help="The most words or letters of a text.")] = 100,
    temperature: Annotated[
        float, typer.Option(help="Below 1 likelier, above 1 stranger; 0 = always the likeliest.")
    ] = 1.0,
    top_k: Annotated[
        int | None, typer.Option(help="Draw from so many of the likeliest alone.")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(help="Draw from the likeliest alone that have this probability together."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
) -> None:
    """Write texts: go on from a prompt, or begin one in the manner of a label."""
    options = drawn(temperature, top_k, top_p)  # refuses before the model is loaded
    model = language_model(run)
    texts = model.generate(prompt, n, label=label, length=length, seed=seed, **options)
    print(*texts, sep="\n")


def complete(
    run: ModelPath,
    prefix: Annotated[str, typer.Argument(help="What is typed so far, a half word at its end.")],
    k: Annotated[int, typer.Option("-k", "--number", help="How many words.")] = 5,
) -> None:
    """Complete the last word of a line, or foretell the next one behind a space."""
    print_completions(language_model(run, "complete").complete(prefix, k))


def drawn(temperature: float, top_k: int | None, top_p: float | None) -> dict[str, Any]:
    """Return strategy and numbers for `generate` from what was given.

    Raises:
        InputError: both top_k and top_p.

    Example:
        >>> drawn(0.8, None, None)
        {'strategy': 'temperature', 'temperature': 0.8}
        >>> drawn(0, None, None)
        {'strategy': 'greedy'}
    """
    if top_k is not None and top_p is not None:
        raise InputError("Both --top-k and --top-p: give one of them.")
    if temperature == 0:
        return {"strategy": "greedy"}
    numbers = {"top_k": top_k, "top_p": top_p}
    given = {name: value for name, value in numbers.items() if value is not None}
    return {"strategy": next(iter(given), "temperature"), "temperature": temperature, **given}


def language_model(run: Path, verb: str = "generate") -> Any:
    """Return the model of a run, or of a .keras file.

    Raises:
        InputError: there is none, or it is of another kind.
    """
    from rnnkit import study

    model = study.open_model(run)
    if not is_language_model(model):
        raise InputError(
            f"{run} holds a {type(model).__name__}, which writes no text: ask it with rnnkit "
            f"predict. {verb} is for models of next_word and text_generator."
        )
    return model


def is_language_model(model: Any) -> bool:
    """Say whether a loaded model writes text."""
    return hasattr(model, "generate") and hasattr(model, "complete")


def print_completions(found: list[tuple[str, float]]) -> None:
    """Print words and probabilities: a table in a terminal, tab-separated lines elsewhere.

    Example:
        >>> print_completions([("france", 0.81)])  # doctest: +SKIP
        france	0.8100
    """
    from rnnkit.cli import show

    lines = [[word, f"{share:.4f}"] for word, share in found]
    if show.console.is_terminal:
        show.rows(["word", "probability"], lines)
        return
    for line in lines:
        print(*line, sep="\t")
