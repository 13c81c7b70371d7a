"""Presets of KerasHub: folders and handles, and the tokenizers in them."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnnkit.errors import InputError, suggest

CONFIG, ASSETS = "tokenizer.json", "assets/tokenizer"  # of a tokenizer, in the folder of a preset


def import_keras_hub() -> Any:
    """Import KerasHub, or say how it is installed."""
    try:
        return importlib.import_module("keras_hub")
    except ImportError as error:
        raise InputError(
            f'This needs KerasHub, which cannot be imported ({error}): pip install "rnnkit[hub]".'
        ) from error


def is_preset(name: Any) -> bool:
    """Return whether a text or path is the folder or the handle of a preset of KerasHub.

    Example:
        >>> is_preset("kaggle://keras/bert/keras/bert_tiny_en_uncased"), is_preset("random")
        (True, False)
    """
    if not isinstance(name, str | os.PathLike):
        return False
    if "://" in os.fspath(name):
        return True
    folder = Path(name).expanduser()
    return any((folder / file).is_file() for file in (CONFIG, "config.json"))


def load_preset_tokenizer(preset: str | os.PathLike[str]) -> Any:
    """Return the KerasHub tokenizer of a preset.

    Args:
        preset: a folder that `save_to_preset` wrote, of a model or of a tokenizer alone; or a
            handle, such as "kaggle://keras/bert/keras/bert_tiny_en_uncased", which KerasHub
            downloads.

    Raises:
        InputError: no such folder, one without a tokenizer, or KerasHub is not installed.
    """
    if not is_preset(preset):
        path = Path(preset).expanduser()
        beside = map(str, path.parent.iterdir()) if path.parent.is_dir() else ()
        raise InputError(
            f"tokenizer is {os.fspath(preset)!r}; expected a tokenizer of keras_hub, the folder of "
            f"a preset, or its handle (kaggle://..., hf://...), and there is no such folder."
            f"{suggest(str(preset), list(beside))}"
        )
    folder = Path(preset).expanduser()
    if (folder / CONFIG).is_file() and (folder / ASSETS).is_dir():
        return tokenizer_of_folder(folder)
    hub = import_keras_hub()
    with naming_preset("tokenizer", preset):
        return hub.tokenizers.Tokenizer.from_preset(os.fspath(preset))


@contextlib.contextmanager
def naming_preset(setting: str, preset: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the errors of KerasHub at a preset into one that names the setting and the preset.

    Raises:
        InputError: an error was raised inside.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "")
        raise InputError(
            f"{setting} is {os.fspath(preset)!r}, and KerasHub cannot load that preset "
            f"({type(error).__name__}: {reason})."
        ) from error


def tokenizer_of_folder(folder: Path) -> Any:
    """Build a tokenizer from its configuration and its files, laid out as in a preset.

    Raises:
        InputError: its class is not imported, or KerasHub is not installed.
    """
    import keras

    import_keras_hub()  # registers its classes
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    try:
        tokenizer = keras.saving.deserialize_keras_object(config)
    except TypeError as error:
        name = config.get("class_name")
        raise InputError(
            f"The tokenizer is a {name}, a class that is not imported here: import the module that "
            "registers it with keras.saving.register_keras_serializable first."
        ) from error
    if (folder / ASSETS).is_dir():
        with warnings.catch_warnings():
            # KerasHub leaves a file of sentencepiece to the garbage collection to close.
            warnings.simplefilter("ignore", ResourceWarning)
            tokenizer.load_assets(str(folder / ASSETS))
    return tokenizer
