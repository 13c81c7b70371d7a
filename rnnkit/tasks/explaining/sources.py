"""Input layers of a network whose outputs are attributed: word vectors, bags of n-grams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rnnkit.bags import EmbeddingBag, NaiveBayesLogits
from rnnkit.errors import InputError
from rnnkit.explain.integration import ROWS
from rnnkit.tasks.layer_outputs import changed_outputs

Tensor = Any


class Sources:
    """Input layers of a network, and their outputs for one example.

    The output of a bag of features is the sum of what each feature adds to it: these terms, `(M,
    U)`, are attributed in the place of the sum, so that each feature gets its own attribution.

    Args:
        run: inputs of the network, as tensors -> its outputs.
        inputs: arrays of one example, `(1, ...)`.
        layers: each is called once in a pass.
        numbers: of the features of the example, `(M,)`, for layers that are bags of them.

    Attributes:
        outputs: of each layer for the example, without the batch axis, float32; the terms of bags.

    Raises:
        InputError: a layer is not called once, or a bag weighs its features.
    """

    def __init__(
        self,
        run: Callable[[Any], Tensor],
        inputs: Sequence[np.ndarray],
        layers: Sequence[keras.layers.Layer],
        numbers: np.ndarray | None = None,
    ) -> None:
        self.run, self.inputs, self.layers = run, list(inputs), list(layers)
        seen: dict[str, list[np.ndarray]] = {layer.name: [] for layer in self.layers}

        def record(layer: Any, found: Tensor, given: Any) -> Tensor:
            seen[layer.name].append(ops.convert_to_numpy(ops.cast(found, "float32"))[0])
            return found

        with changed_outputs(self.layers, record):
            self._run([ops.convert_to_tensor(one) for one in self.inputs])
        if wrong := [name for name, found in seen.items() if len(found) != 1]:
            raise InputError(
                f"The network calls its layer {wrong[0]!r} {len(seen[wrong[0]])} times: expected "
                "once, so that its output can be attributed."
            )
        self.outputs = [seen[layer.name][0] for layer in self.layers]
        self.rests: dict[str, np.ndarray] = {}
        for i, layer in enumerate(self.layers):
            if is_bag(layer):
                assert numbers is not None
                terms = bag_terms(layer, numbers)
                self.rests[layer.name] = self.outputs[i] - terms.sum(0)
                self.outputs[i] = terms.astype("float32")
                _check_terms(layer, self.rests[layer.name])

    def baselines(self, steps: int) -> list[np.ndarray]:
        """Return zero vectors in the place of the first steps, and bags without a feature.

        Padding keeps its vectors: it says nothing in any case.
        """
        found = [one.copy() for one in self.outputs]
        for layer, one in zip(self.layers, found, strict=True):
            one[: None if is_bag(layer) else steps] = 0
        return found

    def function(
        self,
        finish: Callable[[Tensor], Tensor],
        inputs: Sequence[np.ndarray] | None = None,
    ) -> Callable[..., Tensor]:
        """Return what is computed from outputs of the layers, `(N, ...)` each.

        Args:
            finish: from the outputs of `run` to what is returned.
            inputs: of the network, which reads nothing of them but what is no output of the
                layers, such as the padding; None = those of the example.
        """
        rows = [np.repeat(one, ROWS, axis=0) for one in (inputs or self.inputs)]

        def compute(*points: Tensor) -> Tensor:
            place = {layer.name: point for layer, point in zip(self.layers, points, strict=True)}

            def replace(layer: Any, found: Tensor, given: Any) -> Tensor:
                point = place[layer.name]
                if layer.name in self.rests:
                    rest = ops.convert_to_tensor(self.rests[layer.name].astype("float32"))
                    point = ops.sum(point, axis=1) + rest
                return ops.cast(point, found.dtype)

            with changed_outputs(self.layers, replace):
                return finish(self._run([ops.convert_to_tensor(one) for one in rows]))

        return compute

    def _run(self, inputs: list[Tensor]) -> Tensor:
        return self.run(inputs if len(inputs) > 1 else inputs[0])


def is_bag(layer: Any) -> bool:
    """Return whether the output of a layer is a sum over a bag of features."""
    return isinstance(layer, NaiveBayesLogits | EmbeddingBag)


def _check_terms(layer: Any, rest: np.ndarray) -> None:
    """Refuse a bag whose output is not the sum of its terms and, if there is one, its bias."""
    bias = ops.convert_to_numpy(layer.bias) if isinstance(layer, NaiveBayesLogits) else 0.0
    if not np.allclose(rest, bias, atol=1e-3):
        raise InputError(
            f"The layer {layer.name!r} weighs its features, and explain knows bags without weights "
            "only."
        )


def blinded(inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return ids of an example with the unknown one, 1, in the place of all that are no padding.

    Example:
        >>> blinded([np.array([[7, 3, 0]])])[0].tolist()
        [[1, 1, 0]]
    """
    return [np.minimum(one, 1) for one in inputs]


def bag_terms(layer: Any, numbers: np.ndarray) -> np.ndarray:
    """Return what each feature of a bag adds to the output of its layer, `(M, U)`.

    Args:
        layer: `NaiveBayesLogits`, or `EmbeddingBag` without weights.
        numbers: of the features, `(M,)`.

    Example:
        >>> layer = EmbeddingBag(9, 4)
        >>> layer.build((None, None))
        >>> bag_terms(layer, np.array([5, 2])).shape
        (2, 4)
    """
    if isinstance(layer, NaiveBayesLogits):
        ratio, kernel = (ops.convert_to_numpy(one) for one in (layer.ratio, layer.kernel))
        return ratio[numbers].astype("float64") * kernel[numbers]
    rows = ops.convert_to_numpy(layer.embeddings)[numbers].astype("float64")
    return rows / max(len(numbers), 1) if layer.combiner == "mean" else rows
