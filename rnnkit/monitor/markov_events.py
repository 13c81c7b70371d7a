"""TensorBoard logging of hidden Markov models: by themselves and as layers of a network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnkit.errors import check_count
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.markov import emission_figure, means_figure, transition_figure
from rnnkit.monitor.markov_series import states_figure
from rnnkit.monitor.tags import EPOCH, STATES

_WIDTH = 7  # inches of the figure of a series: TensorBoard scales it to a narrow card


class HMMEvents:
    """TensorBoard callback of Baum-Welch, for `fit(..., on_iteration=events)`.

    It writes the log-likelihood of each iteration as a scalar, and as images the transition matrix
    and the emissions (means with standard deviations, or probabilities of symbols) at the first
    iteration, at every `images_every`th, and on `close` (or the end of `with`) at the last.

    Args:
        folder: of the run, which is its subfolder `train`; the `--logdir` of TensorBoard, or below.
        images_every: interval of the images in iterations; 0 = only the last iteration.
        names: of the states.
        features: names of the features, or of the symbols.
        covariance_type: "spherical", "diag", "full" or "tied"; None = by the shape of `covars`,
            which is ambiguous for "tied" with as many states (or components) as features.

    Raises:
        InputError: a folder that is a file, or a negative `images_every`.
        DiskError: the folder cannot be written.

    Example:
        >>> with HMMEvents("runs/hmm", names=["free", "jam"]) as events:
        ...     events(1, {"transmat": np.eye(2), "means": np.ones((2, 3))}, -812.5)
        >>> events.path.parent.as_posix()
        'runs/hmm/train'
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        images_every: int = 10,
        names: Sequence[str] | None = None,
        features: Sequence[str] | None = None,
        covariance_type: str | None = None,
    ) -> None:
        self.images_every = check_count("images_every", images_every, least=0)
        self._writer = EventWriter(Path(folder) / "train")
        self._writer.required = False  # no iteration is lost for it
        self.path = self._writer.path
        self.names, self.features, self.covariance_type = names, features, covariance_type
        self._last: int | None = None
        self._waiting: Mapping[str, Any] | None = None  # parameters not drawn yet

    def __call__(
        self, iteration: int, parameters: Mapping[str, Any], log_likelihood: float
    ) -> None:
        """Log an iteration.

        Args:
            iteration: its number.
            parameters: "transmat" `(K, K)` and those of the emission by name; others are ignored.
            log_likelihood: of all sequences.
        """
        self._writer.scalar(f"{EPOCH}/log_likelihood", float(log_likelihood), iteration)
        first, self._last, self._waiting = self._last is None, iteration, parameters
        if self.images_every and (first or iteration % self.images_every == 0):
            self._draw()

    def series(
        self,
        values: Any,
        states: Any = None,
        *,
        posteriors: Any = None,
        times: Any = None,
        tag: str = f"{STATES}/series",
        step: int | None = None,
    ) -> None:
        """Write a figure of a series with its states; arguments of `rnnkit.monitor.states_figure`.

        Args:
            values: `(T,)` or `(T, D)`.
            states: `(T,)`, -1 = none; or None.
            posteriors: `(T, K)` or None.
            times: `(T,)` or None.
            tag: name of the image.
            step: None = the last iteration.
        """
        width = (*np.shape(values), 1, 1)[1]
        features = self.features if len(self.features or ()) == width else None  # else of symbols
        picture = states_figure(
            values, states, posteriors=posteriors, times=times, names=self.names, features=features
        )
        picture.set_figwidth(_WIDTH)
        self._writer.image(tag, picture.png(), (self._last or 0) if step is None else step)

    def close(self) -> None:
        """Draw the last iteration if it is not drawn yet, and close the file."""
        self._draw()
        self._writer.close()

    def __enter__(self) -> HMMEvents:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _draw(self) -> None:
        known, self._waiting = self._waiting, None
        if known is None or self._last is None:
            return
        title = f"iteration {self._last}"
        pictures = {}
        if "transmat" in known:
            pictures["transition_matrix"] = transition_figure(known["transmat"], self.names, title)
        labels = (self.names, self.features, title)
        if "emissionprob" in known:
            pictures["emissions"] = emission_figure(known["emissionprob"], *labels)
        means, sds = state_moments(known, self.covariance_type)
        if means is not None:
            pictures["means"] = means_figure(means, sds, *labels)
        for tag, picture in pictures.items():
            self._writer.image(f"{STATES}/{tag}", picture.png(), self._last)


def state_moments(
    parameters: Mapping[str, Any], covariance_type: str | None = None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the mean and standard deviation of each feature in each state.

    For a mixture, `μ_k = Σ_m c_km μ_km` and `σ²_k = Σ_m c_km (σ²_km + (μ_km - μ_k)²)`.

    Args:
        parameters: of a Gaussian, mixture or Poisson emission, by name.
        covariance_type: of "covars"; None = by their shape, "diag" where "tied" also fits.

    Returns:
        Means and standard deviations, `(K, D)` each; None if they are not known.

    Example:
        >>> state_moments({"lambdas": [[4.0], [9.0]]})[1].ravel()
        array([2., 3.])
    """
    if "lambdas" in parameters:
        rates = np.asarray(parameters["lambdas"], "float64")
        return rates, np.sqrt(rates)
    if "means" not in parameters:
        return None, None
    means = np.asarray(parameters["means"], "float64")
    variances = None
    if "covars" in parameters:
        variances = _variances(np.asarray(parameters["covars"], "float64"), means, covariance_type)
    if means.ndim == 3:
        weights = np.asarray(parameters["weights"], "float64")[..., None]
        centre = (weights * means).sum(1)
        if variances is not None:
            variances = (weights * (variances + (means - centre[:, None]) ** 2)).sum(1)
        means = centre
    return means, None if variances is None else np.sqrt(variances)


def _variances(covars: np.ndarray, means: np.ndarray, kind: str | None) -> np.ndarray:
    """Return the variance of each feature in each state, or in each component."""
    if kind is None:
        kind = {-1: "spherical", 0: "diag", 1: "full"}[covars.ndim - means.ndim]
        if kind == "diag" and covars.shape != means.shape:
            kind = "tied"
    if kind == "spherical":
        found = covars[..., None]
    elif kind == "diag":
        found = covars
    else:
        found = np.diagonal(covars, axis1=-2, axis2=-1)
        if kind == "tied":  # shared by all states, or by all components of a state
            found = found[..., None, :]
    return np.broadcast_to(found, means.shape)


def write_layers(writer: EventWriter, layer: Any, step: int) -> None:
    """Write figures of the transition matrix and the means of each hidden Markov layer in a model.

    A hidden Markov layer has a method `transition_matrix()` that returns `(K, K)` probabilities,
    and optionally `means()`, `(K, D)` or None. The tags carry the names of the layers where there
    are several.

    Example:
        >>> from types import SimpleNamespace
        >>> layer = SimpleNamespace(name="hmm", transition_matrix=lambda: np.eye(2))
        >>> with EventWriter("runs") as writer:
        ...     write_layers(writer, SimpleNamespace(layers=[layer]), 1)
    """
    parts = {id(part): part for part in _parts(layer)}.values()
    found = [part for part in parts if callable(getattr(part, "transition_matrix", None))]
    title = f"epoch {step}"
    for part in found:
        group = STATES if len(found) == 1 else f"{STATES}/{part.name}"
        picture = transition_figure(part.transition_matrix(), title=title)
        writer.image(f"{group}/transition_matrix", picture.png(), step)
        means = part.means() if hasattr(part, "means") else None
        if means is not None:
            writer.image(f"{group}/means", means_figure(means, title=title).png(), step)


def _parts(layer: Any) -> Iterator[Any]:
    """Yield a layer and all layers inside it."""
    yield layer
    for part in getattr(layer, "layers", ()):
        yield from _parts(part)
