"""Copies of tasks by `copy.deepcopy` and `pickle`, and clones by `keras.models.clone_model`."""

from __future__ import annotations

import copy
import importlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from rnnkit.config import argument_names
from rnnkit.errors import InputError

if TYPE_CHECKING:
    from rnnkit.tasks.task import Task

Maker = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Copies:
    """Mixin of tasks that can be copied and cloned.

    The copy of a task that is not trained yet is made as the task was made, by its recipe or its
    constructor, and compiled as the task was. The copy of a trained one goes through the form of a
    `.keras` file: the same outputs, the state of the optimizer and of the random generators.

    Clones by `keras.models.clone_model` start from new weights: see `rnnkit.tasks.cloning`.

    Example:
        >>> import copy
        >>> from rnnkit.recipes import gru_sentiment
        >>> folds = [copy.deepcopy(gru_sentiment(units=8)) for fold in range(2)]
        >>> folds[0] is folds[1], folds[1].settings["units"]
        (False, 8)
    """

    _recipe: Callable[..., Any] | None = None  # the function that made the task
    _arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None  # of the constructor

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Note the arguments of the constructor."""
        made = super().__new__(cls, *args, **kwargs)
        if kwargs.get("network") is None:  # a trained network is no argument of a new task
            vars(made)["_arguments"] = (args, kwargs)  # past Keras, which would track what is in it
        return made

    def __reduce__(self) -> Any:
        """Return how the task is made again; `copy` and `pickle` call it."""
        if self.network is None:  # type: ignore[attr-defined]
            return make_again, (self._maker(), changed_attributes(self), compile_settings(self))
        reduced: Any = super().__reduce__()  # Keras reads and writes the form of a file
        (file,) = reduced[1]
        return _read, (type(self), file.getvalue(), self._recipe, _recorded(self))

    def untrained(self) -> Any:
        """Return a new task as this one was before its first `fit`, not compiled.

        Raises:
            InputError: it was loaded from a file, which does not say how the task was made.
        """
        return make_again(*copy.deepcopy((self._maker(), changed_attributes(self))), None)

    def _maker(self) -> Maker:
        """Return the function that made the task, and its arguments."""
        if (recipe := self._known_recipe()) is not None:
            return recipe, (), recipe_settings(self)
        if self._arguments is None:
            raise InputError(
                f"This {type(self).__name__} was loaded from a file, which does not hold the "
                "function that builds the network: no untrained copy can be made of it. Call its "
                "recipe again."
            )
        args, kwargs = self._arguments
        return type(self), args, {**kwargs, **self.setting_objects()}

    def setting_objects(self) -> dict[str, Any]:
        """Return the settings that are objects, of which `settings` has but a name."""
        return {}

    def _known_recipe(self) -> Callable[..., Any] | None:
        """Return the recipe that made the task, looked up by name where a file was loaded."""
        name = self.settings.get("recipe")  # type: ignore[attr-defined]
        if self._recipe is None and name is not None:
            # By name: recipes are made of tasks, and not the other way round.
            self._recipe = importlib.import_module("rnnkit.recipes").find(name)
        return self._recipe


def recipe_settings(task: Any) -> dict[str, Any]:
    """Return what the task's recipe was called with: its settings but for the recipe's name."""
    recorded = {name: _plain(value) for name, value in task.settings.items() if name != "recipe"}
    return {**recorded, **task.setting_objects()}


def _plain(value: Any) -> Any:
    """Return lists and dictionaries that Keras tracks, and cannot pickle, as Python's own."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def changed_attributes(task: Any) -> dict[str, Any]:
    """Return the public attributes that may have been set since the task was made."""
    own = vars(task)
    return {key: _plain(own[key]) for key in sorted(argument_names(task)) if key in own}


def compile_settings(task: Any) -> dict[str, Any] | None:
    """Return how the task is compiled; None where it is not."""
    return task.get_compile_config() if task.compiled else None


def make_again(maker: Maker, changed: dict[str, Any], compiled: dict[str, Any] | None) -> Any:
    """Return a task that is not trained.

    Args:
        maker: a function, its positional and its keyword arguments.
        changed: attributes to set, where the task has other values.
        compiled: see `compile_settings`.
    """
    function, args, kwargs = maker
    made = function(*args, **kwargs)
    for key, value in changed.items():
        if getattr(made, key) != value:
            setattr(made, key, value)
    if compiled is not None:
        made.compile_from_config(compiled)
    return made


def _recorded(task: Any) -> dict[str, Any] | None:
    """Return what the `History` of the last `fit` has recorded."""
    history = getattr(task, "history", None)
    kept = ("history", "epoch", "params")
    return None if history is None else {key: getattr(history, key) for key in kept}


def _read(
    cls: type[Task],
    file: bytes,
    recipe: Callable[..., Any] | None,
    recorded: dict[str, Any] | None = None,
) -> Task:
    with keras.saving.custom_object_scope({cls.__name__: cls}):
        made: Any = cls._unpickle_model(io.BytesIO(file))
    made._recipe = recipe
    if recorded is not None:
        made.history = keras.callbacks.History()
        vars(made.history).update(recorded)
        made.history.set_model(made)
    return made
