"""TensorFlow adapter: a `while_loop` with a custom gradient, scan, embedding tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

from rnnkit.backend.compiled_steps import global_norm as global_norm
from rnnkit.backend.compiled_steps import move_averages as move_averages
from rnnkit.backend.compiled_steps import run_network as run_network
from rnnkit.backend.compiled_steps import segment_sum as segment_sum
from rnnkit.backend.distribution import needs_processes as needs_processes
from rnnkit.backend.distribution import started_devices as started_devices
from rnnkit.backend.tensorflow.adam import accelerate as accelerate
from rnnkit.backend.tensorflow.adversarial import adversarial_step as adversarial_step
from rnnkit.backend.tensorflow.block_lstm import KERNEL as _BLOCK_LSTM
from rnnkit.backend.tensorflow.checkpointing import run_in_chunks as run_in_chunks
from rnnkit.backend.tensorflow.distribution import join_devices as join_devices
from rnnkit.backend.tensorflow.distribution import show_cpu_devices
from rnnkit.backend.tensorflow.exporting import exporting as exporting
from rnnkit.backend.tensorflow.exporting import mark_exports
from rnnkit.backend.tensorflow.feeding import feed as feed
from rnnkit.backend.tensorflow.inference import inference as inference
from rnnkit.backend.tensorflow.linear import linear_scan as linear_scan
from rnnkit.backend.tensorflow.recurrent import KERNELS as _LOOPS
from rnnkit.backend.tensorflow.scan import HOIST_INPUT_PROJECTION as HOIST_INPUT_PROJECTION
from rnnkit.backend.tensorflow.scan import scan as scan
from rnnkit.backend.uncounted import compilations as compilations
from rnnkit.backend.uncounted import compiling as compiling
from rnnkit.backend.uncounted import initial_values as initial_values
from rnnkit.backend.uncounted import made as made
from rnnkit.backend.uncounted import use_cache as use_cache
from rnnkit.backend.xla_loops import LOOPS as LOOPS
from rnnkit.backend.xla_loops import diagonal_density as diagonal_density
from rnnkit.backend.xla_loops import diagonal_scatter as diagonal_scatter
from rnnkit.backend.xla_loops import hidden_markov_chains as hidden_markov_chains
from rnnkit.backend.xla_loops import loop_threads as loop_threads

KERNELS = (_BLOCK_LSTM, *_LOOPS)
mark_exports()
show_cpu_devices()


def devices() -> list[str]:
    """Return the devices of TensorFlow."""
    return [
        device.name.removeprefix("/physical_device:")
        for device in tf.config.list_physical_devices()
    ]


def no_cache() -> str:
    """Return why no compiled programs are kept."""
    return "none: TensorFlow keeps no compiled programs between processes"


def peak_device_memory() -> int | None:
    """Return the most bytes that tensors took on the first GPU; None where there is none."""
    if not tf.config.list_physical_devices("GPU"):
        return None
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def static_shapes() -> bool:
    """Return whether the current trace is compiled for static shapes, by XLA.

    TensorFlow has no public function for it, but marks the graphs that it traces for `jit_compile`.
    """
    return GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def check_sizes(tensor: Any, other: Any, axes: int, message: str) -> Any:
    """Return the tensor, or refuse one whose first sizes are not those of another.

    For sizes that are unknown when a graph is traced: the graph raises `InvalidArgumentError` with
    the message. XLA leaves the check out: it knows all sizes.
    """
    sizes = tf.shape(tensor)[:axes], tf.shape(other)[:axes]
    with tf.control_dependencies([tf.debugging.assert_equal(*sizes, message)]):
        return tf.identity(tensor)


def dropout(x: Any, rate: float, seeds: keras.random.SeedGenerator) -> Any:
    """Return x after dropout; see `backend.jax`."""
    return keras.random.dropout(x, rate, seed=seeds)


def compiled(function: Callable[..., Any], donate: int = 0) -> Callable[..., Any]:
    """Compile a function by XLA, once for each set of shapes; see `backend.jax`."""
    del donate  # TensorFlow donates no buffers
    # Our functions have no Python control flow over tensors for AutoGraph to convert.
    return tf.function(function, jit_compile=True, autograph=False)


def causal_convolution(x: Any, kernel: Any, bias: Any) -> Any:
    """Return None: TensorFlow's convolution is fast."""
    return None


def mean_and_max(x: Any, mask: Any) -> tuple[Any, Any] | None:
    """Return None: what the compiler makes of `rnnkit.heads.MaskedPooling` is fast."""
    return None


def dense(gradient: Any) -> Any:
    """Return a gradient as a dense tensor; that of an embedding comes as `IndexedSlices`."""
    return tf.convert_to_tensor(gradient)


def tensors(tree: Any) -> Any:
    """Convert a tree of arrays to tensors."""
    return tf.nest.map_structure(tf.convert_to_tensor, tree)


def gradient(function: Callable[..., Any]) -> Callable[..., tuple]:
    """Return a function that computes the gradients; see `rnnkit.backend.gradient`."""

    def gradients(*arguments: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            value = function(*arguments)
        return tape.gradient(value, arguments, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return gradients


def remat(function: Callable, *arguments: Any) -> Any:
    """Return `function(*arguments)`, recomputed for its gradient; see `backend.jax`."""
    flat = [tf.convert_to_tensor(part) for part in tf.nest.flatten(arguments)]  # no variables
    shape: Any = None

    @tf.custom_gradient
    def once(*tensors: tf.Tensor) -> tuple:
        nonlocal shape
        result = function(*tf.nest.pack_sequence_as(arguments, tensors))
        shape = result

        def gradient(*upstream: tf.Tensor) -> list:
            # Without the dependency a graph optimiser would merge both passes.
            with tf.control_dependencies(upstream):
                again = [tf.identity(tensor) for tensor in tensors]
            with tf.GradientTape() as tape:
                tape.watch([tensor for tensor in again if tensor.dtype.is_floating])
                result = function(*tf.nest.pack_sequence_as(arguments, again))
            return tape.gradient(_tensors(result), again, output_gradients=list(upstream))

        return tuple(_tensors(result)), gradient

    parts = iter(tf.nest.flatten(once(*flat)))
    return tf.nest.map_structure(lambda part: None if part is None else next(parts), shape)


def _tensors(result: Any) -> list:
    """Return the tensors of a result, without the Nones."""
    return [part for part in tf.nest.flatten(result) if part is not None]


def take_rows(table: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Gather rows of a table; see `backend.jax.take_rows`."""
    return tf.gather(table, rows)


def add_rows(table: tf.Tensor, rows: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Scatter-add: return the table with values added to its rows; see `backend.jax.add_rows`."""
    return tf.tensor_scatter_nd_add(table, rows[:, None], values)


def mix_rows(weights: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Return `Σ_b w_ab r_b`, unrolled over b for XLA; see `backend.jax.mix_rows`."""
    return tf.add_n([weights[:, :, b, None] * rows[:, None, b] for b in range(rows.shape[1])])
