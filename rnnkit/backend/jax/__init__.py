"""JAX adapter: fused loops with a custom gradient, scan, embedding tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import keras

from rnnkit.backend.compiled_steps import global_norm as global_norm
from rnnkit.backend.compiled_steps import move_averages as move_averages
from rnnkit.backend.compiled_steps import run_network as run_network
from rnnkit.backend.compiled_steps import segment_sum as segment_sum
from rnnkit.backend.distribution import needs_processes as needs_processes
from rnnkit.backend.distribution import started_devices as started_devices
from rnnkit.backend.jax import caching
from rnnkit.backend.jax.adversarial import adversarial_step as adversarial_step
from rnnkit.backend.jax.caching import no_cache as no_cache
from rnnkit.backend.jax.caching import use_cache as use_cache
from rnnkit.backend.jax.compiling import compilations as compilations
from rnnkit.backend.jax.compiling import compiling as compiling
from rnnkit.backend.jax.compiling import made as made
from rnnkit.backend.jax.distribution import join_devices as join_devices
from rnnkit.backend.jax.distribution import show_cpu_devices
from rnnkit.backend.jax.inference import inference as inference
from rnnkit.backend.jax.initial_values import initial_values as initial_values
from rnnkit.backend.jax.linear import linear_scan as linear_scan
from rnnkit.backend.jax.recurrent import KERNELS as KERNELS
from rnnkit.backend.jax.scan import HOIST_INPUT_PROJECTION as HOIST_INPUT_PROJECTION
from rnnkit.backend.jax.scan import scan as scan
from rnnkit.backend.xla_loops import LOOPS as LOOPS
from rnnkit.backend.xla_loops import diagonal_density as diagonal_density
from rnnkit.backend.xla_loops import diagonal_scatter as diagonal_scatter
from rnnkit.backend.xla_loops import hidden_markov_chains as hidden_markov_chains
from rnnkit.backend.xla_loops import loop_threads as loop_threads

show_cpu_devices()
caching.set_up()  # before anything is compiled


def devices() -> list[str]:
    """Return the devices of JAX."""
    return [str(device) for device in jax.devices()]


def peak_device_memory() -> int | None:
    """Return the most bytes that arrays took on the first device; None where JAX does not count."""
    return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")


def static_shapes() -> bool:
    """Return whether the current trace is compiled for static shapes; here always."""
    return True


def exporting(sequences: Any) -> bool:
    """Return whether a graph is traced for an export: the batch or the steps have no fixed size.

    An export of fixed sizes looks like any other compiled call, and holds the fast kernels.
    """
    return not all(isinstance(size, int) for size in sequences.shape[:2])


def check_sizes(tensor: Any, other: Any, axes: int, message: str) -> Any:
    """Return the tensor; only TensorFlow has sizes that are unknown while a graph is traced."""
    del other, axes, message
    return tensor


def compiled(function: Callable[..., Any], donate: int = 0) -> Callable[..., Any]:
    """Compile a function, once for each set of shapes.

    Args:
        function: a pure function of tensors, arrays, or tuples and dictionaries of them.
        donate: number of leading arguments that the caller does not use again: results may
            overwrite them, which saves a copy of a large table.
    """
    return jax.jit(function, donate_argnums=tuple(range(donate)))


def accelerate(optimizer: Any) -> None:
    """Leave an optimizer as it is: its update is compiled."""


def causal_convolution(x: Any, kernel: Any, bias: Any) -> Any:
    """Return None: the compiler's convolution is fast."""
    return None


def mean_and_max(x: Any, mask: Any) -> tuple[Any, Any] | None:
    """Return None: what the compiler makes of `rnnkit.heads.MaskedPooling` is fast."""
    return None


def dense(gradient: Any) -> Any:
    """Return a gradient as a dense tensor; here it is one already."""
    return gradient


def dropout(x: Any, rate: float, seeds: keras.random.SeedGenerator) -> Any:
    """Set each number to 0 with probability `rate`, the others scaled by `1 / (1 - rate)`.

    Only PyTorch has another way to draw them.
    """
    return keras.random.dropout(x, rate, seed=seeds)


def feed(batches: Any) -> Any:
    """Return the input of `fit` for a `keras.utils.PyDataset`; here the dataset itself."""
    return batches


def tensors(tree: Any) -> Any:
    """Convert a tree of arrays to tensors, in one transfer."""
    return jax.device_put(tree)


def gradient(function: Callable[..., Any]) -> Callable[..., tuple]:
    """Return a function that computes the gradients; see `rnnkit.backend.gradient`."""
    by_tuple = jax.jit(jax.grad(lambda arguments: function(*arguments)))
    return lambda *arguments: by_tuple(arguments)


def remat(function: Callable, *arguments: Any) -> Any:
    """Return `function(*arguments)`, recomputed for its gradient; tensors, tuples and dicts."""
    return jax.checkpoint(function)(*arguments)


def run_in_chunks(run: Any, reference: Callable[..., Any], *inputs: Any, **flags: Any) -> Any:
    """Return `reference(tensors, states, params)`; only TensorFlow needs another loop."""
    tensors, states, params, _ = inputs
    return reference(tensors, states, params)


def take_rows(table: jax.Array, rows: jax.Array) -> jax.Array:
    """Gather rows of a table `(V, D)` or `(V,)`, without a bounds check.

    The check (JAX gives NaN for a row out of bounds) costs more than all the rest of a step of
    word2vec: it keeps XLA from reading a row as a whole.
    """
    return table.at[rows].get(mode="promise_in_bounds")


def add_rows(table: jax.Array, rows: jax.Array, values: jax.Array) -> jax.Array:
    """Scatter-add: return `table (V, D)` with `values[i]` added to the row `rows[i]`, `i < N`.

    Rows may repeat. Inside a compiled loop the table is changed in place. Use the returned table
    only, not the argument: on PyTorch they are the same.
    """
    return table.at[rows].add(values, mode="promise_in_bounds")


def mix_rows(weights: jax.Array, rows: jax.Array) -> jax.Array:
    """Return `Σ_b w_ab r_b` `(N, A, D)`, for weights `(N, A, B)` and rows `(N, B, D)`, B small.

    Unrolled over b: on a CPU XLA makes one loop over D of it, where its batched product of
    matrices as small as these takes several times as long.
    """
    return sum(weights[:, :, b, None] * rows[:, None, b] for b in range(rows.shape[1]))
