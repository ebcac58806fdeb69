"""Categories and missing values are encoded by what the training split alone determines."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from evenhand.data.files.data_root import use_data_root
from evenhand.data.sources.table import table
from evenhand.data.splits import make_splits
from evenhand.declared.base import Part
from evenhand.declared.trial import Problem, Val
from evenhand.errors import DataError
from tests.data.samples import has_facts


@pytest.fixture
def root(tmp_path):
    with use_data_root(tmp_path):
        yield tmp_path


def write(root, header, rows, name="t.csv", separator=","):
    lines = [header, *rows] if header else rows
    (root / name).write_text("\n".join(separator.join(map(str, row)) for row in lines) + "\n")


def problem_data(source, val=None):
    problem = Problem(
        dataset=Part(name="table"), profile=Part(name="natural"), val=val or Val()
    )  # fmt: skip
    return make_splits(problem, source, seed=0, vary=())


def inputs(images):
    return images.pixels[:, 0, 0]


SMALL = [
    # colour, size, class, split
    ("red", 1, "a", "train"),
    ("blue", "", "b", "train"),
    ("red", 4, "a", "train"),
    ("", 4, "b", "train"),
    ("green", "", "a", "test"),
    ("blue", 100, "b", "test"),
]


def small(root, rows=SMALL, **settings):
    write(root, ("colour", "size", "y", "split"), rows)
    return table("t.csv", "y", **settings)


@pytest.mark.parametrize(("impute", "filled"), [("mean", 3), ("median", 4), ("most_frequent", 4)])
def test_the_training_split_alone_gives_categories_and_statistics(root, impute, filled):
    source = small(root, one_hot=("colour",), impute=impute)
    data = problem_data(source)
    # The columns are size, blue and red: green is in no training row.
    train = [[1, 0, 1], [filled, 1, 0], [4, 0, 1], [4, 0, 1]]
    assert sorted(inputs(data.train).tolist()) == sorted(train)
    assert inputs(data.test).tolist() == [[filled, 0, 0], [100, 1, 0]]
    assert source.shape == data.train.shape == (1, 1, 3)
    assert "'colour' (3)" in source.reading.notes[0]
    assert source.reading.notes[1:] == (
        f"missing values in 'size' are replaced by the {impute.replace('_', ' ')} value of the "
        "training split",
        "missing values in 'colour' are replaced by the most frequent value of the training split",
    )


def test_validation_rows_that_are_drawn_do_not_enter_the_statistics(root):
    rows = [("red", k * 7 % 20, "ab"[k % 2], "train") for k in range(20)]
    rows += [("blue", "", "a", "test"), ("red", 1, "b", "test")]
    source = small(root, rows, one_hot="all", impute="mean")
    data = problem_data(source, Val(per_class=4))
    assert len(data.val) == 8
    assert inputs(data.test)[0, 0] == pytest.approx(inputs(data.train)[:, 0].mean())
    assert inputs(data.test)[0, 0] != pytest.approx(np.mean(range(20)))


def test_a_column_of_numbers_may_be_one_hot(root):
    rows = [(k % 3, k % 4, "ab"[k // 2 % 2], ("train", "test")[k // 20]) for k in range(40)]
    source = small(root, rows, one_hot=("size",))
    data = problem_data(source)
    assert source.reading.features == ("colour", "size")
    expected = [[k % 3, *np.eye(4)[k % 4]] for k in range(20, 40)]
    assert sorted(inputs(data.test).tolist()) == sorted(map(list, expected))


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        ({}, "text: 'colour' … no value in 'size': rows 3, 6"),
        ({"one_hot": "all"}, "no value in 'colour': row 5 … no value in 'size': rows 3, 6"),
        ({"impute": "mean"}, "text: 'colour'"),
    ],
)
def test_what_no_setting_covers_is_refused(root, settings, facts):
    with pytest.raises(DataError) as raised:
        small(root, **settings)
    assert has_facts(raised.value, facts)


def test_a_column_without_a_value_in_the_training_split_is_refused(root):
    rows = [(c, "" if split == "train" else k, *row) for k, (c, _, *row) in enumerate(SMALL)
            for split in row[1:]]  # fmt: skip
    source = small(root, rows, one_hot="all", impute="mean")
    with pytest.raises(DataError, match="no value in the training split: 'size'"):
        problem_data(source)


def test_texts_for_missing_values_are_declared(root):
    rows = [(c or "unknown", s or -999.0, *row) for c, s, *row in SMALL]
    settings = {"one_hot": "all", "impute": "median"}
    source = small(root, rows, missing=("unknown", "-999"), **settings)
    assert np.isnan(source.train.pixels).sum() == 2
    assert np.isnan(small(root, rows, **settings).train.pixels).sum() == 0


def accuracy(source):
    data = problem_data(source)
    mean, std = inputs(data.train).mean(0), inputs(data.train).std(0) + 1e-6
    fit = LogisticRegression(max_iter=1000)
    fit.fit((inputs(data.train) - mean) / std, data.train.labels)
    scores = fit.predict((inputs(data.test) - mean) / std) == data.test.labels
    return np.mean([scores[data.test.labels == c].mean() for c in range(2)])


def chess(n=600):
    """Rows of three pieces, each with a file and a rank, in the form of KEEL's `kr-vs-k`."""
    rng = np.random.default_rng(0)
    files, ranks = rng.integers(0, 8, (n, 3)), rng.integers(1, 9, (n, 3))
    # Neither of the ranks, nor the order of the letters, tells the class.
    names = np.array([" negative", " positive"])[files[:, 1] % 2]
    letters = np.array([*"abcdefgh"])[files]
    return [
        (letters[i, 0], f" {ranks[i, 0]}", f" {letters[i, 1]}", f" {ranks[i, 1]}",
         f" {letters[i, 2]}", f" {ranks[i, 2]}", names[i])
        for i in range(n)
    ]  # fmt: skip


def test_chess_positions_are_separated_by_one_hot_columns(root):
    write(root, None, chess())
    settings = {"header": "none", "split": {"test": 0.3}}
    with pytest.raises(DataError) as raised:
        table("t.csv", "c7", **settings)
    assert has_facts(raised.value, "'c1' … 'c3' … 'c5' … `one_hot: [c1, c3, c5]`")
    numbers = table("t.csv", "c7", leave_out=("c1", "c3", "c5"), **settings)
    assert numbers.classes == ("negative", "positive")
    assert accuracy(numbers) < 0.6
    assert accuracy(table("t.csv", "c7", one_hot="all", **settings)) == 1


def census(n=300):
    """Rows in the form of UCI Adult: no header, a space after each comma, `?` where unknown."""
    rng = np.random.default_rng(0)
    work = np.array(["Private", "State-gov", "?"])[rng.integers(0, 3, n)]
    age, hours = rng.integers(18, 80, n), rng.integers(10, 60, n)
    rich = (age > 45) | (work == "State-gov")
    return [
        (age[i], f" {work[i]}", f" {hours[i]}", " >50K" if rich[i] else " <=50K") for i in range(n)
    ]


def test_a_census_is_read_without_a_header(root):
    write(root, None, census())
    settings = {"header": "none", "split": {"test": 0.3}, "one_hot": "all"}
    source = table("t.csv", "c4", **settings)
    assert source.classes == ("<=50K", ">50K")
    assert source.reading.features == ("c1", "c2", "c3")
    assert accuracy(source) > 0.8
    declared = table("t.csv", "c4", missing=("?",), impute="most_frequent", **settings)
    assert declared.shape == (1, 1, 4)
    assert source.shape == (1, 1, 5)


def test_the_point_after_the_classes_of_a_test_file_is_told(root):
    train = [(*row, "train") for row in census(200)]
    test = [(*row[:3], f"{row[3]}.", "test") for row in census(100)]
    write(root, None, train + test)
    with pytest.raises(DataError) as raised:
        table("t.csv", "c4", split="c5", header="none", one_hot="all")
    assert has_facts(raised.value, "<=50K. … train 0")
