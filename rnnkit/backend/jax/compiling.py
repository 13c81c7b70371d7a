"""Count of what JAX compiles in this process, from the events that JAX reports of it."""

from __future__ import annotations

import threading
import time
from collections import Counter as Tally
from typing import Any

import jax.monitoring

from rnnkit.backend.compilation import Compilations

_PREFIX = "/jax/core/compile/"  # of all events whose seconds count
_LOWERED = _PREFIX + "jaxpr_to_mlir_module_duration"  # before XLA begins
_COMPILED = _PREFIX + "backend_compile_duration"  # or read from the cache
_HIT = "/jax/compilation_cache/cache_hits"


class Counter:
    """Counts programs, and the seconds that went into them.

    JAX reports an event when it ends. Tracing one function traces others within: their seconds
    count once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._programs, self._hits = Tally[str](), 0  # of each name; from the cache
        self._spans: dict[int, list[tuple[float, float]]] = {}  # thread -> outermost spans
        self._seconds = 0.0
        self._compiling: dict[int, tuple[str, float]] = {}  # thread -> program and its begin

    def on_duration(self, event: str, seconds: float, **about: Any) -> None:
        """Take note of something that ended now."""
        if not event.startswith(_PREFIX):
            return
        now, thread = time.perf_counter(), threading.get_ident()
        with self._lock:
            begin = now - seconds
            spans = self._spans.setdefault(thread, [])
            while spans and spans[-1][0] >= begin:  # within this one
                inner = spans.pop()
                self._seconds -= inner[1] - inner[0]
            spans.append((begin, now))
            del spans[:-100]
            self._seconds += seconds
            name = str(about.get("fun_name", "")).removeprefix("jit(").removesuffix(")")
            if event == _LOWERED:
                self._compiling[thread] = (name, now)
            elif event == _COMPILED:
                self._programs[name] += 1
                self._compiling.pop(thread, None)

    def on_event(self, event: str, **about: Any) -> None:
        """Take note of a program that came from the cache."""
        if event == _HIT:
            with self._lock:
                self._hits += 1

    def compilations(self) -> Compilations:
        """Return the counts."""
        with self._lock:
            return Compilations(self._programs.total(), self._hits, self._seconds)

    def made(self, name: str) -> int:
        """Return how many programs came of the functions of a name."""
        with self._lock:
            return self._programs[name]

    def compiling(self) -> tuple[str, float] | None:
        """Return what has been compiled for the longest time; None where nothing is."""
        with self._lock:
            return min(self._compiling.values(), key=lambda one: one[1], default=None)


_counter = Counter()
jax.monitoring.register_event_duration_secs_listener(_counter.on_duration)
jax.monitoring.register_event_listener(_counter.on_event)
compilations, compiling, made = _counter.compilations, _counter.compiling, _counter.made
