"""Base class of tasks: lazy network construction, one training loop, saving to one file."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import keras

from rnnkit.backend import native
from rnnkit.data.inputs import Inputs, read_examples
from rnnkit.deprecation import RenamedAttributes
from rnnkit.errors import InputError, require_fitted
from rnnkit.options import expand_signature, settings_of
from rnnkit.settings.training import TaskOptions
from rnnkit.tasks.compiled import Compiled
from rnnkit.tasks.estimator import Estimator
from rnnkit.tasks.evaluation import Evaluation
from rnnkit.tasks.explained import Explained
from rnnkit.tasks.exporting import export_network
from rnnkit.tasks.fitting import Fitting
from rnnkit.tasks.hooks import TaskHooks
from rnnkit.tasks.network import find_parts
from rnnkit.tasks.saving import Asset, Saving, json_asset
from rnnkit.tasks.summary import describe_untrained
from rnnkit.tasks.training.adversarial import set_norms
from rnnkit.tasks.training.examples import Examples
from rnnkit.tasks.training.schedule import ScheduledLearningRate, factor
from rnnkit.tasks.turns import take_turns

if TYPE_CHECKING:
    from rnnkit.tasks.artifacts.exporting import Exported

__all__ = ["Asset", "Examples", "Task", "json_asset"]


@take_turns
class Task(
    TaskHooks,
    Fitting,
    Evaluation,
    Explained,
    Compiled,
    Saving,
    Estimator,
    RenamedAttributes,
    keras.Model,
):
    """A Keras model that takes raw data. Abstract: a subclass defines its inputs and targets.

    The network inside is built in the first `fit`, when the data are known. `fit` and `evaluate`
    are the same for all tasks; a subclass defines the steps that they consist of:

    - `check(x, y, name)`: refuse invalid examples and targets;
    - `fit_targets(train)` and `encode_targets(examples, spec, name)`: classes, tags, scales;
    - `learn(train, targets, spec, unlabelled)`: learn the vocabulary, build the network;
    - `encode(x)`: raw examples -> arrays;
    - `make_batches(rows, targets, ...)`: arrays -> batches, where `BucketedBatches` do not fit;
    - `compile_options()`: loss and metrics;
    - `measure(...)`, `validation_callbacks(...)`: metrics beyond those of `compile`;
    - `answer(inputs)`: what `rnnkit predict` prints.

    Args:
        build_network: builds the functional model from what the first `fit` learns of the data.
        optimizer: a function that returns a new Keras optimizer; used unless the model is compiled.
        batch_size: examples per batch, where `fit` gets no other number.
        max_length: truncate longer examples to this many steps; None = never.
        truncate: which end is kept: "head", "tail" or "both".
        seed: of the order of the batches.
        learning_rate_schedule: "constant", "linear" or "cosine"; see `rnnkit.tasks.training`.
        epochs: passes over the examples, where `fit` gets no other number; None = see
            `rnnkit.tasks.training.datasets.default_epochs`.
        averaged_weights: momentum of the moving average of the weights that is measured and kept,
            below 1; 0 = none. See `rnnkit.tasks.training.averaging`.
        adversarial: norm of the perturbation of an embedded example in adversarial training; 0 =
            none. See `rnnkit.tasks.training.adversarial`.
        virtual_adversarial: the same for virtual adversarial training, of classifiers that embed.
            See `rnnkit.tasks.training.virtual_adversarial`.
        settings: the recipe's settings, kept for the record.
        network: an existing network (when a file is loaded).
        name: of the model.
        dtype: as in Keras.
    """

    renamed_attributes: ClassVar = {"monitor": "monitored_metric"}
    config_keys: ClassVar[tuple[str, ...]] = (
        "name",
        "batch_size",
        "max_length",
        "truncate",
        "seed",
        "learning_rate_schedule",
        "epochs",
        "averaged_weights",
        "adversarial",
        "virtual_adversarial",
        "settings",
    )

    def __init_subclass__(cls, **options: Any) -> None:
        """Show what stands behind ``**options`` in the signatures of subclasses."""
        super().__init_subclass__(**options)
        expand_signature(cls)
        take_turns(cls)

    def __init__(
        self,
        build_network: Callable[..., keras.Model] | None = None,
        *,
        optimizer: Callable[[], keras.optimizers.Optimizer] = keras.optimizers.Adam,
        batch_size: int = 32,
        max_length: int | None = None,
        truncate: str = "head",
        seed: int = 0,
        learning_rate_schedule: str = "constant",
        epochs: int | None = None,
        averaged_weights: float = 0.0,
        adversarial: float = 0.0,
        virtual_adversarial: float = 0.0,
        settings: dict[str, Any] | None = None,
        network: keras.Model | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        factor(learning_rate_schedule, 0.0)  # refuses an unknown name
        self._build_network = build_network
        self._make_optimizer = optimizer
        self.batch_size, self.max_length, self.truncate = batch_size, max_length, truncate
        self.learning_rate_schedule, self.epochs, self.seed = learning_rate_schedule, epochs, seed
        self.averaged_weights = settings_of(TaskOptions)["averaged_weights"].check(averaged_weights)
        set_norms(self, adversarial=adversarial, virtual_adversarial=virtual_adversarial)
        self.settings = dict(settings or {})
        self.tokens_per_epoch: int | None = None
        self._startup_messages = []
        self._schedule: ScheduledLearningRate | None = None  # during `fit`
        self._class_order: tuple[str, ...] | None = None  # of the data, during `fit`
        self.network: keras.Model | None = None
        if network is not None:
            self._set_network(network)

    def read(
        self, x: Any, y: Any = None, sample_weight: Any = None, *, name: str, **options: Any
    ) -> Inputs:
        """Return examples and targets as lists; see `rnnkit.data.inputs.read_examples`."""
        return read_examples(x, y, sample_weight, form=self.form, name=name, **options)

    # The model as Keras sees it: arrays in, numbers out.

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Run the network on a batch."""
        network = require_fitted(self.network, self, "network")
        return native.run_network(network, inputs, training)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the network's output shape."""
        return require_fitted(self.network, self, "network").compute_output_shape(input_shape)

    def parts(self) -> Any:
        """Return the layers of the network that the task works with, by name."""
        return find_parts(require_fitted(self.network, self, "network"), self.network_parts)

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = True,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print the layers of the network; before the first `fit`, recipe and settings.

        Args:
            line_length: as in Keras.
            positions: as in Keras.
            print_fn: called with the text in place of `print`; before the first `fit`, with each
                line.
            expand_nested: show the layers inside the network.
            show_trainable: as in Keras.
            layer_range: as in Keras.

        Example:
            >>> from rnnkit.recipes import lstm_sentiment
            >>> lstm_sentiment().summary(print_fn=lambda line: print(line.split(":")[0]))
            ... # doctest: +ELLIPSIS
            Model
            Recipe
            Settings
            ...
        """
        if self.network is None:
            describe_untrained(self, print_fn)
        else:
            super().summary(
                line_length, positions, print_fn, expand_nested, show_trainable, layer_range
            )

    def serving_network(self) -> keras.Model:
        """Return the functional model that `export` writes: encoded examples in, numbers out."""
        return require_fitted(self.network, self, "network")

    def serving_models(self) -> dict[str, keras.Model]:
        """Return what `export_to` writes: the name of each signature, and its functional model."""
        return {"serve": self.serving_network()}

    def export_to(
        self,
        path: str | os.PathLike[str],
        format: str = "saved-model",
        *,
        length: int | None = None,
        examples: Any = None,
    ) -> Exported:
        """Export the model for programs without rnnkit, and compare its answers with the model's.

        The file takes encoded examples (word ids, scaled values, ...) and lies beside a JSON file
        with all that is needed to encode them; see `rnnkit.tasks.artifacts.preprocessing`. A
        language model and a translator are exported as steps: `initial_state` and `step`.

        It is run on examples before it gets its name, and has to answer as the model does, up to
        1e-5. TensorFlow writes "saved-model" and "litert": on another backend a second Python does
        it, for which TensorFlow has to be installed.

        Args:
            path: the folder of a SavedModel, or the name of a file; what was there is replaced.
            format: "saved-model", "onnx" or "litert"; see `rnnkit.tasks.artifacts.formats`.
            length: the fixed number of steps of "litert".
            examples: raw examples to run it on, 16 at most; made up of what the model learned when
                left out.

        Returns:
            Path, size, and the largest difference from the model's answers.

        Raises:
            InputError: the model is not trained yet, the format does not hold it (the message names
                one that does), a missing library, answers that differ.
            DiskError: it cannot be written; what was there is unchanged.

        Example:
            >>> model.export_to("sentiment.onnx", "onnx").difference  # doctest: +SKIP
            1.2e-07
        """
        from rnnkit.tasks.artifacts.exporting import export_task

        require_fitted(self.network, self, "network")
        return export_task(self, path, format, length=length, examples=examples)

    def export(
        self, filepath: str | os.PathLike[str], format: str = "tf_saved_model", **kwargs: Any
    ) -> None:
        """Export the network for serving without rnnkit.

        The artifact takes what the network takes: encoded examples (word ids, scaled values, ...),
        as `encode` and `make_batches` return them; not raw texts. Into the folder `assets.extra` of
        a SavedModel go the files that encode examples outside of rnnkit, such as `vocabulary.json`,
        and `classes.json` with the names of the outputs.

        Args:
            filepath: the folder of a SavedModel, or the name of a file.
            format: "tf_saved_model", "onnx", "openvino", "litert" or "torch", where Keras and the
                running backend support it; TensorFlow supports most.
            **kwargs: as `keras.Model.export` takes them, such as `input_signature` and `verbose`.

        Raises:
            InputError: the model is not trained yet, or cannot be exported to this format on this
                backend; the message says what can be done.

        Example:
            >>> model.export("served")  # doctest: +SKIP
            >>> tf.saved_model.load("served").serve(word_ids)  # doctest: +SKIP
        """
        export_network(self, self.serving_network(), filepath, format, **kwargs)

    def _new_network(self, *learned: Any, **features: Any) -> keras.Model:
        if self._build_network is None:
            raise InputError(f"{type(self).__name__} has neither a network nor build_network.")
        return self._build_network(*learned, **features)

    def _set_network(self, network: keras.Model) -> None:
        find_parts(network, self.network_parts)  # refuses a network that lacks one
        self.network = network
        self.built = True
