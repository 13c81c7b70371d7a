import re
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from review_archive import SMALL, lists_of_films, member, pack, put_archive, reviews

from rnnkit import study
from rnnkit.data import datasets
from rnnkit.data.corpus import open_corpus
from rnnkit.data.sets import imdb
from rnnkit.data.splits import grouped_split, stratified_split
from rnnkit.errors import InputError
from rnnkit.study.evaluation import test_split_for as split_for
from rnnkit.study.plan import make_plan


def film(folder, i):
    """Six films of a split: the reviews of both classes with the same number modulo six."""
    return f"{folder.split('/')[0]} {i % 6}"


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small archive of which each film has several reviews, in both classes."""
    return put_archive(tmp_path, monkeypatch, reviews(film))


def films_of(split):
    """The films of reviews, by their texts, which name folder and number."""
    found = [re.match(r"(\w+)/\w+ (\d+)", text) for text in split.texts if text[:3] != "the"]
    return {film(match[1], int(match[2])) for match in found}


def test_no_film_is_in_train_and_in_valid(small):
    data = datasets.load("imdb", valid_fraction=0.3)
    assert not films_of(data.train) & films_of(data.valid)
    assert not set(data.train.groups) & set(data.valid.groups)
    assert Counter(data.valid.labels.tolist()) == {0: 4, 1: 4}
    assert len(data.train) + len(data.valid) == 24
    assert len(set(data.train.groups) | set(data.valid.groups)) == 6
    assert len(set(data.test.groups)) == 6
    again, other = (datasets.load("imdb", valid_fraction=0.3, seed=seed) for seed in (0, 1))
    assert again.valid.texts == data.valid.texts != other.valid.texts
    from_copy = datasets.load("imdb", valid_fraction=0.3)
    assert from_copy.valid.texts == data.valid.texts


def test_each_text_has_the_film_of_its_line(small):
    data = datasets.load("imdb")
    for split in (data.train, data.valid, data.test):
        numbers = {}
        for text, group in zip(split.texts, split.groups.tolist(), strict=True):
            if text[:3] != "the":
                numbers.setdefault(group, set()).add(text.split()[1])
        assert all(len({int(i) % 6 for i in found}) == 1 for found in numbers.values())


def test_rows_of_a_class_in_another_order_keep_their_films(small):
    """Reviews and lines of the lists are permuted together: each text keeps its film."""

    def films(data):
        parts = {"train": (data.train, data.valid), "test": (data.test,)}
        return {
            (part, tuple(sorted(split.texts[i] for i in np.flatnonzero(split.groups == group))))
            for part, splits in parts.items()
            for split in splits
            for group in set(split.groups)
        }

    first = films(datasets.load("imdb"))
    random = np.random.default_rng(0)
    moved = {folder: random.permutation(count) for folder, count in SMALL.items()}

    def members():
        back = {folder: np.argsort(order) for folder, order in moved.items()}
        for info, data in reviews():
            if match := re.fullmatch(r"aclImdb/(\w+/\w+)/(\d+)(_\d+\.txt)", info.name):
                name = f"aclImdb/{match[1]}/{moved[match[1]][int(match[2])]}{match[3]}"
                yield member(name, data)
        yield from lists_of_films(lambda folder, i: film(folder, back[folder][i]))

    pack(small, members())
    assert films(datasets.load("imdb")) == first


def test_random_is_the_split_of_single_reviews(small):
    data = datasets.load("imdb", valid_fraction=0.3, split="random", seed=3)
    whole = datasets.load("imdb", valid_fraction=0, split="random")
    assert len(whole.valid) == 0
    read = imdb.read().train
    valid, train = stratified_split(read.labels, [0.3], np.random.default_rng(3))
    assert data.valid.texts == read.take(valid).texts
    assert data.train.texts == read.take(train).texts


def test_the_split_can_be_chosen_for_a_run(small):
    random = datasets.load("imdb", split="random")
    given = {"split": "random"}
    assert study.load_data("imdb", options=given).valid.texts == random.valid.texts
    by_film = study.load_data("imdb")
    assert by_film.valid.texts == datasets.load("imdb").valid.texts
    running = study.load_data("imdb", "running text", options=given)
    assert running.valid.x == random.valid.x
    corpus = study.load_data("imdb", "corpus", options=given)
    assert list(corpus.train.x) == list(open_corpus(random))
    plan = make_plan("lstm_sentiment", "imdb", data_options=given)
    assert plan.data.load().valid.texts == random.valid.texts


def test_without_lists_the_split_is_random_and_says_so(small):
    unlisted = [one for one in reviews(film) if "urls_" not in one[0].name]
    pack(small, unlisted)
    for _ in range(2):  # from the archive, then from the quick copy
        data = datasets.load("imdb")
        assert data.train.groups is None
        assert data.valid.texts == datasets.load("imdb", split="random").valid.texts
        assert sum("does not list the films" in note for note in data.notes) == 1
    with pytest.raises(InputError, match="this copy of 'imdb' has no groups"):
        datasets.load("imdb", split="groups")
    pack(small, [one for one in reviews(film) if "train/urls_pos" not in one[0].name])
    assert "does not list the films" in " ".join(datasets.load("imdb").notes)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (11, "train/urls_pos.txt, holds 11 reviews; expected 12"),
        (13, "train/urls_pos.txt, holds 13 reviews; expected 12"),
        (-1, "has a review with number 3, and the list of its films no line 4"),
    ],
)
def test_a_list_of_other_length_is_refused(small, lines, message):
    rows = [f"http://films/{i}\n" for i in range(max(lines, 12))][: lines if lines > 0 else 12]
    if lines < 0:
        rows.insert(3, "\n")
    others = [one for one in reviews(film) if "train/urls_pos" not in one[0].name]
    pack(small, [*others, member("aclImdb/train/urls_pos.txt", "".join(rows).encode())])
    with pytest.raises(InputError, match=message):
        datasets.load("imdb")


@pytest.mark.parametrize(
    ("name", "split", "message"),
    [
        ("imdb", "film", "split is 'film'; expected"),
        ("sample", "random", "has a valid split of its own"),
        ("names", "random", None),
        ("pems_flow", "random", "pems_flow holds series, which are held out in one way only"),
    ],
)
def test_a_split_that_data_do_not_have_is_refused(small, name, split, message):
    if message is None:
        message = "The data set names is not there"  # it is accepted
    with pytest.raises(InputError, match=message):
        datasets.load(name, split=split)


def test_files_have_no_such_option(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\n" + "good,pos\nbad,neg\n" * 10)
    with pytest.raises(InputError, match="split is 'random': files of texts have no such option"):
        datasets.open_data(path, options={"split": "random"})


def rows_by_film(folder, groups):
    path = folder / "mine.csv"
    rows = [f"text {i},{'ab'[i % 2]},{group}" for i, group in enumerate(groups)]
    path.write_text("\n".join(["text,label,film", *rows]) + "\n")
    return path


def test_files_may_name_a_column_of_groups(tmp_path):
    path = rows_by_film(tmp_path, [f"film {i // 4}" for i in range(80)])
    data = datasets.from_files(path, group_column="film", seed=2)
    films = [
        {int(text.split()[1]) // 4 for text in split.texts}
        for split in (data.train, data.valid, data.test)
    ]
    assert list(map(len, films)) == [16, 2, 2]
    assert len(set.union(*films)) == 20
    assert Counter(data.valid.labels.tolist()) == {0: 4, 1: 4}
    opened = study.load_data(path, options={"group_column": "film"})
    assert opened.test.texts == datasets.from_files(path, group_column="film").test.texts
    plain = datasets.from_files(path)
    assert plain.train.groups is None
    assert plain.valid.texts != opened.valid.texts


def test_a_run_with_groups_is_measured_on_files_with_and_without_them(tmp_path):
    path = rows_by_film(tmp_path, [f"film {i // 4}" for i in range(80)])
    other = tmp_path / "other.csv"
    other.write_text("text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(40)))
    data = study.sources.source_of(path, options={"group_column": "film"}).as_record()
    model = SimpleNamespace(classes=("a", "b"))
    run = SimpleNamespace(
        path="mine", settings={"recipe": "lstm_sentiment", "data": data}, model=model
    )
    own, _ = split_for(run)
    assert own == datasets.from_files(path, group_column="film").test.texts
    texts, labels = split_for(run, name=str(other))
    assert texts == datasets.from_files(other).test.texts
    assert len(labels) == len(texts) == 4


def test_groups_of_files_that_are_not_there_are_refused(tmp_path):
    path = rows_by_film(tmp_path, ["x", "y", " ", "z"] * 10)
    with pytest.raises(InputError, match=r"line 4.*the group, column 'film', is empty"):
        datasets.from_files(path, group_column="film")
    with pytest.raises(InputError, match=r"movie.*group_column"):
        datasets.from_files(path, group_column="movie")
    with pytest.raises(InputError, match="group_column is for files, and imdb is a data set"):
        datasets.open_data("imdb", options={"group_column": "film"})
    for label in "ab":
        (tmp_path / "texts" / label).mkdir(parents=True)
        (tmp_path / "texts" / label / "1.txt").write_text("text")
    with pytest.raises(InputError, match=r"group_column is 'film': the folder .* has no columns"):
        datasets.from_files(tmp_path / "texts", group_column="film")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shares", [[0.1], [0.2, 0.1], [0.5]])
def test_groups_stay_together_and_classes_keep_their_shares(seed, shares):
    random = np.random.default_rng(seed)
    groups = random.choice(300, 3000, p=random.dirichlet(np.full(300, 0.7)))
    labels = (random.random(3000) < random.random(300)[groups]).astype(int)
    parts = grouped_split(labels, groups + 7, shares, random)
    assert sorted(np.concatenate(parts).tolist()) == list(range(3000))
    held = [set(groups[part]) for part in parts]
    assert sum(map(len, held)) == len(set.union(*held))
    for part, share in zip(parts, shares, strict=False):
        got, wanted = np.bincount(labels[part]), share * np.bincount(labels)
        assert abs(got - wanted).max() <= 3, (got, wanted)


@pytest.mark.parametrize(
    ("labels", "groups", "expected"),
    [
        ([0, 0, 1, 1], [5, 5, 5, 5], 0),  # one group: train keeps it
        ([0, 0, 1, 1], [1, 1, 2, 2], 0),  # each class is one group: none can go
        ([0, 1] * 10, [0] * 10 + [1] * 10, 10),  # groups larger than the share
    ],
)
def test_few_groups(labels, groups, expected):
    valid, train = grouped_split(
        np.array(labels), np.array(groups), [0.1], np.random.default_rng(0)
    )
    assert len(valid) == expected
    assert set(np.array(labels)[train]) == set(labels)
