"""Rows that ran on other hardware, with other packages or other code are marked everywhere."""

from __future__ import annotations

from typing import Any

import pytest

from evenhand.declared.base import Part
from evenhand.declared.record import Record
from evenhand.suite.resolve import Suite
from evenhand_reports.board.environment import share_initial_weights
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.board.scores import read_records
from evenhand_reports.formats import html, latex, long_form, markdown, notebook, terminal
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.formatting import mark
from tests.records import PROVENANCE, make_record
from tests.reports.formats.test_html import Page
from tests.reports.formats.test_terminal import text_of
from tests.reports.suites import around, make_suite, only, scored

MEANS = {"erm": 0.65, "la": 0.72, "vs": 0.721}
OLD: dict[str, str] = PROVENANCE["versions"]
WEIGHTS = "the initial weights of the backbone"
CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"gpu": "NVIDIA A100"}, "device NVIDIA A100 (not NVIDIA H100)"),
    ({"gpu": None, "device": "cpu"}, "device AMD EPYC 9654 (not NVIDIA H100)"),
    ({"precision": "bf16"}, "precision bf16 (not fp32)"),
    ({"compiled": True}, "compilation on (not off)"),
    ({"versions": {**OLD, "torch": "2.10.0"}}, "torch 2.10.0 (not 2.9.0)"),
    ({"versions": {**OLD, "numpy": "1.26.4"}}, "numpy 1.26.4 (not 2.3.0)"),
    ({"commit": "f" * 40}, "code ffffffffffff (not 0123456789ab)"),
    ({"dirty": True}, "code 0123456789ab+ (not 0123456789ab)"),
]


def board_of(
    changed: dict[str, Any], *, method: str = "la", seeds: range = range(5), **suite: Any
) -> Leaderboard:
    """A board on which the records of one method have another provenance."""
    made = make_suite(**suite)
    return build_from(made, altered(made, changed, method, seeds))


def altered(suite: Suite, changed: dict[str, Any], method: str, seeds: range) -> list[Record]:
    accuracy = around(MEANS, sd=0.004)
    return [
        make_record(
            trial=trial,
            accuracy=accuracy(trial),
            provenance=changed if trial.method.name == method and trial.seed in seeds else {},
        )
        for trial in suite.trials.values()
    ]


@pytest.mark.parametrize(("changed", "text"), CHANGES, ids=[text for _, text in CHANGES])
def test_each_aspect_of_the_environment_is_compared_with_the_baseline(
    changed: dict[str, Any], text: str
) -> None:
    board = board_of(changed)

    assert [str(each) for each in only(board, "la").deviations] == [text]
    assert only(board, "vs").deviations == only(board, "erm").deviations == ()
    assert (mark(board, only(board, "la")), mark(board, only(board, "vs"))) == ("‡", "")
    assert any("than ERM at the same seeds" in n and f"LA: {text}" in n for n in footnotes(board))


def test_what_changes_no_number_is_not_compared() -> None:
    same = {"host": "node-7", "threads": 8, "driver": "580", "pack": 3, "finished": "2026-01-01"}
    board = board_of({**same, "versions": {**OLD, "python": "3.13.1", "ray": "2.60"}})

    assert all(not result.deviations for result in board.results.values())
    assert not any("environment" in note for note in footnotes(board))


def test_every_format_marks_the_row_and_names_the_difference() -> None:
    board = board_of({"versions": {**OLD, "torch": "2.10.0"}})
    note = "Ran in another environment than ERM at the same seeds"
    difference = "LA: torch 2.10.0 (not 2.9.0)."
    shown = {
        "html": Page(html.render(board)).words,
        "markdown": markdown.render(board).replace("\\", ""),
        "terminal": " ".join(text_of(terminal.render(board)).split()),
        "notebook": notebook.render(board),
        **{k: v for k, v in latex.files(board).items() if "tabular" in v},
    }

    for name, text in shown.items():
        assert note in text, name
        assert difference in text, name
        assert r"\ddagger" in text if name.endswith(".tex") else text.count("‡") > 1
    texts = {line.row: line.environment for line in long_form.lines(board)}
    assert texts == {"erm": "", "la": "torch 2.10.0 (not 2.9.0)", "vs": ""}


def test_seeds_on_other_machines_are_paired_with_the_baseline_seed_by_seed() -> None:
    suite = make_suite()
    accuracy = around(MEANS, sd=0.004)

    def record(trial: Any, gpu: str) -> Record:
        return make_record(trial=trial, accuracy=accuracy(trial), provenance={"gpu": gpu})

    trials = suite.trials.values()
    mixed = [record(t, "NVIDIA A100" if t.seed < 2 else "NVIDIA H100") for t in trials]
    vs_alone = [
        record(t, "NVIDIA A100" if t.seed < 2 and t.method.name == "vs" else "NVIDIA H100")
        for t in trials
    ]

    assert not any(r.deviations for r in build_from(suite, mixed).results.values())
    [found] = only(build_from(suite, vs_alone), "vs").deviations
    assert str(found) == "device NVIDIA A100 (not NVIDIA H100) at 2 of 5 seeds"


def test_rows_with_the_same_difference_are_named_together_and_by_problem() -> None:
    suite = make_suite(problems=({}, {"profile": "step"}))
    records = altered(suite, {"gpu": "NVIDIA A100"}, "erm", range(5))
    records = [
        make_record(trial=r.trial, accuracy=0.7) if r.trial.problem.profile.name == "step" else r
        for r in records
    ]
    [note] = [n for n in footnotes(build_from(suite, records)) if "another environment" in n]

    assert note.endswith("LA and VS on cifar10-exp-100: device NVIDIA H100 (not NVIDIA A100).")


def test_without_records_of_the_baseline_rows_are_compared_with_the_most_frequent() -> None:
    suite = make_suite(["ERM", "LA", "VS", "CDT"])
    records = scored(suite, lambda trial: 0.7)
    records = [
        make_record(trial=r.trial, provenance={"gpu": "NVIDIA A100"})
        if r.trial.method.name == "cdt"
        else r
        for r in records
        if r.trial.method.name != "erm"
    ]
    board = build_from(suite, records)

    assert [row for (row, _), r in board.results.items() if r.deviations] == ["cdt"]
    assert any("than most rows at the same seeds" in note for note in footnotes(board))


def test_uncommitted_changes_are_named_even_where_all_records_have_them() -> None:
    suite = make_suite()
    board = build_from(suite, scored(suite, lambda trial: 0.7, provenance={"dirty": True}))

    assert all(not result.deviations for result in board.results.values())
    assert any(note.startswith("15 of 15 records were made by code") for note in footnotes(board))


def test_an_installed_package_is_compared_by_its_version() -> None:
    installed = {"commit": None, "dirty": None}
    changed = {**installed, "versions": {**OLD, "evenhand": "0.2.0"}}
    suite = make_suite()
    records = [
        make_record(trial=t, provenance=changed if t.method.name == "la" else installed)
        for t in suite.trials.values()
    ]

    [found] = only(build_from(suite, records), "la").deviations
    assert str(found) == "code 0.2.0 (not 0.1.0)"


def test_a_post_hoc_row_has_the_hardware_of_its_network() -> None:
    suite = make_suite(["ERM", "VS"])
    cells = [
        cell
        if cell.row == "erm"
        else type(cell)(
            **{
                **vars(cell),
                "trials": tuple(
                    t.model_copy(update={"posthoc": Part(name="tau_norm")}) for t in cell.trials
                ),
            }
        )
        for cell in suite.configurations
    ]
    suite = suite.replaced(configurations=tuple(cells))
    here = {"gpu": None, "device": "cpu"}
    networks = [t.parent for t in suite.trials.values() if t.parent]
    records = [
        make_record(trial=t, provenance=here if t.posthoc else {}) for t in suite.trials.values()
    ]
    trained = [make_record(trial=t, provenance={"gpu": "NVIDIA A100"}) for t in networks]

    class Store:
        location, edition, faults = "results", "main", ()

        def records(self, keys: list[str], held: object) -> list[Record]:
            assert set(keys) == {*suite.trials, *(t.key for t in networks)}
            return records + trained

    assert len(read_records(suite, Store())) == len(records + trained)
    [found] = only(build_from(suite, records + trained), "vs").deviations
    assert str(found) == "device NVIDIA A100 (not NVIDIA H100)"
    assert only(build_from(suite, records), "vs").deviations == ()


@pytest.mark.parametrize(
    ("changed", "shares"),
    [
        ({}, True),
        ({"gpu": "NVIDIA A100"}, True),
        ({"commit": "f" * 40}, True),
        ({"versions": {**OLD, "torch": "2.10.0"}}, False),
        ({"versions": {**OLD, "timm": "1.0.20"}}, False),
        ({"gpu": None, "device": "cpu"}, False),
    ],
    ids=str,
)
def test_the_page_claims_shared_initial_weights_only_where_it_is_true(
    changed: dict[str, Any], shares: bool
) -> None:
    board = board_of(changed)
    words = Page(html.render(board)).words

    assert share_initial_weights(list(board.results.values())) == shares
    assert (WEIGHTS in words) == shares
    assert "all rows share the data" in words


def test_rows_of_other_backbones_do_not_share_initial_weights() -> None:
    suite = make_suite(["ERM", "VS"])
    [erm, vs] = suite.configurations
    recipe = vs.recipe.model_copy(update={"backbone": Part(name="resnet20")})
    trials = tuple(t.model_copy(update={"recipe": recipe}) for t in vs.trials)
    other = type(vs)(**{**vars(vs), "recipe": recipe, "trials": trials})
    board = build_from(
        suite.replaced(configurations=(erm, other)),
        [make_record(trial=t) for t in (*erm.trials, *trials)],
    )

    assert WEIGHTS not in Page(html.render(board)).words
