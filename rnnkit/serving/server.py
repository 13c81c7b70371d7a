"""The process around the application: its port, its model, its end."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rnnkit.errors import InputError
from rnnkit.serving.limits import Limits

NEEDED = ("fastapi", "uvicorn")
BACKLOG = 2048  # connections that the system keeps until they are accepted


def require_serving() -> None:
    """Refuse to serve where the packages of the extra are not installed.

    Raises:
        InputError: it names them.

    Example:
        >>> require_serving()
    """
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        raise InputError(
            f"Serving needs {' and '.join(absent)}, not installed here: "
            'pip install "rnnkit[serve]".'
        )


def serve(
    path: str | os.PathLike[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    grace: float = 30.0,
    announce: Callable[[str], None] = lambda line: None,
) -> None:
    """Serve the model of a run, or of a saved file, until SIGTERM or Ctrl-C.

    Then no connection is accepted any more, and what has arrived is answered. The port is taken
    before the model is loaded, which takes seconds.

    Args:
        path: a run folder, or a ``.keras`` file.
        host: the address to listen at; "0.0.0.0" is every one that the machine has.
        port: of TCP; 0 = a free one.
        limits: what is taken from clients.
        grace: seconds for the requests that have arrived, after the signal.
        announce: gets the line that says where the server listens, once it does.

    Raises:
        InputError: a package is missing, the port cannot be had, or the path is no such model.

    Example:
        >>> serve("runs/mine", port=8000, announce=print)  # doctest: +SKIP
        Serving TextClassifier on http://127.0.0.1:8000 (Ctrl-C ends it)
    """
    require_serving()
    limits = limits or Limits()
    with contextlib.closing(listening_socket(host, port)) as listener:
        model = open_served(path)
        _run(model, limits, listener, grace, announce)


def open_served(path: str | os.PathLike[str]) -> Any:
    """Open a model that answers texts or series one by one.

    Raises:
        InputError: it is a language model, which writes, or word vectors, which have neighbours.
    """
    from rnnkit import study

    model = study.open_model(Path(path))
    if type(model).__name__ in INSTEAD or not hasattr(model, "answer_table"):
        command = INSTEAD.get(type(model).__name__, "its own methods, in Python")
        raise InputError(
            f"{path} holds a {type(model).__name__}, which predicts nothing about a text or a "
            f"series: only what `rnnkit predict` answers is served. Ask it with {command}."
        )
    return model


INSTEAD = {
    "LanguageModel": "rnnkit generate or rnnkit complete",
    "SkipGram": "rnnkit neighbours",
    "CBOW": "rnnkit neighbours",
}


def listening_socket(host: str, port: int) -> socket.socket:
    """Take a port; who connects waits until the model is loaded.

    Raises:
        InputError: another program has it, it is not allowed, or the host is no address of this
            machine.

    Example:
        >>> with listening_socket("127.0.0.1", 0) as listener:
        ...     listener.getsockname()[1] > 0
        True
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise InputError(f"--host is {host!r}, which is no address: {error}.") from error
    listener = socket.socket(family, kind, protocol)
    if os.name == "posix":  # a server that ended leaves its port behind for a minute
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)  # two servers that start at once may both bind, one listens
    except OSError as error:
        listener.close()
        raise InputError(_no_port(host, port, error)) from error
    return listener


def _no_port(host: str, port: int, error: OSError) -> str:
    """Return why a port cannot be had, and what to do."""
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65_535 else port - 1
        return (
            f"--port {port} of {host} is in use by {_user_of(host, port)}. End that one, or give "
            f"another port, such as --port {other}; --port 0 takes a free one."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"--port {port} is not allowed: ports below 1024 are for the administrator. Give "
            "another one, such as --port 8000."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"--host is {host!r}, no address of this machine. Give --host 127.0.0.1, or 0.0.0.0 "
            "for every one that it has."
        )
    return f"Cannot listen at {host}, port {port}: {error.strerror or error}."


def _user_of(host: str, port: int) -> str:
    """Return who listens at a port, in words: an rnnkit server says so itself."""
    import urllib.request

    here = "127.0.0.1" if host in ("", "0.0.0.0") else host
    address = f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address}/health", timeout=1) as answer:
            found = json.loads(answer.read(10_000))
            return f"another rnnkit server (of a {found['task']})"
    except (OSError, ValueError, KeyError, TypeError):
        return f"another program (lsof -i :{port} names it)"


def _run(
    model: Any,
    limits: Limits,
    listener: socket.socket,
    grace: float,
    announce: Callable[[str], None],
) -> None:
    """Answer requests until a signal."""
    import uvicorn

    from rnnkit.serving.application import create_app

    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host

    class Server(uvicorn.Server):
        """A server that ends with the process, not by the signal that ended it."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Let SIGINT and SIGTERM end the server; a second SIGINT at once."""
            if threading.current_thread() is not threading.main_thread():
                yield
                return
            signals = (signal.SIGINT, signal.SIGTERM)
            before = {one: signal.signal(one, self.handle_exit) for one in signals}
            try:
                yield
            finally:
                for one, handler in before.items():
                    signal.signal(one, handler)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """Accept connections, and say where."""
            await super().startup(sockets)
            announce(f"Serving {type(model).__name__} on http://{shown}:{port} (Ctrl-C ends it)")

    config = uvicorn.Config(
        create_app(model, limits),
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        backlog=BACKLOG,
        timeout_graceful_shutdown=max(1, round(grace)),
    )
    Server(config).run([listener])
