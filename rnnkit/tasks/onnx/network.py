"""A functional network of Keras as an ONNX graph, written from its layers and weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras

from rnnkit import bags, features, heads
from rnnkit import layers as kit
from rnnkit.onnx_graph import Graph, Tensor, refusal
from rnnkit.tasks import recurrent_stack
from rnnkit.tasks.onnx import bags as bag_nodes
from rnnkit.tasks.onnx import layers as nodes
from rnnkit.tasks.onnx.forecasting import add_linear_skip, add_sorted_quantiles
from rnnkit.tasks.onnx.linear import LINEAR
from rnnkit.tasks.onnx.pooling import add_pooling
from rnnkit.tasks.onnx.recurrent import KINDS, add_bidirectional, add_recurrent
from rnnkit.tasks.onnx.tagging import add_characters, add_word_dropout
from rnnkit.tasks.onnx.windows import add_window_features
from rnnkit.tasks.series.forecast_networks import LinearSkip
from rnnkit.tasks.series.forecast_scores import SortedQuantiles
from rnnkit.tasks.tagging.word_layers import CharEncoder, WordDropout
from rnnkit.tasks.texts import bag_networks

# Exactly these classes: a subclass may compute something else.
LAYERS: dict[type, Callable[..., Tensor]] = {
    **dict.fromkeys([*KINDS, *LINEAR], add_recurrent),
    kit.Bidirectional: add_bidirectional,
    heads.MaskedPooling: add_pooling,
    keras.layers.Embedding: nodes.add_embedding,
    keras.layers.Dense: nodes.add_dense,
    keras.layers.Activation: nodes.add_activation,
    keras.layers.ReLU: nodes.add_relu,
    keras.layers.Concatenate: nodes.add_concatenation,
    keras.layers.Add: nodes.add_sum,
    keras.layers.Normalization: nodes.add_normalization,
    keras.layers.Dropout: nodes.add_nothing,
    recurrent_stack.Dropout: nodes.add_nothing,
    bags.NaiveBayesLogits: bag_nodes.add_naive_bayes,
    bags.EmbeddingBag: bag_nodes.add_embedding_bag,
    bags.LogOpinionPool: bag_nodes.add_opinion_pool,
    bag_networks.TokenWeights: bag_nodes.add_token_weights,
    bag_networks.WeightedSum: bag_nodes.add_weighted_sum,
    bag_networks.Bias: bag_nodes.add_bias,
    WordDropout: add_word_dropout,
    CharEncoder: add_characters,
    LinearSkip: add_linear_skip,
    SortedQuantiles: add_sorted_quantiles,
    features.WindowFeatures: add_window_features,
}
OPERATIONS: dict[str, Callable[..., Tensor]] = {  # those of `keras.ops`, by their class
    "NotEqual": nodes.add_not_equal,
    "GetItem": nodes.add_item,
    "Concatenate": nodes.add_concatenation,
}


def add_network(graph: Graph, network: keras.Model, inputs: list[Tensor]) -> Any:
    """Add a network to a graph.

    Args:
        graph: to which nodes are added.
        network: a functional model.
        inputs: a tensor for each input, in the model's order.

    Returns:
        The output; of several outputs their list.

    Raises:
        InputError: a layer that has no form in ONNX here, or that does not compute in float32.
    """
    # Keras has no public way to walk through a graph with other tensors than a backend's.
    found: Any = network._run_through_graph(inputs, functools.partial(_converter, graph))
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def _converter(graph: Graph, operation: Any) -> Callable[..., Tensor]:
    """Return the function that adds the nodes of a layer or of an operation."""
    kind = type(operation)
    if not isinstance(operation, keras.layers.Layer):
        if kind.__name__ not in OPERATIONS:
            raise refusal(f"The operation {kind.__name__}", "there is no form of it here")
        return functools.partial(OPERATIONS[kind.__name__], graph, operation)
    name = f"The layer {operation.name!r} ({kind.__module__}.{kind.__name__})"
    if kind not in LAYERS:
        raise refusal(name, "there is no form of it here")
    if operation.compute_dtype != "float32":
        raise refusal(name, f"it computes in {operation.compute_dtype}, expected float32")
    if getattr(operation, "quantization_mode", None):
        raise refusal(name, f"it is quantized ({operation.quantization_mode})")

    def call(*given: Any, training: Any = None, **more: Any) -> Tensor:
        return LAYERS[kind](graph, operation, *given, **more)

    return call
