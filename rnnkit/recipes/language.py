"""What comes next? A word after words (S5), or a text from one label or a few letters on (S6).

One function holds all settings; the two recipes are it with other defaults.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from rnnkit.recipes.family import listed, recipe_of

if TYPE_CHECKING:
    from rnnkit.tasks.language.language_model import LanguageModel


def _language_model(
    *,
    unit: str,
    cell: str = "lstm",
    layers: int = 1,
    units: int = 256,
    embedding_size: int = 256,
    tie_weights: bool = True,
    softmax: str = "full",
    cutoffs: str | tuple[int, ...] = (2000, 10_000),
    shrink: int = 4,
    samples: int = 4000,
    word_dropout: float = 0.1,
    input_dropout: float = 0.3,
    dropout: float = 0.2,
    output_dropout: float = 0.3,
    weight_dropout: float = 0.2,
    split: str = "space",
    lowercase: bool = False,
    vocabulary_size: int | None = 50_000,
    min_count: int = 1,
    window: int = 35,
    ends: bool | None = None,
    optimizer: str = "adam",
    learning_rate: float = 2e-3,
    learning_rate_schedule: str = "cosine",
    clip_norm: float | None = 1.0,
    batch_size: int = 32,
    epochs: int | None = None,
    classes: str | tuple[str, ...] | None = None,
    seed: int = 0,
) -> LanguageModel:
    """Return a `LanguageModel` built in its first fit; the settings are those of the recipes."""
    from rnnkit.data.tokenizer import Tokenizer
    from rnnkit.tasks.language.language_model import LanguageModel
    from rnnkit.tasks.language.language_networks import language_network
    from rnnkit.tasks.training.optimizers import optimizer_factory

    make_optimizer = optimizer_factory(optimizer, learning_rate, clip_norm)
    if isinstance(cutoffs, str):
        cutoffs = tuple(int(part) for part in cutoffs.split(","))
    return LanguageModel(
        functools.partial(
            language_network,
            cell=cell,
            layers=layers,
            units=units,
            embedding_size=embedding_size,
            tie_weights=tie_weights,
            softmax=softmax,
            cutoffs=cutoffs,
            shrink=shrink,
            samples=samples,
            word_dropout=word_dropout,
            input_dropout=input_dropout,
            dropout=dropout,
            output_dropout=output_dropout,
            weight_dropout=weight_dropout,
            seed=seed,
        ),
        tokenizer=Tokenizer(unit, split=split, lowercase=lowercase),
        vocabulary_size=vocabulary_size,
        min_count=min_count,
        window=window,
        ends=ends,
        classes=listed(classes),
        optimizer=make_optimizer,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        learning_rate_schedule=learning_rate_schedule,
    )


# A token is a word or a character.
_SETTINGS = """
Args:
    cell: "rnn", "lstm" or "gru".
    layers: recurrent layers on top of each other.
    units: size of each layer's state.
    embedding_size: size of a {token}'s vector.
    tie_weights: whether {token}s go out with the vectors that they come in with.
    softmax: "full"; "adaptive", in clusters of falling frequency; "sampled", estimated in training.
        The latter two train faster on a large vocabulary; perplexity is exact in any case.
    cutoffs: of an adaptive softmax: the first word of each rare cluster, by frequency. Of a sampled
        one: the first number says how many frequent words are never left out.
    shrink: of an adaptive softmax: by which the size of the vectors falls from cluster to cluster.
    samples: of a sampled softmax: rare words drawn for a window.
    word_dropout: share of the vocabulary's {token}s that is dropped, everywhere in a window.
    input_dropout: share of the numbers of the {token}s' vectors that are dropped, the same at every
        step of a window.
    dropout: the same of what passes between layers.
    output_dropout: the same of the last layer's output.
    weight_dropout: share of the recurrent weights that is dropped.
    split: where words end: "space", at white space; "punctuation", which makes a word of each
        punctuation mark.
    lowercase: read everything small.
    vocabulary_size: keep at most this many {token}s; None = all.
    min_count: keep {token}s that occur at least this often.
    window: steps that a gradient goes back.
    ends: whether to learn where texts end; None = where there is more than one.
    optimizer: the name of a Keras optimizer.
    learning_rate: its first learning rate.
    learning_rate_schedule: "constant", or, after a short rise, "linear" or "cosine" to zero.
    clip_norm: gradients are clipped to this global norm; None = not at all.
    batch_size: rows of text that are read side by side.
    epochs: how often `fit` goes through the text, where it is not told; None = from its length:
        enough for 2,000 windows, 3 to 15.
    classes: names of the classes in the order of the labels, as a tuple or separated by commas;
        learned from the labels when left out.
    seed: of the first weights, the order of the texts and the dropout.

Returns:
    `LanguageModel`: a Keras model whose `fit` and `evaluate` take texts{returned}

Raises:
    InputError: a setting that cannot be used.
    TypeError: a setting that does not exist; the message names the nearest.
"""

next_word = recipe_of(
    "next_word",
    "Foretell each word of running text from all words before it, and complete what is typed.",
    _language_model,
    _SETTINGS.replace("{token}", "word").replace(
        "{returned}", "; it has `generate` and\n    `complete`."
    )
    + """
Example:
    >>> model = next_word(units=8, embedding_size=8, batch_size=2)
    >>> history = model.fit(["to be or not to be"] * 8, epochs=1, verbose=0)
    >>> sorted(model.evaluate(["to be"], return_dict=True, verbose=0))
    ['loss', 'perplexity']
""",
    fixed={"unit": "word", "classes": None},
)
text_generator = recipe_of(
    "text_generator",
    "Write text letter by letter: in the manner of running text, or of texts with a label each.",
    _language_model,
    _SETTINGS.replace("{token}", "character").replace(
        "{returned}", ", and labels if\n    wanted; it has `generate`."
    )
    + """
Example:
    >>> model = text_generator(units=8, embedding_size=4, batch_size=4)
    >>> names, languages = ["ann", "eva", "igor", "ivan"] * 4, ["en", "en", "ru", "ru"] * 4
    >>> history = model.fit(names, languages, epochs=1, verbose=0)
    >>> len(model.generate(label="ru", n=3, length=5))
    3
""",
    fixed={
        "unit": "character",
        "softmax": "full",
        "cutoffs": (),
        "shrink": 1,
        "samples": 0,
        "split": "space",
    },
    units=512,
    embedding_size=64,
    tie_weights=False,
    word_dropout=0.0,
    input_dropout=0.0,
    output_dropout=0.2,
    weight_dropout=0.0,
    vocabulary_size=5000,
    window=64,
)
