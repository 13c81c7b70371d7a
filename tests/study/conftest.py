from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """A small table of short texts: one bucket length, so one compilation."""
    path = tmp_path_factory.mktemp("data") / "films.csv"
    rows = [f"a good film {i % 3},pos\na bad film {i % 3},neg" for i in range(60)]
    path.write_text("review,mood\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def columns():
    return {"text_column": "review", "label_column": "mood"}


@pytest.fixture
def nan_loss(monkeypatch):
    """Every model that is compiled from here on has a loss that is no number, on any backend."""
    import keras

    from rnnkit.tasks import TextClassifier

    def compile_with_nan(self, *args, optimizer=None, **options):
        def loss(labels, outputs):
            return keras.ops.mean(outputs) * float("nan")

        keras.Model.compile(self, optimizer=optimizer, loss=loss)

    monkeypatch.setattr(TextClassifier, "compile", compile_with_nan)
