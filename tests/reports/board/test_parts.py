"""A part of a suite is compared with all rows: `--only` chooses what is shown, not the tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evenhand.declared.record import Record
from evenhand.suite.only import restrict
from evenhand.suite.resolve import Suite
from evenhand_reports.board.leaderboard import Leaderboard, build, build_from
from evenhand_reports.board.results import Result
from evenhand_reports.formats import html, latex, long_form, markdown, terminal
from evenhand_reports.formats.frame import to_frame
from evenhand_reports.wording.answer import answer
from evenhand_reports.wording.footnotes import footnotes
from tests.records import make_record
from tests.reports.formats.test_terminal import text_of
from tests.reports.suites import around, make_suite, scored

MEANS = {"erm": 0.65, "la": 0.68, "vs": 0.70, "cdt": 0.66, "ldam": 0.69}
ROWS = ["ERM", "LA", "VS", "CDT", "LDAM"]


def whole_suite(**changed: Any) -> Suite:
    return make_suite(ROWS, problems=({}, {"profile": "step"}), **changed)


def records_of(suite: Suite) -> list[Record]:
    return scored(suite, around(MEANS, sd=0.01))


def verdict_of(result: Result) -> tuple[Any, ...]:
    """Everything that a report states about a row beside its mean."""
    return result.rank, result.to_best, result.to_baseline


@pytest.mark.parametrize(
    "only",
    [
        ["method=vs"],
        ["method=la", "method=vs"],
        ["method=erm"],
        ["problem=*step*"],
        ["method=ldam,problem=*exp*"],
        ["row=cdt", "row=erm"],
        ["seed=0..4"],
    ],
    ids=str,
)
def test_ranks_and_p_values_of_a_row_are_the_same_whatever_is_shown(only: list[str]) -> None:
    suite = whole_suite()
    records = records_of(suite)
    whole, part = build_from(suite, records), build_from(restrict(suite, only), records)

    assert part.results
    assert any(result.rank for result in part.results.values())
    for place, result in part.results.items():
        assert verdict_of(result) == verdict_of(whole.results[place])
    assert all(part.verdicts[problem] == whole.verdicts[problem] for problem in part.problems)


def test_fewer_seeds_are_tested_in_the_families_of_all_rows() -> None:
    suite = whole_suite()
    records = records_of(suite)
    few = [record for record in records if record.trial.seed < 3]
    declared = whole_suite(seeds=3)

    part = build_from(restrict(suite, ["method=vs,seed=0..2"]), records)
    whole = build_from(declared, few)

    for place, result in part.results.items():
        assert verdict_of(result) == verdict_of(whole.results[place])
        assert result.scores == whole.results[place].scores
    assert "hold only if these were not chosen by their results" in " ".join(footnotes(part))


def test_a_family_is_as_large_before_all_of_it_has_run() -> None:
    suite = whole_suite()
    records = records_of(suite)
    two = [record for record in records if record.trial.method.name in ("erm", "vs")]
    whole, early = build_from(suite, records), build_from(suite, two)
    found = early.results["vs", suite.problems[0]].to_baseline

    assert found is not None
    for board in (early, whole):
        assert {verdicts.family for verdicts in board.verdicts.values()} == {4}
    assert found.is_provisional
    assert found.adjusted == pytest.approx(min(1.0, 4 * (found.p or 0)))


def test_data_of_a_majority_that_is_not_shown_are_the_intended_ones() -> None:
    suite = whole_suite()
    records = [
        make_record(trial=r.trial, fingerprint="f" * 64) if r.trial.method.name == "vs" else r
        for r in records_of(suite)
    ]
    part = restrict(suite, ["method=vs"])

    class Store:
        location, edition, faults = "results", "main", ()

        def records(self, keys: Any, held: object) -> list[Record]:
            return [record for record in records if record.key in set(keys)]

    board = build(part, Store())

    assert {gap.kind for gap in board.gaps} == {"other data"}
    assert set(to_frame(part, Store())["status"]) == {"other data"}


def part_of(*only: str) -> Leaderboard:
    suite = whole_suite()
    return build_from(restrict(suite, only), records_of(suite))


def test_every_format_states_that_all_rows_are_tested() -> None:
    board = part_of("method=la")
    note = "Ranks and tests are over all rows of the suite, whichever are shown."
    shown = [
        html.render(board),
        markdown.render(board),
        text_of(terminal.render(board), width=400),
        latex.files(board)["leaderboard.tex"],
    ]

    assert all(note in " ".join(text.split()) for text in shown)
    assert {line.row for line in long_form.lines(board)} == {"la"}
    assert board.baseline == "ERM"
    assert list(board.rows) == ["la"]


def test_the_answer_of_a_part_claims_nothing_of_rows_that_are_not_shown() -> None:
    assert answer(part_of("method=erm")).startswith(
        "No row of this part is in the best group on any of 2 problems."
    )
    assert "ERM" not in answer(part_of("method=erm"))
    assert "VS" not in answer(part_of("method=la"))
    assert "No row beat" not in answer(part_of("method=cdt"))
    assert answer(part_of("method=vs")).startswith("VS beat ERM on every problem, by ")


def test_a_title_in_a_part_is_that_in_the_whole_suite() -> None:
    suite = make_suite(["ERM", "VS"])
    same = suite.replaced(
        configurations=tuple(replace(cell, title="Same") for cell in suite.configurations)
    )
    board = build_from(restrict(same, ["row=vs"]), scored(suite, lambda trial: 0.7))

    assert list(board.rows.values()) == ["Same [vs]"]
