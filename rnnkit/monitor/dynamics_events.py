"""TensorBoard pages of recurrent layers: gradient flow, gates, spectral radii."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rnnkit.backend  # noqa: F401  (picks the backend before Keras loads)

# isort: split
import keras
import numpy as np

from rnnkit.errors import check_count
from rnnkit.monitor.dynamics import LayerDynamics, recurrent_dynamics
from rnnkit.monitor.dynamics_figures import flow_figure, saturation_figure
from rnnkit.monitor.events import EventWriter
from rnnkit.monitor.tags import LAGS, RECURRENT


class RecurrentEvents(keras.callbacks.Callback):
    """Log the recurrent layers of a model to TensorBoard, on any backend.

    | page | content |
    |---|---|
    | Scalars | `recurrent/...`: after epochs, the factor of the gradient per step back, spectral radii, memory length, shares of saturated gates |
    | Scalars | `recurrent_by_lag/...`: at the end, the gradient flow; the step is the time lag |
    | Images | `recurrent/gradient_flow`, `recurrent/saturation`, after epochs |
    | Histograms | `recurrent/...`: values of the gates and of the decay, after epochs |

    Layers are called layer_1, layer_2, ... in the order of their calls: runs of models with other
    cells are drawn in the same charts. Step 0 is before the first epoch, of a model that is built.

    Args:
        folder: of the run, which is its subfolder `train`; the `--logdir` of TensorBoard, or below.
        inputs: examples as arrays, what the model's call takes; of a task of rnnkit raw examples.
            Some 16 are enough.
        targets: of a task of rnnkit, where it needs them.
        every_epochs: number of epochs between two measurements.
        directions: as `rnnkit.monitor.recurrent_dynamics` takes it.

    Raises:
        InputError: a number out of range, or, in `fit`, a model without a recurrent layer.

    Example:
        >>> model.fit(x, y, callbacks=[RecurrentEvents("runs/1", x[:16])])  # doctest: +SKIP
    """  # noqa: E501  rows of a table do not break

    def __init__(
        self,
        folder: str | os.PathLike[str],
        inputs: Any,
        targets: Any = None,
        *,
        every_epochs: int = 1,
        directions: int | None = 4,
    ) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.inputs, self.targets = inputs, targets
        self.every_epochs = check_count("every_epochs", every_epochs)
        self.directions = directions
        self._writer: EventWriter | None = None
        self._epoch = 0

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Measure the fresh layers, where they are built already."""
        if getattr(self.model, "network", self.model) is not None and self.model.built:
            self._write(self._epoch)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Measure after each `every_epochs` epochs."""
        self._epoch = epoch + 1
        if self._epoch % self.every_epochs == 0:
            self._write(self._epoch)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Write the flow by lag of the trained layers, and close the file."""
        if self._writer is None or self._epoch % self.every_epochs or not self._epoch:
            self._write(self._epoch)
        assert self._writer is not None
        write_lags(self._writer, self._found)
        self._writer.close()
        self._writer = None

    def _write(self, epoch: int) -> None:
        if hasattr(self.model, "dynamics"):  # a task
            more = {"directions": self.directions}
            self._found = self.model.dynamics(self.inputs, self.targets, **more)
        else:
            self._found = recurrent_dynamics(self.model, self.inputs, directions=self.directions)
        if self._writer is None:
            self._writer = EventWriter(self.folder / "train")
            self._writer.required = False  # no epoch is lost for it
        write_dynamics(self._writer, self._found, epoch)


def write_dynamics(writer: EventWriter, found: Sequence[LayerDynamics], step: int) -> None:
    """Write scalars, histograms and figures of recurrent layers.

    Args:
        writer: of the run.
        found: what `rnnkit.monitor.recurrent_dynamics` returned.
        step: such as the epoch.

    Example:
        >>> from rnnkit.layers import GRU
        >>> with EventWriter("runs/dynamics") as writer:
        ...     write_dynamics(writer, recurrent_dynamics(GRU(4), np.ones((2, 5, 3))), 1)
    """
    scalars = {
        f"{RECURRENT}/layer_{place}/{name}": value
        for place, one in enumerate(found, 1)
        for name, value in one.numbers().items()
    }
    writer.scalars(scalars, step)
    for place, one in enumerate(found, 1):
        decay = {} if one.decay is None else {"decay": one.decay}
        gates = {f"gate_{name}": gate for name, gate in one.gates.items()}
        for name, values in {**gates, **decay}.items():
            writer.histogram(f"{RECURRENT}/layer_{place}/{name}", values, step)
    labels = [f"layer {place}: {one.name}" for place, one in enumerate(found, 1)]
    flows = {label: one.flow for label, one in zip(labels, found, strict=True)}
    title = f"epoch {step}"
    writer.image(f"{RECURRENT}/gradient_flow", flow_figure(flows, title).png(), step)
    shares = {label: one.unit_saturation for label, one in zip(labels, found, strict=True)}
    if any(shares.values()):
        writer.image(f"{RECURRENT}/saturation", saturation_figure(shares, title).png(), step)


def write_lags(writer: EventWriter, found: Sequence[LayerDynamics]) -> None:
    """Write the median gradient flow of each layer as a curve whose steps are time lags.

    Args:
        writer: of the run; each tag may be written once.
        found: what `rnnkit.monitor.recurrent_dynamics` returned.
    """
    for place, one in enumerate(found, 1):
        for lag in np.flatnonzero(~np.isnan(one.flow).all(0)):
            value = float(np.nanmedian(one.flow[:, lag]))
            writer.scalar(f"{LAGS}/layer_{place}/gradient_flow", value, int(lag))
