"""Settings of training: optimizer, learning rate, batches, seed."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option

Schedule = Literal["constant", "linear", "cosine"]


class OptimizerOptions(TypedDict, total=False):
    """The optimizer of a task; see `rnnkit.tasks.training.optimizers`."""

    optimizer: Annotated[str, Option("adam", "name of a Keras optimizer.")]
    learning_rate: Annotated[
        float, Option(1e-3, "its learning rate; the maximum of the schedule.", above=0)
    ]
    clip_norm: Annotated[
        float | None,
        Option(1.0, "clip gradients to this global norm; None = no clipping.", above=0),
    ]


class SeedOption(TypedDict, total=False):
    """The seed of all random numbers."""

    seed: Annotated[
        int,
        Option(
            0,
            "seed of the initial weights (equal on all backends), of dropout and batches.",
            least=0,
        ),
    ]


class TaskOptions(SeedOption, total=False):
    """What the constructor of every task takes of a recipe's settings."""

    learning_rate_schedule: Annotated[
        Schedule,
        Option(
            "cosine",
            '"constant"; or, after a warm-up of 5 % of the steps, "linear" or "cosine" decay to 0.',
        ),
    ]
    batch_size: Annotated[
        int,
        Option(32, "examples per batch; windows, where sequences are split into some.", least=1),
    ]
    epochs: Annotated[
        int | None,
        Option(
            None,
            "epochs of a `fit` that is given no number; None = chosen from the size of the data.",
            least=1,
        ),
    ]


class TrainingOptions(OptimizerOptions, TaskOptions, total=False):
    """All settings of training."""
