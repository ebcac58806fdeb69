"""A printed number stands beside the one row that it is about."""

from __future__ import annotations

import pytest

from evenhand.declared.record import RULES
from evenhand.suite.declaration import load
from evenhand.suite.resolve import open_suite, resolve
from evenhand.suite.yaml_lines import parse
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats import html, latex, long_form, markdown
from evenhand_reports.papers import printed_names, published
from evenhand_reports.papers.matching import Quote, printed_numbers, quoted_text, sources_on
from tests.records import make_record, make_trial

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


def number_alone(quote: Quote) -> str:
    return quote.text


def board_of(text: str = SUITE) -> Leaderboard:
    document = parse(text, "printed.yaml")
    suite = resolve(load(document), document)
    return build_from(suite, [make_record(trial=t) for t in suite.trials.values()])


def numbers(text: str = SUITE) -> dict[str, list[str]]:
    return {
        row: [quote.text for quote in found]
        for (row, _), found in printed_numbers(board_of(text)).items()
    }


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

    assert list(sources_on(["cifar10-exp-100"], printed_numbers(board)).values()) == [
        "Wang et al. 2023, Table 1",
        "Kini et al. 2021, Table 1",
    ]
    assert "82.6 ± 0.2" in html.render(board)
    assert "| 82.6 ± 0.2, other protocol |" in markdown.render(board)
    assert "82.6 $\\pm$ 0.2 $\\times$" in tex
    lines = [line for line in long_form.lines(board) if line.printed is not None]
    assert {x.rule for x in lines} == set(RULES)
    assert {(x.row, round(x.printed or 0, 6), x.printed_sd) for x in lines} == {
        ("erm", 0.715, 0.004),
        ("vs", 0.788, 0.002),
        ("ours, flat", 0.826, 0.002),
    }
    assert {line.printed_in for line in lines} == {"Wang et al. 2023, Table 1"}


NM21 = """\
suite: printed
question: What do Narasimhan and Menon print?
sources: [narasimhan2021training]
problems:
  - DATA: {profile: exp, ratio: RATIO}
val: {test_half: true}
recipe: cifar-ldam
seeds: 1
methods:
  - erm: {as: ERM}
  - la: {as: Balanced}
  - equalized: {as: Equalized}
  - ldam: {as: Adaptive}
  - csl: {as: "CSL [Re-weighted]", loss: re_weighted, GOAL}
  - csl: {as: "CSL [Logit-adjusted]", GOAL}
  - csl: {as: "CSL [Hybrid A]", loss: hybrid_a, GOAL}
  - csl: {as: "CSL [Hybrid B]", loss: hybrid_b, GOAL}
  - post_shift: {as: ERM + PS, GOAL}
  - csl: {as: "CSL [Logit-adjusted] + PS", GOAL, posthoc: {post_shift: {GOAL}}}
  - erm: {as: Distilled ERM, teacher: erm}
  - la: {as: Distilled Balanced, teacher: erm}
  - csl: {as: "Distilled CSL [Re-weighted]", loss: re_weighted, GOAL, teacher: erm}
  - csl: {as: "Distilled CSL [Logit-adjusted]", GOAL, teacher: erm}
metrics: [balanced_accuracy, min_recall, min_coverage, min_head_tail_recall, min_head_tail_coverage]
primary: balanced_accuracy
baseline: erm
"""
WORST = "maximize: min_recall"
WORST_HALF = "maximize: min_head_tail_recall"
COVERED = 'maximize: mean_recall, subject_to: ["balanced_coverage[*] >= 0.95/m"]'
COVERED_HALVES = (
    "maximize: mean_recall, "
    'subject_to: ["balanced_coverage[tail] >= 0.95 / m", "balanced_coverage[head] >= 0.95/m"]'
)
ASKED = {
    ("Table 2", "CIFAR-10"): WORST,
    ("Table 2", "CIFAR-100"): WORST_HALF,
    ("Table 2", "TinyImageNet"): WORST_HALF,
    ("Table 3", "CIFAR-10"): COVERED,
    ("Table 3", "CIFAR-100"): COVERED_HALVES,
    ("Table 3", "TinyImageNet"): COVERED_HALVES,
    ("Table 4", "CIFAR-10"): WORST,
    ("Table 4", "CIFAR-100"): WORST_HALF,
    ("Table 4", "TinyImageNet"): WORST_HALF,
    ("Table 4", "CIFAR-100, per class"): WORST,
    ("Table 5", "CIFAR-10"): WORST,
    ("Table 5", "CIFAR-100"): WORST_HALF,
}
"""What the methods are asked for in each block of the paper's tables."""


def nm21(dataset: str, goal: str) -> str:
    text = NM21.replace("DATA", dataset.lower().replace("-", "")).replace("GOAL", goal)
    text = text if goal in (WORST, WORST_HALF) else _without_diagonal_losses(text)
    return text.replace("RATIO", "83" if dataset == "TinyImageNet" else "100")


def _without_diagonal_losses(text: str) -> str:
    """Coverage has gains off the diagonal, which the logit-adjusted loss does not take."""
    lines = text.splitlines(keepends=True)
    return "".join(x for x in lines if "csl" not in x or "loss:" in x)


@pytest.mark.parametrize(("table", "block"), ASKED)
def test_every_number_of_narasimhan_and_menon_stands_beside_its_row(table: str, block: str) -> None:
    dataset = block.partition(",")[0]
    board = board_of(nm21(dataset, ASKED[table, block]))
    found = {metric: printed_numbers(board, metric) for metric in board.metrics}
    [problem] = board.problems
    wanted = [
        number
        for number in published.rows(paper="narasimhan2021training", dataset=dataset)
        if number.table == table
        and (
            table != "Table 4" or ("per-class" in number.protocol) == (ASKED[table, block] == WORST)
        )
    ]

    assert wanted
    for number in wanted:
        metric = printed_names.METRICS.get(number.metric, number.metric)
        quotes = found[metric][number.method, problem]
        told = [q for q in quotes if q.number.value == number.value]
        assert [table[-1] in quote.tables for quote in told] == [True]


@pytest.mark.parametrize("table", "2345")
def test_the_shipped_suite_of_a_table_holds_all_its_numbers(table: str) -> None:
    suite = open_suite(f"narasimhan2021_table{table}")
    board = build_from(suite, [make_record(trial=t) for t in suite.trials.values() if not t.seed])
    quotes = [
        q for m in board.metrics for found in printed_numbers(board, m).values() for q in found
    ]
    told = {(q.number.dataset, q.number.method, q.number.metric, q.text) for q in quotes}
    rows = published.rows(paper="narasimhan2021training")

    for row in rows:
        if row.table == f"Table {table}":
            assert (row.dataset, row.method, row.metric, row.in_percent) in told


SHIPPED = {
    ("kini2021label", "Table 2"): ("kini2021_table2", {"Waterbirds"}),
    ("li2021autobalance", "Table 1"): ("li2021_table1", {"CIFAR-10", "CIFAR-100"}),
    ("li2021autobalance", "Table 2"): ("li2021_table2", {"CIFAR-10", "CIFAR-100"}),
    ("li2021autobalance", "Table 3"): ("li2021_table3", {"Waterbirds"}),
}
"""Suites of groups and of learned losses, and the data sets of the tables that they have."""


@pytest.mark.parametrize(("paper", "table"), SHIPPED)
def test_the_numbers_of_a_table_stand_each_beside_one_row_of_its_suite(
    paper: str, table: str
) -> None:
    name, datasets = SHIPPED[paper, table]
    suite = open_suite(name)
    groups = 2 if "Waterbirds" in datasets else 1
    classes = 2 if groups > 1 else 10
    trials = [t for t in suite.trials.values() if not t.seed]
    records = [make_record(trial=t, groups=groups, classes=classes) for t in trials]
    board = build_from(suite, records)
    quotes = [
        q for m in board.metrics for found in printed_numbers(board, m).values() for q in found
    ]
    told = [(q.number.dataset, q.number.method, q.number.metric, q.text) for q in quotes]
    printed = [r for r in published.rows(paper=paper) if r.table == table and r.dataset in datasets]

    assert printed
    for row in printed:
        assert told.count((row.dataset, row.method, row.metric, row.in_percent)) == 1


def test_features_of_waterbirds_have_the_numbers_of_features_alone() -> None:
    [of_features, of_images] = (
        published.numbers_for(
            make_trial(problem=name, profile="natural", ratio=None).problem,
            ["kini2021label", "li2021autobalance"],
        )
        for name in ("waterbirds_features", "waterbirds")
    )

    assert {row.paper for row in of_features} == {"Li et al. 2021 (AutoBalance)"}
    assert {row.paper for row in of_images} == {"Kini et al. 2021 (VS-loss)"}


def test_released_losses_and_other_exponents_have_no_number_of_the_text() -> None:
    text = open_suite("kini2021_table2")
    rows = {cell.row for cell in text.configurations}
    board = build_from(
        text,
        [make_record(trial=t, groups=2, classes=2) for t in text.trials.values() if not t.seed],
    )
    told = {row for metric in board.metrics for row, _ in printed_numbers(board, metric)}

    assert rows - told == {"Group VS (released)", "Group VS + DRO (released)"}


def test_the_blocks_are_all_that_narasimhan_and_menon_print() -> None:
    rows = published.rows(paper="narasimhan2021training")

    assert len(rows) == 126
    assert {(r.protocol, r.dataset) for r in rows} == set(printed_names.OBJECTIVES)
    assert {r.method for r in rows} <= set(printed_names.METHODS)


def test_equal_numbers_of_one_paper_are_one_and_name_their_tables() -> None:
    board = board_of(nm21("CIFAR-100", WORST_HALF))
    [problem] = board.problems
    found = printed_numbers(board)

    assert [(q.text, q.tables) for q in found["ERM", problem]] == [
        ("44.1", ("2", "3", "4")),
        ("43.4", ("4",)),
    ]
    assert quoted_text(found["ERM", problem], "Narasimhan & Menon 2021", number_alone) == (
        "44.1 (Tables 2, 3 and 4); 43.4 (Table 4)"
    )
    assert (
        quoted_text(found["ERM + PS", problem], "Narasimhan & Menon 2021", number_alone) == "45.9"
    )
    assert sources_on([problem], found) == {
        "Narasimhan & Menon 2021": "Narasimhan & Menon 2021, Tables 2, 3, 4 and 5"
    }


@pytest.mark.parametrize(
    ("goal", "printed"),
    [
        (WORST, "27.9"),
        (WORST_HALF, "45.9"),
        ("maximize: g_mean", None),
        ('maximize: min_recall, subject_to: ["coverage[*] >= 0.005"]', None),
    ],
)
def test_a_posthoc_method_has_the_number_of_its_objective(goal: str, printed: str | None) -> None:
    board = board_of(
        nm21("CIFAR-100", WORST_HALF).replace("ERM + PS, " + WORST_HALF, "PS, " + goal)
    )
    quotes = printed_numbers(board).get(("PS", board.problems[0]), ())

    assert [quote.text for quote in quotes] == ([printed] if printed else [])


def test_a_distilled_or_mapped_row_has_not_the_number_of_its_method_alone() -> None:
    text = nm21("CIFAR-10", WORST).replace("- erm: {as: ERM}", "- la: {as: LA, tau: 2}")
    board = board_of(text.replace("baseline: erm", "baseline: LA"))
    found = {
        row: [quote.text for quote in quotes] for (row, _), quotes in printed_numbers(board).items()
    }

    assert "LA" not in found
    assert found["Balanced"] == ["79.0"]
    assert found["ERM + PS"] == found["Distilled ERM"] == ["76.6"]


def test_another_iterate_is_not_the_papers() -> None:
    text = nm21("CIFAR-10", WORST).replace(
        "loss: re_weighted,", "loss: re_weighted, iterate: best,"
    )

    assert ("CSL [Re-weighted]", "cifar10-exp-100-testhalf") not in printed_numbers(board_of(text))


def test_scores_by_other_metrics_have_their_numbers_too() -> None:
    board = board_of(nm21("CIFAR-10", WORST))
    page = html.render(board)
    lines = {x.metric: x for x in long_form.lines(board) if (x.row, x.rule) == ("Balanced", "last")}

    assert ">66.4 ×</small>" in page
    assert (
        "Printed, small under other metrics: the number that the paper prints, in percent" in page
    )
    assert "Source: Narasimhan &amp; Menon 2021, Tables 2, 3, 4 and 5.</p>" in page
    assert lines["min_recall"].printed == 0.664
    assert lines["min_recall"].printed_in == "Narasimhan & Menon 2021, Table 2"
    assert lines["min_head_tail_recall"].printed is None


def test_a_note_names_each_paper_once() -> None:
    """Tables of one paper print the metrics of one table of ours."""
    board = board_of(nm21("CIFAR-100", WORST_HALF))
    [name] = [name for name in latex.files(board) if name.startswith("metrics-")]
    [note] = [line for line in latex.files(board)[name].splitlines() if "Source: " in line]

    assert note.endswith(r"Source: Narasimhan \& Menon 2021, Tables 2, 3, 4 and 5.\par")
