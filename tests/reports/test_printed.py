"""A printed number stands beside the one row that it is about."""

from __future__ import annotations

import pytest

from harness.spec.record import RULES
from harness.spec.resolve import resolve
from harness.spec.suite import load
from harness.spec.yaml_lines import parse
from reports import html, latex, markdown, tidy
from reports.leaderboard import Leaderboard, build_from
from reports.printed import beside, sources
from tests.records import make_record

SUITE = """\
suite: printed
question: What do the papers print?
sources: [wang2023unified, kini2021label]
problems:
  - cifar10: {profile: exp, ratio: 100}
val: none
recipe: cifar-ldam
seeds: 3
methods:
  - erm
  - vs
  - vs: {as: "ours, flat", recipe: {sam: 0.1}}
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""


def board_of(text: str = SUITE) -> Leaderboard:
    document = parse(text, "printed.yaml")
    suite = resolve(load(document), document)
    return build_from(suite, [make_record(trial=t) for t in suite.trials.values()])


def numbers(text: str = SUITE) -> dict[str, list[str]]:
    return {row: [n.printed for n in found] for (row, _), found in beside(board_of(text)).items()}


def test_the_recipe_says_which_row_is_with_sam_whatever_it_is_called() -> None:
    assert numbers() == {
        "erm": ["71.5 ± 0.4", "71.94 ± 0.38"],
        "vs": ["78.8 ± 0.2", "80.82 ± 0.37"],
        "ours, flat": ["82.6 ± 0.2"],
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sources: [wang2023unified, kini2021label]", "sources: []"),
        ("ratio: 100", "ratio: 50"),
        ("primary: balanced_accuracy", "primary: min_recall"),
    ],
)
def test_another_source_problem_or_metric_has_no_number(old: str, new: str) -> None:
    text = SUITE.replace(old, new).replace("[balanced_accuracy]", "[balanced_accuracy, min_recall]")

    assert numbers(text) == {}


def test_a_sweep_over_settings_is_beside_no_number() -> None:
    found = numbers(SUITE.replace("  - vs\n", "  - vs: {tau: {grid: [0.5, 1.0]}}\n"))

    assert set(found) == {"erm", "ours, flat"}


def test_every_kind_of_report_tells_the_number() -> None:
    board = board_of()
    tex = latex.files(board)["problem-cifar10-exp-100.tex"]

    assert sources(beside(board), "cifar10-exp-100") == [
        "Wang et al. 2023, Table 1",
        "Kini et al. 2021, Table 1",
    ]
    assert "82.6 ± 0.2" in html.render(board)
    assert "| 82.6 ± 0.2 |" in markdown.render(board)
    assert "82.6 $\\pm$ 0.2" in tex
    lines = [line for line in tidy.lines(board) if line.printed is not None]
    assert {x.rule for x in lines} == set(RULES)
    assert {(x.row, round(x.printed or 0, 6), x.printed_sd) for x in lines} == {
        ("erm", 0.715, 0.004),
        ("vs", 0.788, 0.002),
        ("ours, flat", 0.826, 0.002),
    }
    assert {line.printed_in for line in lines} == {"Wang et al. 2023, Table 1"}
