"""`export` and `summary` of every task, before and after `fit`."""

import errno

import keras
import numpy as np
import pytest
from deep import DEEP
from small_tasks import SMALL, examples, make

import rnnkit.backend
from rnnkit import recipes
from rnnkit.errors import DiskError, InputError
from rnnkit.tasks.exporting import export_network

TASKS = [name for name in recipes.names() if recipes.kind_of(name) != "corpus"]


@pytest.fixture(scope="module", params=SMALL)
def trained(request):
    model = make(request.param, epochs=1)
    # No epoch is left: the network is built, and nothing is compiled.
    model.fit(*examples(request.param), initial_epoch=1, verbose=0)
    return model


def batch(network, rows, steps):
    """Random inputs of a network: few different ids, all steps real."""
    random = np.random.default_rng(rows)
    given = []
    for one in network.inputs:
        shape = tuple(
            (rows, steps, *one.shape[2:])[i] if i < 2 and size is None else size
            for i, size in enumerate(one.shape)
        )
        kind = keras.backend.standardize_dtype(one.dtype)
        value = {
            "bool": np.ones(shape, bool),
            "float32": random.normal(size=shape).astype("float32"),
        }.get(kind)
        given.append(random.integers(1, 4, shape).astype(kind) if value is None else value)
    return given


def compare(found, wanted):
    for one, other in zip(keras.tree.flatten(found), keras.tree.flatten(wanted), strict=True):
        other = keras.ops.convert_to_numpy(other)
        np.testing.assert_allclose(np.asarray(one), other, atol=1e-5)


@pytest.mark.skipif(rnnkit.backend.name != "tensorflow", reason="exports what TensorFlow runs")
def test_a_saved_model_answers_any_number_of_rows_and_steps(trained, tmp_path):
    import tensorflow as tf

    if trained.settings["recipe"] not in ("bag_of_words_sentiment", "sequence_classifier"):
        pytest.skip("two are enough: test_export_to.py asks the others")
    trained.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    network = trained.serving_network()
    for rows, steps in ((2, 5), (1, 2)):
        inputs = batch(network, rows, steps)
        given = inputs if len(inputs) > 1 else inputs[0]
        compare(served.serve(given), network(given))
    extra = tmp_path / "served" / "assets.extra"
    stored = {name for name, asset in trained.assets.items() if not asset.optional}
    assert {path.name for path in extra.iterdir()} >= stored
    assert (extra / "classes.json").is_file() == bool(getattr(trained, "classes", ()))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how Keras calls jax2tf
@pytest.mark.skipif(rnnkit.backend.name != "jax", reason="a signature for JAX")
def test_jax_exports_any_shape_of_masked_layers(trained, tmp_path):
    if trained.settings["recipe"] not in ("bag_of_words_sentiment", "gru_sentiment"):
        pytest.skip("two are enough: the others are exported in the same way")
    tf = pytest.importorskip("tensorflow")
    network = trained.serving_network()
    trained.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    for rows, steps in ((2, 5), (3, 2)):
        (given,) = batch(network, rows, steps)
        given[0, 1:] = 0  # padding
        compare(served.serve(given), network(given))


@pytest.mark.one_backend
def test_a_failed_export_says_why(tmp_path):
    class Network:
        variables = ()

        def __init__(self, text):
            self.text = text

        def export(self, path, **options):
            raise TypeError(self.text)

    for text, said in (
        ("Exception encountered when calling X.call().\n\nNo such op.\nmore", "No such op."),
        ("", "TypeError"),
    ):
        with pytest.raises(
            InputError, match=rf"as 'tf_saved_model' on {rnnkit.backend.name}: {said} "
        ) as refused:
            export_network(
                None, Network(text), tmp_path / "a", "tf_saved_model", input_signature=[]
            )
        assert "Exception encountered" not in str(refused.value)


@pytest.mark.filterwarnings("ignore:No complete tensor found:UserWarning")  # of torch.export
@pytest.mark.skipif(rnnkit.backend.name != "torch", reason="a format of PyTorch")
def test_a_torch_program_answers_its_one_shape(trained, tmp_path):
    import torch

    if trained.settings["recipe"] != "gru_sentiment" and not DEEP:
        pytest.skip("one is enough; the others in the deep profile")
    network = trained.serving_network()
    asked = {"filepath": tmp_path / "served.pt2", "format": "torch", "verbose": False}
    with pytest.raises(InputError, match=r"one shape only: .*input_signature, such as \[") as error:
        trained.export(**asked)
    example = str(error.value).partition("such as ")[2].partition(". For any shape")[0]
    assert len(keras.tree.flatten(eval(example, {"keras": keras}))) == len(network.inputs)
    given = batch(network, 2, 5)
    specs = [keras.InputSpec(shape=one.shape, dtype=str(one.dtype)) for one in given]
    asked["input_signature"] = [specs] if len(specs) > 1 else specs
    trained.export(**asked)
    program = torch.export.load(tmp_path / "served.pt2").module()
    for padded in (False, True):
        inputs = [torch.from_numpy(one) for one in given]
        for one in inputs if padded else ():
            if one.ndim > 1 and one.shape[1] == 5:
                one[0, 3:] = 0
        inputs = inputs if len(inputs) > 1 else inputs[0]
        compare(program(inputs), network(inputs))


@pytest.mark.one_backend
def test_what_cannot_be_exported_says_what_can_be_done(trained, tmp_path):
    with pytest.raises(InputError, match=r"format is 'onx'; expected one of .*'onnx'"):
        trained.export(tmp_path / "served", format="onx")
    with pytest.raises(InputError, match=r"expected a name that ends in '\.pt2'"):
        trained.export(tmp_path / "served", format="torch")
    with pytest.raises(InputError, match=r"torch|onnx"):
        trained.export(tmp_path / "served.onnx", format="onnx", verbose=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("x; No space left on device")],
)
def test_a_full_disk_leaves_no_half_an_export(error, tmp_path, monkeypatch):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])

    def export(self, path, **options):
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"half")
        raise error

    monkeypatch.setattr(keras.Model, "export", export)
    path, inputs = tmp_path / "new" / "served", [keras.InputSpec(shape=(1, 2))]
    with pytest.raises(DiskError, match=r"the exported network .*: the disk is full.* 12 bytes"):
        export_network(network, network, path, "tf_saved_model", input_signature=inputs)
    assert not path.exists()


@pytest.mark.one_backend
@pytest.mark.parametrize("name", TASKS)
def test_a_task_that_was_never_fitted(name, tmp_path, capsys):
    model = recipes.find(name)()
    with pytest.raises(InputError, match=r"is not trained yet.* Call fit first"):
        model.export(tmp_path / "served")
    assert not list(tmp_path.iterdir())
    lines = []
    assert model.summary(print_fn=lines.append) is None
    assert f"Recipe: {name}" in lines
    for setting, value in model.settings.items():
        assert setting == "recipe" or f"  {setting}: {value!r}" in lines
    assert "built in the first fit" in lines[-1]
    model.summary()
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.one_backend
def test_the_summary_of_a_trained_task_opens_its_network(trained, capsys):
    shown = []
    options = {"line_length": 300}
    assert trained.summary(print_fn=shown.append, **options) is None
    text = "\n".join(shown)
    for layer in trained.network.layers:
        assert f" {layer.name} (" in text
    assert f" Trainable params: {sum(np.prod(v.shape) for v in trained.trainable_variables):,}" in (
        text
    )
    trained.summary(expand_nested=False, **options)
    closed = capsys.readouterr().out
    assert trained.network.layers[-1].name + " (" not in closed
    assert not [kind for kind in closed.splitlines() if "built in the first fit" in kind]
