"""Arguments of recipes, checks and fits, drawn by hypothesis: refused, or within their range."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fuzz.boundaries import Differs
from rnnkit import recipes
from rnnkit.errors import InputError
from rnnkit.options import Setting

ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**300, max_value=10**310),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.lists(st.integers(-3, 9), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.sampled_from([np.float32(0.5), np.int64(3), np.array([1, 2]), float("inf"), "lstm", "auto"]),
)
WORDS = st.one_of(
    st.text(max_size=6),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["", "-1", "1e999", "nan", "9" * 5000, "1_000", "none", "auto", "0x10", "\0"]),
)
ROWS = st.one_of(
    ANY,
    st.lists(st.one_of(st.text(max_size=6), ANY), max_size=5),
    st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=5),
    st.lists(st.integers(0, 1), min_size=1, max_size=5).map(np.array),
)


def all_settings() -> list[Setting]:
    """Return every setting of every recipe."""
    found = []
    for name in recipes.names():
        found += getattr(recipes.find(name), "settings", {}).values()
    return found


def check_setting(setting: Setting, value: Any) -> None:
    """Check a value; what is accepted is compared with the bounds, one by one."""
    found = setting.check(value)
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        option = setting.option
        outside = (
            math.isnan(found)
            or (option.least is not None and found < option.least)
            or (option.most is not None and found > option.most)
            or (option.above is not None and found <= option.above)
            or (option.below is not None and found >= option.below)
        )
        if outside:
            raise Differs(f"{setting.name}={found!r} was accepted")


def build(name: str, setting: Setting, value: Any) -> None:
    """Build a recipe with one setting."""
    recipes.find(name)(**{setting.name: value})


def choose(rng: random.Random) -> tuple[str, Setting]:
    """Draw a recipe and one of its settings."""
    name = rng.choice([name for name in recipes.names() if hasattr(recipes.find(name), "settings")])
    settings = [
        one for one in recipes.find(name).settings.values() if one.name not in ("preset", "seed")
    ]
    return name, rng.choice(settings)


def command(name: str, setting: Setting, value: str) -> None:
    """Call `rnnkit train` with one option, on data that do not exist: refused, one way or other."""
    from typer.testing import CliRunner

    from rnnkit.cli import app

    option = f"--{setting.name.replace('_', '-')}={value}"
    done = CliRunner().invoke(app, ["train", name, "--data", "no_such_data", option])
    if done.exit_code == 0:
        raise Differs(f"{option} trained on data that do not exist")
    if isinstance(done.exception, SystemExit):
        raise InputError(done.output[-200:])
    raise done.exception
