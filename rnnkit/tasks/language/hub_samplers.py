"""Samplers of KerasHub as sampling strategies of a language model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from rnnkit.errors import InputError

SUPPORTED = "GreedySampler, RandomSampler, TopKSampler, TopPSampler, or a subclass of Sampler"


class HubSampler:
    """Chooses tokens with a sampler of KerasHub, from `keras_hub.samplers`.

    The sampler draws with its own seed and the generator of the backend: one seed gives other
    tokens on another backend, and a second call goes on where the first one ended.

    Args:
        sampler: an object that chooses one token at a time, by `get_next_token(probabilities)`.

    Raises:
        InputError: not a sampler of KerasHub; one that searches over whole texts, such as
            `BeamSampler`; a temperature, k or p out of range.

    Example:
        >>> import keras_hub
        >>> sampler = HubSampler(keras_hub.samplers.GreedySampler())
        >>> sampler(np.log(np.array([[0.2, 0.5, 0.3]], "float32")))
        array([1], dtype=int32)
    """

    def __init__(self, sampler: Any) -> None:
        self.name = type(sampler).__name__
        base = _hub_base(sampler)
        if base is None:
            raise InputError(
                f"sampler is {sampler!r}; expected an object of keras_hub.samplers: {SUPPORTED}. "
                "The strategies of rnnkit are chosen by strategy=."
            )
        if type(sampler).get_next_token is base.get_next_token:
            raise InputError(
                f"sampler is a {self.name}, which searches over whole texts, and a text is "
                f"generated one token at a time. Give one of keras_hub.samplers: {SUPPORTED}."
            )
        _check_range("temperature", sampler.temperature, above=0)
        if getattr(sampler, "k", None) is not None:
            _check_range("k", sampler.k, above=0)
        if getattr(sampler, "p", None) is not None:
            _check_range("p", sampler.p, above=0, most=1)
        self.sampler = sampler

    def __call__(self, log_p: np.ndarray) -> np.ndarray:
        """Return the chosen ids `(B,)` of `(B, V)`; a token with -inf has probability 0.

        Raises:
            InputError: k exceeds the vocabulary; a sampler that does not return B ids.
        """
        rows, size = log_p.shape
        k = getattr(self.sampler, "k", None)
        if k is not None and k > size:
            raise InputError(
                f"sampler is a {self.name} with k={k}, and the vocabulary has {size} tokens. "
                f"Set k to at most {size}."
            )
        # The logarithm of a probability is a logit, so the sampler's temperature applies.
        logits = keras.ops.convert_to_tensor(np.asarray(log_p, "float32"))
        p = self.sampler.compute_probabilities(logits)
        ids = keras.ops.convert_to_numpy(self.sampler.get_next_token(p))
        integers = ids.shape == (rows,) and ids.dtype.kind in "iu"
        if not integers or ids.min() < 0 or ids.max() >= size:
            raise InputError(
                f"{self.name}.get_next_token returned {ids.dtype} of shape {ids.shape}; expected "
                f"{rows} integers of 0 to {size - 1}, one for each text."
            )
        return ids.astype("int32")


def _hub_base(sampler: Any) -> Any:
    """Return KerasHub's base class of samplers, if the object has it; imports nothing."""
    for cls in type(sampler).__mro__:
        if cls.__name__ == "Sampler" and cls.__module__.split(".")[0] == "keras_hub":
            return cls
    return None


def _check_range(name: str, value: Any, above: float, most: float | None = None) -> None:
    if not value > above or (most is not None and value > most):
        end = "" if most is None else f", at most {most}"
        raise InputError(f"The sampler's {name} is {value}; expected a number above {above}{end}.")
