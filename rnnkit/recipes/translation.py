"""A sentence in one language in, the same in another out (S7)."""

from rnnkit.recipes.encoder_decoder import recipe_of

__all__ = ["translator"]

translator = recipe_of(
    "translator",
    "Translate sentences with a recurrent encoder-decoder and attention; BLEU by sacrebleu.",
    score="bleu",
    epochs=30,
)
