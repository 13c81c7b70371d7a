"""Bad requests: whatever arrives is answered, and never with status 500; with RNNKIT_DEEP set.

schemathesis, where it is installed, asks a server process what its own description allows and
forbids. Some bad requests of each sort are always tried, in test_application.py.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("fastapi")

import small_tasks
from serving.asking import Request, ask

from rnnkit.serving.application import create_app
from rnnkit.serving.limits import Limits

pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.skipif("RNNKIT_DEEP" not in os.environ, reason="takes minutes: set RNNKIT_DEEP"),
]
NUMBERS = st.none() | st.booleans() | st.integers() | st.floats()
SCALARS = NUMBERS | st.text(max_size=30)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner)
)
ROWS = st.lists(st.lists(st.none() | st.floats(width=32) | st.integers(), max_size=4), max_size=4)
SERIES = st.fixed_dictionaries(
    {"values": ROWS | JSON},
    optional={
        "times": st.lists(st.text(max_size=12) | st.datetimes().map(str), max_size=4) | JSON,
        "columns": st.lists(st.text(max_size=4)) | JSON,
        "name": st.text(max_size=4) | JSON,
        "more": JSON,
    },
)
INSTANCES = st.lists(st.text() | SERIES | JSON, max_size=5) | JSON
VALID_LOOKING = st.fixed_dictionaries({"instances": INSTANCES}, optional={"more": JSON})
BODIES = (VALID_LOOKING | JSON).map(lambda value: json.dumps(value).encode()) | st.binary()
KINDS = st.sampled_from(
    ["application/json", "application/json; charset=latin-1", "text/plain", "x"]
)
REQUESTS = st.builds(
    Request,
    method=st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "HEAD", "OPTIONS", "X"]),
    path=st.sampled_from(
        ["/predict", "/predict", "/predict", "/", "/health", "/openapi.json", "/x"]
    ),
    parts=st.lists(BODIES, min_size=1, max_size=2).map(tuple),
    headers=KINDS.map(lambda kind: (("content-type", kind),)),
    pause=st.just(0.0),  # drawn otherwise, in minutes
    hangs_up=st.just(False),
    address=st.just("10.0.0.1"),
)


@pytest.fixture(scope="module", params=["gru_sentiment", "name_tagger", "forecaster"])
def app(request):
    model = small_tasks.make(request.param)
    model.fit(*small_tasks.examples(request.param), epochs=0, verbose=0)
    return create_app(model, Limits(max_wait=0))


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(requests=st.lists(REQUESTS, min_size=10, max_size=10))
def test_whatever_arrives_is_answered(app, requests):
    for request, answer in zip(requests, ask(app, *requests), strict=True):
        assert answer.status < 500, (request, answer)
        assert b"Traceback" not in answer.body
        assert b".py" not in answer.body
        if answer.status >= 400 and request.method != "HEAD":
            assert list(answer.json) == ["error"]


@pytest.mark.parametrize("name", ["gru_sentiment", "forecaster"])
def test_schemathesis_finds_no_failure_of_the_server(name, tmp_path):
    program = shutil.which("schemathesis")
    if program is None:
        pytest.skip("schemathesis is not installed")
    model = small_tasks.make(name)
    model.fit(*small_tasks.examples(name), epochs=0, verbose=0)
    model.save(tmp_path / "model.keras")
    command = [
        sys.executable,
        "-m",
        "rnnkit",
        "serve",
        str(tmp_path / "model.keras"),
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        with contextlib.ExitStack() as stack:
            stack.callback(process.wait, 30)
            stack.callback(process.send_signal, signal.SIGTERM)
            port = re.search(r":(\d+) ", process.stdout.readline())[1]
            checks = "not_a_server_error,status_code_conformance,response_schema_conformance"
            options = ["--checks", checks, "--max-examples", "40", "--mode", "all"]
            url = f"http://127.0.0.1:{port}/openapi.json"
            done = subprocess.run(
                [program, "run", url, *options],
                capture_output=True,
                text=True,
                cwd=tmp_path,
                timeout=900,
                check=False,
            )
        assert process.returncode == 0
    assert done.returncode == 0, done.stdout[-5000:]
