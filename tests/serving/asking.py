"""A client of an ASGI application without a network: requests at once, in one event loop."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple


class Request(NamedTuple):
    """A request; `parts` of its body come one after the other, each after `pause` seconds."""

    method: str = "POST"
    path: str = "/predict"
    parts: tuple[bytes, ...] = (b"",)
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    pause: float = 0.0
    hangs_up: bool = False  # after the body
    address: str = "10.0.0.1"


class Answer(NamedTuple):
    """Status, headers and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def predict(instances: Any, **more: Any) -> Request:
    """The request for predictions of these instances."""
    return Request(parts=(json.dumps({"instances": instances}).encode(),), **more)


def ask(app: Any, *requests: Request) -> list[Answer | None]:
    """The answers of an application to requests at the same time; None = it sent none."""

    async def run() -> list[Answer | None]:
        async with app.router.lifespan_context(app):
            return await asyncio.gather(*(_one(app, request) for request in requests))

    return asyncio.run(run())


async def _one(app: Any, request: Request) -> Answer | None:
    parts = list(request.parts)
    forever = asyncio.Event()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if parts:
            await asyncio.sleep(request.pause)
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}
        if not request.hangs_up:
            await forever.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "path": request.path,
        "raw_path": request.path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in request.headers],
        "client": (request.address, 1234),
        "server": ("127.0.0.1", 8000),
    }
    try:
        await app(scope, receive, send)
    except Exception as error:  # Starlette raises it again after its answer, for the log
        if not sent:
            raise AssertionError("no answer") from error
    if not sent:
        return None
    headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], headers, body)
