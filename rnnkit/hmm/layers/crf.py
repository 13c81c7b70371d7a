"""Linear-chain conditional random field: sequence labelling with learned transitions."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from rnnkit.backend.masking import shapes_agree
from rnnkit.errors import InputError
from rnnkit.hmm import inference
from rnnkit.hmm.layers.state_layer import Shape, StateLayer, Tensor

# Scaled inference needs transition potentials of a limited range: learned ones further below the
# highest, as good as forbidden, are raised to this difference.
MIN_RELATIVE_TRANSITION = float(np.log(inference.MIN_TRANSITION["float32"]))


@keras.saving.register_keras_serializable(package="rnnkit")
class CRF(StateLayer):
    """Linear-chain conditional random field over the labels of a sequence.

    The score of the labels `y` is `s(y) = a(y_1) + Σ_t u_t(y_t) + Σ_t A(y_t, y_{t+1}) + e(y_T)`,
    their probability `exp s(y) / Z` with `Z = Σ_y' exp s(y')`. The potentials `u` are the input,
    from a `Dense(K)` without activation; `a`, `A`, `e` are the layer's weights. T is the last real
    step; masked steps are skipped: the label before a gap is followed by the label after it.

    Given labels, the layer adds their negative log-likelihood, the sum over the batch divided by
    its number of real steps, to the loss of the model. So a model with the labels as second input
    trains with `fit`, without a loss in `compile`; a model without them predicts.

    Args:
        units: the number K of labels.
        allowed_start: boolean `(K,)`, the labels allowed at the first step; None = all.
        allowed_transitions: boolean `(K, K)`, from row to column; None = all. Forbidden label
            sequences have probability 0.
        use_end: learn `e`; without it `e = 0`.
        initializer: of the weights.
        regularizer: of the weights.
        **options: see `StateLayer`.

    Call arguments:
        potentials: `(B, T, K)`.
        labels: integers `(B, T)`, ignored at masked steps. A negative label is unknown: the
            likelihood then sums over all labels that agree with the known ones.
        mask: boolean `(B, T)`, any pattern; None = all steps are real.

    Returns:
        The marginal `P(y_t = k)` of each label, `(B, T, K)`. For the most likely label sequence use
        `decode`, or `CRFDecoder` within a model.

    Raises:
        InputError: constraints of another shape, or that allow no label.

    Source: Lafferty, McCallum and Pereira 2001, Conditional random fields; with a recurrent
    network: Huang, Xu and Yu 2015, Bidirectional LSTM-CRF models for sequence tagging.

    Example:
        >>> import numpy as np
        >>> crf = CRF(3)
        >>> crf(np.zeros((2, 5, 3))).shape
        (2, 5, 3)
        >>> loss = crf.nll(np.zeros((1, 2, 3)), [[0, 1]])  # 9 labellings, equally likely
        >>> bool(abs(keras.ops.convert_to_numpy(loss)[0] - np.log(9)) < 1e-5)
        True
    """

    config_keys: ClassVar = ("use_end",)

    def __init__(
        self,
        units: int,
        *,
        allowed_start: Any = None,
        allowed_transitions: Any = None,
        use_end: bool = True,
        initializer: Any = "zeros",
        regularizer: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(units, **options)
        self.allowed_start = self._check_allowed("allowed_start", allowed_start, (units,))
        self.allowed_transitions = self._check_allowed(
            "allowed_transitions", allowed_transitions, (units, units)
        )
        self.use_end = use_end
        self.initializer = keras.initializers.get(initializer)
        self.regularizer = keras.regularizers.get(regularizer)

    def build(self, potentials_shape: Shape, labels_shape: Shape | None = None) -> None:
        """Create the weights."""
        del labels_shape
        if len(potentials_shape) != 3 or potentials_shape[-1] != self.units:
            raise InputError(
                f"CRF: the potentials have the shape {tuple(potentials_shape)}; expected "
                f"(batch, time, {self.units}), one for each label."
            )
        add = functools.partial(self.add_weight, regularizer=self.regularizer, autocast=False)
        self.start = add((self.units,), self.initializer, name="start")
        self.transitions = add((self.units, self.units), self.initializer, name="transitions")
        self.end = add((self.units,), self.initializer, name="end") if self.use_end else None

    def call(
        self,
        potentials: Tensor,
        labels: Tensor | None = None,
        mask: Tensor | None = None,
        potentials_mask: Tensor | None = None,
    ) -> Tensor:
        """Return the marginals, and add the loss of the labels if given."""
        # With labels, Keras passes the mask of the potentials under this name.
        mask = potentials_mask if mask is None else mask
        if labels is not None:
            losses = self.nll(potentials, labels, mask)
            self.add_loss(self.mean_per_step(losses, self.boolean_mask(mask, potentials)))
        inputs = self._chain(potentials, mask)
        found = inference.smooth(*inputs, numerics=self._numerics, transitions=False)
        return ops.cast(found.smoothed, self.compute_dtype)

    def nll(self, potentials: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the negative log-likelihood of the labels of each row, `(B,)`.

        0 for a row without real steps, infinite for forbidden labels.
        """
        potentials = ops.convert_to_tensor(potentials)
        start, transitions, scores, mask = self._chain(potentials, mask)
        labels = ops.cast(ops.convert_to_tensor(labels), "int32")
        if not shapes_agree(tuple(labels.shape), tuple(potentials.shape[:2])):
            raise InputError(
                f"CRF: the labels have the shape {tuple(labels.shape)}; expected "
                f"{tuple(potentials.shape[:2])}, (batch, time), one for each step."
            )
        labels = ops.expand_dims(labels, -1)
        fits = ops.logical_or(labels == ops.arange(self.units, dtype="int32"), labels < 0)
        # log Z over all label sequences and over those that agree with the labels, in one pass.
        known = ops.where(fits, scores, -float("inf"))
        both, masks = ops.concatenate([scores, known]), ops.concatenate([mask, mask])
        found = inference.log_probability(start, transitions, both, masks, numerics=self._numerics)
        of_all, of_known = ops.split(found, 2)
        return of_all - of_known

    def decode(self, potentials: Tensor, mask: Tensor | None = None) -> Tensor:
        """Viterbi decoding: the most likely label sequence, `(B, T)`.

        Ties go to the lower label; masked steps repeat the label before.
        """
        return inference.viterbi(*self._chain(ops.convert_to_tensor(potentials), mask)).states

    def _chain(self, potentials: Tensor, mask: Tensor | None) -> tuple[Tensor, ...]:
        """Return the inputs of `inference`: start, transitions, scores of the steps, mask."""
        potentials = ops.convert_to_tensor(potentials)
        if not self.built:
            self.build(tuple(potentials.shape))
        mask = self.boolean_mask(mask, potentials)
        scores = ops.cast(potentials, self.inference_dtype)
        scores = ops.where(ops.expand_dims(mask, -1), scores, 0.0)
        if self.end is not None:
            real = ops.cast(mask, "int32")
            after = ops.flip(ops.cumsum(ops.flip(real, axis=1), axis=1), axis=1)
            last = ops.cast(real * after == 1, self.inference_dtype)
            scores = scores + ops.expand_dims(last, -1) * ops.cast(self.end, self.inference_dtype)
        start = self._allow(self.start, self.allowed_start)
        transitions = self._allow(self.transitions, self.allowed_transitions)
        if self._numerics == "scaled":
            transitions = ops.maximum(transitions, ops.max(transitions) + MIN_RELATIVE_TRANSITION)
        return start, transitions, scores, mask

    @property
    def _numerics(self) -> inference.Numerics:
        """Scaled if no transition is forbidden: see `MIN_RELATIVE_TRANSITION`."""
        return "scaled" if self.allowed_transitions is None else "log"

    def _allow(self, weights: Tensor, allowed: np.ndarray | None) -> Tensor:
        weights = ops.cast(weights, self.inference_dtype)
        if allowed is None:
            return weights
        return ops.where(ops.convert_to_tensor(allowed), weights, -float("inf"))

    def _check_allowed(self, name: str, allowed: Any, shape: tuple) -> np.ndarray | None:
        if allowed is None:
            return None
        allowed = np.asarray(allowed, bool)
        if allowed.shape != shape or not allowed.any(axis=-1).all():
            raise InputError(
                f"CRF: {name} has the shape {allowed.shape}; expected booleans {shape} that allow "
                "at least one label at the first step, or after each label."
            )
        return allowed

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        start, transitions = self.allowed_start, self.allowed_transitions
        return {
            **super().get_config(),
            "allowed_start": None if start is None else start.tolist(),
            "allowed_transitions": None if transitions is None else transitions.tolist(),
            "initializer": keras.initializers.serialize(self.initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
        }


@keras.saving.register_keras_serializable(package="rnnkit")
class CRFDecoder(keras.layers.Layer):
    """Viterbi decoding of a CRF as a layer: from potentials `(B, T, K)` the labels `(B, T)`, int32.

    Args:
        crf: the trained layer; its weights are shared, not copied.

    Example:
        >>> import numpy as np
        >>> CRFDecoder(CRF(3))(np.eye(3)[None]).shape
        (1, 3)
    """

    def __init__(self, crf: CRF, **options: Any) -> None:
        super().__init__(autocast=False, **options)
        self.crf = crf
        self.supports_masking = True

    def build(self, potentials_shape: Shape) -> None:
        """Create the weights of the CRF if it is not built yet."""
        if not self.crf.built:
            self.crf.build(potentials_shape)

    def call(self, potentials: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the labels."""
        return self.crf.decode(potentials, mask)

    def compute_output_shape(self, potentials_shape: Shape) -> Shape:
        """Return `(B, T)`."""
        return tuple(potentials_shape[:2])

    def compute_output_spec(self, potentials: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the symbolic output: int32 labels."""
        del mask
        return keras.KerasTensor(self.compute_output_shape(potentials.shape), dtype="int32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "crf": keras.saving.serialize_keras_object(self.crf)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> CRFDecoder:
        """Build the layer and its CRF."""
        config = dict(config)
        return cls(keras.saving.deserialize_keras_object(config.pop("crf")), **config)


def bio_constraints(labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Constraints of the BIO tagging scheme: `allowed_start (K,)`, `allowed_transitions (K, K)`.

    "B-X" begins a span of type X, "I-X" continues it, "O" is outside: "I-X" may follow "B-X" and
    "I-X" only.

    Args:
        labels: the name of each label, "O", "B-..." or "I-...".

    Raises:
        InputError: another name.

    Example:
        >>> start, transitions = bio_constraints(["O", "B-PER", "I-PER"])
        >>> start.tolist(), transitions[0].tolist()
        ([True, True, False], [True, True, False])
    """
    for label in labels:
        if label != "O" and label[:2] not in ("B-", "I-"):
            raise InputError(f"{label!r} is not a BIO label; expected 'O', 'B-TYPE' or 'I-TYPE'.")
    inside = [label.startswith("I-") for label in labels]
    same = [[before[1:] == after[1:] != "" for after in labels] for before in labels]
    return ~np.array(inside), ~np.array(inside)[None, :] | np.array(same)
