"""Parity of bit strings: a family of recipes in a package outside rnnkit."""

from bit_parity.baseline import majority_class
from bit_parity.data import KIND
from bit_parity.recipe import parity_classifier
from rnnkit.recipes import Family

FAMILY = Family(
    KIND,
    (parity_classifier,),
    baselines={"majority class": majority_class},
    headings={"accuracy": "accuracy"},
    example='predict {} "0110"',
    dataset_settings=("classes",),
)
