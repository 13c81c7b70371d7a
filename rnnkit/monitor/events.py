"""TensorBoard event files, written without TensorFlow.

The format of the records and the messages come from the tensorboard package, but neither
`tensorboard.compat.tf` nor a `summary.py` is used: they would import TensorFlow.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import threading
import time
import weakref
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.histogram import metadata as histogram_metadata
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.pr_curve import metadata as pr_curve_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

from rnnkit.disk import optional, write_error_number, writing
from rnnkit.errors import InputError
from rnnkit.monitor.projector import write_projector
from rnnkit.monitor.tags import describe

__all__ = ["EventWriter", "write_projector"]

# What the warning says where events are not required.
NO_EVENTS = "Training goes on, and TensorBoard shows no more of it."
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SCALAR = scalar_metadata.create_summary_metadata("", "")
_FILE_NUMBER = itertools.count()  # keeps two writers of one process and second apart


class EventWriter:
    """Writer of one TensorBoard event file.

    Each record is flushed before the call returns, so that no record is lost in a crash. A new
    writer creates a new file; nothing is overwritten. Thread-safe. Tags that rnnkit itself uses get
    the description of `rnnkit.monitor.tags.describe`.

    Args:
        folder: of the file; created if missing. TensorBoard shows the folder as one run.
        append_to: an event file in the folder to go on with, in place of a new one.
        required: False = where the file cannot be written, warn once and write nothing more.

    Raises:
        InputError: the folder is a file, or within one.
        DiskError: the folder or a record cannot be written; the file ends with the record before.

    Example:
        >>> with EventWriter("runs/first/train") as events:
        ...     events.scalar("epoch/loss", 0.5, step=1)
        >>> events.path.name.startswith("events.out.tfevents.")
        True
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        append_to: str | os.PathLike[str] | None = None,
        *,
        required: bool = True,
    ) -> None:
        self.folder, self.required = Path(folder), required
        # TensorBoard reads a folder's files in the order of their names: zeros before the number.
        writer = f"{socket.gethostname()}.{os.getpid()}.{next(_FILE_NUMBER):06d}"
        new = self.folder / f"events.out.tfevents.{int(time.time()):010d}.{writer}"
        self.path = new if append_to is None else Path(append_to)
        self._lock = threading.Lock()
        self._described: set[str] = set()  # tags whose description is in the file
        self._file: BinaryIO | None = None
        with self._may_fail():
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("xb" if append_to is None else "ab")
            except OSError as error:
                if write_error_number(error) is not None:
                    raise
                what = f"Cannot write event files into {str(self.folder)!r} ({error})"
                raise InputError(
                    f"{what}. Give a folder that can be created and written to."
                ) from error
        if self._file is None:
            return
        self._records = RecordWriter(self._file)
        # Closes the file also after an exception, when close() is never called.
        self._finalizer = weakref.finalize(self, self._file.close)
        if not self._file.tell():
            self._write(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Write a scalar; tags with the same prefix before a "/" are grouped in TensorBoard."""
        self.scalars({tag: value}, step)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write several scalars of one step as a single record.

        Args:
            values: tag -> number. NaN and infinity are kept: TensorBoard marks them.
            step: the step.

        Raises:
            InputError: a value is not one real number.
        """
        summary = summary_pb2.Summary()
        for tag, value in values.items():
            number = np.asarray(value)
            if number.size != 1 or number.dtype.kind not in "biuf":
                raise InputError(f"Scalar {tag!r} must be one real number, not {value!r}.")
            # By hand: this runs in every batch, and make_tensor_proto takes twice the time.
            tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[number.item()])
            tensor.tensor_shape.SetInParent()
            summary.value.add(tag=_tag(tag), metadata=self._metadata(tag), tensor=tensor)
        if summary.value:
            self._write(_event(summary, step))

    def histogram(self, tag: str, values: Any, step: int, *, bins: int = 30) -> None:
        """Write a histogram of an array; values that are not finite are left out.

        Args:
            tag: name in TensorBoard.
            values: an array of any shape.
            step: the step.
            bins: number of buckets.
        """
        flat = np.asarray(values).astype(np.float64, copy=False).ravel()
        flat = flat[np.isfinite(flat)]
        # NumPy needs a range with a width; TensorBoard draws equal edges as a single spike.
        buckets = np.zeros((bins, 3))
        if flat.size and flat.min() == flat.max():
            buckets[:, :2], buckets[-1, 2] = flat[0], flat.size
        elif flat.size:
            counts, edges = np.histogram(flat, bins=bins)
            buckets = np.stack([edges[:-1], edges[1:], counts], axis=1)
        metadata = histogram_metadata.create_summary_metadata("", self._describe(tag))
        self._tensor(tag, buckets, metadata, step)

    def image(self, tag: str, png_bytes: bytes, step: int) -> None:
        """Write a PNG image; other bytes raise an `InputError`."""
        if not isinstance(png_bytes, bytes) or png_bytes[:8] != _PNG_SIGNATURE:
            raise InputError(f"Image {tag!r} must be the bytes of a PNG file.")
        width, height = struct.unpack(">II", png_bytes[16:24])
        content = np.array([str(width).encode(), str(height).encode(), png_bytes], dtype=object)
        metadata = image_metadata.create_summary_metadata("", self._describe(tag))
        self._tensor(tag, content, metadata, step)

    def text(self, tag: str, markdown: str, step: int) -> None:
        """Write a text; TensorBoard renders Markdown with tables."""
        if not isinstance(markdown, str):
            raise InputError(f"Text {tag!r} must be a string, not {type(markdown).__name__}.")
        content = np.array(markdown.encode("utf-8", "backslashreplace"), dtype=object)
        metadata = text_metadata.create_summary_metadata("", self._describe(tag))
        self._tensor(tag, content, metadata, step)

    def pr_curve(
        self, tag: str, labels: Any, probabilities: Any, step: int, *, thresholds: int = 201
    ) -> None:
        """Write the precision-recall curve of a binary classifier, at evenly spaced thresholds.

        Args:
            tag: name in TensorBoard.
            labels: `(N,)` true labels, 0 or 1.
            probabilities: `(N,)` predicted probability of 1, within [0, 1].
            step: the step.
            thresholds: number of thresholds from 0 to 1; `p >= threshold` is a positive.

        Raises:
            InputError: labels and probabilities differ in number, or are out of range.
        """
        truth = np.asarray(labels).ravel()
        scores = np.asarray(probabilities, dtype=np.float64).ravel()
        if truth.shape != scores.shape or not truth.size:
            what = f"PR curve {tag!r} needs as many labels as probabilities, at least one"
            raise InputError(f"{what}; got {truth.size} and {scores.size}.")
        if not np.isin(truth, (0, 1)).all() or not ((scores >= 0) & (scores <= 1)).all():
            raise InputError(f"PR curve {tag!r} needs labels 0 or 1 and probabilities in [0, 1].")
        bucket = np.floor(scores * (thresholds - 1)).astype(np.int64)
        truth = truth.astype(np.float64)
        # Positives at the threshold of a bucket: this bucket and all higher ones.
        positive, negative = (
            np.bincount(bucket, weights, minlength=thresholds)[::-1].cumsum()[::-1]
            for weights in (truth, 1 - truth)
        )
        true_negative, false_negative = negative[0] - negative, positive[0] - positive
        # Above the highest probability precision is 0 / 0: it keeps its last value, without a drop.
        called = positive + negative
        precision = positive / np.maximum(called, 1)
        last = int(called.nonzero()[0][-1])
        precision[last + 1 :] = precision[last]
        recall = positive / max(positive[0], 1)
        curve = [positive, negative, true_negative, false_negative, precision, recall]
        metadata = pr_curve_metadata.create_summary_metadata(tag, "", thresholds)
        self._tensor(tag, np.stack(curve).astype(np.float32), metadata, step)

    def hparams(
        self, settings: Mapping[str, Any], metrics: Mapping[str, float], step: int = 0
    ) -> None:
        """Write one row of the HParams table: settings and final metrics of a run.

        The experiment gets no description: TensorBoard would use that of one run for all and hide
        settings that only others have. It collects the columns from every scalar in this folder and
        below, so use a separate folder for this table.

        Args:
            settings: name -> bool, number or string; None is left out, others become `str`.
            metrics: name -> number, written as scalars. One that is named like a curve of another
                run becomes a point in the chart of that curve.
            step: of the metrics, such as the epoch whose weights were measured.
        """
        start = plugin_data_pb2.SessionStartInfo(start_time_secs=time.time())
        for name, value in settings.items():
            value = value.item() if isinstance(value, np.generic) else value
            if isinstance(value, bool):
                start.hparams[name].bool_value = value
            elif isinstance(value, (int, float)):
                start.hparams[name].number_value = value
            elif value is not None:
                # A file name may hold bytes that are no characters.
                start.hparams[name].string_value = str(value).encode(errors="replace").decode()
        status, now = api_pb2.STATUS_SUCCESS, time.time()
        end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=now)
        page = plugin_data_pb2.HParamsPluginData
        pages = {
            hparams_metadata.SESSION_START_INFO_TAG: page(session_start_info=start),
            hparams_metadata.SESSION_END_INFO_TAG: page(session_end_info=end),
        }
        summary = summary_pb2.Summary()
        for tag, content in pages.items():
            metadata = hparams_metadata.create_summary_metadata(content)
            summary.value.add(tag=tag, metadata=metadata, tensor=hparams_metadata.NULL_TENSOR)
        self._write(_event(summary, 0))
        self.scalars(metrics, step)

    def flush(self) -> None:
        """Flush to the operating system."""
        if self._file is not None and not self._file.closed:
            self._file.flush()

    def sync(self) -> int:
        """Have the operating system write the file to the disk; return its size in bytes."""
        with self._lock:
            if self._file is None:
                return 0
            if not self._file.closed:
                with self._may_fail():
                    self._records.flush()
                    os.fsync(self._file.fileno())
        return self.path.stat().st_size

    def close(self) -> None:
        """Close the file; idempotent."""
        if self._file is not None:
            self._finalizer()

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _metadata(self, tag: str) -> summary_pb2.SummaryMetadata:
        """Return the metadata of a scalar; TensorBoard reads those of the first one of a tag."""
        about = self._describe(tag)
        return scalar_metadata.create_summary_metadata("", about) if about else _SCALAR

    def _describe(self, tag: str) -> str:
        """Return the description of a tag, once for each writer."""
        if tag in self._described:
            return ""
        about = describe(_tag(tag))
        self._described.add(tag)
        return about

    def _tensor(
        self, tag: str, content: np.ndarray, metadata: summary_pb2.SummaryMetadata, step: int
    ) -> None:
        tensor: tensor_pb2.TensorProto = make_tensor_proto(content)
        summary = summary_pb2.Summary()
        summary.value.add(tag=_tag(tag), metadata=metadata, tensor=tensor)
        self._write(_event(summary, step))

    def _write(self, event: event_pb2.Event) -> None:
        with self._lock:
            if self._file is None and not self.required:
                return
            if self._file is None or self._file.closed:
                raise InputError(f"{self.path.name} is closed; open a new EventWriter.")
            whole = self._file.tell()
            with self._may_fail():
                try:
                    self._records.write(event.SerializeToString())
                    self._records.flush()
                except OSError:
                    self._cut(self._file, whole)
                    raise

    def _cut(self, file: BinaryIO, size: int) -> None:
        """Give the file up, without what was written of the last record."""
        with contextlib.suppress(OSError):  # closing writes what is left, and fails again
            file.close()
        with contextlib.suppress(OSError):
            os.truncate(self.path, size)
        self._file = None

    @contextlib.contextmanager
    def _may_fail(self) -> Iterator[None]:
        """Tell a failed write as a `DiskError`; as a warning where the file is not required."""
        told = writing(self.path, "the events for TensorBoard")
        if self.required:
            with told:
                yield
        else:
            with optional(self.folder.parent, NO_EVENTS), told:
                yield


def cut_events(path: Path, size: int) -> None:
    """Cut an event file to its first `size` bytes, or to fewer: it ends with a whole record.

    What was written after a checkpoint is written once more when the training goes on.

    Example:
        >>> with EventWriter("runs/cut/train") as events:
        ...     events.scalar("loss", 0.5, step=1)
        >>> cut_events(events.path, events.path.stat().st_size - 1)
        >>> events.path.stat().st_size  # the record with the version is left
        40
    """
    end = 0
    with path.open("r+b") as file:
        while len(header := file.read(12)) == 12:  # the length of the record, and its checksum
            (length,) = struct.unpack("<Q", header[:8])
            following = end + 12 + length + 4
            if following > size or len(file.read(length + 4)) < length + 4:
                break
            end = following
        file.truncate(end)


def event_files(folder: Path) -> list[str]:
    """Return the event files of all runs in a folder, by their places in it."""
    found = folder.glob("*/events.out.tfevents.*")
    return sorted(path.relative_to(folder).as_posix() for path in found)


def resume_writers(
    folder: Path, files: Mapping[str, tuple[str, int]], there: Collection[str] = ()
) -> dict[str, EventWriter]:
    """Return writers that go on with event files as they were at a checkpoint.

    Args:
        folder: of the runs.
        files: run -> name and size of its file.
        there: `event_files` at the checkpoint. Other event files of these runs, and of `train` and
            `validation`, were begun after it: they are removed.
    """
    for run in {"train", "validation", *files}:
        name, size = files.get(run, (None, 0))
        for path in (folder / run).glob("events.out.tfevents.*"):
            if path.name == name:
                cut_events(path, size)
            elif f"{run}/{path.name}" not in there:
                path.unlink()
    return {
        run: EventWriter(folder / run, append_to=folder / run / name, required=False)
        for run, (name, _) in files.items()
    }


def _event(summary: summary_pb2.Summary, step: int) -> event_pb2.Event:
    return event_pb2.Event(wall_time=time.time(), step=int(step), summary=summary)


def _tag(tag: str) -> str:
    if not isinstance(tag, str) or not tag:
        raise InputError(f"A tag must be a non-empty string, not {tag!r}.")
    return tag
