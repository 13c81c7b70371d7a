"""Time each recurrent layer against `keras.layers` and against torch.nn, in one run.

    KERAS_BACKEND=jax python tests/benchmarks/layers.py                  # the first shape
    KERAS_BACKEND=jax python tests/benchmarks/layers.py --all --torch    # the four shapes, long
    KERAS_BACKEND=torch python tests/benchmarks/layers.py --gpu --torch  # a few minutes on a GPU
    ... --systems LSTM,GRU --masks right,any --dropout 0.2 --passes train --kernel portable

A train step is the whole of Keras's `train_on_batch` (forward, gradients, Adam), inference is
`predict_on_batch`. On PyTorch all sides get tensors in the memory of the arrays, as in `fit`: these
two methods of Keras would copy an array. All sides are given the same weights and data, their first
losses are compared, then they take turns; the minimum of the repeats counts. With `--torch` the
best of two ways in torch.nn (`torch_nn.py`) takes part, on any backend. A ratio above 1 means that
rnnkit is faster.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import time

import keras
import numpy as np

import rnnkit.layers
from rnnkit import backend

SYSTEMS = {
    "SimpleRNN": lambda kit, **options: kit.SimpleRNN(**options),
    "LSTM": lambda kit, **options: kit.LSTM(**options),
    "GRU": lambda kit, **options: kit.GRU(**options),
    "GRU-before": lambda kit, **options: kit.GRU(reset_after=False, **options),
    "BiLSTM": lambda kit, **options: kit.Bidirectional(kit.LSTM(**options)),
    # Keras and torch have none: both stand there with their LSTM.
    "RGLRU": lambda kit, **options: getattr(kit, "RGLRU", kit.LSTM)(**options),
}
SHAPES = ["50,200,100,50", "32,400,128,128", "64,200,128,256", "32,2000,64,128"]
GPU_SHAPES = ["64,200,128,256", "128,400,256,512"]
LONG = "32,4096,256,256"
MASKS = ("none", "right", "any")
PASSES = ("train", "predict")


def draw(shape: tuple[int, ...], kind: str) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Return inputs, a mask (right-padded, lengths from T/4 to T; or 6 of 10 steps) and labels."""
    rng = np.random.default_rng(0)
    batch, steps, width, _ = shape
    x = rng.normal(size=(batch, steps, width)).astype("float32")
    lengths = rng.integers(max(steps // 4, 1), steps + 1, size=batch)
    mask = np.arange(steps) < lengths[:, None]
    if kind == "any":
        mask = rng.random((batch, steps)) < 0.6
        mask[:, steps // 2] = True  # torch.nn takes no row without a step
    y = rng.integers(0, 2, size=(batch, 1)).astype("float32")
    return x, None if kind == "none" else mask, y


def network(layer: keras.layers.Layer, width: int, masked: bool, jit: str | bool) -> keras.Model:
    """Put a layer between its inputs and one sigmoid unit."""
    sequences = keras.Input((None, width))
    mask = keras.Input((None,), dtype="bool")
    x = layer(sequences, mask=mask if masked else None)
    inputs = [sequences, mask] if masked else [sequences]
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy", jit_compile=jit)
    return model


class KerasSide:
    """A Keras model, whichever kit its layer is from."""

    def __init__(self, layer, data, shape, jit):
        x, mask, self.y = data
        self.layer = layer
        self.arrays = [x] if mask is None else [x, mask]
        self.model = network(layer, shape[2], mask is not None, jit)

    def tensors(self):
        """Take the arrays as the fastest input that the backend has."""
        if keras.backend.backend() != "torch":
            return self.arrays
        import torch

        return [torch.from_numpy(array) for array in self.arrays]

    def train(self):
        loss = self.model.train_on_batch(self.tensors(), self.y)
        wait(self.model)
        return float(loss)

    def predict(self):
        self.model.predict_on_batch(self.tensors())  # returns NumPy arrays: it has waited


def wait(model: keras.Model) -> None:
    """Return when the device has done all that it was told."""
    if keras.backend.backend() == "jax":
        model.trainable_variables[-1].value.block_until_ready()
    elif backend.device() == "cpu":
        return
    elif keras.backend.backend() == "torch":
        import torch

        torch.cuda.synchronize()
    else:
        import tensorflow as tf

        tf.test.experimental.sync_devices()


def minima(sides: dict, step: str, repeats: int, seconds: float) -> dict[str, float]:
    """Return the shortest time of each side in milliseconds; they take turns, two steps each."""
    best = dict.fromkeys(sides, float("inf"))
    for side in sides.values():
        getattr(side, step)()  # the first call compiles
    begin = time.perf_counter()
    for repeat in range(repeats):
        if repeat >= 2 and time.perf_counter() - begin > seconds:
            break
        for name, side in sides.items():
            for _ in range(2):  # in the first, threads of the side before may still be spinning
                start = time.perf_counter()
                getattr(side, step)()
                best[name] = min(best[name], 1000 * (time.perf_counter() - start))
    return best


def make_sides(system: str, data: tuple, shape: tuple, dropout: float, options) -> tuple:
    """Return the sides by name, with the same weights, and those that failed with the reason."""
    mask = data[1]
    settings = {"units": shape[3]} | ({"recurrent_dropout": dropout} if dropout else {})
    own = {} if system == "RGLRU" else {"kernel": options.kernel}
    sides = {
        "keras": KerasSide(SYSTEMS[system](keras.layers, **settings), data, shape, options.jit),
        "rnnkit": KerasSide(
            SYSTEMS[system](rnnkit.layers, **settings, **own), data, shape, options.jit
        ),
    }
    weights = sides["keras"].model.get_weights()
    twins = system != "RGLRU"
    if twins:
        sides["rnnkit"].model.set_weights(weights)
    if options.torch and not dropout and system != "GRU-before":
        from torch_nn import TorchSide

        name = system if twins else "LSTM"
        for way in ("full",) if mask is None else ("packed", "full"):
            sides[way] = TorchSide(name, way, data, shape, weights, options.masks_are == "right")
    losses, failed = {}, {}
    for name in list(sides):
        try:
            losses[name] = sides[name].train()
        except Exception as error:
            if name == "rnnkit":
                raise
            failed[name] = type(error).__name__
            del sides[name]
    spread = max(losses.values()) - min(losses.values())
    if twins and not dropout and spread > 1e-4:
        raise SystemExit(f"the sides do not compute the same: first losses {losses}")
    return sides, failed


def kernel_of(layer: keras.layers.Layer, masked: bool, training: bool) -> str:
    """Return the names of the kernels that run, where the layer has a choice."""
    if not any(hasattr(part, "kernel_request") for part in layer._flatten_layers()):
        return "–"
    answers = backend.explain_kernels(layer, masked=masked, training=training)
    return ", ".join(dict.fromkeys(answer.kernel for answer in answers))


def rows(shape_text: str, systems: list[str], masks: list[str], options) -> None:
    """Measure and print the rows of one shape."""
    shape = tuple(map(int, shape_text.split(",")))
    print(f"\nB,T,D,U = {shape_text}\n")
    print("| layer | mask | dropout | step | keras ms | torch.nn ms | rnnkit ms ", end="")
    print("| keras/rnnkit | torch.nn/rnnkit | kernel |")
    print("|" + "---|" * 10)
    for system, kind, dropout in itertools.product(systems, masks, options.dropout):
        data = draw(shape, kind)
        options.masks_are = kind
        sides, failed = make_sides(system, data, shape, dropout, options)
        for step in options.passes:
            if dropout and step == "predict":
                continue  # nothing is dropped there
            best = minima(sides, step, options.repeats, options.seconds)
            ours = best["rnnkit"]
            theirs = best.get("keras")
            way = min((w for w in ("packed", "full") if w in best), key=best.get, default=None)
            times = failed.get("keras", "–") if theirs is None else f"{theirs:.1f}"
            ratio = "–" if theirs is None else f"{theirs / ours:.2f}"
            torch_time = "–" if way is None else f"{best[way]:.1f} ({way})"
            torch_ratio = "–" if way is None else f"{best[way] / ours:.2f}"
            kernel = kernel_of(sides["rnnkit"].layer, data[1] is not None, step == "train")
            print(
                f"| {system} | {kind} | {dropout:g} | {step} | {times} | {torch_time} "
                f"| {ours:.1f} | {ratio} | {torch_ratio} | {kernel} |",
                flush=True,
            )
        keras.backend.clear_session()


def heading(options) -> str:
    """Name what was measured on what."""
    names = ["keras", keras.backend.backend(), *(["torch"] if options.torch else [])]
    versions = [f"{name} {__import__(name).__version__}" for name in dict.fromkeys(names)]
    return (
        f"Backend {keras.backend.backend()} on {', '.join(backend.devices())}; {os.cpu_count()} "
        f"CPU cores ({platform.machine()}); Python {platform.python_version()}, "
        f"{', '.join(versions)}. Milliseconds, minimum of up to {options.repeats} turns of two; "
        f"jit_compile={options.jit}, kernel={options.kernel}."
    )


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", action="append", help="B,T,D,U; may be repeated")
    parser.add_argument("--all", action="store_true", help=f"the shapes {SHAPES}")
    parser.add_argument("--gpu", action="store_true", help="shapes and settings for a GPU")
    parser.add_argument("--torch", action="store_true", help="compare with torch.nn too")
    parser.add_argument("--systems", type=lambda s: s.split(","), help=",".join(SYSTEMS))
    parser.add_argument("--masks", type=lambda s: s.split(","), default=list(MASKS))
    parser.add_argument("--passes", type=lambda s: s.split(","), default=list(PASSES))
    parser.add_argument("--dropout", type=lambda s: list(map(float, s.split(","))))
    parser.add_argument("--kernel", default="auto", help="rnnkit's: auto, fused or portable")
    parser.add_argument("--jit", choices=["auto", "on", "off"], default="auto")
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=6.0, help="for the repeats of one row")
    options = parser.parse_args()
    options.jit = {"on": True, "off": False}.get(options.jit, "auto")
    for given, known in (
        (options.systems or [], SYSTEMS),
        (options.masks, MASKS),
        (options.passes, PASSES),
    ):
        if unknown := set(given) - set(known):
            parser.error(f"{sorted(unknown)}: expected some of {list(known)}")
    return options


def main() -> None:
    """Print the tables."""
    options = arguments()
    if options.torch and keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # leave torch some of the GPU's memory

        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
    print(heading(options))
    shapes = options.shape or (SHAPES if options.all else SHAPES[:1])
    systems = options.systems or [name for name in SYSTEMS if name != "RGLRU"]
    options.dropout = options.dropout or ([0.0] if options.gpu else [0.0, 0.2])
    if not options.gpu:
        for shape in shapes:
            rows(shape, systems, options.masks, options)
        return
    for shape in options.shape or GPU_SHAPES:
        rows(shape, options.systems or ["LSTM", "GRU"], options.masks, options)
    if not options.systems:
        long = ["LSTM", *(["RGLRU"] if hasattr(rnnkit.layers, "RGLRU") else [])]
        rows(LONG, long, ["none"], options)


if __name__ == "__main__":
    main()
