"""Functions that return a configured task: `from rnnkit.recipes import lstm_sentiment`.

No framework is imported until a recipe is called, so names, summaries and settings come at once.
"""

from rnnkit.deprecation import renamed_names
from rnnkit.recipes import builtin
from rnnkit.recipes.builtin import *  # noqa: F403  every recipe, by its name
from rnnkit.recipes.families import Family, IntrinsicEvaluation
from rnnkit.recipes.registry import OLD_NAMES, family_of, find, kind_of, names, sample_for

__all__ = ["Family", "IntrinsicEvaluation", "family_of", "find", "kind_of", "names", "sample_for"]
__all__ += builtin.__all__
__getattr__ = renamed_names(__name__, OLD_NAMES)
