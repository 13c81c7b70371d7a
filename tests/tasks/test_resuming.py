"""A training that stops at any moment goes on to the same bits; what changed since is refused."""

import functools
import gc
import itertools
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import small_tasks
from deep import mostly_deep

from rnnkit.errors import InputError
from rnnkit.tasks.training.model_state import read_variables
from rnnkit.training.callback_state import digest_attributes, read_states, restore_states
from rnnkit.training.checkpoints import Checkpoint, Checkpoints, read_checkpoint

TORCH = keras.config.backend() == "torch"
NAMES = mostly_deep(small_tasks.SMALL, *small_tasks.FEW) if TORCH else ["gru_sentiment"]
CHEAP = "bag_of_words_sentiment"
DROPOUT = {"gru_sentiment": 0.3, "next_word": 0.3, "translator": 0.3, "forecaster": 0.3}


class Stopped(Exception):
    pass


class At(keras.callbacks.Callback):
    """Do something at the end of a step, counted from 1 over all epochs; and count the steps."""

    def __init__(self, step=0, do=None):
        super().__init__()
        self.seen = 0
        self._when, self._do = step, do

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self._when:
            self._do()


CONSTANT = {"learning_rate_schedule": "constant"}


def stop():
    raise Stopped


def send(number=signal.SIGINT):
    return lambda: os.kill(os.getpid(), number)


def build(name=CHEAP, **more):
    keras.utils.clear_session()
    if name in DROPOUT:
        more = {"dropout": DROPOUT[name], **more}
    if name != "bag_of_words_sentiment":
        more = {"learning_rate_schedule": "cosine", **more}
    return small_tasks.make(name, seed=3, **more)


def fit(model, folder=None, name=CHEAP, callbacks=(), minutes=1e-9, **more):
    """History, of four steps in each of two epochs if the examples are those of the task."""
    data = small_tasks.examples(name)
    valid = small_tasks.examples(name, split="valid")
    options = {"epochs": 2, "batch_size": 4, "verbose": 0, "callbacks": list(callbacks)}
    options |= {"validation_data": valid if len(valid) > 1 else valid[0], **more}
    if folder is not None:
        options["checkpoints"] = Checkpoints(folder, minutes)
    return model.fit(*data, **options).history


def kept(model):
    """Variables of a model by name, without metrics: they begin anew in each epoch."""
    return {n: a for n, a in read_variables(model).items() if "metric" not in n}


def differing(one, two):
    """Names of the variables that are not the same to the bit, of models or of what was kept."""
    left, right = (it if isinstance(it, dict) else kept(it) for it in (one, two))
    assert left.keys() == right.keys()
    return [name for name in left if left[name].tobytes() != right[name].tobytes()]


@functools.cache
def whole(name=CHEAP):
    """History, variables and number of steps of a training that nothing stopped."""
    counter, model = At(), build(name)
    history = fit(model, name=name, callbacks=[counter])
    return history, kept(model), counter.seen


def interrupted(model, folder, step, do=stop, expected=Stopped, **more):
    with pytest.raises(expected):
        fit(model, folder, callbacks=[At(step, do), *more.pop("callbacks", ())], **more)


@pytest.mark.every_backend
@pytest.mark.parametrize("name", NAMES)
def test_every_task_goes_on_to_the_same_bits(name, tmp_path):
    history, reference, total = whole(name)
    assert total >= 2
    draw = random.Random(name)
    middle, later = sorted(draw.choices(range(1, total + 1), k=2))
    interrupted(build(name), tmp_path, middle, send(), KeyboardInterrupt, name=name)
    if later > middle:  # an error is a kill: no checkpoint of the step
        interrupted(build(name), tmp_path, later, name=name)
    resumed, counter = build(name), At()
    assert fit(resumed, tmp_path, name=name, callbacks=[counter]) == history
    assert counter.seen == total
    assert differing(reference, resumed) == []
    again = build(name)  # what is complete is read: nothing is trained any more
    assert fit(again, tmp_path, name=name, callbacks=[At()]) == history
    assert differing(reference, again) == []


@pytest.mark.one_backend
@pytest.mark.parametrize("name", mostly_deep(small_tasks.SMALL, CHEAP))
def test_the_same_object_goes_on(name, tmp_path):
    """As in a notebook, whose cell is run again after an interruption."""
    history, reference, _ = whole(name)
    model = build(name)
    interrupted(model, tmp_path, 2, send(), KeyboardInterrupt, name=name)
    assert fit(model, tmp_path, name=name, callbacks=[At()]) == history
    assert differing(reference, model) == []


@pytest.mark.one_backend
@pytest.mark.parametrize("step", mostly_deep([1, 3, 4, 5, 8], 1, 4))
def test_a_signal_at_any_step(step, tmp_path, capsys):
    """In an epoch, at its end, at the first and the last step."""
    history, reference, _ = whole()
    interrupted(build(), tmp_path, step, send(), KeyboardInterrupt, minutes=1e9)
    assert capsys.readouterr().err.count("training was interrupted") == 1
    newest = Checkpoints(tmp_path).newest().values
    assert newest["epoch"] * 4 + newest["step"] == step
    resumed = build()
    assert fit(resumed, tmp_path, callbacks=[At()]) == history
    assert differing(reference, resumed) == []


def user_callbacks(folder):
    return [
        keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=9.0),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
        keras.callbacks.ModelCheckpoint(folder / "best.weights.h5", "loss", save_best_only=True,
                                        save_weights_only=True),
        keras.callbacks.CSVLogger(folder / "log.csv"),
    ]  # fmt: skip


@pytest.mark.one_backend
@pytest.mark.filterwarnings("ignore:Exception ignored in.*log.csv")  # Keras leaves it open
def test_callbacks_of_the_user_go_on(tmp_path):
    folders = [tmp_path / name for name in ("reference", "resumed")]
    for folder in folders:
        folder.mkdir()
    reference, resumed = build(**CONSTANT), build(**CONSTANT)
    fit(reference, callbacks=[At(), *user_callbacks(folders[0])], epochs=4)
    for step in (6, 11):  # in the second epoch and the third
        interrupted(
            build(**CONSTANT),
            tmp_path / "checkpoints",
            step,
            callbacks=user_callbacks(folders[1]),
            epochs=4,
        )
    fit(
        resumed,
        tmp_path / "checkpoints",
        callbacks=[At(), *user_callbacks(folders[1])],
        epochs=4,
    )
    assert differing(reference, resumed) == []
    logs = [(folder / "log.csv").read_text() for folder in folders]
    assert logs[0] == logs[1]
    assert logs[0].count("\n") == 5
    gc.collect()  # Keras leaves the file open: the warning belongs to this test


class Holding(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.total = keras.Variable(0.0)


def test_a_variable_that_a_callback_holds_stays_one():
    begun, again, arrays = Holding(), Holding(), {}
    before, held = digest_attributes(begun), again.total
    begun.total.assign(3.0)
    states = read_states([begun], [before], arrays)
    restore_states([again], states, arrays, own=False)
    assert again.total is held
    assert float(keras.ops.convert_to_numpy(held)) == 3.0


@pytest.mark.one_backend
def test_early_stopping_goes_on(tmp_path):
    """The epochs without improvement count on, and the best weights come back."""
    options = {"patience": 2, "epochs": 6}
    scheduler = keras.callbacks.LearningRateScheduler
    worse = [scheduler(lambda epoch: 0.1 if epoch < 1 else 1e3)]
    reference = build(**CONSTANT)
    history = fit(reference, callbacks=[At(), *worse], **options)
    assert len(history["loss"]) < 6
    for step in (6, 10):
        interrupted(build(**CONSTANT), tmp_path, step, callbacks=worse, **options)
    resumed = build(**CONSTANT)
    assert fit(resumed, tmp_path, callbacks=[At(), *worse], **options) == history
    assert differing(reference, resumed) == []


@pytest.mark.one_backend
def test_weights_of_bfloat16_come_back(tmp_path):
    """The best ones, which a file of NumPy cannot hold as they are."""
    import ml_dtypes

    stop = keras.callbacks.EarlyStopping()
    before = [digest_attributes(stop)]
    stop.best_weights = [np.array([0.1, -3.0], ml_dtypes.bfloat16)]
    arrays = {}
    states = read_states([stop], before, arrays)
    again = keras.callbacks.EarlyStopping()
    restore_states([again], states, arrays, own=False)
    np.testing.assert_array_equal(again.best_weights[0], stop.best_weights[0].astype("float32"))


OPTIMIZERS = {
    "moving average": lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5),
    "momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
    "accumulation": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=3),
    "loss scale": lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(0.01), dynamic_growth_steps=3
    ),
    "schedule": lambda: keras.optimizers.Adam(
        keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)
    ),
}


# Each is stopped at a step of its own; with RNNKIT_DEEP at each of three.
STOPS = list(zip(OPTIMIZERS, itertools.cycle([2, 4, 6])))
if "RNNKIT_DEEP" in os.environ:
    STOPS = list(itertools.product(OPTIMIZERS, [2, 4, 6]))


@pytest.mark.one_backend
@pytest.mark.parametrize(("name", "step"), mostly_deep(STOPS, *STOPS[:2]))
def test_optimizers_go_on(name, step, tmp_path):
    def built():
        model = build(**CONSTANT)
        model._make_optimizer = OPTIMIZERS[name]
        return model

    reference, resumed = built(), built()
    history = fit(reference, callbacks=[At()])
    interrupted(built(), tmp_path, step, send(), KeyboardInterrupt)
    assert fit(resumed, tmp_path, callbacks=[At()]) == history
    assert differing(reference, resumed) == []


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "options",
    [
        {"initial_epoch": 1, "epochs": 3},
        {"class_weight": "balanced"},
        {"shuffle": False, "keep_best": False},
        {"validation_data": None},
    ],
    ids=str,
)
def test_options_of_fit(options, tmp_path):
    reference, resumed = build(), build()
    history = fit(reference, callbacks=[At()], **options)
    interrupted(build(), tmp_path, 6, **options)
    assert fit(resumed, tmp_path, callbacks=[At()], **options) == history
    assert differing(reference, resumed) == []


@pytest.mark.skipif(TORCH, reason="Keras takes one step there")
def test_several_steps_per_execution(tmp_path):
    def built():
        model = build()
        data = small_tasks.examples(CHEAP)
        model.fit(*data, epochs=0, verbose=0)
        model.compile("adam", steps_per_execution=2, **model.compile_options())
        return model

    reference, resumed = built(), built()
    history = fit(reference, callbacks=[At()])
    interrupted(built(), tmp_path, 3, send(), KeyboardInterrupt)
    assert fit(resumed, tmp_path, callbacks=[At()]) == history
    assert differing(reference, resumed) == []


def test_half_precision_goes_on(tmp_path):
    if keras.config.backend() == "tensorflow":
        pytest.skip("shown by the two others")
    old = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        reference, resumed = build(), build()
        history = fit(reference, callbacks=[At()])
        interrupted(build(), tmp_path, 3, send(), KeyboardInterrupt)
        assert fit(resumed, tmp_path, callbacks=[At()]) == history
        assert differing(reference, resumed) == []
    finally:
        keras.config.set_dtype_policy(old)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Checkpoints of a training that stopped in its second epoch."""
    folder = tmp_path_factory.mktemp("begun")
    interrupted(build(), folder, 6)
    return folder


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("settings", "options", "named"),
    [
        ({}, {"batch_size": 5}, r"another batch_size \(4, and now 5\)"),
        ({"learning_rate": 0.5}, {}, r"another learning_rate \(.*, and now 0.5\)"),
        ({"learning_rate_schedule": "cosine"}, {}, r"another learning_rate_schedule"),
        ({}, {"patience": 1}, r"another patience \(None, and now 1\)"),
        ({}, {"keep_best": False}, r"another keep_best \(True, and now False\)"),
        ({}, {"shuffle": False}, r"another shuffle"),
        ({}, {"class_weight": {0: 2.0}}, r"another training data"),
        ({}, {"epochs": 1}, r"epochs is 1, and the training in .* is in epoch 2 already"),
        ({}, {"callbacks": []}, r"another callbacks"),
        ({}, {"validation_data": None}, r"another validation data"),
    ],
    ids=str,
)
def test_what_changed_is_refused_by_name(begun, settings, options, named):
    model = build(**settings)
    with pytest.raises(InputError, match=named):
        fit(model, begun, **{"callbacks": [At()], **options})
    assert read_checkpoint(Checkpoints(begun).files()[0]).values["epoch"] == 1  # still there


@pytest.mark.one_backend
def test_other_seeds_data_and_backends_are_refused(begun, monkeypatch):
    model = small_tasks.make(CHEAP, seed=4)
    with pytest.raises(InputError, match=r"another seed \(3, and now 4\)"):
        fit(model, begun, callbacks=[At()])
    texts, labels = small_tasks.examples(CHEAP)
    with pytest.raises(InputError, match="another training data"):
        build().fit(
            [*texts[:-1], "another text"],
            labels,
            validation_data=small_tasks.examples(CHEAP, split="valid"),
            **{"epochs": 2, "batch_size": 4, "verbose": 0, "callbacks": [At()]},
            checkpoints=begun,
        )
    monkeypatch.setattr("keras.config.backend", lambda: "abacus")
    with pytest.raises(InputError, match=r"another backend \(.*, and now abacus\)"):
        fit(build(), begun, callbacks=[At()])


@pytest.mark.one_backend
def test_a_task_without_a_recipe_is_compared_by_its_own_settings(tmp_path):
    def built(**own):
        model = build()
        model.settings = {}
        for name, value in own.items():
            setattr(model, name, value)
        return model

    interrupted(built(), tmp_path, 6, batch_size=None, minutes=1e9, epochs=8)
    for name, value in {"batch_size": 5, "truncate": "both", "seed": 1}.items():
        with pytest.raises(InputError, match=f"another {name} "):
            fit(built(**{name: value}), tmp_path, callbacks=[At()], batch_size=None, epochs=8)


@pytest.mark.one_backend
def test_more_epochs_than_before(tmp_path):
    reference, resumed = build(**CONSTANT), build(**CONSTANT)
    fit(reference, callbacks=[At()], epochs=4, keep_best=False)
    fit(build(**CONSTANT), tmp_path, callbacks=[At()], epochs=2, keep_best=False)
    history = fit(resumed, tmp_path, callbacks=[At()], epochs=4, keep_best=False)
    assert len(history["loss"]) == 4
    assert differing(reference, resumed) == []


@pytest.mark.one_backend
def test_any_damage_of_a_checkpoint_is_seen_or_harmless(begun, tmp_path):
    path = Checkpoints(begun).files()[0]
    whole, content = path.read_bytes(), read_checkpoint(path)
    damaged, draw = tmp_path / "checkpoint-00000006.npz", random.Random(0)
    places = draw.sample(range(len(whole)), 20_000 if os.environ.get("RNNKIT_DEEP") else 400)
    ends = [*range(len(whole) - 2000, len(whole))]  # where the archive lists its members
    seen = 0
    for place in [*places, *draw.sample(ends, 200)]:
        raw = bytearray(whole)
        raw[place] ^= 1 << draw.randrange(8)
        if draw.random() < 0.3:
            raw = raw[:place]
        damaged.write_bytes(raw)
        try:
            found = read_checkpoint(damaged)
        except InputError as error:
            seen += "is damaged" in str(error)
            continue
        assert found.values == content.values
        assert found.arrays.keys() == content.arrays.keys()
        assert all(found.arrays[n].tobytes() == content.arrays[n].tobytes() for n in found.arrays)
    assert seen > len(places) // 2


@pytest.mark.one_backend
def test_a_checkpoint_holds_its_arrays_and_nothing_else(tmp_path):
    """NumPy < 2.1 stores each argument of savez that it does not know as an array."""
    arrays = {"weights": np.arange(6.0).reshape(2, 3), "step": np.array(7)}
    path = Checkpoints(tmp_path).write(7, Checkpoint({"epoch": 1}, arrays))
    assert sorted(np.load(path).files) == ["step", "values", "weights"]
    np.savez(path, **np.load(path), allow_pickle=np.array(False))  # as it was once written there
    found = read_checkpoint(path)
    assert found.values["epoch"] == 1
    assert {name: array.tolist() for name, array in found.arrays.items()} == {
        name: array.tolist() for name, array in arrays.items()
    }


@pytest.mark.one_backend
def test_the_checkpoint_before_a_damaged_one_is_taken(tmp_path):
    history, reference, _ = whole()
    interrupted(build(), tmp_path, 6)
    newest, _ = Checkpoints(tmp_path).files()
    newest.write_bytes(newest.read_bytes()[:-100])
    resumed = build()
    with pytest.warns(UserWarning, match="is damaged .* The one before it is taken") as told:
        assert fit(resumed, tmp_path, callbacks=[At()]) == history
    assert sum("damaged" in str(one.message) for one in told) == 1
    assert differing(reference, resumed) == []
    for path in Checkpoints(tmp_path).files():
        path.write_bytes(b"")
    resumed = build()
    with pytest.warns(UserWarning, match="is damaged") as told:
        assert fit(resumed, tmp_path, callbacks=[At()]) == history
    assert sum("damaged" in str(one.message) for one in told) == 2
    assert sum("Training starts anew" in str(one.message) for one in told) == 1
    assert differing(reference, resumed) == []


@pytest.mark.one_backend
def test_a_damaged_model_is_learned_once_more(tmp_path):
    history, reference, _ = whole()
    interrupted(build(), tmp_path, 6)
    model = Checkpoints(tmp_path).model
    model.write_bytes(model.read_bytes()[:-50])
    resumed = build()
    with pytest.warns(UserWarning, match="It is learned from the data once more"):
        assert fit(resumed, tmp_path, callbacks=[At()]) == history
    assert differing(reference, resumed) == []


@pytest.mark.one_backend
def test_the_clock_may_be_set_back(tmp_path, monkeypatch):
    history, reference, _ = whole()
    resumed = build()
    now = time.time()
    times = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: now - 60 * next(times))
    interrupted(build(), tmp_path, 6, send(), KeyboardInterrupt, minutes=1e9)
    assert fit(resumed, tmp_path, callbacks=[At()]) == history
    assert differing(reference, resumed) == []


def test_without_checkpoints_the_model_holds_the_last_whole_step():
    model = build()
    old = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(KeyboardInterrupt):
        fit(model, callbacks=[At(5, send())])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == old
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 5
    variables = read_variables(model)
    assert all(np.isfinite(one).all() for one in variables.values())
    assert len(fit(model, epochs=1)["loss"]) == 1  # and goes on training
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 9


@pytest.mark.one_backend
@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGUSR1", 138)])
def test_other_signals_end_with_their_status(name, status, tmp_path):
    model = build()
    with pytest.raises(SystemExit) as ended:
        fit(model, tmp_path, callbacks=[At(2, send(getattr(signal, name)))])
    assert ended.value.code == status


@pytest.mark.one_backend
def test_signals_that_the_program_handles_are_left_alone(tmp_path):
    heard = []
    old = signal.signal(signal.SIGUSR1, lambda *_: heard.append(1))
    try:
        assert len(fit(build(), tmp_path, callbacks=[At(2, send(signal.SIGUSR1))])["loss"]) == 2
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        assert len(fit(build(), callbacks=[At(2, send(signal.SIGUSR1))])["loss"]) == 2
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert heard == [1]


@pytest.mark.one_backend
def test_a_thread_trains_without_handlers(tmp_path):
    found = []
    thread = threading.Thread(target=lambda: found.append(fit(build(), tmp_path)))
    thread.start()
    thread.join()
    assert len(found[0]["loss"]) == 2


PROCESS = """
import json, os, signal, sys, warnings
warnings.simplefilter("ignore")
from test_resuming import At, build, fit
folder, name, times = map(json.loads, sys.argv[1:])
def do():
    for _ in range(times):
        os.kill(os.getpid(), getattr(signal, name))
fit(build(), folder, callbacks=[At(6, do)])
"""


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("name", "times", "status"),
    mostly_deep([("SIGKILL", 1, -9), ("SIGTERM", 2, 143)], ("SIGKILL", 1, -9)),
)
def test_a_process_that_is_killed(fresh_python, tmp_path, name, times, status):
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = fresh_python(PROCESS, str(tmp_path), name, times, check=False, PYTHONPATH=paths)
    assert done.code == status, done.err
    assert ("interrupted" in done.err) is False  # ended at once
    history, reference, _ = whole()
    resumed = build()
    assert fit(resumed, tmp_path, callbacks=[At()]) == history
    assert differing(reference, resumed) == []
