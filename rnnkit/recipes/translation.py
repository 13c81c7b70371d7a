"""A sentence in one language in, the same in another out (S7)."""

from rnnkit.recipes.encoder_decoder import SETTINGS, encoder_decoder
from rnnkit.recipes.family import recipe_of

__all__ = ["translator"]

translator = recipe_of(
    "translator",
    "Translate sentences with a recurrent encoder-decoder and attention; BLEU by sacrebleu.",
    encoder_decoder,
    SETTINGS,
    fixed={"score": "bleu"},
    epochs=30,
)
