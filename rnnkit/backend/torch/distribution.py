"""One training in several processes of PyTorch: each computes some rows of every batch.

The processes are those of `torchrun` (environment variables RANK, WORLD_SIZE, ...); `rnnkit train
--devices` starts them itself. They talk through `torch.distributed`: NCCL between GPUs, one for
each process, else Gloo. In a step, the gradients are added once, as one flat array, and the sums of
the metrics once; see `rnnkit.backend.distribution`.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from rnnkit.backend.distribution import Rows, check_available, rows_of
from rnnkit.errors import InputError

STARTED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun sets
LONGEST = datetime.timedelta(hours=12)  # that processes wait for the first: it validates alone
SEEDS = "seed_generator_state"  # the name of the variable of a random generator


def started_devices() -> int | None:
    """Return of how many processes this is one; None where it was started alone."""
    return int(os.environ["WORLD_SIZE"]) if all(map(os.environ.get, STARTED)) else None


def needs_processes(devices: int) -> bool:
    """Return whether a training over devices needs processes that are not started yet."""
    if started_devices() is not None:
        return False
    _check(devices)
    return True


def _check(devices: int) -> None:
    """Refuse more processes than there are GPUs or, without any, processors."""
    if gpus := torch.cuda.device_count():
        advice = "For a try on the processor, set CUDA_VISIBLE_DEVICES to an empty text."
        check_available(devices, range(gpus), "gpu", advice)
    else:
        advice = "On the processor each device is a process, which needs a core of its own."
        check_available(devices, range(os.cpu_count() or 1), "cpu", advice)


def join_devices(devices: int) -> Group:
    """Join the other processes of a training over devices.

    Raises:
        InputError: this process was started alone, or with another number of others; or Keras was
            asked to distribute, too.
    """
    started = started_devices()
    if started is None:
        _check(devices)
        raise InputError(
            f"devices is {devices}, and PyTorch trains on several devices in as many processes, of "
            f"which this is the only one. Start the script by: torchrun --nproc-per-node {devices} "
            f"SCRIPT; or train a recipe by: rnnkit train RECIPE --devices {devices}"
        )
    if started != devices:
        raise InputError(
            f"devices is {devices}, and torchrun started {started} processes: expected the number "
            "of all of them, on all machines."
        )
    known = getattr(keras, "distribution", None)  # Keras 3.16 may have it on PyTorch
    if known is not None and getattr(known, "distribution", lambda: None)() is not None:
        raise InputError(
            "devices was given, and keras.distribution.set_distribution was called: gradients "
            "would be added twice. Leave out one of them."
        )
    if not dist.is_initialized():
        gpu = torch.cuda.is_available()
        if gpu:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", os.environ["RANK"])))
        dist.init_process_group("nccl" if gpu else "gloo", timeout=LONGEST)
    return Group()


class Group:
    """The processes of a training, as one of them sees them.

    Attributes:
        size: their number.
        rank: of this one; 0 is the first, which alone writes.
        bytes: sent and received for gradients, metrics and states in the last step, in all.
    """

    apart = True  # each replica is a process
    splits_steps = True  # `train_step` takes the place of Keras's

    def __init__(self) -> None:
        self.size, self.rank = dist.get_world_size(), dist.get_rank()
        self.bytes = 0
        self._rows: Rows | None = None  # in a step

    @property
    def first(self) -> bool:
        """Whether this process is the one that measures, shows and writes."""
        return self.rank == 0

    def shared(self, value: Any) -> Any:
        """Return what the first process has; any object that can be pickled."""
        box = [value if self.first else None]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def every(self, value: Any) -> list[Any]:
        """Return what each process has, in their order."""
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value)
        return found

    def decision(self, *numbers: float) -> list[float]:
        """Return numbers of the first process, of which each process has its own."""
        found = torch.tensor(numbers, dtype=torch.float64, device=keras.ops.zeros(()).device)
        dist.broadcast(found, src=0)
        return found.tolist()

    def wait(self) -> None:
        """Wait until all processes are here."""
        dist.barrier()

    @contextlib.contextmanager
    def training(self, task: Any) -> Iterator[None]:
        """Train a task within the block; nothing has to be made ready here."""
        del task
        yield

    def place(self, task: Any) -> None:
        """Do nothing: each process has its variables."""

    def same_variables(self, variables: Sequence[Any]) -> None:
        """Set variables to those of the first process; random generators apart from each other."""
        numbers = [one for one in variables if one.value.dtype == torch.float32]
        known = {id(one) for one in numbers}
        others = [one for one in variables if id(one) not in known]
        with torch.no_grad():
            for one in numbers:
                found = one.value.detach().contiguous()
                dist.broadcast(found, src=0)
                one.value.copy_(found)
        arrays = [keras.ops.convert_to_numpy(one) for one in others] if self.first else None
        for one, array in zip(others, self.shared(arrays), strict=True):
            if not self.first and one.path.endswith(SEEDS):
                array = array + np.array([1_000_003 * self.rank, 0], array.dtype)
            if not self.first:
                one.assign(array)

    # Within a step.

    def own_rows(self, tensor: Any) -> Any:
        """Return the rows of a tensor, batch first, that this process computes in this step."""
        tensor = keras.ops.convert_to_tensor(tensor)
        return tensor if self._rows is None else tensor[self._rows.start : self._rows.end]

    def assign_rows(self, variable: Any, rows: Tensor) -> None:
        """Set a variable of states to the rows of all processes, of which each knows its own."""
        if self._rows is None:
            variable.assign(rows)
            return
        start, end, total = self._rows
        whole = rows.new_zeros((total, *rows.shape[1:]))
        whole[start:end] = rows.detach()
        variable.assign(self._add(whole))

    def train_step(self, task: Any, data: Any) -> dict[str, Any]:
        """Train on a batch: each process on its rows, all with the gradient of the whole batch."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        x = task.row_inputs(x)
        total = len(keras.tree.flatten(x)[0])
        rows = rows_of(self.rank, self.size, total)
        empty = rows.start == rows.end  # of a batch of fewer rows: one is computed, and not counted
        self._rows, self.bytes = rows._replace(end=rows.start + 1) if empty else rows, 0
        metrics = list(task.metrics_variables)
        before = [one.value.clone() for one in metrics]
        try:
            for one in metrics:  # what this batch adds to them
                one.assign(torch.zeros_like(one.value))
            x, y, weight = keras.tree.map_structure(
                lambda part: None if part is None else self.own_rows(part), (x, y, weight)
            )
            y_pred = task(x, training=True)
            task.zero_grad()
            loss = task._compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight, training=True)
            count = torch.as_tensor(task.loss_divisor(y, y_pred, weight), dtype=torch.float32)
            count = torch.zeros_like(count) if empty else count.to(loss.device)
            mean = self._apply(task, loss, count)
            if empty:
                for one in metrics:
                    one.assign(torch.zeros_like(one.value))
            else:
                task.compute_metrics(x, y, y_pred, sample_weight=weight)
            tracker = task._loss_tracker
            tracker.reset_state()
            if self.first:
                tracker.update_state(mean, sample_weight=total)
            self._add_metrics(metrics, before)
        finally:
            self._rows = None
        return task.get_metrics_result()

    def _apply(self, task: Any, loss: Tensor, count: Tensor) -> Tensor:
        """Update the weights by the gradient of the whole batch; return its loss."""
        optimizer, weights = task.optimizer, task.trainable_weights[:]
        # A replica without a step that counts: 0 times NaN would be NaN.
        own = torch.where(count > 0, loss, torch.zeros_like(loss)) * count
        optimizer.scale_loss(own).backward()
        with torch.no_grad():
            grads = [one.value.grad for one in weights]
            there = torch.tensor([grad is not None for grad in grads], device=loss.device)
            numbers = torch.stack([own.detach().float(), count.float()])
            filled = [
                torch.zeros_like(one.value) if grad is None else grad
                for one, grad in zip(weights, grads, strict=True)
            ]
            parts = [numbers, there.float(), *(one.float().reshape(-1) for one in filled)]
            flat = self._add(torch.cat(parts))
            sizes = [part.numel() for part in parts]
            (own, count), there, *added = flat.split(sizes)
            count = count.clamp(min=1e-12)
            reduced = [
                (grad / count).view(one.shape).to(one.dtype) if some else None
                for grad, one, some in zip(added, filled, there.tolist(), strict=True)
            ]
            optimizer.apply(reduced, weights)
        return own / count

    def _add_metrics(self, metrics: Sequence[Any], before: Sequence[Tensor]) -> None:
        """Add what all processes found of this batch to the sums of the metrics."""
        parts = [one.value.detach().float().reshape(-1) for one in metrics]
        flat = self._add(torch.cat(parts)).split([part.numel() for part in parts])
        for one, old, more in zip(metrics, before, flat, strict=True):
            one.assign(old + more.view(old.shape).to(old.dtype))

    def _add(self, tensor: Tensor) -> Tensor:
        """Return the sum over the processes; the tensor is changed."""
        dist.all_reduce(tensor)
        self.bytes += 2 * tensor.numel() * tensor.element_size() * (self.size - 1) // self.size
        return tensor
