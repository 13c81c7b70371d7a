"""Posteriors of a hidden Markov model as features, trainable with the network."""

from __future__ import annotations

import random
from typing import Any, ClassVar, Self

import keras
import numpy as np
from keras import ops

from rnnkit.deprecation import renamed_options
from rnnkit.errors import InputError, check_choice
from rnnkit.hmm import inference
from rnnkit.hmm.emissions.base import Emission
from rnnkit.hmm.emissions.categorical import Categorical
from rnnkit.hmm.estimators.params import check_probabilities
from rnnkit.hmm.layers.constraints import from_unconstrained, log_probabilities, to_unconstrained
from rnnkit.hmm.layers.serialization import EMISSIONS, get_emission, serialize_emission
from rnnkit.hmm.layers.state_layer import Shape, StateLayer, Tensor

MODES = ("filtered", "fixed-lag", "smoothed")
INIT_SELF_TRANSITION = 0.9
# Standard deviation of the initial unconstrained weights: equal states would stay equal.
INIT_STD = {"real": 1.0, "simplex": 1.0, "positive": 0.5, "covariance": 0.0}
_renamed = renamed_options("HMMFeatures", {"way": "numerics"})


@keras.saving.register_keras_serializable(package="rnnkit")
class HMMFeatures(StateLayer):
    """Posterior probabilities of the hidden states of a Markov model, as features of a network.

    The mode selects the observations that the output of step t depends on:

    - "filtered": `P(z_t | x_1..x_t)`, causal: for forecasts and live data
    - "fixed-lag": `P(z_t | x_1..x_t+lag)`, with a delay of `lag` steps
    - "smoothed": `P(z_t | x_1..x_T)`, the whole sequence: for labelling, never for forecasts

    The weights are initialised at random (means from the unit normal, self-transitions of 0.9), by
    Baum-Welch on the training sequences (`adapt`), or from a fitted model (`from_hmm`). They are
    unconstrained, so any optimizer can train them with the network; `trainable=False` freezes them.
    With `likelihood_weight=w` a training step adds `-w` times the mean log-likelihood per real step
    to the loss, so that the states keep describing the data while the network is trained.

    Masked steps are skipped, and their output repeats the one before (the start probabilities
    before the first real step). A step with a NaN (for symbols: a number below 0 or outside the
    vocabulary) is a missing observation: time passes.

    Args:
        units: the number K of states.
        emission: "gaussian", "categorical", "gmm" (a mixture of Gaussians), "poisson", or an
            `Emission`; to save a custom one, see `rnnkit.hmm.layers.serialization`.
        mode: see above.
        lag: the number of later steps in the mode "fixed-lag", 1 or more.
        covariance_type: of Gaussians: "spherical", "diag" (the default), "full", "tied".
        n_mix: number of Gaussians in a mixture.
        n_features: the number of symbols of the categorical emission.
        likelihood_weight: w above.
        numerics: "scaled" (no transition probability falls below 1e-12) or "log" (slower;
            transitions of probability 0 are possible, and stay). See
            `rnnkit.hmm.inference.select_numerics`.
        seed: of the initial weights; they are the same on every backend.
        shapes: parameter -> shape, for a custom emission without `shapes`.
        **options: see `StateLayer`.

    Call arguments:
        sequences: `(B, T, D)`; symbols are `(B, T)`.
        mask: boolean `(B, T)`, any pattern; None = all steps are real.

    Returns:
        `(B, T, K)`.

    Raises:
        InputError: an unknown emission or mode, incompatible settings, or another input shape.

    Source: Rabiner 1989, A Tutorial on Hidden Markov Models; Krakovna and Doshi-Velez 2016,
    Increasing the Interpretability of Recurrent Neural Networks Using Hidden Markov Models.

    Example:
        >>> layer = HMMFeatures(3, seed=0)
        >>> layer(np.zeros((2, 5, 4))).shape
        (2, 5, 3)
        >>> print(layer.transition_matrix().round(2))
        [[0.9  0.05 0.05]
         [0.05 0.9  0.05]
         [0.05 0.05 0.9 ]]
    """

    renamed_keys: ClassVar = {"way": "numerics"}  # of files of version 0.1.0
    config_keys: ClassVar = ("mode", "lag", "likelihood_weight", "numerics", "seed", "shapes")

    def __init__(
        self,
        units: int,
        emission: Any = "gaussian",
        *,
        mode: str = "filtered",
        lag: int = 0,
        covariance_type: str | None = None,
        n_mix: int | None = None,
        n_features: int | None = None,
        likelihood_weight: float = 0.0,
        numerics: inference.Numerics = "scaled",
        seed: int | None = None,
        shapes: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        options = _renamed(options)
        numerics = options.pop("numerics", numerics)
        super().__init__(units, **options)
        settings = {"covariance_type": covariance_type, "n_mix": n_mix, "n_features": n_features}
        self.emission: Emission = get_emission(emission, settings)
        self.mode = check_choice("mode", mode, MODES)
        self.numerics: inference.Numerics = check_choice("numerics", numerics, ("scaled", "log"))
        if (mode == "fixed-lag") != (lag > 0) or lag < 0 or int(lag) != lag:
            raise InputError(
                f"HMMFeatures: lag is {lag!r} with mode={mode!r}; expected 1 or more steps with "
                "'fixed-lag', 0 otherwise."
            )
        self.lag = int(lag)
        self.likelihood_weight = float(likelihood_weight)
        self.seed = seed
        self.shapes = shapes

    @classmethod
    def from_hmm(cls, hmm: Any, *, trainable: bool = False, **options: Any) -> Self:
        """Return the layer with the parameters of a fitted model, frozen by default.

        Args:
            hmm: a fitted model of `rnnkit.hmm`.
            trainable: whether the parameters are trained with the network.
            **options: other arguments of the layer, such as `mode`.

        Example:
            >>> from rnnkit.hmm.estimators.models import PoissonHMM
            >>> hmm = PoissonHMM(2, random_state=0).fit([1, 0, 2, 1, 0, 9, 11, 8, 12, 10])
            >>> HMMFeatures.from_hmm(hmm)(np.array([[[1.0], [10.0]]])).shape
            (1, 2, 2)
        """
        params = hmm.emission_params()
        layer = cls(
            len(hmm.startprob_),
            hmm.emission_,
            trainable=trainable,
            shapes={name: list(np.shape(value)) for name, value in params.items()},
            **{"numerics": inference.select_numerics(float(np.min(hmm.transmat_))), **options},
        )
        width = getattr(hmm, "n_features_in_", None)
        symbols = isinstance(hmm.emission_, Categorical)
        layer.build((None, None) if symbols else (None, None, width))
        layer.set_parameters(hmm.startprob_, hmm.transmat_, params)
        return layer

    def adapt(self, sequences: Any, mask: Any = None, **options: Any) -> Any:
        """Fit the parameters to training sequences by Baum-Welch, before training the network.

        Args:
            sequences: `(B, T, D)`, symbols `(B, T)`, or a list of `(T, D)` or `(T,)`.
            mask: boolean `(B, T)`, for an array.
            **options: of `rnnkit.hmm.HMM`: `n_init`, `n_iter`, `tol`, `random_state` (default:
                the seed of the layer).

        Returns:
            The fitted model, with its history.
        """
        from rnnkit.hmm.estimators.models import HMM  # imports scikit-learn

        symbols = isinstance(self.emission, Categorical)
        if not isinstance(sequences, list | tuple):
            sequences = np.asarray(sequences)
            if symbols and sequences.ndim == 2:
                sequences = sequences[..., None]
        hmm = HMM(self.units, self.emission, **{"random_state": self.seed, **options})
        hmm.fit(sequences, mask=mask)
        if not self.built:
            self.build((None, None) if symbols else (None, None, hmm.n_features_in_))
        self.set_parameters(hmm.startprob_, hmm.transmat_, hmm.emission_params())
        return hmm

    # Weights ----------------------------------------------------------------------------------

    def build(self, sequences_shape: Shape) -> None:
        """Create the weights."""
        symbols = isinstance(self.emission, Categorical)
        builtin = type(self.emission) in EMISSIONS.values()
        if len(sequences_shape) not in ((2,) if symbols else (3,) if builtin else (2, 3)):
            expected = "symbols (batch, time)" if symbols else "(batch, time, features)"
            raise InputError(
                f"HMMFeatures: the sequences have the shape {tuple(sequences_shape)}; "
                f"{type(self.emission).__name__} expects {expected}."
            )
        width = sequences_shape[2] if len(sequences_shape) == 3 else 1
        if symbols and not self.shapes and not self.emission.n_features:  # type: ignore[attr-defined]
            raise InputError("HMMFeatures: give n_features, the number of symbols.")
        if width is None and not self.shapes:
            raise InputError(
                f"HMMFeatures: the number of features is unknown in {sequences_shape}."
            )
        shapes = self.shapes or self.emission.shapes(self.units, width or 0)
        # Without a seed, Python's random generator: keras.utils.set_random_seed seeds it.
        rng = np.random.default_rng(random.getrandbits(32) if self.seed is None else self.seed)
        stay, size = INIT_SELF_TRANSITION, self.units
        move = (1 - stay) / max(size - 1, 1)
        moves = np.full((size, size), move) + (stay - move) * np.eye(size)
        self.start = self._add("start", np.zeros(self.units))
        self.transitions = self._add("transitions", to_unconstrained("simplex", moves))
        constraints = self.emission.constraints
        self.raw = {
            name: self._add(name, INIT_STD[constraints[name]] * rng.normal(size=shape))
            for name, shape in shapes.items()
        }
        if width is not None:
            rank = len(sequences_shape)
            axes = {} if rank == 2 else {-1: width}
            self.input_spec = keras.layers.InputSpec(ndim=rank, axes=axes)

    def _add(self, name: str, value: np.ndarray) -> keras.Variable:
        return self.add_weight(
            shape=value.shape,
            name=name,
            initializer=lambda shape, dtype: ops.convert_to_tensor(value.astype(dtype)),
            autocast=False,
        )

    def set_parameters(self, startprob: Any, transmat: Any, params: dict[str, Any]) -> None:
        """Set all weights: `startprob (K,)`, `transmat (K, K)`, emission parameters by name.

        Raises:
            InputError: a parameter of another shape, or an invalid one.
        """
        wanted = {"start": startprob, "transitions": transmat, **params}
        constraints = {"start": "simplex", "transitions": "simplex", **self.emission.constraints}
        weights = {"start": self.start, "transitions": self.transitions, **self.raw}
        if set(wanted) != set(weights):
            raise InputError(f"HMMFeatures: got {sorted(wanted)}; expected {sorted(weights)}.")
        for name, weight in weights.items():
            if constraints[name] == "simplex" and np.shape(wanted[name]) == tuple(weight.shape):
                check_probabilities(name, np.asarray(wanted[name], "float64"))
            raw = to_unconstrained(constraints[name], wanted[name])
            if raw.shape != tuple(weight.shape):
                expected = tuple(weight.shape)
                raise InputError(f"{name} has the shape {raw.shape}; expected {expected}.")
            weight.assign(raw)

    def _chain(self) -> tuple[Tensor, Tensor]:
        """Return the logarithms of the start and transition probabilities."""
        moves = log_probabilities(ops.cast(self.transitions, self.inference_dtype))
        if self.numerics == "scaled":
            moves = ops.maximum(moves, float(np.log(inference.MIN_TRANSITION["float32"])))
        return log_probabilities(ops.cast(self.start, self.inference_dtype)), moves

    def _params(self) -> dict[str, Tensor]:
        constraints, dtype = self.emission.constraints, self.inference_dtype
        return {
            name: from_unconstrained(constraints[name], ops.cast(weight, dtype))
            for name, weight in self.raw.items()
        }

    def start_probabilities(self) -> np.ndarray:
        """Return the start probabilities, `(K,)`."""
        return np.exp(_numpy(self._chain()[0]))

    def transition_matrix(self) -> np.ndarray:
        """Return the transition probabilities, `(K, K)`, from row to column."""
        return np.exp(_numpy(self._chain()[1]))

    def parameters(self) -> dict[str, np.ndarray]:
        """Return the parameters of the emission by name."""
        return {name: _numpy(value) for name, value in self._params().items()}

    def means(self) -> np.ndarray | None:
        """Return the mean observation of each state, `(K, D)`; None without means."""
        found = self.parameters()
        if "lambdas" in found:
            return found["lambdas"]
        means = found.get("means")
        if means is not None and "weights" in found:
            means = np.einsum("km,kmd->kd", found["weights"], means)
        return means

    # Inference --------------------------------------------------------------------------------

    def call(self, sequences: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        """Return the posteriors."""
        prepared = self._prepare(sequences, mask)
        log_prob = None
        if self.mode == "fixed-lag":
            found = inference.fixed_lag(*prepared, lag=self.lag)
        elif self.mode == "smoothed":
            both = inference.smooth(*prepared, numerics=self.numerics, transitions=False)
            log_prob, found = both.log_prob, both.smoothed
        else:
            log_prob, found = inference.filter(*prepared, numerics=self.numerics)
        if training and self.likelihood_weight:
            if log_prob is None:
                log_prob = inference.log_probability(*prepared, numerics=self.numerics)
            self.add_loss(-self.likelihood_weight * self.mean_per_step(log_prob, prepared[-1]))
        return ops.cast(found, self.compute_dtype)

    def log_probability(self, sequences: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `log P(x_1..x_T)` of each row, `(B,)`, with gradients."""
        if not self.built:
            self.build(tuple(sequences.shape))
        return inference.log_probability(*self._prepare(sequences, mask), numerics=self.numerics)

    def _prepare(self, sequences: Tensor, mask: Tensor | None) -> tuple[Tensor, ...]:
        """Return the inputs of `inference`: start, transitions, log-likelihoods, mask."""
        x = ops.convert_to_tensor(sequences)
        mask = self.boolean_mask(mask, x)
        if len(x.shape) == 2:
            x = ops.cast(x, "int32")
            seen = ops.logical_and(mask, x >= 0)
            if isinstance(self.emission, Categorical):
                seen = ops.logical_and(seen, x < self.raw["emissionprob"].shape[-1])
            flat = ops.reshape(ops.where(seen, x, 0), (-1,))
        else:
            x = ops.cast(x, self.inference_dtype)
            seen = ops.logical_and(mask, ops.logical_not(ops.any(ops.isnan(x), axis=-1)))
            # Replaced before the density: a gradient of NaN times 0 would be NaN.
            flat = ops.reshape(ops.where(ops.expand_dims(seen, -1), x, 0.0), (-1, x.shape[-1]))
        params = {name: ops.expand_dims(value, 0) for name, value in self._params().items()}
        log_lik = self.emission.log_likelihood(params, flat)[0]
        log_lik = ops.reshape(log_lik, (*ops.shape(x)[:2], self.units))
        return (*self._chain(), ops.where(ops.expand_dims(seen, -1), log_lik, 0.0), mask)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "emission": serialize_emission(self.emission)}


def _numpy(tensor: Tensor) -> np.ndarray:
    return ops.convert_to_numpy(ops.stop_gradient(tensor))
