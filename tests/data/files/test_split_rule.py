"""Splits that a suite draws from the rows of a table."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from evenhand.data.files.columns import Columns
from evenhand.data.files.drawn_splits import Cells, FixedSplit, Folds
from evenhand.data.files.split_rule import SplitRule
from evenhand.data.splits import make_splits
from evenhand.declared.base import Part
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem, Val
from evenhand.errors import DataError

NAMES = ("class a", "class b", "class c")


def cells(*sizes: int) -> Cells:
    """Rows of cells of these sizes, the cells mixed."""
    of_row = np.concatenate([np.repeat(c, n) for c, n in enumerate(sizes)])
    return Cells("t.csv", np.random.default_rng(1).permutation(of_row), NAMES[: len(sizes)])


def columns(**values: object) -> Columns:
    return Columns(Path("t.csv"), {name: np.array(v, dtype=object) for name, v in values.items()})


def drawn(rule: dict[str, object], of: Cells, **values: object) -> FixedSplit | Folds:
    return SplitRule.model_validate(rule).of(columns(row=of.of_row.tolist(), **values), of)


def counts(of: Cells, index: np.ndarray) -> list[int]:
    return np.bincount(of.of_row[index], minlength=len(of.names)).tolist()


def test_shares_are_taken_from_every_cell():
    of = cells(100, 20, 4)

    split = drawn({"test": 0.25, "val": 0.1}, of)

    assert isinstance(split, FixedSplit)
    assert counts(of, split.test) == [25, 5, 1]
    assert counts(of, split.val) == [10, 2, 1]
    assert counts(of, split.train) == [65, 13, 2]
    assert sorted(np.concatenate(split).tolist()) == list(range(124))


def test_the_draw_follows_its_own_seed_alone():
    of = cells(50, 50)
    first, again, other = (drawn({"test": 0.2, "seed": s}, of) for s in (3, 3, 4))

    assert isinstance(first, FixedSplit)
    assert isinstance(other, FixedSplit)
    np.testing.assert_array_equal(first.test, again.test)  # type: ignore[union-attr]
    assert first.test.tolist() != other.test.tolist()


@pytest.mark.parametrize("rule", [{"test": 0.3, "val": 0.2}, {"folds": 4}])
def test_rows_that_belong_together_are_never_parted(rule):
    of = cells(120, 60)
    patient = np.random.default_rng(2).integers(0, 30, 180)

    split = drawn({**rule, "together": "patient"}, of, patient=patient.tolist())

    for fixed in split.all() if isinstance(split, Folds) else [split]:
        parts = [{*patient[index].tolist()} for index in fixed]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert all(min(counts(of, index)) > 0 for index in (fixed.train, fixed.test))
        assert sum(map(len, fixed)) == 180


def test_each_row_is_tested_in_one_fold_and_cells_keep_their_shares():
    of = cells(23, 11, 5)
    folds = drawn({"folds": 5}, of)
    assert isinstance(folds, Folds)

    tested = [split.test for split in folds.all()]

    assert sorted(np.concatenate(tested).tolist()) == list(range(39))
    assert {len(index) for index in tested} <= {7, 8}
    for index in tested:
        assert all(
            abs(n - size / 5) < 1 for n, size in zip(counts(of, index), (23, 11, 5), strict=True)
        )


def test_seeds_beyond_the_folds_repeat_them_with_others():
    folds = drawn({"folds": 3}, cells(30, 30))
    assert isinstance(folds, Folds)

    first, again = folds.at(1).test.tolist(), folds.at(4).test.tolist()

    assert first != again
    assert folds.at(4).test.tolist() == again
    repeated = np.concatenate([folds.at(seed).test for seed in (3, 4, 5)])
    assert sorted(repeated.tolist()) == list(range(60))


def test_folds_of_a_column_go_by_its_values_in_order():
    folds = drawn({"fold": "part"}, cells(3, 3), part=["10", "9", "10", "2", "9", "2"])
    assert isinstance(folds, Folds)

    assert [folds.at(seed).test.tolist() for seed in range(3)] == [[3, 5], [1, 4], [0, 2]]
    with pytest.raises(DataError, match=r"seed 3 has no fold: there are 3 folds.*\n.*seeds: 3"):
        folds.at(3)


@pytest.mark.parametrize(
    ("rule", "sizes", "says"),
    [
        ({"test": 0.2}, (30, 1), "class b has 1 row"),
        ({"test": 0.2, "val": 0.2}, (30, 2), "class b has 2 row"),
        ({"folds": 5}, (30, 4), "each of 5 folds needs a row of every cell.*class b 4"),
        ({"test": 0.5, "together": "p"}, (30, 30), "the column of `together` has 1 value"),
        ({"folds": 3, "together": "q"}, (30, 30), "3 folds need as many values.* it has 2"),
        ({"fold": "p"}, (30, 30), "all rows have the fold 'x'"),
        ({"fold": "nowhere"}, (30, 30), "no column is called 'nowhere'"),
        ({"column": "nowhere"}, (30, 30), r"no column is called 'nowhere'[^`]*`\{test: 0.2\}"),
    ],
)
def test_rows_that_a_rule_does_not_fit_are_refused(rule, sizes, says):
    n = sum(sizes)

    def all_splits() -> object:
        split = drawn(rule, cells(*sizes), p=["x"] * n, q=[str(i % 2) for i in range(n)])
        return split.all() if isinstance(split, Folds) else split

    with pytest.raises(DataError, match=says):
        all_splits()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"tset": 0.2},
        {"test": 0.2, "folds": 5},
        {"test": 0.6, "val": 0.4},
        {"folds": 5, "val": 0.1},
        {"fold": "a", "seed": 1},
        {"column": "a", "together": "b"},
        {"val": 0.1},
        {"folds": 1},
        0.2,
    ],
)
def test_rules_that_are_none_are_refused(given):
    with pytest.raises(ValidationError):
        SplitRule.model_validate(given)


@pytest.mark.parametrize("given", ["fold_of_paper", {"test": 0.2}, {"folds": 5, "together": "a"}])
def test_a_setting_is_kept_as_it_was_written(given):
    part = REGISTRY.part("dataset", "table", {"path": "a.csv", "label": "y", "split": given})

    assert part.settings["split"] == given


def table_of(root: Path, frame: pd.DataFrame, **settings: object) -> Part:
    frame.to_csv(root / "t.csv", index=False)
    return REGISTRY.part("dataset", "table", {"path": "t.csv", "label": "y", **settings})


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EVENHAND_DATA", str(tmp_path))
    return tmp_path


def noise(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"y": [f"c{i % 3}" for i in range(n)], "f": rng.normal(size=n)})


def test_the_seed_of_a_trial_chooses_the_test_fold(root):
    part = table_of(root, noise(), split={"folds": 4})
    source = REGISTRY.make("dataset", part)
    problem = Problem(dataset=part, profile=Part(name="natural"), val=Val(fraction=0.2))

    made = [make_splits(problem, source, seed=s, vary=("split", "subset")) for s in range(4)]

    tested = np.concatenate([data.test.pixels.ravel() for data in made])
    assert sorted(tested.tolist()) == sorted(np.float32(noise().f).tolist())
    assert {data.summary.folds for data in made} == {4}
    assert len({data.summary.source for data in made}) == 1
    for data in made:
        assert data.val is not None
        assert len(data.train) + len(data.val) + len(data.test) == 60
        assert not data.summary.shared


@pytest.mark.parametrize("settings", [{"folds": 3}, {"folds": 3, "together": "who"}])
def test_a_cross_validation_travels_to_other_processes(root, settings):
    table = noise().assign(who=[i // 2 for i in range(60)])
    source = REGISTRY.make("dataset", table_of(root, table, split=settings, features="f"))

    again = pickle.loads(pickle.dumps(source))

    assert source.of_seed is not None
    for seed in range(4):
        np.testing.assert_array_equal(
            again.of_seed(seed).test.pixels, source.of_seed(seed).test.pixels
        )


def test_folds_need_seeds_that_vary_the_split(root):
    part = table_of(root, noise(), split={"folds": 4})
    problem = Problem(dataset=part, profile=Part(name="natural"))
    with pytest.raises(DataError, match="`vary` has no split: init\n  add split to `vary`"):
        make_splits(problem, REGISTRY.make("dataset", part), seed=1, vary=("init",))


def test_a_fold_without_a_class_is_refused_with_its_seed(root):
    given = noise()
    given["part"] = [k // 3 % 3 for k in range(len(given))]
    given.loc[(given.y == "c0") & (given.part == 2), "part"] = 0
    part = table_of(root, given, split={"fold": "part"})
    with pytest.raises(DataError, match=r"at seed 2: 1 of 3 classes .* the split test\n  c0"):
        REGISTRY.make("dataset", part)


def test_a_profile_applies_to_a_table(root):
    part = table_of(root, noise(90), split={"test": 0.2})
    source = REGISTRY.make("dataset", part)
    profile = Part(name="exp", settings={"ratio": 4.0})

    made = make_splits(Problem(dataset=part, profile=profile), source, seed=0, vary=())

    assert made.counts[:, 0].tolist() == [24, 12, 6]
