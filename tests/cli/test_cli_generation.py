"""Options of sampling on the command line."""

import pytest

from rnnkit.cli.generation import sampling_options
from rnnkit.errors import InputError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((1.0, None, None), {"strategy": "temperature", "temperature": 1.0}),
        ((0.7, 5, None), {"strategy": "top_k", "temperature": 0.7, "top_k": 5}),
        ((0.7, None, 0.9), {"strategy": "top_p", "temperature": 0.7, "top_p": 0.9}),
        ((0, 5, None), {"strategy": "greedy"}),
    ],
)
def test_the_strategy_follows_from_the_options(given, expected):
    assert sampling_options(*given) == expected


def test_two_limits_of_sampling_are_refused():
    with pytest.raises(InputError, match="--top-k and --top-p"):
        sampling_options(0.7, 5, 0.9)
