"""One row of TensorBoard's HParams page: the settings that matter, and the measures of a run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from rnnkit.monitor.tags import EPOCH, TEST, measure_tag
from rnnkit.study.records import read_settings
from rnnkit.study.run_folder import RunFolder

# Settings that every run shows, for TensorBoard fills no gap with a default. Of the others a run
# shows those that were given to it.
_SHOWN = (
    *("cell", "layers", "units", "bidirectional", "dropout", "pooling", "attention", "output"),
    *("embedding", "embedding_size", "method", "vector_size", "window", "horizon", "hmm"),
    *("learning_rate", "batch_size", "epochs"),
)


def write_hparams(folder: RunFolder, results: Mapping[str, Any]) -> None:
    """Write settings and measures on the test split, as the TensorBoard run `test`.

    A measure that has a curve gets the tag of the curve: it is a point in its chart, at the epoch
    whose weights were kept.

    Args:
        folder: of the run, with its settings.
        results: what results.json will hold.
    """
    from rnnkit.monitor.events import EventWriter  # brings TensorBoard's messages in

    curves = {name.removeprefix("val_") for row in folder.epochs()[:1] for name in row}
    measures = {
        measure_tag(EPOCH if name in curves else TEST, name): value
        for name, value in results["test"].items()
    }
    # A folder of its own: the HParams page makes a column of every scalar beside it.
    place = folder.events / "test"
    shutil.rmtree(place, ignore_errors=True)  # of a run that was killed here
    with EventWriter(place, required=False) as writer:
        settings = shown_settings(read_settings(folder.settings)) | {
            "parameters": results["parameters"],
            "training_seconds": round(results["seconds"], 1),
        }
        writer.hparams(settings, measures, results["best_epoch"])


def shown_settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run that its row shows, from what settings.json holds.

    Example:
        >>> settings = {"units": 64, "clip_norm": 1.0, "min_count": 2, "epochs": 3}
        >>> data = {"name": "films/reviews.csv"}
        >>> given = {"min_count": 2}
        >>> record = {"recipe": "lstm_sentiment", "data": data, "seed": 1}
        >>> shown_settings({**record, "settings": settings, "given": given})
        {'Recipe': 'lstm_sentiment', 'Data': 'reviews.csv', 'units': 64, 'epochs': 3, 'min_count': 2, 'seed': 1}
    """  # noqa: E501  the result of an example does not break
    settings, given = record["settings"], record.get("given", {})
    names = [name for name in dict.fromkeys((*_SHOWN, *given)) if name in settings]
    return {
        # TensorBoard sorts columns by name, capital letters first, and shows the first five.
        "Recipe": record["recipe"],
        "Data": PurePath(str(record["data"]["name"])).name,
        **{name: _short(settings[name]) for name in names},
        "seed": record["seed"],
    }


def _short(value: Any) -> Any:
    """Return a value for a cell: lists as words, a path as its last part."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, str) and "/" in value:
        return PurePath(value).name
    return value
