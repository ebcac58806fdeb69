"""The verdicts on two rows follow from the records, seed by seed, and change no table."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import yaml

from evenhand.suite.resolve import Suite
from evenhand.suite.two_rows import two_rows
from evenhand_reports.board.leaderboard import build_from
from evenhand_reports.board.separation import build
from evenhand_reports.statistics.sequential import SequentialTest
from tests.records import make_record
from tests.suite.suite_text import TEXT

KEYS = yaml.safe_load(TEXT) | {"seeds": 3, "methods": ["erm", "la", "vs"]}
FAR = {"la": 0.6, "vs": 0.8}
NEAR = {"la": 0.7, "vs": 0.7}


@dataclass
class Shelf:
    """Records in memory, as a report reads them."""

    kept: list
    faults: list = field(default_factory=list)
    location: str = "results"
    edition: str = "main"

    def records(self, keys, held):
        return [held(record) for record in self.kept if record.key in set(keys)]


def suite(**changes):
    return Suite(**KEYS | changes)


def recall(trial, means):
    own = np.random.default_rng([trial.seed, *trial.method.name.encode()])
    return round(means.get(trial.method.name, 0.5) + own.normal(0, 0.02), 2)


def records(rows, means, *, seeds=8, status=None):
    """A record of each trial of the rows up to a seed; `status` by method and seed."""
    return [
        make_record(
            trial=t,
            accuracy=recall(t, means),
            status=(status or {}).get((t.method.name, t.seed), "done"),
        )
        for t in rows.suite.trials.values()
        if t.seed < seeds
    ]


def look(means, *, most=8, given=None, slots=1, **made):
    """The only pair of VS and LA, and the trials that run next as (method, seed)."""
    rows = two_rows(given or suite(), ("vs", "la"), most)
    found = build(rows, Shelf(records(rows, means, **made)))
    done = {r.key for r in records(rows, means, **made) if r.exit.status != "interrupted"}
    following = found.next_trials(slots, rows.suite.trials.keys() - done)
    return found.pairs[0], [(t.method.name, t.seed) for t in following]


def test_a_large_difference_is_separated_at_the_seeds_that_it_takes():
    pair, following = look(FAR)
    assert (pair.verdict, pair.better, pair.gap) == ("separated", "VS", None)
    assert pair.looks[-1].n < 8
    assert pair.looks[-1].estimate.mean == pytest.approx(0.2, abs=0.03)
    assert following == []


def test_rows_that_are_equal_are_not_separated_at_the_last_seed():
    pair, following = look(NEAR)
    assert (pair.verdict, pair.looks[-1].n, len(pair.looks)) == ("not separated", 8, 6)
    assert following == []


def test_the_seeds_of_the_suite_run_first_and_then_one_at_a_time():
    pair, following = look(NEAR, seeds=0)
    assert (pair.verdict, pair.looks) == ("open", ())
    assert following == [(m, s) for m in ("vs", "la") for s in range(3)]
    pair, following = look(NEAR, seeds=3)
    assert (pair.verdict, len(pair.looks)) == ("open", 1)
    assert following == [("vs", 3), ("la", 3)]


def test_as_many_seeds_run_at_a_time_as_there_is_room_for():
    _, following = look(NEAR, seeds=3, slots=7)
    assert sorted({seed for _, seed in following}) == [3, 4, 5]
    _, following = look(NEAR, seeds=7, slots=64)
    assert following == [("vs", 7), ("la", 7)]


def test_an_interrupted_trial_runs_again():
    pair, following = look(NEAR, seeds=5, status={("la", 4): "interrupted"})
    assert (pair.verdict, pair.gap.kind, pair.looks[-1].n) == ("open", "interrupted", 4)
    assert following == [("la", 4)]


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_a_seed_without_a_score_ends_the_looks_and_is_not_skipped(status):
    pair, following = look(NEAR, status={("la", 5): status})
    assert (pair.verdict, pair.looks[-1].n) == ("stopped", 5)
    assert (pair.gap.kind, pair.gap.seed, pair.gap.title) == (status, 5, "LA")
    assert following == []


def test_a_failure_after_the_verdict_changes_nothing():
    before, _ = look(FAR)
    n = before.looks[-1].n
    after, _ = look(FAR, status={("vs", n): "failed"})
    assert (after.verdict, after.looks) == (before.verdict, before.looks)


def test_a_failed_trial_that_can_be_repeated_is_repeated():
    rows = two_rows(suite(), ("vs", "la"), 8)
    kept = records(rows, NEAR, seeds=6, status={("la", 5): "failed"})
    [failed] = [record.key for record in kept if record.exit.status == "failed"]
    missing = {k for k, t in rows.suite.trials.items() if t.seed >= 6}
    found = build(rows, Shelf(kept))
    assert found.next_trials(1, missing) == []
    assert [t.key for t in found.next_trials(1, missing | {failed})] == [failed]


def test_seeds_after_the_verdict_do_not_change_it():
    n = look(FAR)[0].looks[-1].n
    assert look(FAR, seeds=n)[0].looks == look(FAR, seeds=8)[0].looks


def test_the_level_is_divided_among_the_problems():
    both = suite(problems=[{"digits": {"profile": {"grid": ["exp", "step"]}, "ratio": 10}}])
    rows = two_rows(both, ("vs", "la"), 8)
    found = build(rows, Shelf(records(rows, FAR)))
    assert [pair.problem for pair in found.pairs] == ["digits-exp-10", "digits-step-10"]
    assert found.test == SequentialTest(3, 8, 0.025)
    assert found.is_over


def test_the_row_with_the_lower_error_is_better():
    errors = suite(metrics=["balanced_error"], primary="balanced_error")
    pair, _ = look(FAR, given=errors)
    assert pair.looks[-1].estimate.mean < 0
    assert (pair.verdict, pair.better) == ("separated", "VS")


def test_the_chosen_setting_stays_that_of_the_suites_seeds():
    methods = ["erm", "vs", {"la": {"tau": {"grid": [1, 2]}}}]
    chosen = suite(methods=methods, select={"on": "val"})
    rows = two_rows(chosen, ("vs", "la"), 5)

    def accuracy(trial):
        # At the further seeds the other setting is better on validation data.
        good = 2.0 if trial.seed < 3 else 1.0
        is_good = trial.method.settings.get("tau") == good
        return recall(trial, NEAR) + (0.1 if is_good and trial.method.name == "la" else 0.0)

    kept = [make_record(trial=t, accuracy=accuracy(t)) for t in rows.suite.trials.values()]
    [pair] = build(rows, Shelf(kept)).pairs
    assert pair.settings == ("", "tau=2")
    [open_pair] = build(rows, Shelf([r for r in kept if r.trial.seed < 3])).pairs
    wanted = [t for trials in open_pair.wanted for t in trials if t.method.name == "la"]
    assert [(t.seed, t.method.settings["tau"]) for t in wanted] == [(3, 2.0), (4, 2.0)]
    [first] = build(rows, Shelf([])).pairs
    assert len(first.wanted) == 1
    assert len(first.wanted[0]) == 9


def test_a_table_of_the_suite_does_not_change_with_further_seeds():
    given = suite()
    rows = two_rows(given, ("vs", "la"), 8)
    every = [
        make_record(trial=t, accuracy=recall(t, FAR))
        for t in {**given.trials, **rows.suite.trials}.values()
    ]
    own = [record for record in every if record.key in given.trials]
    assert len(every) > len(own) == 9
    assert build_from(given, every) == build_from(given, own)
