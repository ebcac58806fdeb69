"""Every verdict on a printed number, from records of made-up scores to all formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from evenhand.declared.record import Record
from evenhand.declared.trial import Trial
from evenhand.suite.declaration import load
from evenhand.suite.resolve import Suite, resolve
from evenhand.suite.yaml_lines import parse
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats import html, latex, long_form, markdown, printed_tables, terminal
from evenhand_reports.papers.matching import printed_numbers
from evenhand_reports.papers.protocols import protocol_of
from evenhand_reports.papers.replication import replications
from evenhand_reports.papers.verdicts import Verdict
from evenhand_reports.report import Board
from evenhand_reports.wording.printed_notes import (
    long_verdict,
    replication_sentences,
    table_sentence,
)
from tests.records import PLACES, make_record

SUITE = """\
suite: replicated
question: Are the printed numbers reproduced?
sources: [kini2021label]
problems:
  - cifar10: {profile: exp, ratio: 100, selection: ldam}
val: none
recipe: cifar-ldam
seeds: 5
methods:
  - erm: {as: CE}
  - wce: {as: wCE}
  - ldam: {as: LDAM}
  - la: {as: LA}
  - cdt: {as: CDT}
  - vs: {as: VS}
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""
PROBLEM = "cifar10-exp-100-ldam"
PRINTED = {"CE": 0.7194, "wCE": 0.726, "LDAM": 0.7335, "LA": 0.8081, "CDT": 0.7955, "VS": 0.8082}
STEADY = (-0.002, -0.001, 0.0, 0.001, 0.002)
SCATTERED = (-0.06, -0.02, 0.0, 0.03, 0.05)
Scores = Mapping[str, tuple[float, Sequence[float]]]
"""The true difference from the printed number and the deviations of the seeds, by row."""

ONE_OF_EACH: Scores = {
    "CE": (0.0, STEADY),
    "LA": (-0.03, STEADY),
    "CDT": (0.02, STEADY),
    "VS": (0.0, SCATTERED),
}


def suite_of(text: str = SUITE) -> Suite:
    document = parse(text, "replicated.yaml")
    return resolve(load(document), document)


def record(trial: Trial, score: float, *, per_class: int = 1000, **made: Any) -> Record:
    """A record with this recall of each of ten classes; best-test is a point better."""
    lifts = {place: 0.01 * (place[1] == "best-test") for place in PLACES}
    right = {place: round((score + lift) * per_class) for place, lift in lifts.items()}
    ones = np.eye(10, dtype=np.int64)
    counts = {
        place: (n * ones + (per_class - n) * np.roll(ones, 1, axis=1))[None]
        for place, n in right.items()
    }
    return make_record(trial=trial, counts=counts, per_class=per_class, **made)


def board_of(
    text: str = SUITE, scores: Scores = ONE_OF_EACH, *, per_class: int = 1000, seeds: int = 5
) -> Leaderboard:
    suite = suite_of(text)
    records = []
    for cell in suite.configurations:
        shift, deviations = scores.get(cell.row, (0.0, STEADY))
        for trial, deviation in list(zip(cell.trials, deviations, strict=False))[:seeds]:
            score = PRINTED[cell.row] + shift + deviation
            records.append(record(trial, score, per_class=per_class))
    return build_from(suite, records)


def verdicts(board: Leaderboard) -> dict[str, Verdict]:
    return {row: quote.verdict for (row, _), [quote] in printed_numbers(board).items()}


def test_every_tested_verdict_and_the_quoted_numbers() -> None:
    found = verdicts(board_of())

    assert {row: each.kind for row, each in found.items()} == {
        "CE": "reproduced",
        "wCE": "quoted",
        "LDAM": "quoted",
        "LA": "lower",
        "CDT": "higher",
        "VS": "undecided",
    }
    assert found["LDAM"].why == "the paper quotes it from Cao et al. 2019"
    assert found["LA"].is_better is False
    assert found["CDT"].is_better is True
    assert found["LA"].test is not None
    assert found["LA"].test.difference == pytest.approx(-0.03, abs=1e-3)


def test_a_difference_beyond_chance_within_the_margin_is_reproduced_and_told() -> None:
    board = board_of(scores={"CE": (0.005, tuple(d / 4 for d in STEADY))})
    found = verdicts(board)["CE"]

    assert found.kind == "reproduced"
    assert "; a difference beyond chance within the margin" in long_verdict(found, board)


def test_a_wider_margin_reproduces_more_and_changes_no_trial() -> None:
    wide = SUITE.replace("baseline: erm", "baseline: erm\nmargin: 0.05")

    kinds = {row: each.kind for row, each in verdicts(board_of(wide)).items()}

    assert kinds["LA"] == kinds["CDT"] == "reproduced"
    assert set(suite_of(wide).trials) == set(suite_of().trials)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("recipe: cifar-ldam", "recipe: {cifar-ldam: {epochs: 20}}", "20 epochs, not 200"),
        (
            "recipe: cifar-ldam",
            "recipe: {cifar-ldam: {backbone: {cifar_resnet32: {shortcut: B}}}}",
            "network with shortcut B, not A",
        ),
        ("recipe: cifar-ldam", "recipe: {cifar-ldam: {batch: 64}}", "batches of 64, not 128"),
        (
            "recipe: cifar-ldam",
            "recipe: {cifar-ldam: {backbone: cifar_resnet8}}",
            "network cifar_resnet8(shortcut=A), not cifar_resnet32(shortcut=A)",
        ),
        ("recipe: cifar-ldam", "recipe: {cifar-ldam: {augment: []}}", "augment none, not crop"),
        ("val: none", "val: {fraction: 0.2}", "validation images: fraction 0.2, not none"),
        (", selection: ldam", "", "other training images, without `selection: ldam`"),
    ],
)
def test_another_protocol_is_named_by_its_first_difference(old: str, new: str, why: str) -> None:
    board = board_of(SUITE.replace(old, new))
    found = [each for each in verdicts(board).values() if each.kind != "quoted"]

    assert {each.kind for each in found} == {"not comparable"}
    assert all(each.why.startswith(why) for each in found)


def test_fields_that_leave_the_training_as_it_is_do_not_matter() -> None:
    faster = "recipe: {cifar-ldam: {precision: fp32, evaluate_every: 1, deterministic: true}}"

    assert verdicts(board_of(SUITE.replace("recipe: cifar-ldam", faster)))["CE"].kind == (
        "reproduced"
    )


def test_a_stand_in_for_the_data_is_known_by_its_size() -> None:
    found = verdicts(board_of(per_class=100))["CE"]

    assert (found.kind, found.why) == ("not comparable", "1,000 test images, not 10,000")


def test_a_row_without_all_seeds_is_not_compared() -> None:
    found = verdicts(board_of(seeds=3))["CE"]

    assert (found.kind, found.why) == ("incomplete", "3 of 5 seeds")


def test_one_seed_decides_nothing() -> None:
    board = board_of(SUITE.replace("seeds: 5", "seeds: 1"))
    found = verdicts(board)["CE"]

    assert (found.kind, found.why) == ("undecided", "one seed has no deviation")
    assert [each.tested for each in replications(board)] == [0]


WANG = SUITE.replace("kini2021label", "wang2023unified").replace("  - la: {as: LA}\n", "")


def test_the_paper_with_a_known_checkpoint_rule_is_compared_at_that_rule() -> None:
    """Made-up scores at best-test are one point above those of the last epoch."""
    board = board_of(WANG.replace("  - cdt: {as: CDT}\n", "").replace("  - wce: {as: wCE}\n", ""))
    found = verdicts(board)["CE"]
    lines = {x.rule: x for x in long_form.lines(board) if x.row == "CE"}

    assert found.rule == "best-test"
    assert found.test is not None
    assert found.test.difference == pytest.approx(0.7194 + 0.01 - 0.715, abs=1e-3)
    assert lines["last"].printed_difference == pytest.approx(0.7194 - 0.715, abs=1e-3)
    assert {x.printed_rule for x in lines.values()} == {"best-test"}
    assert (lines["last"].printed_verdict, lines["best-test"].printed_verdict) == (
        "reproduced",
        "higher",
    )
    assert "compared at best-test" in html.render(board)


COVERAGE = """\
suite: covered
question: Is the printed coverage reproduced?
sources: [narasimhan2021training]
problems:
  - cifar10: {profile: exp, ratio: 100}
val: {test_half: true}
recipe: cifar-nm21
seeds: 5
methods:
  - erm: {as: ERM}
metrics: [min_coverage, balanced_accuracy]
primary: min_coverage
baseline: erm
"""


def test_a_margin_in_points_is_not_applied_to_a_coverage() -> None:
    suite = suite_of(COVERAGE)
    board = build_from(
        suite, [record(trial, 0.75, per_class=500) for trial in suite.trials.values()]
    )
    [found] = {q.verdict.kind for [*quotes] in printed_numbers(board).values() for q in quotes}

    assert found == "not tested"


def test_a_lower_error_is_better() -> None:
    text = SUITE.replace("kini2021label", "li2021autobalance").replace("val: none", VAL)
    text = text.replace("balanced_accuracy", "balanced_error").replace(", selection: ldam", "")
    suite = suite_of(text.replace("recipe: cifar-ldam", AUTOBALANCE))
    records = [
        record(
            trial,
            0.75 + deviation,
            train=[[round(4000 * 100 ** (-c / 9))] for c in range(10)],
        )
        for cell in suite.configurations
        for trial, deviation in zip(cell.trials, STEADY, strict=True)
    ]
    found = verdicts(build_from(suite, records))["CE"]

    assert (found.kind, found.is_better) == ("lower", True)
    assert found.test is not None
    assert found.test.is_assumed


VAL = "val: {fraction: 0.2}"
AUTOBALANCE = "recipe: {cifar-autobalance-300: {train_on: all}}"


def test_the_counts_of_a_table_add_up_and_stand_in_every_format() -> None:
    board = board_of()
    [found] = replications(board)
    sentence = (
        "Of the 16 own numbers of Kini et al. 2021, Table 1, 1 is reproduced within 1 point, "
        "ours is higher than 1, ours is lower than 1, 1 is undecided and 12 are not in this "
        "report; 16 more are quoted there from other work."
    )
    frame = Board(board).printed_frame()
    kinds = ["reproduced", "higher", "lower", "undecided", "not_comparable", "incomplete"]

    assert table_sentence(found, board) == sentence
    assert sentence in html.render(board)
    assert sentence in markdown.render(board)
    assert " ".join(sentence.split()) in " ".join(str(Board(board)).split())
    assert int(frame[[*kinds, "not_tested", "absent"]].sum(axis=1).iloc[0]) == found.printed == 16
    assert printed_tables.csv_text(board).count("\n") == 2
    assert terminal.render(board)


def test_a_number_that_three_tables_print_has_one_test() -> None:
    suite = suite_of(
        COVERAGE.replace("min_coverage", "balanced_accuracy", 1)
        .replace("primary: min_coverage", "primary: balanced_accuracy")
        .replace("[balanced_accuracy, balanced_accuracy]", "[balanced_accuracy]")
    )
    board = build_from(
        suite,
        [
            record(trial, 0.75 + deviation, per_class=500, train=TRAIN)
            for trial, deviation in zip(suite.trials.values(), STEADY, strict=True)
        ],
    )
    *tables, chance = replication_sentences(board)

    assert [table.partition(", 1 is reproduced")[0][-7:] for table in tables] == [
        "Table 2",
        "Table 3",
        "Table 4",
    ]
    assert "at most about 0.1 of the 1 tested numbers" in chance


def test_a_note_names_the_reasons_not_to_compare_and_the_seeds_of_undecided_numbers() -> None:
    other = SUITE.replace("recipe: cifar-ldam", "recipe: {cifar-ldam: {epochs: 20}}")

    assert "Other protocol: not compared (20 epochs, not 200);" in markdown.render(board_of(other))
    assert "have another protocol (20 epochs, not 200)" in markdown.render(board_of(other))
    assert "; \\> 100 seeds)" in markdown.render(board_of(scores=WIDE))
    assert "and so many seeds would decide it" in markdown.render(board_of(scores=WIDE))


WIDE: Scores = {"VS": (0.0, tuple(3 * each for each in SCATTERED))}
TRAIN = [[round(5000 * 100 ** (-c / 9))] for c in range(10)]


def test_a_suite_without_printed_numbers_has_no_summary() -> None:
    board = board_of(SUITE.replace("sources: [kini2021label]", "sources: []"))

    assert replications(board) == []
    assert printed_tables.csv_text(board) == ""
    assert 'id="printed"' not in html.render(board)


def test_every_format_tells_the_verdict_and_the_protocol() -> None:
    board = board_of()
    page, tex = html.render(board), latex.files(board)[f"problem-{PROBLEM}.tex"]
    protocol = protocol_of(printed_numbers(board)["CE", PROBLEM][0].number).words

    assert protocol.startswith(
        "ResNet-32, 200 epochs, epoch of the number not stated, tuned on test"
    )
    assert "lower (−3.01), worse</small>" in page
    assert "80.81 ± 0.30, lower (−3.01), worse |" in markdown.render(board)
    assert r"80.81 $\pm$ 0.30 $\downarrow$" in tex
    assert all(f"Protocol: {protocol}." in text for text in (page, tex, markdown.render(board)))


def test_the_long_form_has_the_numbers_of_the_tests() -> None:
    lines = {x.row: x for x in long_form.lines(board_of()) if x.rule == "last"}
    ce, vs, quoted = lines["CE"], lines["VS"], lines["LDAM"]

    assert (ce.printed_verdict, ce.printed_rule) == ("reproduced", "last")
    assert ce.printed_low is not None
    assert ce.printed_high is not None
    assert ce.printed_low < np.float64(ce.printed_difference) < ce.printed_high
    assert ce.printed_p_margin is not None
    assert ce.printed_p_margin < 0.05
    assert vs.printed_seeds is None or vs.printed_seeds > 5
    assert (quoted.printed_verdict, quoted.printed_p_zero) == ("quoted", None)
