"""`explain` of tasks: which words or steps moved an answer."""

from __future__ import annotations

from typing import Any

import keras

from rnnkit.errors import InputError, quote, require_fitted
from rnnkit.explain.explanation import Explanation
from rnnkit.explain.question import Question, explain


class Explained(keras.Model):
    """Mixin of tasks: `explain`. A subclass that can be explained defines `question`."""

    network: keras.Model | None

    def explain(
        self,
        x: Any,
        target: Any = None,
        *,
        at: int | None = None,
        occlusion: bool = True,
        connectivity: bool = False,
        steps: int | None = None,
        label: Any = None,
    ) -> Explanation:
        """Return which words or steps moved the answer about one example.

        Attributions are integrated gradients, which add up to the difference between the explained
        value and that of a baseline; occlusion, their check, leaves out each word or step.

        Args:
            x: one example, as `predict` takes it.
            target: what is explained: of a classifier the name of a class, of a tagger a tag, of a
                language model a token, of a forecaster with several outputs the label of one. None
                = what the model answers.
            at: the number of the word or step, from 0, whose answer is explained; of a tagger by
                default the first one in a span, of a forecaster the last step, of a language model
                the token after the text. A classifier has one answer for the whole.
            occlusion: leave out each word or step, too.
            connectivity: measure the norm of the gradient of each output by each word or step, too.
            steps: nodes of the integral; None = as many as it needs.
            label: of the text, for a language model that learned labels.

        Raises:
            InputError: several examples or none, an unknown target, a place that does not exist,
                more than 2,000 words or steps, a model that is not trained yet, or a task that has
                no explanation.

        Example:
            >>> found = model.explain("A wonderful film.")  # doctest: +SKIP
            >>> found.ranked()[0]  # doctest: +SKIP
            (1, 'wonderful', 2.31)
        """
        require_fitted(self.network, self, "network")
        if label is not None and not getattr(self, "conditioned", False):
            raise InputError(
                f"label is {quote(label)}, and this {type(self).__name__} is not conditioned on "
                "labels: leave it out."
            )
        own = {} if label is None else {"label": label}
        question = self.question(x, target, at, **own)
        return explain(question, occlusion=occlusion, with_connectivity=connectivity, steps=steps)

    def question(self, x: Any, target: Any, at: int | None) -> Question:
        """Return what is explained of one example; `explain` describes the arguments."""
        raise InputError(
            f"{type(self).__name__} has no explanation of its answers: classifiers of texts and "
            "series, taggers, language models and forecasters have."
        )
