"""What a training says while it runs: that it compiles, and lines of progress outside terminals.

Keras draws a bar after each step in a terminal, and elsewhere a line after each epoch. Neither says
why nothing moves while the first step is compiled.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras

from rnnkit.backend import compilation
from rnnkit.progress import EVERY, FIRST, Bar, asked_for

EARLY = 0.7  # seconds until the first line of a training: it shows that something happens
PATIENCE = 1.0  # seconds that a compilation takes before a terminal shows it
_TICK = 0.25  # seconds
_LOGS = (("loss", "loss {:.4f}"), ("words_per_second", "{:,.0f} words/s"))
_STEPS = ("train_step", "test_step", "predict_step")  # as Keras names what it compiles


@contextlib.contextmanager
def reporting(verbose: Any, what: str, steps: int) -> Iterator[keras.callbacks.Callback]:
    """Give a callback that shows the progress of an evaluation or a prediction.

    Args:
        verbose: as in Keras. Where it is 0, the progress is shown on standard error, if a block
            around this asks for it: see `rnnkit.progress.showing`.
        what: is done, such as "Evaluating".
        steps: how many.

    Example:
        >>> with reporting(0, "Evaluating", 3) as callback:
        ...     callback.on_test_batch_end(0)
    """
    if verbose == 0 and asked_for():
        with Bar(what, steps) as bar:
            yield _BatchBar(bar)
    else:
        with TrainingReport(verbose) as report:
            yield report


class _BatchBar(keras.callbacks.Callback):
    """Callback that moves a bar with the batches."""

    def __init__(self, bar: Bar) -> None:
        super().__init__()
        self.async_safe = True
        self._bar = bar

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._bar.advance_to(batch + 1)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self._bar.advance_to(batch + 1)


class TrainingReport(keras.callbacks.Callback):
    """Callback that prints what a training or an evaluation does, and a context manager around it.

    | verbose | output | prints |
    |---|---|---|
    | 0 | | nothing |
    | 1, "auto" | terminal | what is being compiled, in the place of Keras's bar |
    | 1, "auto" | elsewhere | lines about what is being compiled, between those of Keras |
    | 2 | | a line every ten seconds; the first after the first step that ends after 0.7 seconds |

    Args:
        verbose: as in Keras.
        shapes: returns the number of different shapes of the batches, of training or else of
            validation, where it is known: XLA compiles a step for each.

    Example:
        >>> with TrainingReport(2) as report:  # doctest: +SKIP
        ...     model.fit(x, y, verbose=2, callbacks=[report])
        Epoch 1/15: 40 of 125 steps, loss 0.6931, 12 s
    """

    def __init__(
        self, verbose: Any, shapes: Callable[[bool], int | None] = lambda training: None
    ) -> None:
        super().__init__()
        self.async_safe = True  # Keras may call it from other threads: it counts and prints
        self._silent, self._lines = verbose == 0, verbose == 2
        self._terminal = not self._silent and not self._lines and sys.stdout.isatty()
        self._shapes = shapes
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._drawn = self._seen = False  # a text over Keras's bar; a first line with a loss
        self._place, self._validating = "", False
        self._step, self._steps, self._logs = 0, 0, dict[str, Any]()
        self._began = self._printed = time.perf_counter()
        self._wait = EARLY
        self._before = {name: compilation.made(name) for name in _STEPS}

    def __enter__(self) -> TrainingReport:
        if not self._silent:
            self._thread = threading.Thread(target=self._watch, name="report", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._erase()

    # What Keras calls.

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begin to count the steps of an epoch."""
        epochs = (self.params or {}).get("epochs") or 1
        self._place = f"Epoch {epoch + 1}/{epochs}: "
        self._begin((self.params or {}).get("steps"))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the step."""
        self._end_step(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Erase what Keras writes over now: the epoch's results."""
        self._erase()
        self._printed, self._wait, self._seen = time.perf_counter(), EVERY, True
        self._begin(None)

    def on_test_begin(self, logs: Any = None) -> None:
        """Begin to count the steps of an evaluation, or of a validation within an epoch."""
        if self._place:
            self._validating = True
            self._step, self._steps, self._logs = 0, 0, {}
        else:
            self._begin((self.params or {}).get("steps"))

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the step."""
        self._end_step(batch, None if self._validating else logs)

    def on_test_end(self, logs: Any = None) -> None:
        """End a validation."""
        self._validating = False
        self._step, self._logs = 0, {}

    def on_predict_begin(self, logs: Any = None) -> None:
        """Begin to count the steps of a prediction."""
        self._begin((self.params or {}).get("steps"))

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the step."""
        self._end_step(batch, None)

    # What it prints.

    def _begin(self, steps: int | None) -> None:
        self._step, self._steps, self._logs = 0, steps or 0, {}
        self._began = time.perf_counter()

    def _end_step(self, batch: int, logs: Any) -> None:
        self._erase()
        self._step, self._logs = max(self._step, batch + 1), logs or {}
        now = time.perf_counter()
        early = not self._seen and now - self._began >= EARLY
        if self._lines and (early or now - self._printed >= EVERY) and self._step != self._steps:
            self._seen = True
            self._print()

    def _watch(self) -> None:
        """Print what takes long, until the training ends."""
        while not self._stop.wait(_TICK):
            compiles = self._compiling()
            if self._terminal:
                if compiles is not None and compiles[1] >= PATIENCE:
                    self._draw(f"{compiles[0]}, {compiles[1]:.0f} s")
            elif compiles is not None or self._lines:
                # A first step that nothing is known of, such as TensorFlow's, may be a short one.
                wait = self._wait if compiles is not None else max(self._wait, FIRST)
                if time.perf_counter() - self._printed >= wait:
                    self._print()

    def _compiling(self) -> tuple[str, float] | None:
        """Return what is being compiled, and for how many seconds."""
        found = compilation.compiling()
        if found is None:
            return None
        name, since = found
        seconds = time.perf_counter() - since
        if name not in _STEPS:
            return f"compiling {name or 'a program'}", seconds
        number = compilation.made(name) - self._before[name] + 1
        total = self._shapes(name == "train_step")
        if total is None or number > total:
            return f"compiling program {number}", seconds
        return f"compiling {number} of {total} programs", seconds

    def _print(self) -> None:
        """Print a line of progress."""
        with self._lock:
            now = time.perf_counter()
            self._printed, self._wait = now, EVERY
            if (compiles := self._compiling()) is not None:
                parts = [*self._counted(), compiles[0], f"{compiles[1]:.0f} s"]
            else:
                logs = self._logs
                numbers = [form.format(logs[name]) for name, form in _LOGS if name in logs]
                parts = [*(self._counted() or self._idle()), *numbers, f"{now - self._began:.0f} s"]
            self._write(f"{self._place}{', '.join(parts)}\n")

    def _counted(self) -> list[str]:
        """Return how many steps ended."""
        parts = ["validation"] if self._validating else []
        if self._step:
            of = f"{self._step} of {self._steps}" if self._steps else f"{self._step}"
            parts.append(f"{of} step" if of == "1" else f"{of} steps")
        return parts

    def _idle(self) -> list[str]:
        """Return what takes long where no step ended yet: TensorFlow traces, callbacks draw."""
        if not self._place:
            return []
        return ["first step"] if self._steps else ["after the last step"]

    def _draw(self, text: str) -> None:
        """Show a text in the line of Keras's bar, which Keras draws again after the step."""
        with self._lock:
            self._drawn = True
            self._write(f"\r\x1b[2K{text}")

    def _erase(self) -> None:
        with self._lock:
            if self._drawn:
                self._drawn = False
                self._write("\r\x1b[2K")

    def _write(self, text: str) -> None:
        # A reader who went away is no reason to stop here: Keras's own output stops the training.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(text)
            sys.stdout.flush()
