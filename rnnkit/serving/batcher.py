"""Batches of requests: one call of the model answers several of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

Answer = Callable[[list[Any]], list[Any]]  # instances -> as many predictions
Gone = Callable[[], Awaitable[bool]]


class QueueFull(Exception):
    """Too many instances wait for the model already."""


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


@dataclass(eq=False)
class _Request:
    instances: list[Any]
    answer: asyncio.Future[list[Any]]
    gone: Gone
    since: float


async def _present() -> bool:
    return False


class Batcher:
    """Answers requests in batches, in the order of their arrival, on one thread.

    A batch begins with the request that has waited longest. It is closed when it has `max_batch`
    instances, or when that request has waited `max_wait` seconds; while the model computes, further
    requests wait, so that under load batches are full without anybody waiting for them. Requests
    whose client is gone are left out before the model is asked. Where a call fails, each request of
    the batch is asked again alone, so that one bad request does not spoil the others.

    It is an asynchronous context manager; at its end nothing waits any more.

    Args:
        answer: the model, as a function of a list of instances.
        max_batch: instances of a batch; a request with more has a batch of its own.
        max_wait: seconds.
        max_queue: instances that may wait.

    Example:
        >>> async def two():
        ...     async with Batcher(lambda texts: [text.upper() for text in texts]) as batcher:
        ...         return await asyncio.gather(batcher.ask(["a"]), batcher.ask(["b", "c"]))
        >>> asyncio.run(two())
        [['A'], ['B', 'C']]
    """

    def __init__(
        self, answer: Answer, max_batch: int = 64, max_wait: float = 0.002, max_queue: int = 1024
    ) -> None:
        self._answer = answer
        self.max_batch, self.max_wait, self.max_queue = max_batch, max_wait, max_queue
        self._requests: deque[_Request] = deque()
        self.waiting = 0  # instances that no batch has taken yet
        self.calls = 0  # of the model

    async def __aenter__(self) -> Batcher:
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rnnkit-model")
        self._loop = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._loop.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._loop
        while self._requests:  # a server ends after its requests: only where it was hurried
            self._requests.popleft().answer.cancel()
        self._thread.shutdown(wait=False)

    async def ask(self, instances: list[Any], gone: Gone = _present) -> list[Any]:
        """Return the model's answer to each instance.

        Args:
            instances: what the model is asked about.
            gone: tells whether the client has hung up; asked before the model is.

        Raises:
            QueueFull: too many instances wait.
            ClientGone: the client has hung up; the model was not asked.
            Exception: what the model raised about these instances.
        """
        if self.waiting + len(instances) > self.max_queue:
            raise QueueFull
        loop = asyncio.get_running_loop()
        request = _Request(instances, loop.create_future(), gone, loop.time())
        self._requests.append(request)
        self.waiting += len(instances)
        self._arrived.set()
        return await request.answer

    async def _run(self) -> None:
        while True:
            await self._answer_batch(await self._next_batch())

    async def _next_batch(self) -> list[_Request]:
        """Wait for requests, and return those of the next batch."""
        loop = asyncio.get_running_loop()
        while not self._requests:
            self._arrived.clear()
            await self._arrived.wait()
        closes = self._requests[0].since + self.max_wait
        while self.waiting < self.max_batch and (left := closes - loop.time()) > 0:
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), left)
        batch: list[_Request] = []
        size = 0
        while self._requests and (
            not batch or size + len(self._requests[0].instances) <= self.max_batch
        ):
            batch.append(self._requests.popleft())
            size += len(batch[-1].instances)
        self.waiting -= size
        return batch

    async def _answer_batch(self, batch: list[_Request]) -> None:
        present = []
        for request in batch:
            if request.answer.done():  # cancelled
                continue
            if await request.gone():
                request.answer.set_exception(ClientGone())
            else:
                present.append(request)
        if present:
            await self._call(present)

    async def _call(self, batch: list[_Request]) -> None:
        """Ask the model about all requests of a batch, and hand out its answers."""
        instances = [one for request in batch for one in request.instances]
        self.calls += 1
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._thread, self._answer, instances)
        await asyncio.wait([call])
        error = call.exception()
        if error is not None and len(batch) > 1:
            for request in batch:
                await self._call([request])
            return
        answers = [] if error is not None else call.result()
        start = 0
        for request in batch:
            stop = start + len(request.instances)
            if request.answer.done():
                pass
            elif error is not None:
                request.answer.set_exception(error)
            else:
                request.answer.set_result(answers[start:stop])
            start = stop
