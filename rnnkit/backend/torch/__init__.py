"""PyTorch adapter: whole-sequence kernels, packed loops with hand-written gradients, scan."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from rnnkit.backend.torch.adam import accelerate as accelerate
from rnnkit.backend.torch.adam import move_averages as move_averages
from rnnkit.backend.torch.adversarial import adversarial_step as adversarial_step
from rnnkit.backend.torch.density import diagonal_density as diagonal_density
from rnnkit.backend.torch.density import diagonal_scatter as diagonal_scatter
from rnnkit.backend.torch.distribution import join_devices as join_devices
from rnnkit.backend.torch.distribution import needs_processes as needs_processes
from rnnkit.backend.torch.distribution import started_devices as started_devices
from rnnkit.backend.torch.dropout import dropout as dropout
from rnnkit.backend.torch.gradients import global_norm as global_norm
from rnnkit.backend.torch.hidden_markov import hidden_markov_chains as hidden_markov_chains
from rnnkit.backend.torch.inference import inference as inference
from rnnkit.backend.torch.lags import causal_convolution as causal_convolution
from rnnkit.backend.torch.linear import linear_scan as linear_scan
from rnnkit.backend.torch.loops import LOOPS as LOOPS
from rnnkit.backend.torch.loops import exporting as exporting
from rnnkit.backend.torch.loops import loop_threads as loop_threads
from rnnkit.backend.torch.network import run_network as run_network
from rnnkit.backend.torch.pooling import mean_and_max as mean_and_max
from rnnkit.backend.torch.recurrent import KERNELS as KERNELS
from rnnkit.backend.torch.scan import HOIST_INPUT_PROJECTION as HOIST_INPUT_PROJECTION
from rnnkit.backend.torch.scan import scan as scan
from rnnkit.backend.uncounted import compilations as compilations
from rnnkit.backend.uncounted import compiling as compiling
from rnnkit.backend.uncounted import initial_values as initial_values
from rnnkit.backend.uncounted import made as made
from rnnkit.backend.uncounted import use_cache as use_cache


def devices() -> list[str]:
    """Return the devices of PyTorch."""
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    return [*gpus, "cpu"]


def no_cache() -> str:
    """Return why no compiled programs are kept."""
    return "none: PyTorch compiles nothing, so nothing is kept"


def peak_device_memory() -> int | None:
    """Return the most bytes that tensors took on the first GPU; None where there is none."""
    return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else None


def static_shapes() -> bool:
    """Return whether the current trace is compiled for static shapes; here never."""
    return False


def check_sizes(tensor: Any, other: Any, axes: int, message: str) -> Any:
    """Return the tensor; only TensorFlow has sizes that are unknown while a graph is traced."""
    del other, axes, message
    return tensor


def compiled(function: Callable[..., Any], donate: int = 0) -> Callable[..., Any]:
    """Return the function, run eagerly; see `backend.jax`."""
    del donate  # eager in-place operations need no donation

    @functools.wraps(function)
    def run(*args: Any) -> Any:
        return function(*tensors(args))

    return run


def segment_sum(values: Any, segments: Any, count: int) -> Tensor:
    """Return the sums of `values (N, ...)` of each of `count` segments, `(count, ...)`.

    Keras's own takes 2 to 10 times as long, and adds in float32 whatever the dtype.
    """
    values, segments = tensors((values, segments))
    at = segments.long().view(-1, *(1,) * (values.ndim - 1)).expand_as(values)
    return values.new_zeros((count, *values.shape[1:])).scatter_add(0, at, values)


def dense(gradient: Any) -> Any:
    """Return a gradient as a dense tensor; here it is one already."""
    return gradient


def feed(batches: Any) -> Any:
    """Return the input of `fit` for a `keras.utils.PyDataset`; here the dataset itself."""
    return batches


def tensors(tree: Any) -> Any:
    """Convert a tree of arrays to tensors."""
    return keras.tree.map_structure(keras.ops.convert_to_tensor, tree)


def gradient(function: Callable[..., Any]) -> Callable[..., tuple]:
    """Return a function that computes the gradients; see `rnnkit.backend.gradient`."""

    def gradients(*arguments: torch.Tensor) -> tuple:
        arguments = tuple(argument.detach().requires_grad_() for argument in arguments)
        with torch.enable_grad():
            value = function(*arguments)
        return torch.autograd.grad(value, arguments, materialize_grads=True)

    return gradients


def remat(function: Callable, *arguments: Any) -> Any:
    """Return `function(*arguments)`, recomputed for its gradient; see `backend.jax`.

    A pass draws no random numbers, so the state of the generator is not saved.
    """
    return checkpoint(function, *arguments, use_reentrant=False, preserve_rng_state=False)


def run_in_chunks(run: Any, reference: Callable[..., Any], *inputs: Any, **flags: Any) -> Any:
    """Return `reference(tensors, states, params)`; only TensorFlow needs another loop."""
    tensors, states, params, _ = inputs
    return reference(tensors, states, params)


def take_rows(table: Tensor, rows: Tensor) -> Tensor:
    """Gather rows of a table; see `backend.jax.take_rows`."""
    return table[rows]


def add_rows(table: Tensor, rows: Tensor, values: Tensor) -> Tensor:
    """Scatter-add `values[i]` to the row `rows[i]` of the table; see `backend.jax.add_rows`."""
    return table.index_add_(0, rows, values)


def mix_rows(weights: Tensor, rows: Tensor) -> Tensor:
    """Return `Σ_b w_ab r_b`, as a batched product; see `backend.jax.mix_rows`."""
    return weights @ rows
