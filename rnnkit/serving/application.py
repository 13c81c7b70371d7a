"""The web application: FastAPI around a model, its batches and its limits."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

import rnnkit
from rnnkit.errors import InputError, clip
from rnnkit.serving.batcher import Batcher, ClientGone, QueueFull
from rnnkit.serving.guard import Guard
from rnnkit.serving.instances import read_instances, request_schema
from rnnkit.serving.limits import Limits
from rnnkit.serving.page import POLICY, page
from rnnkit.serving.predictions import prediction_schema, predictor

HANGUP = 499  # as other servers log it; nobody reads it


class Failure(BaseModel):
    """What every answer holds that is no prediction."""

    error: str


class Health(BaseModel):
    """The state of the server."""

    status: str
    task: str
    version: str
    waiting: int


FAILURES = {
    400: "The body is no JSON.",
    408: "The request arrived too slowly.",
    413: "The request is too large.",
    415: "The body is not sent as JSON: the header content-type is another one.",
    422: "Instances that are none, or that this model cannot answer.",
    429: "Too many requests of one address; `retry-after` says when the next one is taken.",
    500: "The server failed; its log says why.",
    503: "Too many instances wait for the model; `retry-after` says when to try again.",
}


def create_app(model: Any, limits: Limits | None = None) -> FastAPI:
    """Return the application that answers requests with a model.

    ``POST /predict`` takes ``{"instances": [...]}`` and answers ``{"predictions": [...]}`` in the
    same order; ``/health`` tells the state, ``/openapi.json`` the schema, ``/`` is a page to try
    it. Every refusal is ``{"error": "..."}``.

    Args:
        model: a task that has `answer_table`; see `rnnkit.serving.predictions`.
        limits: of the server.

    Raises:
        InputError: the model answers no single texts or series.

    Example:
        >>> app = create_app(study.open_run("runs/mine").model)  # doctest: +SKIP
    """
    limits = limits or Limits()
    reads_series = bool(model.reads_series)
    batcher = Batcher(predictor(model), limits.max_batch, limits.max_wait / 1000, limits.max_queue)
    described = prediction_schema(model)  # also the first call: what is compiled once is, now

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with batcher:
            yield

    task = type(model).__name__
    app = FastAPI(
        title=f"rnnkit: {task}",
        version=rnnkit.__version__,
        description="Predictions of a trained sequence model.",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
    )
    app.add_middleware(Guard, limits=limits)
    _tell_failures(app)
    shape = {
        "type": "object",
        "properties": {"predictions": {"type": "array", "items": described}},
        "required": ["predictions"],
    }
    answered = {"description": "A prediction for each instance, in their order."}
    schema: Any = request_schema(reads_series, limits)

    @app.post(
        "/predict",
        summary="Predict texts or series.",
        response_class=JSONResponse,
        responses={
            200: {**answered, "content": {"application/json": {"schema": shape}}},
            **{code: {"model": Failure, "description": why} for code, why in FAILURES.items()},
        },
    )
    async def predict(request: Request, asked: schema) -> JSONResponse:
        instances = read_instances(asked, reads_series)
        found = await batcher.ask(instances, request.is_disconnected)
        return JSONResponse({"predictions": found})

    @app.get("/health", summary="Whether the server answers, and what waits.")
    async def health() -> Health:
        return Health(status="ok", task=task, version=rnnkit.__version__, waiting=batcher.waiting)

    text = page(task, reads_series)

    @app.get("/", include_in_schema=False)
    async def try_it() -> HTMLResponse:
        return HTMLResponse(text, headers={"content-security-policy": POLICY})

    return app


def _tell_failures(app: FastAPI) -> None:
    """Answer every error with one sentence: no path, no traceback, nothing of the request."""

    def failure(status: int, message: str, **headers: str) -> JSONResponse:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return JSONResponse({"error": message}, status, headers=names)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        if error.errors()[0]["loc"] == ("body",) and not _says_json(request):  # not even parsed
            return failure(415, "Send the body as JSON, with content-type: application/json.")
        return failure(422, describe(error.errors()))

    @app.exception_handler(InputError)
    async def refused(request: Request, error: InputError) -> JSONResponse:
        return failure(422, str(error))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return failure(error.status_code, str(error.detail), **dict(error.headers or {}))

    @app.exception_handler(QueueFull)
    async def full(request: Request, error: QueueFull) -> JSONResponse:
        return failure(503, "Too many requests wait. Try again in a second.", retry_after="1")

    @app.exception_handler(ClientGone)
    async def gone(request: Request, error: ClientGone) -> JSONResponse:
        return failure(HANGUP, "The client hung up.")

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        return failure(500, "The server failed to answer; its log says why.")


def _says_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def describe(errors: Any, most: int = 3) -> str:
    """Return what is wrong with a request, in a line: at most this many errors.

    Example:
        >>> describe([{"loc": ("body", "instances", 0), "msg": "Input should be a valid string"}])
        'instances[0]: Input should be a valid string.'
    """
    found = []
    for error in errors[:most]:
        where = ""
        for part in error["loc"][1:]:
            shown = clip(str(part), 40)
            where += f"[{part}]" if isinstance(part, int) else f".{shown}" if where else shown
        message = "the body is no JSON" if error.get("type") == "json_invalid" else error["msg"]
        at_line = error.get("type") == "json_invalid"
        found.append(f"{where}: {message}." if where and not at_line else f"{message}.")
    more = len(errors) - most
    return " ".join(found) + (f" And {more:,} more." if more > 0 else "")
