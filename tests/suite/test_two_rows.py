"""Two rows of a suite at further seeds: their trials, and what no number of seeds separates."""

from __future__ import annotations

import pytest
import yaml

from evenhand.errors import SpecError
from evenhand.suite.only import restrict
from evenhand.suite.resolve import Suite
from evenhand.suite.two_rows import MOST_MAX_SEEDS, two_rows
from evenhand_reports.statistics.sequential import MOST_SEEDS
from tests.suite.suite_text import TEXT

KEYS = yaml.safe_load(TEXT)
BOTH = [{"digits": {"profile": {"grid": ["exp", "step"]}, "ratio": 10}}]


def suite(methods="[erm, la, vs]", **changes):
    return Suite(**KEYS | {"methods": yaml.safe_load(methods)} | changes)


def test_further_trials_have_the_keys_of_a_suite_with_more_seeds():
    rows = two_rows(suite(problems=BOTH), ("vs", "la"), 5)
    longer = suite("[la, vs]", seeds=5, problems=BOTH, baseline="la")
    assert rows.suite.trials.keys() == longer.trials.keys()


def test_further_seeds_follow_the_largest_of_the_suite():
    assert two_rows(suite(seeds=[7, 3]), ("vs", "la"), 5).seeds == (7, 3, 8, 9, 10)


def test_the_suite_itself_has_no_further_trial():
    given = suite()
    rows = two_rows(given, ("vs", "la"), 5)
    assert {trial.seed for trial in given.trials.values()} == {0, 1}
    own = {k for k, t in rows.suite.trials.items() if t.seed < 2}
    assert rows.reached([]).trials.keys() == own
    further = next(k for k, t in rows.suite.trials.items() if t.seed == 3)
    assert rows.reached([further]).trials.keys() == own | {further}


def test_rows_are_compared_on_the_problems_of_a_part_alone():
    part = restrict(suite(problems=BOTH), ["problem=*step*"])
    rows = two_rows(part, ("vs", "la"), 5)
    assert list(rows.pairs) == ["digits-step-10"]
    assert rows.n_pairs == 1
    assert {t.problem.name for t in rows.suite.trials.values()} == {"digits-step-10"}


def test_all_settings_that_compete_run_at_the_seeds_of_the_suite():
    given = suite("[erm, la: {tau: {grid: [1, 2]}}, vs]", select={"on": "val"})
    rows = two_rows(given, ("vs", "la"), 4)
    assert len(rows.settings("la", "digits-exp-10")) == 2
    assert len(rows.suite.trials) == 3 * 4


def test_the_largest_number_of_seeds_is_that_of_the_test():
    assert MOST_MAX_SEEDS == MOST_SEEDS


@pytest.mark.parametrize(
    ("names", "most", "says"),
    [
        (("vs", "lo"), 5, "--until-separated: 'lo' is not among .*\n .*\n  did you mean 'la'"),
        (("vs", "vs"), 5, "--until-separated: 'vs' and 'vs' are one row"),
        (("vs", "la"), 2, "--max-seeds is 2, and the suite has 2 seeds\n  write a number above 2"),
        (("vs", "la"), 201, "--max-seeds is 201.*\n  .*at most 200"),
        (("vs", "la"), 5.0, "max_seeds is 5.0\n  write a whole number"),
        ("vs", 5, "until_separated is 'vs'\n  write the names of two rows"),
    ],
)
def test_wrong_names_and_numbers_are_refused(names, most, says):
    with pytest.raises(SpecError, match=says):
        two_rows(suite(), names, most)


@pytest.mark.parametrize(
    ("methods", "changes", "says"),
    [
        ("[erm, la, vs]", {"vary": [], "seeds": 1}, "vary: \\[\\].* the same network"),
        ("[erm, la, vs: {gamma: 0}]", {}, "vs and la|la and vs.* are the same training on"),
    ],
)
def test_rows_that_no_seed_separates_are_refused(methods, changes, says):
    with pytest.raises(SpecError, match=says):
        two_rows(suite(methods, **changes), ("vs", "la"), 5)


@pytest.mark.parametrize("only", ["seed=0", "method=erm,method=la"])
def test_a_part_without_some_trials_of_the_rows_is_refused(only):
    with pytest.raises(SpecError, match="`--only` leaves out trials of vs on digits-exp-10\n"):
        two_rows(restrict(suite(), [only]), ("vs", "la"), 5)


@pytest.mark.parametrize("split", [{"folds": 2}, {"fold": "part"}])
def test_the_folds_of_a_cross_validation_are_refused(split):
    problem = {"table": {"path": "mine.csv", "label": "label", "split": split}}
    given = suite(problems=[problem], val="none", recipe="features-linear")
    with pytest.raises(SpecError, match="the seeds of table-mine are the folds of a cross-valid"):
        two_rows(given, ("vs", "la"), 5)
