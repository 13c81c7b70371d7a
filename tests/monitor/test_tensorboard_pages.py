"""TensorBoard itself, asked through its HTTP routes, lists what a training of a recipe wrote."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from rnnkit import backend
from rnnkit.monitor import EventWriter, HMMEvents, TensorBoard
from rnnkit.recipes import gru_sentiment

# Keras's own `predict` on torch: numpy 2 asks `__array__` for a keyword that torch does not have.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


def open_tensorboard(folder):
    """TensorBoard on a folder, with all its plugins, as a client that needs no port."""
    with warnings.catch_warnings():
        # Its plugins bring what warns of old age on import: html5lib, pkg_resources.
        warnings.simplefilter("ignore")
        from tensorboard import default, program
        from tensorboard.backend.application import TensorBoardWSGIApp
        from tensorboard.backend.event_processing.data_ingester import LocalDataIngester
        from werkzeug.test import Client

        board = program.TensorBoard(plugins=default.get_plugins())
        board.configure(
            argv=[
                "tensorboard",
                f"--logdir={folder}",
                "--load_fast=false",
                "--reload_interval=0",
                "--reload_task=blocking",
            ]
        )
        data = LocalDataIngester(board.flags)
        data.start()
        app = TensorBoardWSGIApp(
            board.flags, board.plugin_loaders, data.data_provider, board.assets_zip_provider
        )
    client = Client(app)

    def get(route, **query):
        answer = client.get(f"/data/{route}", query_string=query or None)
        assert answer.status_code == 200, (route, answer.status_code, answer.text)
        return json.loads(answer.data) if answer.mimetype == "application/json" else answer.data

    get.post = lambda route, body: json.loads(client.post(f"/data/{route}", json=body).data)
    return get


@pytest.fixture(scope="module")
def get(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    texts = ["a very good film", "bad and dull", "good good fun", "a dull bad mess"] * 6
    labels = [1, 0, 1, 0] * 6
    model = gru_sentiment(
        units=4, embedding_size=5, pooling="last", batch_size=6, min_count=1, classes="neg,pos"
    )
    model.fit(
        texts,
        labels,
        validation_data=(texts[:8], labels[:8]),
        epochs=2,
        verbose=0,
        callbacks=[TensorBoard(folder / "run", examples=(texts[:8], labels[:8]))],
    )
    with EventWriter(folder / "run" / "test") as writer:
        settings = {"recipe": "gru_sentiment", "units": 4}
        writer.hparams(settings, {"epoch/accuracy": 0.75}, step=2)
    with HMMEvents(folder / "hmm") as events:
        for iteration in (1, 2):
            events(iteration, {"transmat": np.eye(2)}, -9.0 / iteration)
    return open_tensorboard(folder)


TRAIN, VALIDATION, TEST, HMM = "run/train", "run/validation", "run/test", "hmm/train"


def test_scalars_of_both_runs_share_their_tags(get):
    tags = get("plugin/scalars/tags")
    assert set(tags) == {TRAIN, VALIDATION, TEST, HMM}
    names = {"loss", "accuracy", "precision", "recall", "f1"}
    assert set(tags[VALIDATION]) == {f"epoch/{name}" for name in names}
    more = {"learning_rate", "tokens_per_second"}
    compiled = {"compiled", "compiling_seconds", "from_cache"} if backend.name == "jax" else ()
    assert set(tags[TRAIN]) == {
        *(f"per_batch/{name}" for name in names | more | {"gradient_norm"}),
        *(f"epoch/{name}" for name in names | more | {"seconds"}),
        *(f"programs/{name}" for name in compiled),
    }
    points = get("plugin/scalars/scalars", run=TRAIN, tag="per_batch/gradient_norm")
    assert [step for _, step, _ in points] == list(range(1, 9))
    assert all(0 < norm < 100 for _, _, norm in points)
    assert len({norm for _, _, norm in points}) == 8  # a number of its own for each batch
    points = get("plugin/scalars/scalars", run=TRAIN, tag="epoch/tokens_per_second")
    assert all(speed > 0 for _, _, speed in points)


def test_a_folder_of_several_tasks_has_no_empty_chart(get):
    tags = get("plugin/scalars/tags")
    for run, known in tags.items():
        for tag, info in known.items():
            assert get("plugin/scalars/scalars", run=run, tag=tag)
            assert info["description"], tag
    every = {tag for known in tags.values() for tag in known}
    compiled = {"programs"} if backend.name == "jax" else set()
    assert {tag.partition("/")[0] for tag in every} == {"epoch", "per_batch"} | compiled
    # The test measures and the log-likelihood open no page of their own.
    assert set(tags[TEST]) <= set(tags[VALIDATION])
    assert set(tags[HMM]) == {"epoch/log_likelihood"}
    [point] = get("plugin/scalars/scalars", run=TEST, tag="epoch/accuracy")
    assert point[1:] == [2, 0.75]


def test_histograms_and_distributions_of_every_weight(get):
    for page in ("histograms", "distributions"):
        tags = set(get(f"plugin/{page}/tags")[TRAIN])
        assert {"weights/embedding/embeddings", "weights/probabilities/kernel"} <= tags
        assert len(tags) == 6
    [_, second] = get("plugin/histograms/histograms", run=TRAIN, tag="weights/probabilities/kernel")
    assert second[1] == 2
    assert sum(count for _, _, count in second[2]) == 4


def test_confusion_matrix_is_a_picture(get):
    assert set(get("plugin/images/tags")) == {VALIDATION, HMM}
    query = {"run": VALIDATION, "tag": "examples/confusion_matrix", "sample": 0}
    pictures = get("plugin/images/images", **query)
    assert [picture["step"] for picture in pictures] == [1, 2]
    route = f"plugin/images/individualImage?{pictures[1]['query']}"
    assert get(route)[:4] == b"\x89PNG"


def test_texts_with_their_predictions(get):
    assert set(get("plugin/text/tags")) == {VALIDATION}
    route = "plugin/text/text"
    pages = get(route, run=VALIDATION, tag="examples/predictions", markdown="true")
    assert [page["step"] for page in pages] == [1, 2]
    assert "<td>bad and dull</td>" in pages[0]["text"]
    assert "<th>predicted</th>" in pages[0]["text"]


def test_pr_curve_carries_the_name_of_its_class(get):
    assert set(get("plugin/pr_curves/tags")) == {VALIDATION}
    [found] = get("plugin/pr_curves/tags")[VALIDATION]
    assert found == "pr_curve/pos"
    curves = get("plugin/pr_curves/pr_curves", run=VALIDATION, tag=found)[VALIDATION]
    assert [curve["step"] for curve in curves] == [1, 2]
    assert max(curves[0]["true_positives"]) == 4


def test_projector_lists_the_run_with_its_words(get):
    [run] = [run for run in get("plugin/projector/runs") if run != "."]
    assert run == TRAIN
    [embedding] = get("plugin/projector/info", run=run)["embeddings"]
    words = get("plugin/projector/metadata", run=run, name=embedding["tensorName"]).decode()
    rows = [line.split("\t") for line in words.splitlines()]
    assert rows[:4] == [["word", "count"], ["good", "18"], ["a", "12"], ["bad", "12"]]
    data = get("plugin/projector/tensor", run=run, name=embedding["tensorName"])
    vectors = np.frombuffer(data, "float32").reshape(embedding["tensorShape"])
    assert vectors.shape == (len(rows) - 1, 5)


def test_hparams_show_settings_beside_final_metrics(get):
    experiment = get.post("plugin/hparams/experiment", {"experimentName": ""})
    assert {info["name"] for info in experiment["hparamInfos"]} == {"recipe", "units"}
    assert [info["name"]["tag"] for info in experiment["metricInfos"]] == ["epoch/accuracy"]
    groups = get.post(
        "plugin/hparams/session_groups",
        {
            "allowedStatuses": ["STATUS_SUCCESS"],
            "colParams": [{"metric": {"tag": "epoch/accuracy", "group": ""}}],
            "startIndex": 0,
            "sliceSize": 10,
        },
    )
    [session] = groups["sessionGroups"]
    assert session["hparams"]["units"] == 4
    assert session["metricValues"][0]["value"] == 0.75
