"""Runs that two processes train: one folder, the same weights; after a kill, and over a network."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import device_training
import keras
import numpy as np
import pytest

from rnnkit import study

pytestmark = [pytest.mark.one_backend, pytest.mark.deep]
SETTINGS = ["--units", "3", "--embedding", "random", "--embedding-size", "4", "--min-count", "1"]
SETTINGS += ["--dropout", "0", "--embedding-dropout", "0", "--batch-size", "5", "--limit", "41"]
COMMAND = [sys.executable, "-m", "rnnkit", "train"]


def weights(folder):
    return [keras.ops.convert_to_numpy(one) for one in study.open_run(folder).model.network.weights]


def train(folder, *options):
    command = [*COMMAND, "gru_sentiment", "--out", str(folder), *SETTINGS, *options]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=900)


def test_two_processes_write_one_run(tmp_path):
    one = train(tmp_path / "one", "--epochs", "3")
    two = train(tmp_path / "two", "--epochs", "3", "--devices", "2")
    assert two.stdout.count("accuracy") == one.stdout.count("accuracy")
    names = [
        {path.name.split(".")[0] for path in (tmp_path / n).rglob("*")} for n in ("one", "two")
    ]
    assert {n for n in names[0] if "events" not in n} == {n for n in names[1] if "events" not in n}
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["one", "two"]
    for first, second in zip(weights(tmp_path / "one"), weights(tmp_path / "two"), strict=True):
        np.testing.assert_allclose(second, first, atol=3e-6)


def test_a_killed_training_goes_on_from_its_checkpoint(tmp_path):
    """The weights are those of a training that was not killed."""
    train(tmp_path / "whole", "--epochs", "6", "--devices", "2")
    out = tmp_path / "killed"
    command = [*COMMAND, "gru_sentiment", "--out", str(out), *SETTINGS, "--epochs", "6"]
    running = subprocess.Popen([*command, "--devices", "2"], stderr=subprocess.DEVNULL)
    last = time.monotonic() + 600
    while not list(out.glob("checkpoints/checkpoint-0*[1-9]*.npz")) and time.monotonic() < last:
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=300) == 143
    assert not (out / "results.json").exists()
    subprocess.run([*COMMAND, "--resume", str(out), "--devices", "2"], check=True, timeout=900)
    for first, second in zip(weights(tmp_path / "whole"), weights(out), strict=True):
        np.testing.assert_allclose(second, first, atol=3e-6)


@contextmanager
def two_machines():
    """Two network namespaces with a cable between them: commands that begin a process in each."""
    names = [f"rnnkit{os.getpid()}{end}" for end in "ab"]
    ip = lambda *words: subprocess.run(["ip", *words], check=True, capture_output=True)  # noqa: E731
    try:
        for name in names:
            ip("netns", "add", name)
        ends = [f"v{os.getpid()}{end}" for end in "ab"]
        ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for number, (name, end) in enumerate(zip(names, ends, strict=True), start=1):
            ip("link", "set", end, "netns", name)
            ip("-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", end)
            ip("-n", name, "link", "set", end, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield [["ip", "netns", "exec", name] for name in names], "10.77.0.1", ends
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def test_two_machines_train_to_the_weights_of_one(tmp_path):
    try:
        with two_machines() as (inside, address, cables):
            command = [sys.executable, str(Path(device_training.__file__)), str(tmp_path), "2"]
            own = {"WORLD_SIZE": "2", "MASTER_ADDR": address, "MASTER_PORT": "29533"}
            running = [
                subprocess.Popen(
                    [*inside[rank], *command, "gru_sentiment"],
                    env={
                        **os.environ,
                        **own,
                        "RANK": str(rank),
                        "LOCAL_RANK": "0",
                        "GLOO_SOCKET_IFNAME": cables[rank],
                    },
                )
                for rank in range(2)
            ]
            assert [one.wait(timeout=900) for one in running] == [0, 0]
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespaces here: {error}")
    task, history = device_training.train("gru_sentiment", None)
    found = json.loads((tmp_path / "gru_sentiment-2.json").read_text())
    np.testing.assert_allclose(found["loss"], history["loss"], rtol=1e-5)
    with np.load(tmp_path / "gru_sentiment-2.npz") as arrays:
        for one, name in zip(task.network.weights, arrays.files, strict=True):
            np.testing.assert_allclose(arrays[name], keras.ops.convert_to_numpy(one), atol=3e-6)
