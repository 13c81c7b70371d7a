"""Settings of training: optimizer, learning rate, batches, seed."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from rnnkit.options import Option


class OptimizerOptions(TypedDict, total=False):
    """The optimizer of a task; see `rnnkit.tasks.training.optimizers`."""

    optimizer: Annotated[str, Option("adam", "name of a Keras optimizer.")]
    learning_rate: Annotated[float, Option(1e-3, "its (maximum) learning rate.", above=0)]
    clip_norm: Annotated[
        float | None, Option(1.0, "largest global norm of gradients; None = no clipping.", above=0)
    ]


class SeedOption(TypedDict, total=False):
    """The seed of all random numbers."""

    seed: Annotated[
        int, Option(0, "seed of weights (equal on all backends), dropout and batches.", least=0)
    ]


class TaskOptions(SeedOption, total=False):
    """What the constructor of every task takes of a recipe's settings."""

    learning_rate_schedule: Annotated[
        Literal["constant", "linear", "cosine"],
        Option("cosine", '"constant"; "linear" or "cosine" decay to 0 after 5 % of warm-up.'),
    ]
    batch_size: Annotated[
        int, Option(32, "examples per batch; windows where sequences are split.", least=1)
    ]
    epochs: Annotated[
        int | None,
        Option(None, "epochs where `fit` gets no number; None = by the size of the data.", least=1),
    ]
    averaged_weights: Annotated[
        float,
        Option(
            0.0,
            "momentum of the moving average of the weights, such as 0.999: the average is measured "
            "and kept; 0 = no average.",
            least=0,
            below=1,
        ),
    ]


class AdversarialOption(TypedDict, total=False):
    """Adversarial training of tasks that embed; see `rnnkit.tasks.training.adversarial`."""

    adversarial: Annotated[
        float,
        Option(
            0.0,
            "adversarial training: norm of the perturbation of an example's embedded sequence, in "
            "units of the root mean square of the embedding, such as 5; 0 = none.",
            least=0,
        ),
    ]


class VirtualAdversarialOption(TypedDict, total=False):
    """The same without labels; see `rnnkit.tasks.training.virtual_adversarial`."""

    virtual_adversarial: Annotated[
        float,
        Option(
            0.0,
            "virtual adversarial training: norm, in the same units, of the perturbation from which "
            "the predicted probabilities should not change, such as 5; it learns from unlabelled "
            "texts, too; 0 = none.",
            least=0,
        ),
    ]


class TrainingOptions(OptimizerOptions, TaskOptions, total=False):
    """All settings of training."""
