"""Threads: one call of a task at a time, so that a web server can ask one model from many."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from rnnkit import backend
from rnnkit.monitor.callbacks import sync_state

Class = TypeVar("Class", bound=type)

# Every method that runs the network. Training takes part on JAX alone, where Keras takes the
# variables out of the model for as long as a call of `fit`, `evaluate` or `predict` lasts;
# elsewhere a model answers while it is trained.
VERBS = (
    *("predict", "predict_proba", "predict_labels", "predict_spans", "predict_on_batch"),
    *(
        "evaluate",
        "evaluate_examples",
        "measure",
        "test_on_batch",
        "score",
        "score_tokens",
        "score_tags",
    ),
    *("answer", "attention", "complete", "generate", "log_probabilities", "choose_cache"),
    "explain",
    *("write_examples", "export", "export_to", "save"),
    *(("fit",) if backend.name == "jax" else ()),
)
_turns: WeakKeyDictionary[Any, threading.RLock] = WeakKeyDictionary()
_making = threading.Lock()


def turn_of(task: Any) -> threading.RLock:
    """Return the lock that a thread holds while it runs the network of a task."""
    with _making:
        return _turns.setdefault(task, threading.RLock())


def take_turns(cls: Class) -> Class:
    """Make the methods of a class of tasks that run its network wait for each other.

    One thread can call them inside of each other. A call that ends in an error leaves the model as
    it was: on JAX its variables are put back.

    Example:
        >>> @take_turns
        ... class Clock:
        ...     def predict(self):
        ...         return "now"
        >>> Clock().predict()
        'now'
    """
    for name in VERBS:
        method = getattr(cls, name, None)
        if callable(method) and not hasattr(method, "waits_its_turn"):
            setattr(cls, name, _in_turn(method))
    return cls


def _in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with turn_of(self):
            try:
                return method(self, *args, **kwargs)
            except BaseException:
                sync_state(self)
                raise

    call.waits_its_turn = True  # type: ignore[attr-defined]
    return call
