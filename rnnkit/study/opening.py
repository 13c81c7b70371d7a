"""Opening of whatever rnnkit has saved: models, run folders, word vectors, vocabularies."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from rnnkit.errors import InputError, suggest_sibling
from rnnkit.study.runs import open_run
from rnnkit.untrusted import parse_json


def load(path: str | os.PathLike[str]) -> Any:
    """Open a file or a run folder that rnnkit wrote; `rnnkit.load` calls this.

    | path | returns |
    |---|---|
    | a run folder | the run's model |
    | `.keras` of a task | the task |
    | `.keras` of word vectors | a `SkipGram` or `CBOW` |
    | `.keras` of a plain Keras model | the model; layers of rnnkit may be among its layers |
    | word vectors of other formats | `KeyedVectors` of gensim: `rnnkit.embeddings.load_vectors` |
    | `.npz` of `HopfieldNetwork.save` | a `HopfieldNetwork` |
    | `.json` of `Vocabulary.to_json` | a `Vocabulary` |
    | `.json` of `Ensemble.save` | an `Ensemble` |

    Args:
        path: the file or folder.

    Raises:
        InputError: there is nothing at the path, it is the folder of a study (the message lists its
            runs), or the file is none of these.

    Example:
        >>> load("runs/mine").predict_labels(["A fine film."])  # doctest: +SKIP
        ['pos']
    """
    path = Path(path).expanduser()
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise InputError(f"There is no file or folder {path}.{suggest_sibling(path)}")
    if path.suffix == ".npz":
        return _open_hopfield(path)
    if path.suffix == ".json":
        return _open_json(path)
    if path.suffix == ".keras" or zipfile.is_zipfile(path):
        return _open_keras(path)
    from rnnkit.embeddings.files import load_vectors

    try:
        return load_vectors(path)
    except InputError as error:
        raise InputError(
            f"{path} is neither a model nor word vectors that rnnkit can open. Tried as word "
            f"vectors: {error}"
        ) from error


def _open_folder(path: Path) -> Any:
    """Return the model of a run folder; list the runs of a study."""
    if (path / "settings.json").is_file():
        return open_run(path).model
    runs = sorted(one.parent.name for one in path.glob("*/settings.json"))
    if runs:
        raise InputError(
            f"{path} holds several runs: {', '.join(runs)}. Give the folder of one, such as "
            f"{path / runs[0]}."
        )
    if (path / "saved_model.pb").is_file():
        raise InputError(
            f"{path} is a TensorFlow SavedModel, which runs without rnnkit: open it with "
            "tf.saved_model.load."
        )
    raise InputError(
        f"{path} is not the folder of a run: it has no settings.json. Give a run folder, such as "
        "runs/NAME, or a saved file."
    )


def _open_keras(path: Path) -> Any:
    """Return a task, word vectors, or a plain Keras model."""
    from rnnkit import plugins, tasks
    from rnnkit.embeddings.model import Word2Vec
    from rnnkit.saved_files import load_saved_model, read_saved_model

    try:
        saved = read_saved_model(path, packages=plugins.packages())
    except ValueError as error:
        raise InputError(f"{path} is no saved Keras model ({error}).") from error
    if issubclass(saved.cls, tasks.Task | Word2Vec):
        return tasks.load(path)
    return load_saved_model(path, saved.class_name)


def _open_hopfield(path: Path) -> Any:
    """Return a Hopfield network."""
    from rnnkit.recurrent.hopfield import HopfieldNetwork

    try:
        return HopfieldNetwork.load(path)
    except Exception as error:
        raise InputError(f"{path} is no file of HopfieldNetwork.save: {error}") from error


def _open_json(path: Path) -> Any:
    """Return a vocabulary or an ensemble."""
    from rnnkit.data.vocabulary import Vocabulary

    try:
        text = path.read_text(encoding="utf-8")
        found = parse_json(text)
        if not (isinstance(found, dict) and "ensemble" in found):
            return Vocabulary.from_json(text)
    except ValueError as error:  # also bytes that are not UTF-8, and an InputError
        raise InputError(f"{path} is no vocabulary or ensemble: {error}") from error
    from rnnkit.tasks.ensemble import Ensemble

    return Ensemble.load(path)
