"""Refuses requests before the application reads them: too many, too large, too slow."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from rnnkit.serving.limits import Limits, RateLimit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH = "/health"  # asked by whoever watches the server: not counted


class Guard:
    """ASGI middleware that hands the application whole, small requests alone.

    A body that is too large is read to its end and dropped on the way, so that the client gets to
    read the answer; nothing of it is kept.

    Args:
        app: the application.
        limits: `rate`, `max_body` and `body_seconds`.
    """

    def __init__(self, app: App, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self._rate = RateLimit(limits.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let the application answer it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        address = (scope.get("client") or ("unknown",))[0]
        wait = 0.0
        if scope["path"] != HEALTH:
            wait = self._rate.wait(str(address), asyncio.get_running_loop().time())
        if wait:
            message = f"More than {self.limits.rate:g} requests per second from one address."
            await refuse(send, 429, message, {"retry-after": str(math.ceil(wait))})
            return
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                body = await self._read(receive)
        except TimeoutError:
            message = f"The request did not arrive within {self.limits.body_seconds:g} s."
            await refuse(send, 408, message, {"connection": "close"})
            return
        except ConnectionAbortedError:
            return  # nobody reads an answer
        if body is None:
            message = (
                f"The request has more than {self.limits.max_body:,} bytes. Send less at once."
            )
            await refuse(send, 413, message)
            return
        await self.app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the body; None = it is too large.

        Raises:
            ConnectionAbortedError: the client hung up.
        """
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionAbortedError
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size > self.limits.max_body:
                parts.clear()
            else:
                parts.append(part)
        return b"".join(parts) if size <= self.limits.max_body else None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once, and then what comes after it: a hang-up."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def refuse(
    send: Send, status: int, message: str, headers: dict[str, str] | None = None
) -> None:
    """Send an error as the application does: ``{"error": message}``."""
    body = json.dumps({"error": message}).encode()
    pairs = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        **(headers or {}),
    }
    encoded = [(name.encode(), value.encode()) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
