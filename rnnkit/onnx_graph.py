"""ONNX graphs under construction: nodes, constants, and the finished model."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from rnnkit.errors import InputError

OPSET = 18  # of ONNX Runtime 1.14, February 2023, and later
IR_VERSION = 8  # the file format of that time
TOLERANCE = 1e-5  # between answers: of a number, and of its size where that is above 1
MOST_BYTES = 2**31 - 1  # of a file in the format of protocol buffers
HINT = 'Install it with pip install "rnnkit[onnx]".'

Tensor = str  # the name of a tensor of the graph


def library(name: str) -> Any:
    """Return one of the modules "onnx" and "onnxruntime".

    Raises:
        InputError: it is not installed; the message names the extra.

    Example:
        >>> library("onnx").__name__
        'onnx'
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"format='onnx' needs the package {name}: {error}. {HINT}") from error


def refusal(what: str, reason: str) -> InputError:
    """Return the error about something that an ONNX file of rnnkit cannot hold.

    Example:
        >>> str(refusal("The layer 'crf'", "it is stateful"))[:60]
        "The layer 'crf' cannot be written as ONNX: it is stateful. E"
    """
    return InputError(
        f"{what} cannot be written as ONNX: {reason}. Export with format='saved-model', which "
        "holds every network."
    )


class Graph:
    """An ONNX graph to which nodes are added one by one; tensors are their names.

    Example:
        >>> graph = Graph()
        >>> graph.add("Add", graph.constant(np.float32(1)), graph.constant(np.float32(2)))
        'Add_2'
    """

    def __init__(self) -> None:
        self._helper = library("onnx").helper
        self._numbers = itertools.count()
        self._made: dict[Hashable, Any] = {}
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def name(self, kind: str) -> str:
        """Return a name that no other tensor has."""
        return f"{kind}_{next(self._numbers)}"

    def constant(self, value: Any) -> Tensor:
        """Add an array to the graph; equal small ones are added once."""
        array = np.asarray(value)

        def make() -> Tensor:
            name = self.name("constant")
            self.constants.append(library("onnx").numpy_helper.from_array(array, name))
            return name

        if array.size > 8:
            return make()
        return self.once((array.dtype.str, array.shape, array.tobytes()), make)

    def integers(self, *values: int) -> Tensor:
        """Add a row of int64 numbers, such as axes or sizes."""
        return self.constant(np.array(values, np.int64))

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what `make` returned for an equal key, or returns now."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def add(self, kind: str, *inputs: Tensor, **attributes: Any) -> Tensor:
        """Add a node with one output, and return that."""
        return self.add_many(kind, inputs, [self.name(kind)], **attributes)[0]

    def add_many(
        self, kind: str, inputs: Sequence[Tensor], outputs: list[str], **attributes: Any
    ) -> list[Tensor]:
        """Add a node with several outputs; the output "" is left out."""
        self.nodes.append(self._helper.make_node(kind, list(inputs), outputs, **attributes))
        return outputs

    def cast(self, tensor: Tensor, dtype: str) -> Tensor:
        """Convert a tensor to a dtype, by its name in NumPy."""
        return self.add("Cast", tensor, to=self.element_type(dtype))

    def element_type(self, dtype: str) -> int:
        """Return ONNX's number of a dtype, by its name in NumPy."""
        return self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def scan(
        self,
        body: Callable[[Graph, list[Tensor]], tuple[list[Tensor], list[Tensor]]],
        states: Sequence[tuple[Tensor, str]],
        sequences: Sequence[tuple[Tensor, str]],
        outputs: Sequence[str],
        *,
        reverse: bool = False,
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Add a loop over axis 1 of sequences `(B, T, ...)`.

        Args:
            body: the graph of a step and its inputs, states first -> new states and outputs.
            states: the states before the first step, `(B, ...)`, each with its dtype.
            sequences: what is read at each step, each with its dtype.
            outputs: the dtypes of what is written at each step.
            reverse: run from the last step to the first.

        Returns:
            The states after the last step, and the outputs `(B, T, ...)` in the order of time.
        """
        make, step = self._helper.make_tensor_value_info, Graph()
        step._numbers = self._numbers  # names within a body differ from those around it
        given = [(step.name("step"), dtype) for _, dtype in (*states, *sequences)]
        new_states, written = body(step, [name for name, _ in given])
        # An output of a graph must be made by a node of it.
        results = [step.add("Identity", one) for one in (*new_states, *written)]
        dtypes = [*(dtype for _, dtype in states), *outputs]
        graph = self._helper.make_graph(
            step.nodes,
            self.name("body"),
            [make(name, self.element_type(dtype), None) for name, dtype in given],
            [make(n, self.element_type(d), None) for n, d in zip(results, dtypes, strict=True)],
            step.constants,
        )
        made = [self.name("scan") for _ in results]
        direction, count = int(reverse), len(sequences)
        self.add_many(
            "Scan",
            [name for name, _ in (*states, *sequences)],
            made,
            body=graph,
            num_scan_inputs=count,
            scan_input_axes=[1] * count,
            scan_output_axes=[1] * len(outputs),
            scan_input_directions=[direction] * count,
            scan_output_directions=[direction] * len(outputs),
        )
        return made[: len(states)], made[len(states) :]

    def finish(
        self, name: str, inputs: dict[str, tuple[str, tuple]], outputs: dict[str, tuple]
    ) -> bytes:
        """Return the model as the bytes of a file.

        Args:
            name: of the graph.
            inputs: name -> dtype and shape; an axis of any size is a text.
            outputs: name -> tensor, dtype and shape.

        Raises:
            InputError: a network that is too large for a file.
        """
        onnx, make = library("onnx"), self._helper.make_tensor_value_info
        for output, (tensor, _, _) in outputs.items():
            self.add_many("Identity", [tensor], [output])
        size = sum(len(one.raw_data) for one in self.constants)
        if size >= MOST_BYTES:
            raise refusal("The network", f"it has {size:,} bytes, and a file holds 2 GiB")
        model = self._helper.make_model(
            self._helper.make_graph(
                self.nodes,
                name,
                [make(n, self.element_type(d), s) for n, (d, s) in inputs.items()],
                [make(n, self.element_type(d), s) for n, (_, d, s) in outputs.items()],
                self.constants,
            ),
            opset_imports=[self._helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="rnnkit",
        )
        onnx.checker.check_model(model)
        return model.SerializeToString()
