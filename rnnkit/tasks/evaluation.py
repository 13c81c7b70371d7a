"""Evaluation and prediction on raw data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnnkit.errors import InputError, require_fitted
from rnnkit.monitor.dynamics import LayerDynamics, recurrent_dynamics
from rnnkit.tasks.answer_tables import AnswerTable
from rnnkit.tasks.answers import Answers
from rnnkit.tasks.inference import predict_batch, predict_batches
from rnnkit.tasks.training.datasets import fill_last_batch
from rnnkit.tasks.training.sets import check_weighted, refuse_unused
from rnnkit.training.reporting import reporting


class Evaluation(keras.Model):
    """Mixin of tasks: `evaluate`, `predict` and `answer` on raw data."""

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        callbacks: Any = None,
        return_dict: bool = False,
        *,
        text_column: Any = None,
        label_column: Any = None,
        steps: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Measure loss and metrics on raw examples and their targets.

        Args:
            x: the examples, as the class describes them.
            y: one target for each.
            batch_size: examples per batch; the task's own number when left out.
            verbose: as in Keras.
            sample_weight: weight of each example.
            callbacks: as in Keras.
            return_dict: return numbers by name; else a list.
            text_column: the column of the examples, where x is a table or has columns.
            label_column: the column of the targets, likewise.
            steps: elements to read where x is a stream.
            **kwargs: Keras's own.

        Raises:
            InputError: examples or targets that cannot be used, or the model is not trained yet.
        """
        options = {"verbose": verbose, "callbacks": callbacks, "return_dict": return_dict}
        if kwargs.get("_use_cached_eval_dataset"):  # Keras's own call from inside fit
            return super().evaluate(x, y, steps=steps, **options, **kwargs)
        columns = {"text_column": text_column, "label_column": label_column, "option": "steps"}
        x, y, sample_weight, _ = self.read(
            x, y, sample_weight, name="The test set", steps=steps, **columns
        )
        refuse_unused(self, sample_weight=sample_weight)
        test, weights = check_weighted(self, x, y, sample_weight, "The test set")
        require_fitted(self.network, self, "network")
        targets = self.encode_targets(test, self.target_spec(), "test")
        rows = self.encode_checked(test.x)
        batches = self.make_batches(rows, targets, weights, batch_size=batch_size)
        self.prepare(batches)
        if not self.compiled:
            self._compile_own()
        with reporting(verbose, "Evaluating", len(batches)) as report:
            options["callbacks"] = [*keras.tree.flatten(callbacks or ()), report]
            return self.measure(test, batches, **options, **kwargs)

    def evaluate_examples(
        self, x: Any, y: Any = None, batch_size: int | None = None
    ) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Measure loss and metrics as `evaluate` does, and what each example adds to them.

        Args:
            x: as `evaluate` takes them.
            y: see above.
            batch_size: see above.

        Returns:
            What `evaluate` returns by name, and arrays with a row for each example (or piece of a
            long one), by the names that `rnnkit.study.kept_answers` describes; empty for tasks that
            keep none.

        Raises:
            InputError: as `evaluate`.

        Example:
            >>> measured, kept = model.evaluate_examples(["Fine.", "Awful."], [1, 0])
            ... # doctest: +SKIP
            >>> kept["probabilities"].shape, kept["truth"].tolist()  # doctest: +SKIP
            ((2, 1), [1, 0])
        """
        x, y = self.read(x, y, name="The test set")[:2]  # a stream can be read once
        found = self.evaluate(x, y, batch_size, verbose=0, return_dict=True)
        return dict(found), self.answers_by_example(self.check(x, y, "The test set"), batch_size)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        callbacks: Any = None,
        *,
        text_column: Any = None,
    ) -> Any:
        """Return the network's outputs for raw examples, in their order.

        Args:
            x: one example or many.
            batch_size: examples per batch; the task's own number when left out.
            verbose: as in Keras; nothing is shown of a single batch, unless it is 1 or 2.
            callbacks: as in Keras.
            text_column: the column of the examples, where x is a table or has columns.

        Returns:
            `(N, outputs)`.

        Raises:
            InputError: an invalid example, or the model is not trained yet.

        Example:
            >>> model.predict(["A wonderful little production."])  # doctest: +SKIP
            array([[0.97]], dtype=float32)
        """
        x = self.read(x, name="x", targets=False, text_column=text_column).x
        return self.predict_encoded(self.encode(x), batch_size, verbose, callbacks)

    def predict_encoded(
        self,
        rows: list[Any],
        batch_size: int | None = None,
        verbose: Any = "auto",
        callbacks: Any = None,
    ) -> np.ndarray:
        """Return the network's outputs for what `encode` returned, in its order.

        Args:
            rows: the encoded examples.
            batch_size: as `predict` takes it, like the next two.
            verbose: see above.
            callbacks: see above.
        """
        self.notice_unknown(rows)
        return self.outputs_of(rows, batch_size, verbose, callbacks)

    def outputs_of(
        self,
        rows: list[Any],
        batch_size: int | None = None,
        verbose: Any = 0,
        callbacks: Any = None,
    ) -> np.ndarray:
        """Return the network's outputs as `predict_encoded` does, with no word on unknown ones.

        Args:
            rows: the encoded examples.
            batch_size: as `predict` takes it, like the next two.
            verbose: see above.
            callbacks: see above.
        """
        network = require_fitted(self.network, self, "network")
        filled = fill_last_batch(rows, batch_size or self.batch_size)
        batches = self.make_batches(filled, batch_size=batch_size)
        if not len(batches):
            return np.zeros((0, network.output_shape[-1]), "float32")
        every = keras.tree.flatten(callbacks or ())
        return predict_batches(self, batches, verbose, every)[: len(rows)]

    def predict_on_batch(self, x: Any) -> Any:
        """Return the network's outputs for a batch of encoded examples, as NumPy arrays.

        Args:
            x: an array, or a tuple of arrays, batch first.
        """
        require_fitted(self.network, self, "network")
        return predict_batch(self, x)

    def dynamics(self, x: Any, y: Any = None, **options: Any) -> list[LayerDynamics]:
        """Return what the recurrent layers do with states and gradients on raw examples.

        Args:
            x: the examples, as `evaluate` takes them; some 16 are enough. Long texts and series are
                measured on their first window, where the task splits them.
            y: one target for each, where `evaluate` needs them.
            **options: as `rnnkit.monitor.recurrent_dynamics` takes them.

        Raises:
            InputError: invalid examples, no recurrent layer, or the model is not trained yet.

        Example:
            >>> [one.kind for one in model.dynamics(texts[:16], labels[:16])]  # doctest: +SKIP
            ['LSTM', 'LSTM']
        """
        x, y, *_ = self.read(x, y, None, name="The examples", steps=None)
        examples, _ = check_weighted(self, x, y, None, "The examples")
        require_fitted(self.network, self, "network")
        targets = self.encode_targets(examples, self.target_spec(), "test")
        rows = self.encode_checked(examples.x)
        batches = self.make_batches(rows, targets, batch_size=max(len(rows), 1))
        return recurrent_dynamics(*self.pass_of(batches[0][0]), **options)

    def answer(self, inputs: Sequence[Any], names: Sequence[str] | None = None) -> Answers:
        """Return what `rnnkit predict` prints of texts or series called by these names."""
        raise InputError(f"{type(self).__name__} has no `answer`: rnnkit predict cannot ask it.")

    def answer_table(self, inputs: Sequence[Any]) -> AnswerTable:
        """Return what `rnnkit predict --out` writes of texts or series."""
        raise InputError(
            f"{type(self).__name__} has no `answer_table`: rnnkit predict prints its answers, "
            "without --out and --json."
        )
