"""Tables of series: the same data whatever the order of columns and groups; gaps and repeats."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from rnnkit.data.datasets import open_data
from rnnkit.data.labelled_tables import read_frame_classes, read_series_classes
from rnnkit.data.series_tables import find_group, from_path, read_table
from rnnkit.data.table_rows import table_step
from rnnkit.errors import InputError

PARTS = ("train", "valid", "test")


def frame(groups=3, count=30, seed=0):
    random = np.random.default_rng(seed)
    times = pandas.date_range("2024-01-01", periods=count, freq="15min")
    return pandas.concat(
        [
            pandas.DataFrame(
                {
                    "when": times,
                    "site": f"s{i}",
                    "load": random.normal(size=count).round(4),
                    "air": random.normal(size=count).round(4),
                    "rain": random.normal(size=count).round(4),
                    "label": "ab"[i % 2],
                }
            )
            for i in range(groups)
        ],
        ignore_index=True,
    )


def interleaved(table, seed):
    """Mix the rows of the groups; each group keeps its order."""
    order = np.random.default_rng(seed).permutation(table["site"].to_numpy())
    rows = {name: iter(part.index) for name, part in table.groupby("site")}
    return table.loc[[next(rows[name]) for name in order]]


def flat(data):
    return [
        (one.name, one.columns, one.values.tolist(), one.times.tolist())
        for part in PARTS
        for one in getattr(data, part).x
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_columns_and_groups_makes_no_difference(tmp_path, seed):
    table = frame()
    path = tmp_path / "my.csv"
    table.to_csv(path, index=False)
    options = {"group": "site", "target": "load"}
    data = from_path(path, **options)
    labelled = read_frame_classes(path, group="site")
    mixed = interleaved(table, seed)
    columns = np.random.default_rng(seed).permutation(table.columns)
    mixed[columns].to_csv(path, index=False)
    assert flat(from_path(path, **options)) == flat(data)
    again = read_frame_classes(path, group="site")
    for part in PARTS:
        for one, other in zip(getattr(again, part).x, getattr(labelled, part).x, strict=True):
            np.testing.assert_array_equal(one, other)


def test_values_and_splits_are_those_of_pandas(tmp_path):
    table = frame()
    table.to_csv(tmp_path / "my.tsv", index=False, sep="\t")
    data = from_path(tmp_path / "my.tsv", group="site", target="load")
    assert data.columns == ("load", "air", "rain")
    assert (data.step, data.target) == (15, 0)
    for i, (name, rows) in enumerate(table.groupby("site")):
        pieces = [getattr(data, part).x[i] for part in PARTS]
        assert {one.name for one in pieces} == {name}
        assert [len(one) for one in pieces] == [22, 4, 4]
        values = np.concatenate([one.values for one in pieces])
        np.testing.assert_array_equal(values, rows[["load", "air", "rain"]].to_numpy())
        moments = np.concatenate([one.times for one in pieces])
        np.testing.assert_array_equal(moments, rows["when"].to_numpy("datetime64[m]"))


def test_gaps_and_repeats_are_reported(tmp_path):
    table = frame(groups=1, count=60)
    table = table.drop(index=[5, 6, *range(20, 40)])
    table = pandas.concat([table.iloc[:3], table.iloc[2:]])  # row 2 stands there twice
    path = tmp_path / "my.csv"
    table.to_csv(path, index=False)
    data = from_path(path, target="load")
    first = data.train.x[0]
    assert np.flatnonzero(np.isnan(first.values[:, 0])).tolist() == [5, 6]
    assert (len(first), len(data.train.x)) == (20, 2)
    notes = " ".join(data.notes)
    assert "Columns left out: label, site." in notes
    assert "2 missing rows are steps without a measurement" in notes
    assert "1 gaps of more than 12 missing rows begin new series" in notes
    assert "1 rows that repeat the row before them are left out" in notes


def test_times_are_found_or_left_out(tmp_path):
    table = frame(groups=1)
    path = tmp_path / "my.csv"
    table.to_csv(path, index=False)
    assert read_table(path).time == "when"
    assert from_path(path, target="load", time="-").train.x[0].times is None
    table.assign(stored=table["when"]).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"several columns of times: 'when', 'stored'"):
        from_path(path, target="load")
    with pytest.raises(InputError, match="name the one to forecast with target"):
        from_path(path, time="when")
    table.assign(when=table["when"] + pandas.to_timedelta(range(30), "s")).to_csv(path)
    table.assign(when=table["when"].iloc[0] + pandas.to_timedelta(range(30), "s")).to_csv(path)
    with pytest.raises(InputError, match="line 3: rows come 1 seconds after"):
        from_path(path, target="load", time="when")


def test_the_column_of_known_groups_is_found_or_asked_for(tmp_path):
    path = tmp_path / "my.csv"
    table = frame(groups=2)
    table.to_csv(path, index=False)
    assert find_group(path, {"s0", "s1", "s2"}, ["load"]) == "site"
    with pytest.raises(InputError, match=r"and no others there are none\. Name"):
        find_group(path, {"s0"}, ["load"])
    table.assign(other=table["site"]).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"and no others there are several: 'site', 'other'\. N"):
        find_group(path, {"s0", "s1"}, ["load"])


def test_two_rows_have_a_step_and_one_has_none(tmp_path):
    """Series every 15 minutes beside one of one row, and one of two rows an hour apart."""
    path = tmp_path / "my.csv"
    table = frame(groups=2)
    extra = table.iloc[:2].assign(site="short", when=table["when"].iloc[[0, 4]].to_numpy())
    pandas.concat([table, extra.iloc[:1]]).to_csv(path, index=False)
    assert table_step(read_table(path, group="site")).name == "15 minutes"
    pandas.concat([table, extra]).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"different steps: 's0' .* 15 minutes, 'short' every"):
        table_step(read_table(path, group="site"))


def test_series_of_classes_are_refused_by_name(tmp_path):
    table = frame(groups=8, count=4)
    path = tmp_path / "my.csv"
    table.to_csv(path, index=False)
    data = read_series_classes(path, group="site")
    assert [len(getattr(data, part)) for part in PARTS] == [4, 2, 2]
    for part in PARTS:
        assert set(getattr(data, part).y.tolist()) == {0, 1}
    with pytest.raises(InputError, match="tells its series apart: name it with group"):
        open_data(path, "labelled series")
    wrong = table.copy()
    wrong.loc[2, "label"] = "b"
    wrong.to_csv(path, index=False)
    with pytest.raises(InputError, match=r"line 4: the series 's0' has the label 'b', and 'a'"):
        read_series_classes(path, group="site")
    holes = table.copy()
    holes.loc[2, "rain"] = np.nan
    holes.to_csv(path, index=False)
    with pytest.raises(InputError, match=r"line 4, column 'rain' is empty"):
        read_frame_classes(path, group="site")
    frame(groups=3, count=4).to_csv(path, index=False)
    with pytest.raises(InputError, match="2 series of the class 'a': expected 3"):
        read_series_classes(path, group="site")


def test_missing_cells_and_unix_times(tmp_path):
    rows = frame(groups=1, count=40)
    path = tmp_path / "my.csv"
    rows.to_csv(path, index=False)
    plain = from_path(path, target="load", columns="air")
    seconds = rows["when"].to_numpy("datetime64[s]").astype(int)
    for factor in (1, 1000):
        numbered = rows.assign(when=seconds * factor).astype({"air": object})
        numbered.loc[3, "air"], numbered.loc[5, "air"] = "NA", None
        numbered.to_csv(path, index=False)
        found = from_path(path, target="load", columns="air", time="when")
        np.testing.assert_array_equal(found.train.x[0].times, plain.train.x[0].times)
        expected = plain.train.x[0].values.copy()
        expected[[3, 5], 1] = np.nan
        np.testing.assert_array_equal(found.train.x[0].values, expected)
        assert "Times are Unix" in " ".join(found.notes)
