"""Word vectors of a training that was interrupted or killed are those of one that was not."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from event_files import read

from rnnkit.embeddings import CBOW, SkipGram, train_word_vectors, word2vec
from rnnkit.embeddings.training import gensim_trainer, step_choice, trainer
from rnnkit.errors import InputError
from rnnkit.monitor import WordVectorEvents
from rnnkit.training.checkpoints import Checkpoints

DEEP = bool(os.environ.get("RNNKIT_DEEP"))
EACH_BLOCK = 1e-9  # minutes between two checkpoints
SETTINGS = {"vector_size": 6, "window": 2, "negative": 3, "min_count": 1, "alpha": 0.1, "epochs": 2}
KINDS = [
    (SkipGram, "negative-sampling", "keras"),
    (CBOW, "hierarchical-softmax", "tensors"),  # as without Numba
    (SkipGram, "hierarchical-softmax", "gensim"),
    (CBOW, "negative-sampling", "gensim"),
]
if DEEP:
    KINDS = [
        (kind, loss, by)
        for kind in (SkipGram, CBOW)
        for loss in ("negative-sampling", "hierarchical-softmax")
        for by in ("keras", "tensors", "gensim")
    ]


def corpus(texts):
    """Texts of 20 words each, of 40 words by Zipf's law."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(40)])
    chances = 1 / np.arange(1, 41)
    return rng.choice(words, (texts, 20), p=chances / chances.sum()).tolist()


CORPUS = {"keras": corpus(200), "gensim": corpus(3000)}  # gensim trains 500 texts at once
JOBS = []  # of gensim: an entry for each one that was trained


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Make an epoch of a small corpus have many blocks, with either trainer."""
    monkeypatch.setattr(trainer, "MAX_GROUP_SIZE", 64)
    monkeypatch.setattr(gensim_trainer, "REPORT_SECONDS", 0)
    job = gensim_trainer.GensimTrainer._job

    def slow(self, *args):
        if self._jobs >= self._first_job:
            time.sleep(0.03)  # some reports for each job
            JOBS.append(self._jobs)
        return job(self, *args)

    monkeypatch.setattr(gensim_trainer.GensimTrainer, "_job", slow)


class Killed(Exception):
    """Ends a training as a kill does: nothing more is written."""


class Record(keras.callbacks.Callback):
    """Notes the loss of each block: a callback with a state."""

    def __init__(self):
        super().__init__()
        self.seen, self.last = [], None

    def on_train_batch_end(self, batch, logs=None):
        if "loss" in logs:
            self.seen.append([self.last or 0, batch, logs["loss"], logs["learning_rate"]])

    def on_epoch_end(self, epoch, logs=None):
        self.last = epoch + 1


class Kill(keras.callbacks.Callback):
    """Kills the training, or sends a signal, after so many blocks of this process."""

    def __init__(self, after, by):
        super().__init__()
        self._left, self._by = after, by  # what the callback's state must not bring back

    def checkpoint_state(self):
        return {}

    def restore_checkpoint(self, state):
        pass

    def on_train_batch_end(self, batch, logs=None):
        self._left -= 1
        if self._left:
            return
        if self._by is Killed:
            raise Killed
        os.kill(os.getpid(), self._by)


class KillAfterJobs(Kill):
    """Counts a report of gensim only after a new job: it reports by the clock, maybe before one."""

    def __init__(self, after, by):
        super().__init__(after, by)
        self._jobs = len(JOBS)  # at the last report

    def on_train_batch_end(self, batch, logs=None):
        before, self._jobs = self._jobs, len(JOBS)
        if "loss" in logs or before < self._jobs:
            super().on_train_batch_end(batch, logs)


def new(kind, loss, by, **settings):
    return kind(**{**SETTINGS, "seed": 7, "loss": loss, "trainer": by, **settings})


def tables(model):
    return [
        keras.ops.convert_to_numpy(table) for table in (model.word_vectors, model.output_vectors)
    ]


def assert_same(found, wanted):
    for mine, theirs in zip(tables(found), tables(wanted), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.deep("tensorflow", "jax")
@pytest.mark.parametrize(
    ("kind", "loss", "by"),
    [
        pytest.param(*kind, marks=[] if kind[2] == "tensors" else [pytest.mark.one_backend])
        for kind in KINDS
    ],
)
def test_a_training_that_is_killed_again_and_again_is_the_one_that_is_not(
    tmp_path, kind, loss, by, capsys, monkeypatch
):
    rng, tensors = np.random.default_rng(len(loss) + len(by)), by == "tensors"
    by = "keras" if tensors else by
    monkeypatch.setattr(step_choice, "_installed", lambda: not tensors)
    whole, record = new(kind, loss, by), Record()
    wanted = whole.fit(CORPUS[by], callbacks=[record, KillAfterJobs(-1, 0)], verbose=0).history
    ways = [signal.SIGINT, Killed, signal.SIGTERM, Killed]
    steps = []
    for turn in range(40):
        model, again = new(kind, loss, by), Record()
        kill = KillAfterJobs(int(rng.integers(2, 6)), ways[turn % len(ways)])
        try:
            found = model.fit(
                CORPUS[by],
                callbacks=[again, kill],
                verbose=0,
                checkpoints=Checkpoints(tmp_path, minutes=EACH_BLOCK),
            ).history
            break
        except (Killed, KeyboardInterrupt, SystemExit):
            newest = Checkpoints(tmp_path).newest().values
            steps.append((newest["epoch"], newest["step"]))
            # What began on tensors goes on there, even if Numba is installed meanwhile.
            monkeypatch.setattr(step_choice, "_installed", lambda: True)
    assert len(set(steps)) > 2, steps
    assert any(step for _, step in steps), steps  # within an epoch
    assert_same(model, whole)
    assert again.seen == record.seen
    assert again.last == record.last == model.epochs_done == 2
    assert found.keys() == wanted.keys()
    assert found.get("loss") == wanted.get("loss")
    assert len(found["words_per_second"]) == 2
    assert len(list(tmp_path.glob("checkpoint-*.npz"))) == 2
    assert f"call fit again with checkpoints='{tmp_path}'" in capsys.readouterr().err
    # What is complete only says so, and more epochs may be asked for.
    model.fit(
        CORPUS[by], callbacks=[Record(), KillAfterJobs(1, Killed)], verbose=0, checkpoints=tmp_path
    )
    with pytest.raises(InputError, match=r"epochs is 1, and the training in .* is in epoch 2"):
        model.fit(
            *(CORPUS[by],),
            callbacks=[Record(), KillAfterJobs(-1, 0)],
            epochs=1,
            verbose=0,
            checkpoints=tmp_path,
        )
    assert_same(model, whole)


@pytest.mark.one_backend
def test_more_epochs_go_on_from_the_last_one(tmp_path):
    model = new(SkipGram, "negative-sampling", "keras")
    model.fit(CORPUS["keras"], verbose=0, checkpoints=tmp_path)
    before = tables(model)[0]
    again = new(SkipGram, "negative-sampling", "keras")
    history = again.fit(CORPUS["keras"], verbose=0, epochs=3, checkpoints=tmp_path).history
    assert len(history["loss"]) == again.epochs_done == 3
    resumed = new(SkipGram, "negative-sampling", "keras")
    resumed.fit(CORPUS["keras"], verbose=0, epochs=2)
    resumed.fit(CORPUS["keras"], verbose=0, epochs=3, initial_epoch=2)
    assert_same(again, resumed)
    assert not np.array_equal(tables(again)[0], before)


@pytest.mark.one_backend
def test_what_changed_is_refused_by_name_and_a_damaged_checkpoint_is_passed_over(
    tmp_path, monkeypatch
):
    model = new(SkipGram, "negative-sampling", "keras")
    model.fit(CORPUS["keras"], verbose=0, checkpoints=Checkpoints(tmp_path, minutes=EACH_BLOCK))
    for settings, texts, message in (
        ({"window": 3}, CORPUS["keras"], r"another window \(2, and now 3\)"),
        ({"seed": 8}, CORPUS["keras"], "another seed"),
        ({"trainer": "gensim"}, CORPUS["keras"], "another .*trainer"),
        ({"numba": False}, CORPUS["keras"], r"another backend \(numba, and now \w+\)"),
        ({}, CORPUS["keras"][:-1], "another training data"),
        ({}, [["new", *text] for text in CORPUS["keras"]], "another training data"),
    ):
        with monkeypatch.context() as patch:
            numba = settings.pop("numba", True)
            patch.setattr(step_choice, "_installed", lambda numba=numba: numba)
            other = new(SkipGram, "negative-sampling", settings.pop("trainer", "keras"), **settings)
            with pytest.raises(InputError, match=message):
                other.fit(texts, verbose=0, checkpoints=tmp_path)
        assert other.vocabulary is None
    with pytest.raises(InputError, match="another callbacks"):
        model.fit(CORPUS["keras"], callbacks=[Record()], verbose=0, checkpoints=tmp_path)
    newest = Checkpoints(tmp_path).files()[0]
    data = newest.read_bytes()
    newest.write_bytes(data[: len(data) // 2])
    again = new(SkipGram, "negative-sampling", "keras")
    with pytest.warns(UserWarning, match="is damaged .* The one before it is taken"):
        again.fit(CORPUS["keras"], verbose=0, checkpoints=tmp_path)
    assert_same(again, model)


@pytest.mark.one_backend
def test_with_several_workers_of_gensim_the_epoch_begins_anew(tmp_path, capsys):
    model = new(SkipGram, "negative-sampling", "gensim", workers=2)
    options = {"verbose": 0, "checkpoints": Checkpoints(tmp_path, minutes=EACH_BLOCK)}

    class AtSecond(Kill):
        def on_epoch_begin(self, epoch, logs=None):
            self._left = 2 if epoch else -1

    with pytest.raises(KeyboardInterrupt):
        model.fit(CORPUS["gensim"], callbacks=[AtSecond(-1, signal.SIGINT)], **options)
    said = capsys.readouterr().err
    assert "in epoch 2, after step 2, and this epoch will begin anew. Kept: " in said
    newest = Checkpoints(tmp_path).newest()
    assert (newest.values["epoch"], newest.values["step"]) == (1, 0)
    again = new(SkipGram, "negative-sampling", "gensim", workers=2)
    AtSecond.on_epoch_begin = Kill.on_epoch_begin
    history = again.fit(CORPUS["gensim"], callbacks=[AtSecond(-1, 0)], **options).history
    assert len(history["words_per_second"]) == again.epochs_done == 2


@pytest.mark.parametrize("by", ["keras", "gensim"])
def test_vectors_of_the_cache_go_on_within_an_epoch(tmp_path, monkeypatch, capsys, by):
    monkeypatch.setenv("RNNKIT_CACHE", str(tmp_path))
    settings = {**SETTINGS, "trainer": by}
    wanted = train_word_vectors(CORPUS[by], **settings, cache=False)
    left = [3]

    def interrupt(self, batch, logs=None):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(word2vec._ProgressBar, "on_train_batch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train_word_vectors(CORPUS[by], **settings)
    (folder,) = (tmp_path / "vectors").iterdir()
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "interrupted" in line]
    assert line.startswith("rnnkit: the training of word vectors was interrupted in epoch 1, after")
    assert str(folder) in line
    assert Checkpoints(folder).newest().values["step"] == 3
    found = train_word_vectors(CORPUS[by], **settings)
    np.testing.assert_array_equal(found.vectors, wanted.vectors)
    assert [path.suffix for path in (tmp_path / "vectors").iterdir()] == [".kv"]


CHILD = """
import json, sys, time
import keras
from rnnkit.embeddings import SkipGram
from rnnkit.embeddings.training import trainer
from rnnkit.training.checkpoints import Checkpoints
trainer.MAX_GROUP_SIZE = 64
texts, settings, folder = json.load(sys.stdin)
class Slow(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print(flush=True)
        time.sleep(0.05)
model = SkipGram(**settings)
model.fit(texts, callbacks=[Slow()], verbose=0, checkpoints=Checkpoints(folder, minutes=1e-9))
"""


@pytest.mark.deep  # two more processes; tasks are killed each time
@pytest.mark.one_backend
def test_a_process_that_is_killed(tmp_path):
    whole = new(SkipGram, "negative-sampling", "keras")
    whole.fit(CORPUS["keras"], verbose=0)
    settings = {**SETTINGS, "seed": 7, "trainer": "keras"}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    child.stdin.write(json.dumps([CORPUS["keras"], settings, str(tmp_path)]))
    child.stdin.close()
    for _ in range(5):
        child.stdout.readline()
    child.kill()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    newest = Checkpoints(tmp_path).newest().values
    assert newest["step"] > 2 or newest["epoch"]

    class Slow(keras.callbacks.Callback):
        pass

    again = new(SkipGram, "negative-sampling", "keras")
    again.fit(CORPUS["keras"], callbacks=[Slow()], verbose=0, checkpoints=tmp_path)
    assert_same(again, whole)


@pytest.mark.one_backend
def test_event_files_of_a_killed_training_are_those_of_one_that_is_not(tmp_path):
    def points(folder):
        return {
            tag: [(step, np.asarray(value).tolist()) for step, value in found]
            for tag, found in read(folder / "train").items()
            if "per_second" not in tag
        }

    def new_model():
        return new(SkipGram, "negative-sampling", "keras")

    earlier = WordVectorEvents(tmp_path / "killed", ["w1"])
    earlier.set_model(new_model())
    earlier.on_train_batch_end(0, {"earlier": 1.0})  # of a training before, in the same folder
    earlier.on_train_end()
    new_model().fit(CORPUS["keras"], callbacks=[WordVectorEvents(tmp_path / "whole")], verbose=0)
    for left in (3, 2, 4, -1):  # the second of them is killed before it writes a checkpoint
        events, minutes = WordVectorEvents(tmp_path / "killed"), 5 if left == 2 else EACH_BLOCK
        calls = [events, Kill(left, Killed)]
        checkpoints = Checkpoints(tmp_path / "checkpoints", minutes=minutes)
        with contextlib.suppress(Killed):
            new_model().fit(CORPUS["keras"], callbacks=calls, verbose=0, checkpoints=checkpoints)
    found = points(tmp_path / "killed")
    assert found.pop("per_batch/earlier") == [(1, 1.0)]
    wanted = points(tmp_path / "whole")
    assert len(wanted["per_batch/loss"]) > 9
    assert len(wanted["examples/neighbours"]) == 2
    assert found.keys() == wanted.keys()
    assert found == wanted
