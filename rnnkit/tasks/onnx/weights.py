"""Weights of a layer as constants of a graph."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from rnnkit.onnx_graph import Graph, Tensor


def array(weight: Any) -> np.ndarray:
    """Return a weight as a float32 array.

    Example:
        >>> array(keras.ops.ones((2,), "float16")).dtype
        dtype('float32')
    """
    return np.ascontiguousarray(keras.ops.convert_to_numpy(weight), "float32")


def constant(graph: Graph, weight: Any) -> Tensor:
    """Add a weight to the graph, once for all uses of a shared layer."""
    return graph.once(("weight", id(weight)), lambda: graph.constant(array(weight)))
