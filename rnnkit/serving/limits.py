"""What a server takes from its clients: sizes, rates, waiting times."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rnnkit.errors import InputError, check_count, quote


@dataclass(frozen=True)
class Limits:
    """The limits of a server, see `rnnkit serve --help`.

    Args:
        max_batch: instances (texts or series) that the model is asked about in one call, at most; a
            request with more of them is answered by itself.
        max_wait: milliseconds that a request waits for others to share a batch with.
        max_queue: instances that may wait for the model; further requests get status 503.
        max_items: instances of one request; more of them get 422.
        max_length: characters of a text, or steps of a series; more of them get 422.
        max_body: bytes of a request; more of them get 413.
        body_seconds: seconds within which a request arrives; a slower one gets 408.
        rate: requests per second of one address, over its last few; more get 429. 0 = no limit.

    Raises:
        InputError: a value out of range, or a queue that holds less than one request.

    Example:
        >>> Limits(max_items=8).max_items
        8
        >>> Limits(max_queue=4, max_items=8)
        Traceback (most recent call last):
        rnnkit.errors.InputError: max_queue is 4, and max_items 8: a request that is as large as \
it may be would never be answered. Give max_queue at least as many as max_items.
    """

    max_batch: int = 64
    max_wait: float = 2.0
    max_queue: int = 1024
    max_items: int = 64
    max_length: int = 20_000
    max_body: int = 4_000_000
    body_seconds: float = 10.0
    rate: float = 0.0

    def __post_init__(self) -> None:
        for name in ("max_batch", "max_queue", "max_items", "max_length", "max_body"):
            check_count(name, getattr(self, name))
        for name in ("max_wait", "body_seconds", "rate"):
            _check_number(name, getattr(self, name), above=name == "body_seconds")
        if self.max_queue < self.max_items:
            raise InputError(
                f"max_queue is {self.max_queue}, and max_items {self.max_items}: a request that is "
                "as large as it may be would never be answered. Give max_queue at least as many as "
                "max_items."
            )


def _check_number(name: str, value: float, *, above: bool) -> None:
    """Refuse what is no finite number of at least 0; with `above`, 0 as well."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0 or (above and value == 0):
        expected = "above 0" if above else "of at least 0"
        raise InputError(f"{name} is {quote(value)}; expected a number {expected}.")


class RateLimit:
    """Token buckets: each address may send `rate` requests per second, and some at once.

    Args:
        rate: requests per second; 0 = no limit.

    Example:
        >>> limit = RateLimit(2.0)
        >>> [limit.wait("10.0.0.1", now) for now in (0.0, 0.0, 0.0, 0.5)]
        [0.0, 0.0, 0.5, 0.0]
    """

    MOST = 10_000  # addresses that are kept

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.burst = max(1.0, rate)
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens left, and when that was

    def wait(self, address: str, now: float) -> float:
        """Return 0 and count the request, or return the seconds until it would be accepted."""
        if not self.rate:
            return 0.0
        if len(self._buckets) >= self.MOST and address not in self._buckets:
            self._forget(now)
        tokens, before = self._buckets.get(address, (self.burst, now))
        tokens = min(self.burst, tokens + (now - before) * self.rate)
        if tokens < 1:
            self._buckets[address] = (tokens, now)
            return (1 - tokens) / self.rate
        self._buckets[address] = (tokens - 1, now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Forget the addresses whose buckets are full again; if there are none, the oldest half."""
        self._buckets = {
            address: (tokens, before)
            for address, (tokens, before) in self._buckets.items()
            if tokens + (now - before) * self.rate < self.burst
        }
        if len(self._buckets) >= self.MOST:
            oldest = sorted(self._buckets, key=lambda address: self._buckets[address][1])
            for address in oldest[: self.MOST // 2]:
                del self._buckets[address]
