"""Base of the layers with a recurrent kernel: weights, regularisation, choice of kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any, ClassVar, Unpack

import keras
from keras import ops

from rnnkit import backend
from rnnkit.backend import engine
from rnnkit.backend.kernels import KernelChoice, KernelRequest
from rnnkit.backend.memory import Checkpointing
from rnnkit.backend.portable import PassInputs
from rnnkit.deprecation import Rename, RenamedAttributes, renamed_names, warn
from rnnkit.errors import InputError
from rnnkit.options import Option, separate
from rnnkit.recurrent.cells import Cell
from rnnkit.recurrent.sequence import (
    Flags,
    SequenceLayer,
    SequenceOptions,
    Shape,
    Tensor,
    check_rate,
    own_settings,
    set_options,
)

RATE: dict[str, Any] = {"least": 0, "below": 1}


class RecurrentOptions(SequenceOptions, total=False):
    """The arguments of all layers with a recurrent kernel."""

    kernel_initializer: Annotated[Any, Option("glorot_uniform", "initializer of the input kernel.")]
    recurrent_initializer: Annotated[
        Any, Option("orthogonal", "initializer of the recurrent kernel.")
    ]
    bias_initializer: Annotated[Any, Option("zeros", "initializer of the bias.")]
    kernel_regularizer: Annotated[Any, Option(None, "penalty on the input kernel.")]
    recurrent_regularizer: Annotated[Any, Option(None, "penalty on the recurrent kernel.")]
    bias_regularizer: Annotated[Any, Option(None, "penalty on the bias.")]
    kernel_constraint: Annotated[Any, Option(None, "constraint on the input kernel.")]
    recurrent_constraint: Annotated[Any, Option(None, "constraint on the recurrent kernel.")]
    bias_constraint: Annotated[Any, Option(None, "constraint on the bias.")]
    recurrent_dropout: Annotated[
        float,
        Option(
            0.0,
            "dropout rate of the state where it enters the recurrent product, one mask for all "
            "steps (Gal and Ghahramani 2016, arXiv:1512.05287).",
            **RATE,
        ),
    ]
    zoneout: Annotated[
        float | Sequence[float],
        Option(
            0.0,
            "probability that a unit of a state keeps its previous value, drawn at every step; "
            "outside training its mean is used (Krueger et al. 2017, arXiv:1606.01305). One "
            "number, or one for each state.",
            **RATE,
        ),
    ]
    weight_dropout: Annotated[
        float,
        Option(
            0.0,
            "dropout rate of the weights of the recurrent kernel, one mask per training step "
            "(DropConnect; Merity et al. 2018, arXiv:1708.02182).",
            **RATE,
        ),
    ]
    unroll: Annotated[bool, Option(False, "unroll the loop over time; needs a fixed T.")]
    kernel: Annotated[
        KernelChoice,
        Option(
            "auto",
            '"auto" (the fastest that can run), "fused" (the fastest, or an error with the '
            'reasons), "portable" (the plain loop); see `rnnkit.backend.explain_kernels`.',
        ),
    ]
    memory: Annotated[
        Checkpointing,
        Option(
            "store",
            'activation checkpointing: "store", "recompute" or "sqrt"; see '
            "`rnnkit.backend.memory.checkpointed`.",
        ),
    ]
    implementation: Annotated[int, Option(2, "ignored; accepted as in `keras.layers`.")]
    use_cudnn: Annotated[bool | str, Option("auto", "ignored; accepted as in `keras.layers`.")]


RECURRENT = own_settings(RecurrentOptions, SequenceOptions)
IGNORED = ("implementation", "use_cudnn")


class RecurrentLayer(RenamedAttributes, SequenceLayer):
    """A layer with a kernel, a recurrent kernel and a bias. Abstract.

    A subclass defines `gates`, `cell_type`, `cell` and, where they differ, `state_size`,
    `bias_shape` and `parameters`. The meaning of masks and resets is in `SequenceLayer`.

    Args:
        units: size U of the state.
        use_bias: add a bias.
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        "use_bias",
        *(name for name in RECURRENT if name not in (*IGNORED, "kernel")),
    )
    handles_padding = True
    gates: int
    cell_type: str
    renamed_attributes: ClassVar = {"system": "cell_type"}

    def __init__(
        self, units: int, *, use_bias: bool = True, **options: Unpack[RecurrentOptions]
    ) -> None:
        own, rest = separate(options, RECURRENT, type(self).__name__)
        super().__init__(units, **rest)
        self.use_bias = use_bias
        self.kernel_choice = own.pop("kernel")  # `kernel` is the name of the weight
        set_options(self, {name: value for name, value in own.items() if name not in IGNORED})
        self.recurrent_dropout = float(own["recurrent_dropout"])
        self.weight_dropout = float(own["weight_dropout"])
        self.zoneout = self._check_zoneout(own["zoneout"])

    def __init_subclass__(cls, **options: Any) -> None:
        """Take `cell_type` from its old name in subclasses that still define that."""
        super().__init_subclass__(**options)
        if "system" in vars(cls):
            warn(Rename("attribute", "RecurrentLayer", "system", "cell_type"))
            cls.cell_type = vars(cls)["system"]

    def _check_zoneout(self, zoneout: Any) -> float | tuple[float, ...]:
        """Return a rate, or a rate for each state; refuse anything else."""
        name = f"{type(self).__name__}: zoneout"
        if not isinstance(zoneout, (list, tuple)):
            return check_rate(name, zoneout)
        if len(zoneout) != len(self.state_size):
            raise InputError(
                f"{name} has {len(zoneout)} values; expected one number, or "
                f"{len(self.state_size)}, one for each state."
            )
        return tuple(check_rate(name, rate) for rate in zoneout)

    @cached_property
    def cell(self) -> Cell:
        """The equations."""
        raise NotImplementedError

    @cached_property
    def activation_names(self) -> tuple[str, str]:
        """The names of the activation and of the gates' activation."""
        activations = getattr(self, "activation", None), getattr(self, "recurrent_activation", None)
        return _name(activations[0]), _name(activations[1])

    def bias_shape(self) -> Shape:
        """Return the shape of the bias."""
        return (self.gates * self.units,)

    def start_bias(self, shape: Shape, dtype: Any = None) -> Tensor:
        """Return the initial value of the bias."""
        return self.bias_initializer(shape, dtype=dtype)

    def parameters(self) -> dict[str, Tensor]:
        """Return the current weights by their names in `cell`."""
        names = ("kernel", "recurrent_kernel", "bias") if self.use_bias else self._products
        names = (*names, *self.more_weights)
        return {name: ops.convert_to_tensor(getattr(self, name)) for name in names}

    _products = ("kernel", "recurrent_kernel")
    more_weights: tuple[str, ...] = ()  # of a subclass

    def build_weights(self, width: int) -> None:
        """Create the weights, with the names and shapes they have in `keras.layers`."""
        _ = self.cell, self.activation_names  # PyTorch's compiler cannot look up their names
        self.kernel = self.add_weight_like("kernel", "kernel", (width, self.gates * self.units))
        self.recurrent_kernel = self.add_weight_like(
            "recurrent", "recurrent_kernel", (self.state_size[0], self.gates * self.units)
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight_like("bias", "bias", self.bias_shape(), self.start_bias)

    def add_weight_like(
        self, part: str, name: str, shape: Shape, initializer: Any = None
    ) -> keras.Variable:
        """Create a weight with the regularizer and constraint of "kernel", "recurrent" or "bias".

        So is its initializer, unless another is given.
        """
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=initializer or getattr(self, f"{part}_initializer"),
            regularizer=getattr(self, f"{part}_regularizer"),
            constraint=getattr(self, f"{part}_constraint"),
        )

    def kernel_request(
        self, *, masked: bool, training: bool, resets: bool = False, states: bool = False
    ) -> KernelRequest:
        """Return the properties of a pass, which decide its kernel.

        With `states` all last states are asked for, whether the layer itself needs them or not.
        """
        return KernelRequest(
            cell_type=self.cell_type,
            device=backend.device(),
            dtype=self.compute_dtype,
            activation=self.activation_names[0],
            recurrent_activation=self.activation_names[1],
            training=training,
            masked=masked,
            recurrent_dropout=bool(training and self.recurrent_dropout),
            zoneout=bool(self._zoneout_rates()),
            resets=resets,
            unroll=self.unroll,
            static_shapes=backend.native.static_shapes(),
            zero_output=masked and self.zero_output_for_mask,
            states=states or self.return_state or self.stateful or self.memory != "store",
            units=self.state_size[0],
        )

    def run(
        self,
        sequences: Tensor,
        states: tuple,
        mask: Flags,
        resets: Flags,
        training: bool,
        all_states: bool = False,
    ) -> tuple[Tensor | None, tuple]:
        """Run the recurrence with the selected kernel.

        With `all_states` all last states are returned, not only those that the layer needs.
        """
        params = self.parameters()
        if training and self.weight_dropout:
            kept = self.dropout_mask(params["recurrent_kernel"], self.weight_dropout)
            params["recurrent_kernel"] = params["recurrent_kernel"] * kept
        if training and self.recurrent_dropout:
            params["drop"] = self.dropout_mask(states[0], self.recurrent_dropout)
        masks = self._zoneout_masks(sequences) if training else ()
        request = self.kernel_request(
            masked=mask is not None,
            training=training,
            resets=resets is not None,
            states=all_states,
        )
        return engine.run(
            replace(request, exported=backend.native.exporting(sequences)),
            self.cell,
            PassInputs(sequences, mask, resets, masks),
            states,
            params,
            zoneout_rates=self._zoneout_rates(),
            reverse=self.go_backwards,
            sequences=self.return_sequences,
            memory=self.memory,
            kernel=self.kernel_choice,
        )

    def _zoneout_rates(self) -> tuple[float, ...]:
        """Return the zoneout rate of each state; empty if all are zero."""
        rates = self.zoneout
        if not isinstance(rates, tuple):
            rates = (rates,) * len(self.state_size)
        return rates if any(rates) else ()

    def _zoneout_masks(self, sequences: Tensor) -> tuple[Tensor, ...]:
        """Draw for each state `(B, T, S)`, true = the unit keeps its value at this step."""
        rates = self._zoneout_rates()
        if not rates:
            return ()
        batch, time = ops.shape(sequences)[:2]
        return tuple(
            keras.random.uniform((batch, time, size), seed=self.seed_generator) < rate
            for rate, size in zip(rates, self.state_size, strict=True)
        )

    def check_steps(self, shape: Shape) -> None:
        """Refuse to unroll an unknown number of steps."""
        if self.unroll and shape[1] is None:
            raise InputError(
                f"{type(self).__name__}: unroll=True needs a fixed number of steps; the input "
                f"shape is {tuple(shape)}. Give keras.Input(shape=(T, D)), or drop unroll."
            )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the layer, for `from_config`."""
        return {**super().get_config(), "kernel": self.kernel_choice}


def _name(activation: Any) -> str:
    """Return the name of an activation, "custom" where Keras knows none."""
    known = keras.activations.serialize(activation) if activation is not None else "none"
    return known if isinstance(known, str) else "custom"


__getattr__ = renamed_names(__name__, {"Options": "RecurrentOptions"})
