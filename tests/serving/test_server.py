"""The process of a server: its port, its start, its end."""

import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("uvicorn")

from rnnkit import serving
from rnnkit.errors import InputError
from rnnkit.serving import server
from rnnkit.serving.server import listening_socket, open_served

pytestmark = pytest.mark.one_backend

JSON = {"content-type": "application/json"}
# A server of a model that takes as many seconds as a text says; no framework is imported.
SLOW = """
import time, types
from rnnkit.data.table_writing import Column
from rnnkit.serving import server

class Slow:
    reads_series = False

    def answer_table(self, texts):
        for text in texts:
            time.sleep(float(text) if text[0].isdigit() else 0)
        rows = [[(len(text),)] for text in texts]
        return types.SimpleNamespace(columns=(Column("n", "integer"),), rows=rows, by_step=False)

server.open_served = lambda path: Slow()
server.serve("run", port=0, announce=lambda line: print(line, flush=True))
"""


@pytest.fixture(scope="module")
def started():
    """A server process and its port."""
    with subprocess.Popen(
        [sys.executable, "-c", SLOW], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        line = process.stdout.readline()
        found = re.fullmatch(
            r"Serving Slow on http://127\.0\.0\.1:(\d+) \(Ctrl-C ends it\)\n", line
        )
        if found is None:
            process.kill()
            pytest.fail(line + process.stderr.read())
        yield process, int(found[1])
        process.kill()


def post(port, *texts):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", "/predict", json.dumps({"instances": texts}), JSON)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_server_from_its_start_to_sigterm(started):
    process, port = started
    assert post(port, "abc") == (200, {"predictions": [{"n": 3}]})
    # The port is taken: the message says by whom.
    with pytest.raises(InputError) as raised:
        listening_socket("127.0.0.1", port)
    assert str(raised.value) == (
        f"--port {port} of 127.0.0.1 is in use by another rnnkit server (of a Slow). End that one, "
        f"or give another port, such as --port {port + 1}; --port 0 takes a free one."
    )
    # A client hangs up while it waits behind another one: the model is not asked for it.
    first = threading.Thread(target=post, args=(port, "0.3"))
    first.start()
    time.sleep(0.1)
    gone = http.client.HTTPConnection("127.0.0.1", port)
    gone.request("POST", "/predict", json.dumps({"instances": ["20"]}), JSON)
    time.sleep(0.05)
    gone.close()
    first.join()
    begin = time.monotonic()
    assert post(port, "abcd")[0] == 200
    assert time.monotonic() - begin < 10
    # SIGTERM: what has arrived is answered, nothing new is taken, and the status is 0.
    found = []
    threads = [
        threading.Thread(target=lambda text=text: found.append(post(port, text)))
        for text in ("0.5", "0.25")
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert sorted(answer["predictions"][0]["n"] for _, answer in found) == [3, 4]
    assert process.wait(20) == 0
    assert process.stderr.read() == ""
    with pytest.raises(ConnectionRefusedError):
        post(port, "abc")


def test_a_port_of_another_program():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=rf"in use by another program \(lsof -i :{port}"):
            serving.serve("no/such/run", port=port)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("no.such.host.invalid", "which is no address"),
        ("192.0.2.1", "no address of this machine"),
        ("a" * 100, "which is no address"),
    ],
)
def test_a_host_that_is_none(host, message):
    with pytest.raises(InputError, match=f"--host is '{re.escape(host)}'.*{message}"):
        listening_socket(host, 0)


def test_what_is_missing_is_named(monkeypatch):
    find = server.importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "fastapi" else find(name)
    )
    with pytest.raises(InputError, match=r'needs fastapi, .*pip install "rnnkit\[serve\]"'):
        serving.serve("no/such/run")


def test_a_path_that_is_no_run_is_refused_and_the_port_is_free_again(tmp_path):
    with listening_socket("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(InputError, match=r"it has no settings\.json"):
        serving.serve(tmp_path, port=port)
    with listening_socket("127.0.0.1", port):
        pass


@pytest.mark.parametrize(
    ("name", "command"), [("LanguageModel", "rnnkit generate"), ("SkipGram", "rnnkit neighbours")]
)
def test_a_model_that_writes_or_has_neighbours_is_not_served(name, command, monkeypatch):
    monkeypatch.setattr("rnnkit.study.open_model", lambda path: type(name, (), {})())
    with pytest.raises(InputError, match=f"runs/mine holds a {name}, .*Ask it with {command}"):
        open_served("runs/mine")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_batch": 0}, "max_batch is 0; expected an integer of at least 1"),
        ({"max_wait": -1}, "max_wait is -1; expected a number of at least 0"),
        ({"rate": float("nan")}, "rate is nan; expected a number"),
        ({"body_seconds": 0}, "body_seconds is 0; expected a number above 0"),
        ({"max_queue": 3}, "max_queue is 3, and max_items 64"),
    ],
)
def test_limits_that_are_none(options, message):
    with pytest.raises(InputError, match=message):
        serving.Limits(**options)
