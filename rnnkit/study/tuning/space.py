"""The space of a search: settings of a recipe, each with a range or a list of values."""

from __future__ import annotations

import math
import numbers
import re
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rnnkit import recipes
from rnnkit.errors import InputError, quote, suggest
from rnnkit.options import Setting, alternatives
from rnnkit.settings.reading import parse_value, settings_of

USUAL = ("learning_rate", "units", "layers", "dropout")  # searched where none is named
LOG_RATIO = 8  # of the bounds, from which on a range is searched on a log scale
_HIGHEST_DROPOUT = 0.6  # where no range is given
_FORMS = "such as units=32..256, learning_rate=1e-4..1e-2:log or cell=lstm,gru"


class Range(NamedTuple):
    """Numbers between two bounds, both included."""

    low: float
    high: float
    log: bool
    whole: bool

    def suggest(self, trial: Any, name: str) -> Any:
        """Return the value that a trial of Optuna gets."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}{':log' if self.log else ':linear'}"

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return self._asdict()


class Choices(NamedTuple):
    """Values without an order."""

    values: tuple[Any, ...]

    def suggest(self, trial: Any, name: str) -> Any:
        """Return the value that a trial of Optuna gets."""
        return trial.suggest_categorical(name, self.values)

    def __str__(self) -> str:
        return ",".join("none" if value is None else str(value) for value in self.values)

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"values": list(self.values)}


Space = dict[str, Range | Choices]
Given = str | tuple[float, float] | Sequence[Any] | None


def make_space(recipe: str, search: Mapping[str, Given] | None, fixed: Mapping[str, Any]) -> Space:
    """Return the space of a search.

    Args:
        recipe: its name.
        search: setting -> its values: a text such as ``"32..256"``, ``"1e-4..1e-2:log"`` or
            ``"lstm,gru"``; the two bounds; a list of values; or None, for a range by the setting's
            type and default. None or empty = those of `USUAL` that the recipe has.
        fixed: settings that are the same in every trial.

    Raises:
        InputError: a setting that the recipe has not, or that is fixed; a range that is empty or
            outside that of the setting.

    Example:
        >>> for name, values in make_space("lstm_sentiment", {"units": "32..256"}, {}).items():
        ...     print(name, values)
        units 32..256:log
        >>> print(*make_space("lstm_sentiment", {"pooling": None}, {}).values())
        last,mean,max,mean+max
    """
    known = {n: s for n, s in settings_of(recipes.find(recipe)).items() if n != "seed"}
    if not search:
        usual = {name: _derived(known[name]) for name in USUAL if name in known.keys() - fixed}
        found: Space = {name: values for name, values in usual.items() if values is not None}
        if not found:
            raise InputError(
                f"search is empty, and {recipe} has none of {', '.join(USUAL)} to search by "
                f"itself. Name the settings to search, {_FORMS}."
            )
        return found
    space: Space = {}
    for given, values in search.items():
        name = given.replace("-", "_")
        if name == "seed":
            raise InputError("search is 'seed': trials are to differ in settings, not in luck.")
        if name not in known:
            raise InputError(
                f"search is {quote(given)}, and {recipe} has no setting of that name."
                f"{suggest(name, known)} Its settings are: {', '.join(known)}."
            )
        if name in fixed:
            raise InputError(
                f"search is {quote(given)}, and {name}={fixed[name]!r} was given for all trials. "
                "Leave one of them out."
            )
        space[name] = _values(known[name], values)
    return space


def space_of(record: Mapping[str, Mapping[str, Any]]) -> Space:
    """Return the space that a record holds: name -> `as_record` of its values.

    Example:
        >>> space_of({"cell": {"values": ["lstm", "gru"]}})
        {'cell': Choices(values=('lstm', 'gru'))}
    """
    return {
        name: Choices(tuple(one["values"])) if "values" in one else Range(**one)
        for name, one in record.items()
    }


def _values(setting: Setting, given: Given) -> Range | Choices:
    """Return the values of one setting."""
    if given is None or given == "":
        derived = _derived(setting)
        if derived is None:
            raise InputError(
                f"search is {quote(setting.name)}, which takes {setting.expected}: no range "
                f"follows from that. Give it, {_FORMS}."
            )
        return derived
    if isinstance(given, str):
        return _parsed(setting, given)
    if isinstance(given, tuple) and len(given) == 2 and all(map(_is_number, given)):
        low, high = given
        return _range(setting, low, high, scale=None, given=f"{low}..{high}")
    named = _named(setting, given, "a value")
    return _choices(setting, [named.check(value) for value in given])


def _parsed(setting: Setting, text: str) -> Range | Choices:
    """Return the values that a text such as ``32..256:log`` or ``lstm,gru`` names."""
    found = re.fullmatch(r"([^.,:][^,:]*?)\.\.([^,:]+?)(?::(log|linear))?", text.strip())
    if found is None:
        if ".." in text:
            raise _bad(setting, text, "a range is LOW..HIGH, LOW..HIGH:log or LOW..HIGH:linear")
        named = _named(setting, text, "a value")
        return _choices(setting, [parse_value(named, part.strip()) for part in text.split(",")])
    try:
        low, high = float(found[1]), float(found[2])
    except ValueError:
        raise _bad(setting, text, "its bounds are no numbers") from None
    scale = typing.cast(Literal["log", "linear"] | None, found[3])
    return _range(setting, low, high, scale, text)


def _range(
    setting: Setting,
    low: float,
    high: float,
    scale: Literal["log", "linear"] | None,
    given: str,
) -> Range:
    """Return a range, checked against the type and the range of the setting."""
    kinds = alternatives(setting.annotation)
    whole = int in kinds and float not in kinds
    if not {int, float} & {*kinds}:
        raise _bad(setting, given, f"it takes no range, but {setting.expected}; give a list: A,B")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise _bad(setting, given, "its bounds are no finite numbers")
    if whole and (low != int(low) or high != int(high)):
        raise _bad(setting, given, "it takes whole numbers")
    if not low < high:
        raise _bad(setting, given, "the range is empty: the first bound has to be the smaller one")
    for bound in (low, high):
        _named(setting, given, "a bound").check(int(bound) if whole else bound)
    if scale == "log" and low <= 0:
        raise _bad(setting, given, "a log scale begins above 0")
    log = scale == "log" or (scale is None and low > 0 and high >= LOG_RATIO * low)
    return Range(low, high, log, whole)


def _choices(setting: Setting, values: Sequence[Any]) -> Choices:
    plain = (str, int, float, bool, type(None))
    if not values or not all(isinstance(value, plain) for value in values):
        raise _bad(setting, values, "expected one or more numbers, words or none")
    return Choices(tuple(dict.fromkeys(values)))


def _derived(setting: Setting) -> Range | Choices | None:
    """Return values by the type, the range and the default of a setting; None where none follow.

    A choice takes all words, a flag both; dropout 0 to 0.6; a learning rate a tenth to the tenfold
    of its default, another number a quarter to the fourfold; whole numbers up to 4 one more.
    """
    kinds, option, default = alternatives(setting.annotation), setting.option, setting.default
    words = [word for kind in kinds for word in typing.get_args(kind) if isinstance(word, str)]
    if words:
        return Choices((*words, *([None] if type(None) in kinds else [])))
    if bool in kinds:
        return Choices((False, True))
    if setting.name.endswith("dropout"):
        return Range(0.0, _HIGHEST_DROPOUT, log=False, whole=False)
    if not {int, float} & {*kinds} or not _is_number(default) or default <= 0:
        return None
    whole = float not in kinds
    factor = 10 if setting.name == "learning_rate" else 4
    low, high = default / factor, default * factor
    if whole and default <= factor:
        low, high = 1, default + 1
    elif whole:
        low, high = math.ceil(low), math.floor(high)
    low = low if option.least is None else max(low, option.least)
    high = high if option.most is None else min(high, option.most)
    if not (option.allows(low) and option.allows(high) and low < high):
        return None
    return Range(low, high, log=high >= LOG_RATIO * low, whole=whole)


def _named(setting: Setting, given: Any, what: str) -> Setting:
    """Return the setting with a name that tells where one of its values comes from."""
    return setting._replace(name=f"search is {_shown(setting, given)}, and {what} of it")


def _shown(setting: Setting, given: Any) -> str:
    text = given if isinstance(given, str) else ",".join(map(str, given))
    return quote(f"{setting.name}={text}")


def _bad(setting: Setting, given: Any, why: str) -> InputError:
    return InputError(f"search is {_shown(setting, given)}: {why}. Settings are named {_FORMS}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
