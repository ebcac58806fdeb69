"""The leaderboard: what is compared with what, and what is an error."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from evenhand.declared.record import Record
from evenhand.errors import ReportError
from evenhand_reports.board.leaderboard import build, build_from
from tests.records import make_record
from tests.reports.suites import around, make_suite, only, scored, without

MEANS = {"erm": 0.65, "la": 0.72, "vs": 0.721}


def test_means_ranks_and_differences_of_a_whole_suite() -> None:
    suite = make_suite()
    board = build_from(suite, scored(suite, around(MEANS, sd=0.004)))
    vs, erm = only(board, "vs"), only(board, "erm")

    assert [s.row for s in board.on(board.problems[0])][-1] == "erm"
    assert vs.rank is not None
    assert erm.rank is not None
    assert (vs.rank.rank, erm.rank.rank) == (1, 3)
    assert vs.to_baseline is not None
    assert vs.to_baseline.difference.mean == pytest.approx(0.07, abs=0.01)
    assert vs.to_baseline.adjusted is not None
    assert vs.to_baseline.p is not None
    assert vs.to_baseline.adjusted >= vs.to_baseline.p
    assert erm.to_baseline is None
    assert [verdicts.family for verdicts in board.verdicts.values()] == [2]


def test_scores_are_those_of_the_counts() -> None:
    suite = make_suite(["ERM"])
    board = build_from(suite, scored(suite, lambda trial: 0.7 + 0.01 * trial.seed))
    score = only(board, "erm").scores["balanced_accuracy", "last"]

    assert score.values == pytest.approx((0.70, 0.71, 0.72, 0.73, 0.74))
    assert score.estimate is not None
    assert score.estimate.mean == pytest.approx(0.72)
    best_test = only(board, "erm").scores["balanced_accuracy", "best-test"]
    assert best_test.values == pytest.approx((0.71, 0.72, 0.73, 0.74, 0.75))


def test_one_seed_is_shown_and_not_ranked() -> None:
    suite = make_suite(seeds=1)
    board = build_from(suite, scored(suite, around(MEANS)))
    vs = only(board, "vs")

    assert vs.is_complete
    assert vs.rank is None
    assert vs.to_baseline is not None
    assert vs.to_baseline.p is None
    assert "n ≥ 2" in vs.to_baseline.caveat


def test_equal_rows_share_rank_one_and_all_are_bold() -> None:
    suite = make_suite()
    board = build_from(suite, scored(suite, lambda trial: 0.7 + 0.01 * trial.seed))

    assert all(s.rank and s.rank.rank == 1 and s.is_bold for s in board.results.values())
    vs = only(board, "vs")
    assert vs.to_baseline is not None
    assert vs.to_baseline.p == 1


def test_the_same_difference_at_every_seed_gets_an_exact_sign_test() -> None:
    suite = make_suite(["ERM", "VS"])
    lead = {"erm": 0.0, "vs": 0.1}
    records = scored(suite, lambda t: 0.6 + 0.01 * t.seed + lead[t.method.name])
    vs = only(build_from(suite, records), "vs")

    assert vs.to_baseline is not None
    assert vs.to_baseline.p == pytest.approx(2 / 2**5)
    assert (vs.to_baseline.test, vs.to_baseline.difference.interval) == ("sign", None)
    assert "exact sign test" in vs.to_baseline.caveat
    assert vs.rank is not None
    assert (vs.rank.rank, vs.rank.span) == (1, (1, 2))


def test_a_lower_is_better_metric_ranks_the_lowest_first() -> None:
    suite = make_suite(metrics=["balanced_error"], primary="balanced_error")
    board = build_from(suite, scored(suite, around(MEANS, sd=0.004)))

    assert board.on(board.problems[0])[-1].row == "erm"
    assert {only(board, row).is_bold for row in ("la", "vs")} == {True}


def test_no_number_is_not_a_number() -> None:
    suite = make_suite()
    board = build_from(suite, without(scored(suite, around(MEANS)), "la", 0))

    for result in board.results.values():
        for score in result.scores.values():
            assert all(value is None or math.isfinite(value) for value in score.values)
            assert score.estimate is None or math.isfinite(score.estimate.mean)


def test_rows_of_one_title_are_told_apart() -> None:
    suite = make_suite(["ERM", "VS"])
    cells = tuple(replace(cell, title="Same") for cell in suite.configurations)
    board = build_from(suite.replaced(configurations=cells), scored(suite, lambda trial: 0.7))

    assert list(board.rows.values()) == ["Same [erm]", "Same [vs]"]


def test_part_of_the_seeds_is_compared_on_the_seeds_that_all_have() -> None:
    suite = make_suite()
    records = scored(suite, around(MEANS, sd=0.004))
    cells = tuple(
        replace(cell, trials=cell.trials[:3] if cell.row == "la" else cell.trials)
        for cell in suite.configurations
    )
    board = build_from(suite.replaced(configurations=cells), records)
    vs = only(board, "vs")

    assert vs.to_baseline is not None
    assert vs.to_baseline.difference.n == 3
    assert vs.is_complete


def test_records_that_the_suite_does_not_ask_for_are_left_aside() -> None:
    suite = make_suite()
    records = scored(suite, around(MEANS))
    more = [*records, make_record(method="stranger")]

    assert build_from(suite, more) == build_from(suite, records)


def test_nothing_at_all_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ReportError) as raised:
        build_from(make_suite(), [], location="results")

    assert "none of its 15 trials has a record" in str(raised.value)
    assert "evenhand run suites/cifar-lt.yaml" in str(raised.value)


def test_nothing_but_failures_is_reported_as_that() -> None:
    suite = make_suite(["ERM"])
    records = [make_record(trial=t, status="failed") for t in suite.trials.values()]
    board = build_from(suite, records)

    assert only(board, "erm").scores["balanced_accuracy", "last"].estimate is None
    assert len(board.gaps) == 5


def test_a_store_is_asked_for_the_suites_trials_and_for_its_faults() -> None:
    suite = make_suite(["ERM"])
    records = scored(suite, lambda trial: 0.7)

    class Fault:
        path, reason = "results/x", "torn"

    class Store:
        location, edition, faults = "results", "night-7", (Fault(),)

        def records(self, keys: object, held: object) -> list[Record]:
            assert keys == list(suite.trials)
            return records

    board = build(suite, Store())

    assert (board.location, board.edition, board.faults[0].reason) == ("results", "night-7", "torn")
    assert board.commits == ("0123456789ab",)
