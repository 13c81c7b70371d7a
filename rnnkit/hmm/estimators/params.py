"""The parameters of a hidden Markov model as one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Params(NamedTuple):
    """Parameters of a hidden Markov model, with or without a leading axis of restarts R.

    Args:
        startprob: `(R, K)` or `(K,)`.
        transmat: `(R, K, K)` or `(K, K)`, from row to column.
        emission: name -> `(R, ...)` or `(...)`.
    """

    startprob: Any
    transmat: Any
    emission: Mapping[str, Any]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Params:
        """Build the record from all parameters by name."""
        emission = dict(values)
        return cls(emission.pop("startprob"), emission.pop("transmat"), emission)

    def to_dict(self) -> dict[str, Any]:
        """Return all parameters by name.

        Example:
            >>> list(Params([1.0], [[1.0]], {"means": [[0.0]]}).to_dict())
            ['startprob', 'transmat', 'means']
        """
        return {"startprob": self.startprob, "transmat": self.transmat, **self.emission}

    def map(self, function: Callable[[Any], Any]) -> Params:
        """Apply a function to each parameter.

        Example:
            >>> Params([1.0], [[1.0]], {"means": [[0.0]]}).map(len).emission
            {'means': 1}
        """
        return Params.from_dict({name: function(value) for name, value in self.to_dict().items()})
