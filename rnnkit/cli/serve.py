"""`rnnkit serve`: a trained model behind HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from rnnkit.cli.headings import LIMITS, RUN
from rnnkit.cli.options import ModelPath, number
from rnnkit.serving.limits import Limits

_DEFAULT = Limits()


def _limit(help: str, names: str, kind: type = int, **bounds: float) -> typer.models.OptionInfo:
    made: typer.models.OptionInfo = typer.Option(
        names, help=help, rich_help_panel=LIMITS, **number(names, kind, **bounds)
    )
    return made


def serve(
    run: ModelPath,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen; 0.0.0.0 is every address of the machine.",
            rich_help_panel=RUN,
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            help="Of TCP; 0 takes a free one.",
            rich_help_panel=RUN,
            **number("--port", least=0, most=65_535),
        ),
    ] = 8000,
    max_batch: Annotated[
        int,
        _limit("Texts or series that the model is asked about at once.", "--max-batch", least=1),
    ] = _DEFAULT.max_batch,
    max_wait: Annotated[
        float,
        _limit(
            "Milliseconds that a request waits for others to share a batch.",
            "--max-wait",
            float,
            least=0,
        ),
    ] = _DEFAULT.max_wait,
    max_queue: Annotated[
        int, _limit("Texts or series that may wait; then 503.", "--max-queue", least=1)
    ] = _DEFAULT.max_queue,
    max_items: Annotated[
        int, _limit("Texts or series of one request; else 422.", "--max-items", least=1)
    ] = _DEFAULT.max_items,
    max_length: Annotated[
        int,
        _limit("Characters of a text, or steps of a series; else 422.", "--max-length", least=1),
    ] = _DEFAULT.max_length,
    max_body: Annotated[
        int, _limit("Bytes of a request; else 413.", "--max-body", least=1)
    ] = _DEFAULT.max_body,
    rate: Annotated[
        float,
        _limit(
            "Requests per second of one address, else 429; 0 is no limit.", "--rate", float, least=0
        ),
    ] = _DEFAULT.rate,
    grace: Annotated[
        float,
        typer.Option(
            help="Seconds after SIGTERM or Ctrl-C for the requests that have arrived.",
            rich_help_panel=RUN,
            **number("--grace", float, above=0),
        ),
    ] = 30.0,
) -> None:
    """Serve a trained model over HTTP, in JSON; a page at / tries it in a browser.

    POST /predict takes {"instances": [...]}; /openapi.json describes it.
    """
    from rnnkit import serving

    limits = Limits(
        max_batch=max_batch,
        max_wait=max_wait,
        max_queue=max_queue,
        max_items=max_items,
        max_length=max_length,
        max_body=max_body,
        rate=rate,
    )
    serving.serve(
        run,
        host=host,
        port=port,
        limits=limits,
        grace=grace,
        announce=lambda line: print(line, flush=True),
    )
