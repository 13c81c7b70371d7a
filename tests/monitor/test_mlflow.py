"""The page on MLflow: its code, on MLflow's local store."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "mlflow.md"
pytestmark = pytest.mark.one_backend


@pytest.fixture
def store(tmp_path, monkeypatch):
    """MLflow, writing into a folder of this test."""
    mlflow = pytest.importorskip(
        "mlflow",
        reason="mlflow-skinny is not installed; no extra has it: it brings many packages",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # the other local one needs SQLAlchemy
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    yield mlflow
    mlflow.set_tracking_uri(None)


@pytest.mark.filterwarnings("ignore")  # of other libraries
def test_the_callback_and_a_run_folder_log_their_epochs(store, tmp_path, monkeypatch):
    first, second = re.findall(r"```py\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names = {}
    exec(compile(first, str(PAGE), "exec"), names)
    from rnnkit import study

    options = {"limit": 40, "epochs": 2, "settings": {"ngrams": 1}, "verbose": 0}
    run = study.train("bag_of_words_sentiment", "sample", out="runs/mine", **options)
    exec(compile(second, str(PAGE), "exec"), {})
    client = store.MlflowClient()
    logged = {
        one.info.run_name: one
        for experiment in client.search_experiments()
        for one in client.search_runs([experiment.experiment_id])
    }
    of_callback, of_folder = logged["gru_sentiment"], logged["mine"]
    assert of_callback.data.params["units"] == "8"
    assert of_callback.data.metrics["test_accuracy"] == names["test"]["accuracy"]
    assert names["model"].history.history["val_loss"] == [
        one.value for one in client.get_metric_history(of_callback.info.run_id, "val_loss")
    ]
    history = client.get_metric_history(of_folder.info.run_id, "val_loss")
    rows = run.folder.epochs()
    assert [(one.step, one.value) for one in history] == [
        (row["epoch"], row["val_loss"]) for row in rows
    ]
    artifacts = [one.path for one in client.list_artifacts(of_folder.info.run_id)]
    assert artifacts == ["card.md"]
