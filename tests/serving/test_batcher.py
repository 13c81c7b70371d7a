"""Batches of requests: what is gathered, what is left out, what a failure spoils."""

import asyncio
import threading

import pytest

from rnnkit.serving.batcher import Batcher, ClientGone, QueueFull

pytestmark = pytest.mark.one_backend


class Model:
    """Doubles numbers, waits until it may, and keeps its calls."""

    def __init__(self):
        self.calls = []
        self.may = threading.Event()
        self.began = threading.Event()

    def __call__(self, numbers):
        self.calls.append(numbers)
        self.began.set()
        assert self.may.wait(10)
        if 13 in numbers:
            raise ValueError("13")
        return [2 * number for number in numbers]


def gathered(requests, before=(), gone=None, **options):
    """Answers or errors of requests that arrive while the model answers `before`, and its calls."""
    model = Model()

    async def run():
        async with Batcher(model, **{"max_wait": 0.0, **options}) as batcher:
            first = asyncio.create_task(batcher.ask(list(before))) if before else None
            while before and not model.began.is_set():
                await asyncio.sleep(0.001)
            hung = [{"gone": gone[i]} if gone and i in gone else {} for i in range(len(requests))]
            tasks = [
                asyncio.create_task(batcher.ask(request, **more))
                for request, more in zip(requests, hung, strict=True)
            ]
            await asyncio.sleep(0)
            model.may.set()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            if first is not None:
                await first
            assert batcher.waiting == 0
            return found

    return asyncio.run(run()), model.calls


def test_what_arrives_while_the_model_computes_is_one_batch():
    found, calls = gathered([[1], [2, 3], [4]], before=[0])
    assert found == [[2], [4, 6], [8]]
    assert calls == [[0], [1, 2, 3, 4]]


def test_a_full_batch_is_closed_and_a_larger_request_goes_alone():
    found, calls = gathered([[1], [2], [3], [4, 5, 6, 7, 8]], before=[0], max_batch=2)
    assert found == [[2], [4], [6], [8, 10, 12, 14, 16]]
    assert calls == [[0], [1, 2], [3], [4, 5, 6, 7, 8]]


def test_a_request_waits_for_others_but_not_longer_than_it_may():
    model = Model()
    model.may.set()

    async def run():
        async with Batcher(model, max_wait=0.05) as batcher:
            loop, start = asyncio.get_running_loop(), asyncio.get_running_loop().time()
            first = asyncio.create_task(batcher.ask([1]))
            await asyncio.sleep(0.01)
            second = asyncio.create_task(batcher.ask([2]))
            found = await asyncio.gather(first, second)
            return found, loop.time() - start

    found, seconds = asyncio.run(run())
    assert (found, model.calls) == ([[2], [4]], [[1, 2]])
    assert seconds > 0.045


def test_a_full_batch_does_not_wait():
    model = Model()
    model.may.set()

    async def run():
        async with Batcher(model, max_wait=3600, max_batch=2) as batcher:
            return await asyncio.gather(batcher.ask([1]), batcher.ask([2]))

    assert asyncio.run(asyncio.wait_for(_as_task(run()), 5)) == [[2], [4]]


async def _as_task(work):
    return await work


def test_a_bad_request_does_not_spoil_its_batch():
    found, calls = gathered([[1], [13], [2]], before=[0])
    assert found[0] == [2]
    assert found[2] == [4]
    assert isinstance(found[1], ValueError)
    assert calls == [[0], [1, 13, 2], [1], [13], [2]]


def test_whose_client_is_gone_is_not_asked():
    async def gone():
        return True

    found, calls = gathered([[1], [2], [3]], before=[0], gone={1: gone})
    assert [found[0], found[2]] == [[2], [6]]
    assert isinstance(found[1], ClientGone)
    assert calls == [[0], [1, 3]]


def test_a_full_queue_refuses_and_is_empty_again():
    found, calls = gathered([[1, 2], [3, 4], [5]], before=[0], max_queue=3)
    assert [found[0], found[2]] == [[2, 4], [10]]
    assert isinstance(found[1], QueueFull)
    assert calls == [[0], [1, 2, 5]]


def test_a_hurried_end_leaves_nobody_waiting():
    model = Model()

    async def run():
        async with Batcher(model, max_wait=0.0) as batcher:
            tasks = [asyncio.create_task(batcher.ask([0]))]
            while not model.began.is_set():
                await asyncio.sleep(0.001)
            tasks.append(asyncio.create_task(batcher.ask([1])))
            await asyncio.sleep(0)
        model.may.set()
        done, waiting = await asyncio.wait(tasks[1:], timeout=5)
        tasks[0].cancel()
        return len(done), len(waiting)

    assert asyncio.run(run()) == (1, 0)
