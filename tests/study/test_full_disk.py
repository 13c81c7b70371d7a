"""A disk that is full from some write on: nothing is half written, nothing learned is lost."""

import errno

import failing_writes
import numpy as np
import pytest
from event_files import read

from rnnkit import datasets, tasks
from rnnkit.errors import DiskError, InputError, NonFiniteLoss
from rnnkit.study import compare
from rnnkit.study.plan import make_plan
from rnnkit.study.run_folder import RunFolder
from rnnkit.study.runs import open_run
from rnnkit.study.training import execute
from rnnkit.tasks import TextClassifier

RECIPE, SETTINGS = "bag_of_words_sentiment", {"ngrams": 1, "epochs": 2, "batch_size": 16}
# What is written first when the disk is full -> the outcome, and what then holds what was learned.
STAGES = {
    ".settings.": ("nothing learned", None),
    ".environment.": ("nothing learned", None),
    "run/train/": ("nothing learned", None),
    "checkpoints/.model.": ("nothing learned", None),
    "run/train/, second": ("no metrics", None),
    "metrics.csv": ("no metrics", None),
    "metrics.csv, second": ("no metrics", None),
    "run/.model.": ("no model", None),
    "run/.model., last": ("no model", None),
    ".card.": ("no results", "model.keras"),
    "run/test/": ("no results", "model.keras"),
    ".test_answers.": ("no results", "model.keras"),
    ".card., second": ("no results", "model.keras"),
    ".results.": ("no results", "model.keras"),
}


@pytest.fixture(scope="module")
def data():
    return datasets.load("sample", limit=32)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    picture = b"\x89PNG\r\n\x1a\n" + bytes(16)
    monkeypatch.setattr("rnnkit.monitor.classification.confusion_matrix_png", lambda *_: picture)


@pytest.fixture(scope="module")
def stages(data, tmp_path_factory):
    """Stage -> the number of writes before it, and the model of an undisturbed run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        disk = failing_writes.watch(patch, folder.parent)
        run = run_in(folder, data)
    found = {}
    for stage in STAGES:
        name, _, which = stage.partition(", ")
        writes = [i for i, path in enumerate(disk.writes) if name in str(path)]
        found[stage] = writes[{"": 0, "second": 1, "last": -1}[which]]
    return found, run.model.get_weights()


def run_in(folder, data):
    return execute(make_plan(RECIPE, settings=SETTINGS), data, folder, 0)


@pytest.mark.filterwarnings("ignore:rnnkit. Cannot write the events")
@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk_at_each_stage(stage, data, stages, tmp_path, monkeypatch):
    outcome, holds = STAGES[stage]
    numbers, weights = stages
    disk = failing_writes.watch(monkeypatch, tmp_path / "run")
    disk.full_at = numbers[stage]
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(DiskError) as raised:
        run_in(folder.path, data)
    message, refused = str(raised.value), disk.writes[numbers[stage]]
    assert raised.value.errno == errno.ENOSPC
    assert "the disk is full" in message
    assert str(folder.path) in message
    assert " free" in message
    if outcome == "nothing learned":
        assert not folder.path.exists()
        return
    failing_writes.check_whole(folder.path)
    assert not folder.complete
    assert len(folder.epochs()) == sum(
        path.name == "metrics.csv" for path in disk.writes[: numbers[stage]]
    )
    if refused.name.startswith("."):  # its size was known beforehand
        assert "It needs" in message
    if holds is None:
        kept = max(folder.checkpoints.glob("checkpoint-*.npz"))
        assert f"Kept: the last checkpoint, {kept}" in message
        (elsewhere,) = (tmp_path / "temporary").glob("rnnkit-*/model.keras")
        assert f"The model as it is now was saved to {elsewhere}" in message
        saved = tasks.load(elsewhere).get_weights()
        same = [np.array_equal(*pair) for pair in zip(saved, weights, strict=True)]
        assert all(same) == (stage not in ("run/train/, second", "metrics.csv"))  # to the end
    else:
        assert not list((tmp_path / "temporary").iterdir())
        assert f"Kept: the trained model, {folder.path / holds}" in message
        assert f"rnnkit train --resume {folder.path}" in message
        for one, other in zip(tasks.load(folder.model).get_weights(), weights, strict=True):
            np.testing.assert_array_equal(one, other)


def test_events_that_cannot_be_written_cost_no_training(data, stages, tmp_path, monkeypatch):
    disk = failing_writes.watch(monkeypatch, tmp_path / "run" / "train")
    disk.full_at = 3
    with pytest.warns(UserWarning, match="the disk is full.*Training goes on") as warned:
        run = run_in(tmp_path / "run", data)
    told = [one for one in warned if "TensorBoard" in str(one.message)]
    assert len(told) == 1
    failing_writes.check_whole(run.path)
    assert len(read(run.folder.events / "train")) >= 1  # what was written before is there
    for one, other in zip(run.model.get_weights(), stages[1], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO]
)
def test_each_error_of_a_write_keeps_the_model(number, data, stages, tmp_path, monkeypatch):
    if number != errno.EROFS:  # one whole run stands for all: the rest is the last write alone
        run = tmp_path / "run"
        run.mkdir()
        disk = failing_writes.watch(monkeypatch, run, number)
        disk.full_at = 0
        with pytest.raises(DiskError) as raised:
            RunFolder(run).add_epoch({"epoch": 1})
        assert raised.value.errno == number
        assert list(run.iterdir()) == []
        return
    disk = failing_writes.watch(monkeypatch, tmp_path / "run", number)
    disk.full_at = stages[0][".results."]
    with pytest.raises(DiskError, match=r"read-only[\s\S]*Kept: the trained model"):
        run_in(tmp_path / "run", data)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (InputError("no such thing"), InputError),
        (NonFiniteLoss("nan"), NonFiniteLoss),
        (OSError("lost"), OSError),
        (RuntimeError("out of memory"), RuntimeError),
    ],
)
def test_what_was_trained_is_kept_when_it_is_refused_later(
    error, raised, data, tmp_path, monkeypatch
):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("rnnkit.study.finishing._results", fail)
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(raised) as caught:
        run_in(folder.path, data)
    told = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert str(error) in told
    assert str(folder.path) in told
    assert tasks.load(folder.model).classes == ("neg", "pos")
    assert not folder.complete


def test_a_study_keeps_its_complete_runs(data, tmp_path, monkeypatch):
    study = tmp_path / "study"
    disk = failing_writes.watch(monkeypatch, study / f"{RECIPE}-seed1")
    disk.full_at = 2
    options = {"seeds": 2, "settings": SETTINGS, "out": study, "limit": 16, "baselines": False}
    with pytest.raises(DiskError) as raised:
        compare([RECIPE], "sample", verbose=0, **options)
    assert f"Complete runs in {study}: {RECIPE}-seed0." in str(raised.value)
    assert f"--out {study}" in str(raised.value)
    first = open_run(study / f"{RECIPE}-seed0").results
    disk.full_at = None
    whole = failing_writes.watch(monkeypatch, study)
    whole.full_at = 1  # behind study.json: the report
    with pytest.raises(DiskError, match=rf"Complete runs in .*: {RECIPE}-seed0\."):
        compare([RECIPE], "sample", verbose=0, **{**options, "seeds": 1})
    whole.full_at = None
    assert not [path for path in study.iterdir() if path.name.startswith(("report", "learning"))]
    finished = compare([RECIPE], "sample", verbose=0, **options)  # when there is space again
    assert finished.runs[f"{RECIPE}-seed0"].results == first
    assert len(finished.runs) == 2


def test_a_model_that_finds_no_room_anywhere_is_told_so(data, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("zipfile.ZipFile.writestr", refuse)  # of a model
    with pytest.raises(DiskError, match=r"model\.keras.*full"):
        run_in(tmp_path / "run", data)
    assert not list((tmp_path / "temporary").glob("rnnkit-*"))


def test_a_study_that_was_refused_before_its_first_step_leaves_nothing(data, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise InputError("too short")

    monkeypatch.setattr(TextClassifier, "check", refuse)
    study = tmp_path / "study"
    with pytest.raises(InputError, match="too short"):
        compare([RECIPE], "sample", seeds=1, settings=SETTINGS, out=study, limit=16, verbose=0)
    assert not study.exists()
