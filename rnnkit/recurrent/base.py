"""The base of the layers with a recurrent kernel: weights, regularisation, choice of kernel."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import keras
from keras import ops

from rnnkit import backend
from rnnkit.backend import engine
from rnnkit.backend.kernels import CHOICES, Facts
from rnnkit.backend.memory import MEMORY
from rnnkit.errors import InputError
from rnnkit.recurrent.cells import Cell
from rnnkit.recurrent.sequence import SequenceLayer, SequenceOptions, Shape, Tensor


class Options(SequenceOptions, total=False):
    """The arguments that all layers with a recurrent kernel share."""

    kernel_initializer: Any
    recurrent_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    recurrent_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    recurrent_constraint: Any
    bias_constraint: Any
    recurrent_dropout: float
    zoneout: float | tuple[float, ...]
    weight_dropout: float
    unroll: bool
    kernel: str
    memory: str
    implementation: int
    use_cudnn: bool | str


class RecurrentLayer(SequenceLayer):
    """A layer with a kernel, a recurrent kernel and a bias. Abstract.

    A subclass gives `gates`, `system`, `cell` and, where they differ, `state_size`, `bias_shape`
    and `parameters`. The meaning of masks and resets is in `SequenceLayer`.

    Args:
        units: size U of the state.
        use_bias: add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of the weights.
        recurrent_dropout: share of the state dropped on its way into the recurrent product, the
            same units at every step (Gal and Ghahramani 2016, arXiv:1512.05287).
        zoneout: share of each state held back at its last value, drawn anew at every step; outside
            training its mean is used (Krueger et al. 2017, arXiv:1606.01305). One number, or one
            for each state.
        weight_dropout: share of the recurrent kernel's weights dropped in a training step, the
            same at every step of time (Merity et al. 2018, arXiv:1708.02182).
        unroll: write all steps out instead of looping; needs a fixed T.
        kernel: "auto" (the fastest that can run), "fused" (the fastest, or an error that says what
            stands in the way), "portable" (the plain loop). `rnnkit.backend.explain` tells which.
        memory: what is kept for the gradient: "store", "recompute" or "sqrt"; see
            `rnnkit.backend.memory.spend`.
        implementation, use_cudnn: accepted for the sake of code written for `keras.layers`;
            they change nothing.
        **options: see `SequenceLayer`.
    """

    gates: int
    system: str

    def __init__(
        self,
        units: int,
        *,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        recurrent_dropout: float = 0.0,
        zoneout: float | tuple[float, ...] = 0.0,
        weight_dropout: float = 0.0,
        unroll: bool = False,
        kernel: str = "auto",
        memory: str = "store",
        implementation: int = 2,
        use_cudnn: bool | str = "auto",
        **options: Any,
    ) -> None:
        del implementation, use_cudnn
        super().__init__(units, **options)
        for label, word, words in (("kernel", kernel, CHOICES), ("memory", memory, MEMORY)):
            if word not in words:
                raise InputError(
                    f"{type(self).__name__}: {label} is {word!r}; expected one of {words}."
                )
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.recurrent_constraint = keras.constraints.get(recurrent_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.recurrent_dropout = self.check_share("recurrent_dropout", recurrent_dropout)
        self.zoneout = self._check_zoneout(zoneout)
        self.weight_dropout = self.check_share("weight_dropout", weight_dropout)
        self.unroll = unroll
        self.kernel_choice = kernel  # `kernel` is the weight's name
        self.memory = memory

    def _check_zoneout(self, zoneout: Any) -> float | tuple[float, ...]:
        """Refuse anything but a share, or a share for each state."""
        if not isinstance(zoneout, (list, tuple)):
            return self.check_share("zoneout", zoneout)
        if len(zoneout) != len(self.state_size):
            raise InputError(
                f"{type(self).__name__}: zoneout has {len(zoneout)} values; expected one number, "
                f"or {len(self.state_size)}, one for each state."
            )
        return tuple(self.check_share("zoneout", share) for share in zoneout)

    # What a subclass says of itself.

    @cached_property
    def cell(self) -> Cell:
        """The equations."""
        raise NotImplementedError

    @cached_property
    def activation_names(self) -> tuple[str, str]:
        """The names of the activation and of the gates' activation."""
        return (
            _name(getattr(self, "activation", None)),
            _name(getattr(self, "recurrent_activation", None)),
        )

    def bias_shape(self) -> Shape:
        """Return the shape of the bias."""
        return (self.gates * self.units,)

    def start_bias(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Return the first value of the bias."""
        return self.bias_initializer(shape, dtype=dtype)

    def parameters(self) -> dict[str, Tensor]:
        """Return the current weights by the names that `cell` knows them by."""
        names = ("kernel", "recurrent_kernel", "bias") if self.use_bias else self._products
        return {name: ops.convert_to_tensor(getattr(self, name)) for name in names}

    # Weights.

    _products = ("kernel", "recurrent_kernel")

    def build_weights(self, width: int) -> None:
        """Create the weights, with the names and shapes they have in `keras.layers`."""
        _ = self.cell, self.activation_names  # PyTorch's compiler can not look up their names
        self.kernel = self.add_part("kernel", (width, self.gates * self.units), "kernel")
        self.recurrent_kernel = self.add_part(
            "recurrent_kernel", (self.state_size[0], self.gates * self.units), "recurrent"
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_part("bias", self.bias_shape(), "bias", self.start_bias)

    def add_part(
        self, name: str, shape: Shape, part: str, initializer: Any = None
    ) -> keras.Variable:
        """Create a weight with the initializer, regularizer and constraint of a part.

        Args:
            name: the name of the weight.
            shape: its shape.
            part: "kernel", "recurrent" or "bias".
            initializer: another initializer than the part's.
        """
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=initializer or getattr(self, f"{part}_initializer"),
            regularizer=getattr(self, f"{part}_regularizer"),
            constraint=getattr(self, f"{part}_constraint"),
        )

    # One pass.

    def facts(self, *, masked: bool, training: bool, resets: bool = False) -> Facts:
        """Return what the choice of a kernel depends on."""
        return Facts(
            system=self.system,
            device=backend.device(),
            dtype=self.compute_dtype,
            activation=self.activation_names[0],
            recurrent_activation=self.activation_names[1],
            training=training,
            masked=masked,
            recurrent_dropout=bool(training and self.recurrent_dropout),
            zoneout=any(self._shares()),
            resets=resets,
            unroll=self.unroll,
            fixed_shapes=backend.native.fixed_shapes(),
        )

    def run(
        self,
        sequences: Tensor,
        states: tuple,
        mask: Tensor | None,
        resets: Tensor | None,
        training: bool,
    ) -> tuple[Tensor | None, tuple]:
        """Run the recurrence with the kernel that the facts choose."""
        params = self.parameters()
        if training and self.weight_dropout:
            keep = self.keep(params["recurrent_kernel"], self.weight_dropout)
            params["recurrent_kernel"] = params["recurrent_kernel"] * keep
        if training and self.recurrent_dropout:
            params["drop"] = self.keep(states[0], self.recurrent_dropout)
        return engine.run(
            self.facts(masked=mask is not None, training=training, resets=resets is not None),
            self.cell,
            sequences,
            states,
            params,
            mask=mask,
            resets=resets,
            zoneout=self._held(sequences, training),
            reverse=self.go_backwards,
            sequences=self.return_sequences,
            memory=self.memory,
            kernel=self.kernel_choice,
        )

    def _shares(self) -> tuple[float, ...]:
        """Return the share of zoneout of each state."""
        if isinstance(self.zoneout, tuple):
            return self.zoneout
        return (self.zoneout,) * len(self.state_size)

    def _held(self, sequences: Tensor, training: bool) -> tuple:
        """Return for each state the share that is held back; in training, which units are."""
        shares = self._shares()
        if not training or not any(shares):
            return shares if any(shares) else ()
        batch, time = ops.shape(sequences)[:2]
        return tuple(
            keras.random.uniform((batch, time, size), seed=self.seed_generator) < share
            for share, size in zip(shares, self.state_size, strict=True)
        )

    def check_steps(self, shape: Shape) -> None:
        """Refuse to unroll an unknown number of steps."""
        if self.unroll and shape[1] is None:
            raise InputError(
                f"{type(self).__name__}: unroll=True needs a fixed number of steps; the input "
                f"shape is {tuple(shape)}. Give keras.Input(shape=(T, D)), or drop unroll."
            )

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to build the layer again."""
        config = super().get_config()
        for part in ("kernel", "recurrent", "bias"):
            for kind in ("initializer", "regularizer", "constraint"):
                key = f"{part}_{kind}"
                config[key] = getattr(keras, f"{kind}s").serialize(getattr(self, key))
        names = ("use_bias", "recurrent_dropout", "zoneout", "weight_dropout", "unroll", "memory")
        return (
            config | {name: getattr(self, name) for name in names} | {"kernel": self.kernel_choice}
        )


def _name(activation: Any) -> str:
    """Return the name of an activation, "custom" where Keras knows none."""
    known = keras.activations.serialize(activation) if activation is not None else "none"
    return known if isinstance(known, str) else "custom"
