"""How raw examples become the inputs of an exported network, as plain JSON."""

from __future__ import annotations

import base64
import json
from typing import Any

import keras

from rnnkit.config import saved_arguments

VERSION = 1


def preprocessing(task: Any, models: dict[str, keras.Model], length: int | None = None) -> str:
    """Return as JSON what a program needs besides the exported network.

    | key | value |
    |---|---|
    | `version` | 1 |
    | `task`, `recipe` | class of the task; recipe, or null |
    | `length` | the fixed number of steps; null = any |
    | `signatures` | name -> `inputs` and `outputs`, each with `shape` (null = any) and `dtype` |
    | `arguments` | of the task: text pipeline, `max_length`, `truncate`, `classes`, scales ... |
    | `learned` | file name -> what was learned from the data, such as `vocabulary.json` |

    What is no JSON among the learned, such as the sub-words of SentencePiece, is base64 text.

    Args:
        task: trained.
        models: the name of each signature, and its network.
        length: the fixed number of steps; None = any.
    """
    found = {
        "version": VERSION,
        "task": type(task).__name__,
        "recipe": task.settings.get("recipe"),
        "length": length,
        "signatures": {name: _signature(model) for name, model in models.items()},
        "arguments": {**saved_arguments(task), "classes": list(getattr(task, "classes", ()))},
        "learned": _learned(task),
    }
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _signature(model: keras.Model) -> dict[str, Any]:
    inputs = [{"name": one.name, **_kind(one)} for one in model.inputs]
    return {"inputs": inputs, "outputs": [_kind(one) for one in model.outputs]}


def _kind(tensor: Any) -> dict[str, Any]:
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    return {"shape": list(tensor.shape), "dtype": dtype}


def _learned(task: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, asset in task.assets.items():
        value = getattr(task, asset.attribute)
        if value is not None:
            raw = asset.dump(value)
            json_file = name.endswith(".json")
            found[name] = json.loads(raw) if json_file else base64.b64encode(raw).decode()
    return found
