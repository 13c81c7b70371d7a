"""Old public names of the data room work for one release, with a warning that names the new one."""

import importlib

import pytest

from rnnkit.data.tokenizer import Tokenizer


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("rnnkit.data.splits", "deal", "rnnkit.data.splits:stratified_split"),
        ("rnnkit.data.series", "deal_by_time", "rnnkit.data.series:split_by_time"),
        ("rnnkit.data.text_units", "TextUnits", "rnnkit.data.tokenizer:Tokenizer"),
    ],
)
def test_old_names_of_modules_work_and_warn(module, old, new):
    home, name = new.split(":")
    with pytest.warns(DeprecationWarning, match=f"'{old}' of {module} is now called '.*{name}'"):
        found = getattr(importlib.import_module(module), old)
    assert found is getattr(importlib.import_module(home), name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        importlib.import_module(module).nothing  # noqa: B018


def test_old_methods_of_the_tokenizer_work_and_warn():
    tokenizer = Tokenizer()
    with pytest.warns(DeprecationWarning, match="'cut' of .*Tokenizer is now called 'tokenize'"):
        assert tokenizer.cut("a b\nc") == ["a", "b", "<eos>", "c"]
    with pytest.warns(DeprecationWarning, match="'join' .* is now called 'detokenize'"):
        assert tokenizer.join(["a", "<eos>", "c"]) == "a\nc"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tokenizer.nothing  # noqa: B018
