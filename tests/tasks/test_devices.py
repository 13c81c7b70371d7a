"""One training on several devices against the same training on one: weights, history, norms.

On PyTorch the devices are two processes, on JAX and TensorFlow the processor shown as two devices.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import device_training
import keras
import numpy as np
import pytest
import small_tasks
from deep import mostly_deep
from forking import Process

from rnnkit import backend, recipes
from rnnkit.backend import distribution, native
from rnnkit.errors import InputError
from rnnkit.tasks.training import devices

TRAININGS = (*device_training.OPTIONS, device_training.TOKEN_FILE)
PROGRAM = str(Path(device_training.__file__))


@contextlib.contextmanager
def trained_on_two(folder, name):
    """Train a task on two devices in other processes, which write into a folder."""
    if backend.name == "torch":
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = str(found.getsockname()[1])
        ranks = [Process(one_of_two, rank, port, folder, name) for rank in range(2)]
        yield
        assert [one.wait() for one in ranks] == [0, 0]
        return
    command = [sys.executable, "-W", "ignore", PROGRAM, str(folder), "2", name]
    own = {**os.environ, distribution.CPU_DEVICES: "2"}
    with subprocess.Popen(command, env=own) as running:
        yield
        assert running.wait(timeout=900) == 0


def one_of_two(rank, port, folder, name):
    """What each of two processes of PyTorch does; they were forked, and import nothing."""
    import torch

    torch.set_num_threads(1)  # a fork has no others
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({"RANK": str(rank), "WORLD_SIZE": "2", **address})
    device_training.main(folder, 2, name)


def written(folder, name):
    """History and weights that `run_on_two` wrote."""
    with np.load(folder / f"{name}-2.npz") as arrays:
        weights = [arrays[key] for key in arrays.files]
    return json.loads((folder / f"{name}-2.json").read_text()), weights


@pytest.mark.every_backend
@pytest.mark.parametrize("name", mostly_deep(TRAININGS, "gru_sentiment"))
def test_two_devices_train_to_the_weights_of_one(name, tmp_path):
    with trained_on_two(tmp_path, name):
        task, history = device_training.train(name, None)
    found, weights = written(tmp_path, name)
    assert found.keys() == history.keys()
    assert len(found["norms"]) >= 20
    for key, values in history.items():  # losses, metrics and norms are global
        np.testing.assert_allclose(found[key], values, rtol=1e-5, atol=3e-6, err_msg=key)
    for one, other in zip(task.network.weights, weights, strict=True):
        one = keras.ops.convert_to_numpy(one)
        np.testing.assert_allclose(other, one, rtol=0, atol=3e-6)


@pytest.mark.one_backend
class TestRefused:
    """What cannot be trained on several devices is refused before anything is learned."""

    def fit(self, name="gru_sentiment", count=2, *, options=(), **settings):
        task = small_tasks.make(name, **settings)
        task.fit(*small_tasks.examples(name), devices=count, verbose=0, **dict(options))

    @pytest.mark.parametrize("count", [0, -1, 1.5])
    def test_no_number_of_devices(self, count):
        with pytest.raises(InputError, match=f"devices is {count}"):
            self.fit(count=count)

    def test_one_device_is_as_usual(self):
        self.fit(count=1, options={"epochs": 0})

    def test_a_single_process_of_pytorch(self, monkeypatch):
        monkeypatch.setattr(os, "cpu_count", lambda: 4)
        with pytest.raises(InputError, match=r"torchrun --nproc-per-node 2 .*--devices 2"):
            self.fit()

    def test_more_devices_than_there_are(self, monkeypatch):
        monkeypatch.setattr(os, "cpu_count", lambda: 4)
        with pytest.raises(InputError, match=r"devices is 5, and there are 4 CPU devices.*core"):
            self.fit(count=5)

    def test_another_number_of_processes(self, monkeypatch):
        for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
            monkeypatch.setenv(name, "0")
        monkeypatch.setenv("WORLD_SIZE", "3")
        with pytest.raises(InputError, match="torchrun started 3 processes"):
            self.fit()

    @pytest.mark.parametrize("name", ["averaged_weights", "adversarial", "virtual_adversarial"])
    def test_settings_for_one_device(self, name):
        with pytest.raises(InputError, match=f"{name} is 0.5, which is for one device"):
            self.fit(**{name: 0.5})

    @pytest.mark.parametrize("name", ["forecaster", "translator", "frame_labeller"])
    def test_tasks_for_one_device(self, name):
        with pytest.raises(InputError, match="is trained on one device"):
            self.fit(name)

    def test_a_teacher(self):
        with pytest.raises(InputError, match="a teacher was given"):
            self.fit(options={"teacher": small_tasks.make("gru_sentiment")})

    def test_a_loss_of_the_user(self):
        task = small_tasks.make("gru_sentiment")
        task.fit(*small_tasks.examples("gru_sentiment"), epochs=0, verbose=0)
        task.compile("sgd", "mse")
        with pytest.raises(InputError, match="was compiled, or loaded"):
            task.fit(*small_tasks.examples("gru_sentiment"), devices=2, verbose=0)

    def test_a_batch_of_fewer_rows_than_devices(self):
        with pytest.raises(InputError, match="devices is 2, and batch_size is 1"):
            self.fit(batch_size=1)
        with pytest.raises(InputError, match="devices is 3, and batch_size is 2"):
            self.fit(count=3, options={"batch_size": 2})

    def test_word_vectors(self):
        from rnnkit.study.replicas import refuse_devices

        with pytest.raises(InputError, match="is trained on one device"):
            refuse_devices(recipes.find("word_vectors")(), 2)


class Pretended(distribution.OneProcess):
    """Two replicas, of which nothing is trained."""


def checked(name, **settings):
    """Check the batches of a task for two replicas."""
    task = small_tasks.make(name, **settings)
    x, *y = small_tasks.examples(name)
    task.fit(x, *y, epochs=0, verbose=0)
    rows = task.encode_checked(task.check(x, *(y or [None]), "x").x)
    batches = task.make_batches(rows, None if not y else np.zeros(len(rows)), training=True)
    devices.check_replicas(Pretended(2), task, batches, 1)


@pytest.mark.one_backend
def test_a_softmax_that_reads_all_rows():
    softmax = {"softmax": "sampled", "num_sampled": 4, "cutoffs": (20,)}
    with pytest.raises(InputError, match="adaptive or sampled"):
        checked("next_word", **softmax)


@pytest.mark.one_backend
def test_every_row_belongs_to_one_replica():
    for size, total in ((2, 5), (3, 2), (4, 4), (3, 10)):
        parts = [distribution.rows_of(rank, size, total) for rank in range(size)]
        assert [row for part in parts for row in range(part.start, part.end)] == list(range(total))
        assert max(p.end - p.start for p in parts) - min(p.end - p.start for p in parts) <= 1


@pytest.mark.one_backend
@pytest.mark.parametrize("given", ["two", "0", "-1"])
def test_a_wrong_number_of_cpu_devices(given, monkeypatch):
    monkeypatch.setenv(distribution.CPU_DEVICES, given)
    with pytest.raises(InputError, match=f"RNNKIT_CPU_DEVICES is '{given}'"):
        distribution.cpu_devices()


@pytest.mark.one_backend
def test_processes_that_nobody_distributes(monkeypatch):
    from rnnkit.study.replicas import follows

    assert not follows(None)
    for name, value in {
        "RANK": "1",
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "a",
        "MASTER_PORT": "1",
    }.items():
        monkeypatch.setenv(name, value)
    assert native.started_devices() == 2
    assert follows(2)
    with pytest.raises(InputError, match="one of 2 processes"):
        follows(None)
