"""Networks of Keras as ONNX files in memory, run by ONNX Runtime."""

import keras
import numpy as np
import onnxruntime

from rnnkit.onnx_graph import Graph
from rnnkit.tasks.onnx.network import add_network


def opened(network):
    """The session of a functional model: its outputs in their order."""
    graph = Graph()
    inputs = {one.name: (one.dtype, _axes(one)) for one in network.inputs}
    found = add_network(graph, network, [*inputs])
    found = found if isinstance(found, list) else [found]
    outputs = {
        f"output_{i}": (name, one.dtype, _axes(one))
        for i, (name, one) in enumerate(zip(found, network.outputs, strict=True))
    }
    written = graph.finish("network", inputs, outputs)
    return onnxruntime.InferenceSession(written, providers=["CPUExecutionProvider"])


def _axes(tensor):
    return tuple(
        f"{tensor.name}_{i}" if size is None else size for i, size in enumerate(tensor.shape)
    )


def check(network, session, *inputs, atol=1e-5):
    """Compare the answers of a session with those of the network."""
    wanted = keras.tree.flatten(network(list(inputs) if len(inputs) > 1 else inputs[0]))
    given = dict(zip([one.name for one in network.inputs], inputs, strict=True))
    for one, other in zip(session.run(None, given), wanted, strict=True):
        np.testing.assert_allclose(one, keras.ops.convert_to_numpy(other), atol=atol)


def randomized(network, seed=0):
    """The network with weights that all matter."""
    random = np.random.default_rng(seed)
    network.set_weights([random.normal(size=one.shape) for one in network.get_weights()])
    return network
