"""One tag for the same measure in every task, in groups that TensorBoard sorts as intended."""

from __future__ import annotations

import pytest

from rnnkit.monitor import tags
from rnnkit.recipes.builtin import FAMILIES

pytestmark = pytest.mark.one_backend


def test_curves_of_epochs_come_first_and_batches_behind_them():
    groups = [tags.EPOCH, tags.EXAMPLES, tags.BATCH, tags.STATES, tags.TEST, tags.WEIGHTS]
    assert groups == sorted(groups)
    assert all("/" not in group for group in groups)  # the page's heading ends at the first


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.kind.name)
def test_every_measure_of_every_task_is_described(family):
    for name in ("loss", "seconds", "tokens_per_second", *family.headings):
        tag = tags.measure_tag(tags.EPOCH, f"val_{name}")
        assert tag == tags.measure_tag(tags.EPOCH, name)
        assert tags.describe(tag).endswith(".")


def test_words_per_second_is_the_same_measure_in_every_task():
    assert tags.measure_tag(tags.EPOCH, "words_per_second") == "epoch/tokens_per_second"


def test_parts_of_a_name_are_described_too():
    assert "type LOC" in tags.describe("epoch/f1/LOC")
    assert tags.describe("examples/attention_3") == tags.describe("examples/attention_1") != ""
    assert "so far" in tags.describe("per_batch/loss")
    assert "so far" not in tags.describe("per_batch/learning_rate")
    assert tags.describe("weights/lstm/loss/kernel") == tags.describe("mine") == ""
