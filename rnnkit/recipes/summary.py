"""A long text in, a short one out (S8)."""

from rnnkit.recipes.encoder_decoder import SETTINGS, encoder_decoder
from rnnkit.recipes.family import recipe_of

__all__ = ["summarizer"]

summarizer = recipe_of(
    "summarizer",
    "Write a headline or summary of a text; words may be copied from it. ROUGE by rouge-score.",
    encoder_decoder,
    SETTINGS,
    fixed={"score": "rouge"},
    copy=True,
    units=192,
    vocabulary_size=6000,
    max_length=160,
    max_target_length=40,
    batch_size=32,
    epochs=12,
)
