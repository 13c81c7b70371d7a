"""Formats of exported models, and what is asked of names and lengths."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rnnkit.errors import InputError, check_choice, check_count


class Format(NamedTuple):
    """A format of exported models.

    Attributes:
        ending: of the file's name; "" = a folder.
        about: what it is.
        fixed_length: the number of steps is fixed when it is written.
    """

    ending: str
    about: str
    fixed_length: bool = False


FORMATS = {
    "saved-model": Format("", "a TensorFlow SavedModel, for any number of rows and steps"),
    "onnx": Format(".onnx", "an ONNX file, for any number of rows and steps"),
    "litert": Format(
        ".tflite", "a LiteRT (TensorFlow Lite) file, for one row of a fixed length", True
    ),
}


def check_export(path: Path, format: str, length: int | None = None) -> None:
    """Refuse an unknown format, a name that does not suit it or is taken, a length it cannot have.

    Args:
        path: to write.
        format: of `FORMATS`.
        length: the fixed number of steps; None = any.

    Raises:
        InputError: as above.

    Example:
        >>> check_export(Path("sentiment.tflite"), "onnx")
        Traceback (most recent call last):
        rnnkit.errors.InputError: Cannot export onnx to sentiment.tflite: expected a name that ends
        in '.onnx'.
    """
    wanted = FORMATS[check_choice("format", format, FORMATS)]
    refused = f"Cannot export {format} to {path}"
    if wanted.ending and path.suffix != wanted.ending:
        raise InputError(f"{refused}: expected a name that ends in {wanted.ending!r}.")
    if wanted.ending and path.is_dir():
        raise InputError(f"{refused}: it is a folder. Choose another name.")
    if not wanted.ending:
        other = next((name for name, one in FORMATS.items() if one.ending == path.suffix), format)
        if other != format:
            raise InputError(
                f"{refused}: it is a folder, and the name is that of a file. Choose the format "
                f"{other}, or another name."
            )
        if path.exists() and not (path / "saved_model.pb").is_file():
            raise InputError(f"{refused}: it exists, and is no SavedModel. Choose another name.")
    if wanted.fixed_length and length is None:
        raise InputError(
            f"length is not given, and {format} takes examples of a fixed number of steps. Give "
            "one: shorter examples are padded, longer ones cut by whoever calls it. saved-model "
            "and onnx take any."
        )
    if not wanted.fixed_length and length is not None:
        raise InputError(f"length is {length}, and {format} takes any. Leave it out.")
    if length is not None:
        check_count("length", length)
