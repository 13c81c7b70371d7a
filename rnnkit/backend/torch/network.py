"""The forward pass of a functional network, without what Keras does around each call of a layer.

Before and after a layer Keras converts its inputs, binds its arguments, opens name scopes and looks
for masks: a tenth of a millisecond for each layer, as long as some layers compute. A layer for
which none of this changes anything is called directly: one of Keras or rnnkit, without layers
inside, in float32, whose inputs carry no mask.

For that, a few names inside Keras are read, the same in Keras 3.12 to 3.15: `INTERNALS`. A version
that has others is called in the usual way.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import torch
from keras.src.backend.common.masking import set_keras_mask
from keras.src.models import functional
from torch import Tensor
from torch.nn.modules.module import _has_any_global_hook

INTERNALS = {  # the objects, and what is read of them here
    "module": ("operation_fn", "Functional"),
    "network": ("_run_through_graph", "_inputs_struct"),
    "layer": ("_layers", "_call_has_training_arg", "_remat_mode", "quantization_mode"),
    "tensor": ("_keras_mask",),
}
KNOWN = ("keras.", "rnnkit.")  # modules of layers that are known to leave all that alone
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def run_network(network: Any, inputs: Any, training: bool = False) -> Any:
    """Return `network(inputs, training=training)`.

    Example:
        >>> inputs = keras.Input((3,))
        >>> network = keras.Model(inputs, keras.layers.Dense(2)(inputs))
        >>> tuple(run_network(network, torch.ones(5, 3)).shape)
        (5, 2)
    """
    given = _given(network, inputs)
    if given is None:
        return network(inputs, training=training)
    outputs = network._run_through_graph(given, functools.partial(_operation, training=training))
    return outputs[0] if isinstance(outputs, list) and len(outputs) == 1 else outputs


@functools.cache
def reads_keras() -> bool:
    """Return whether this version of Keras has the names that are read here.

    Example:
        >>> reads_keras()
        True
    """
    marked = torch.zeros(1)
    set_keras_mask(marked, marked)
    layer = keras.layers.Identity(name="any")  # with a name: numbers of others stay
    inputs = keras.Input((1,), name="inputs")
    objects = {"module": functional, "layer": layer, "tensor": marked}
    if hasattr(functional, "Functional"):
        objects["network"] = functional.Functional(inputs, layer(inputs), name="any")
    return all(
        where in objects and all(hasattr(objects[where], name) for name in names)
        for where, names in INTERNALS.items()
    )


def _given(network: Any, inputs: Any) -> list[Tensor] | None:
    """Return the inputs of a network as it computes with them; None where Keras has to see them."""
    watched = torch.compiler.is_compiling() or torch.jit.is_tracing() or _has_any_global_hook()
    if watched or not reads_keras() or type(network) is not functional.Functional:
        return None
    if not _is_plain(network):
        return None
    given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    wanted = network.inputs
    flat = not isinstance(network._inputs_struct, dict)
    if not flat or len(given) != len(wanted) or not all(map(_fits, given, wanted)):
        return None
    return [
        x if str(x.dtype) == f"torch.{w.dtype}" else x.to(getattr(torch, w.dtype))
        for x, w in zip(given, wanted, strict=True)
    ]


def _fits(x: Any, wanted: keras.KerasTensor) -> bool:
    """Return whether an input is a tensor of the shape that the network was built for."""
    shape = wanted.shape
    return (
        isinstance(x, Tensor)
        and x.device.type == "cpu"
        and getattr(x, "_keras_mask", None) is None
        and len(x.shape) == len(shape)
        and all(b is None or a == b for a, b in zip(x.shape, shape, strict=True))
    )


def _is_plain(layer: Any) -> bool:
    """Return whether Keras does nothing around a layer that could be seen: see the module."""
    return (
        type(layer).__module__.startswith(KNOWN)
        and layer.built
        and layer.activity_regularizer is None
        and layer.compute_dtype == "float32" == layer.variable_dtype
        and layer.quantization_mode is None
        and not layer._remat_mode
        and not any(getattr(layer, hooks) for hooks in HOOKS)
    )


def _operation(operation: Any, training: bool) -> Callable[..., Any]:
    """Return the function of a node of the graph."""
    usual = functional.operation_fn(operation, training=training)
    if not isinstance(operation, keras.layers.Layer):
        return usual
    makes_masks = isinstance(operation, keras.layers.Masking) or getattr(
        operation, "mask_zero", False
    )
    if makes_masks or operation._layers or not _is_plain(operation):
        return usual
    more = {"training": training} if operation._call_has_training_arg else {}

    def call(*args: Any, **kwargs: Any) -> Any:
        parts = keras.tree.flatten([args, kwargs]) if kwargs or len(args) != 1 else args
        if kwargs.get("mask") is None and all(map(_needs_nothing, parts)):
            return operation.call(*args, **{**kwargs, **more})
        return usual(*args, **kwargs)

    return call


def _needs_nothing(part: Any) -> bool:
    """Return whether Keras would hand an argument on as it is, and finds no mask on it."""
    if not isinstance(part, Tensor):
        return not hasattr(part, "__array__")
    return getattr(part, "_keras_mask", None) is None and (
        part.dtype == torch.float32 or not part.is_floating_point()
    )
