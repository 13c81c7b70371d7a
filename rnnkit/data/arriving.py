"""Lines and items of a stream as they arrive: from a pipe whose other end may be slow."""

from __future__ import annotations

import codecs
import queue
import re
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from rnnkit.data.tables import undecodable
from rnnkit.errors import InputError, quote

T = TypeVar("T")
CHUNK = 2**16  # bytes
LINGER = 0.02  # seconds to wait for more items before a batch is handed out
_LINE_END = re.compile(r"\r*\n|\r(?!\r*\n)")  # as in `rnnkit.data.tables`


def arriving_lines(stream: Any, source: str, encoding: str = "utf-8") -> Iterator[str]:
    r"""Yield the lines of a binary stream, with their ends, each as soon as it is there.

    Args:
        stream: such as `sys.stdin.buffer`.
        source: its name, for messages.
        encoding: of the text; a byte order mark is no part of it.

    Raises:
        InputError: an unknown encoding, or bytes that are in another one; the lines before them
            were yielded.

    Example:
        >>> import io
        >>> list(arriving_lines(io.BytesIO(b"one\r\ntwo\nthree"), "stdin"))
        ['one\r\n', 'two\n', 'three']
    """
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError as error:
        raise InputError(f"encoding is {quote(encoding)}, which Python does not know.") from error
    # A thread that waits in a buffered stream would hold its lock when the process ends.
    stream = getattr(stream, "raw", stream)
    begun: list[str] = []  # the pieces of a line that has not ended yet
    first, lines, pending = True, 0, b""
    while True:
        chunk = stream.read(CHUNK)
        if chunk is None:  # a stream that does not block has nothing yet
            time.sleep(LINGER)
            continue
        pending = decoder.getstate()[0] + chunk
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeError as error:
            start = error.start if isinstance(error, UnicodeDecodeError) else 0
            raise undecodable(pending, start, source, encoding, lines) from error
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        lines += text.count("\n")
        if begun and begun[-1].endswith("\r"):  # its line feed may be here
            text = begun.pop() + text
        # A carriage return at the end may be one half of a line's end.
        held = len(text) - len(text.rstrip("\r")) if chunk else 0
        start = 0
        for end in _LINE_END.finditer(text, 0, len(text) - held):
            yield "".join([*begun, text[start : end.end()]])
            begun.clear()
            start = end.end()
        if start < len(text):
            begun.append(text[start:])
        if not chunk:
            break
    if begun:
        yield "".join(begun)


def in_batches(items: Iterable[T], most: int) -> Iterator[list[T]]:
    """Yield items in lists, as they arrive: a slow producer gets short lists, without delay.

    A thread reads the items, at most a few lists ahead. A list ends when it is full, or when no
    further item comes within `LINGER` seconds of its first.

    Args:
        items: they may take long to come. What they raise is raised here, after the items before.
        most: the length of a list.

    Example:
        >>> list(in_batches("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    arrived: queue.Queue[tuple[str, Any]] = queue.Queue(4 * most)
    ended = threading.Event()  # nobody takes any more

    def put(what: str, value: Any = None) -> bool:
        while not ended.is_set():
            try:
                arrived.put((what, value), timeout=0.5)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for item in items:
                if not put("item", item):
                    return
            put("end")
        except BaseException as error:  # noqa: BLE001 - raised where the items are taken
            put("error", error)

    threading.Thread(target=read, name="reader", daemon=True).start()
    try:
        yield from _batches(arrived, most)
    finally:
        ended.set()


def _batches(arrived: queue.Queue[tuple[str, Any]], most: int) -> Iterator[list[Any]]:
    while True:
        what, value = arrived.get()
        batch, until = [], time.monotonic() + LINGER
        while what == "item":
            batch.append(value)
            if len(batch) == most:
                break
            try:
                what, value = arrived.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
        if batch:
            yield batch
        if what == "error":
            raise value
        if what == "end":
            return
