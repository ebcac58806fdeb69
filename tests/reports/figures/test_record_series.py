"""Series of halves of the classes, and their values at the epochs of the checkpoint rules."""

from __future__ import annotations

from typing import Any

import pytest

from evenhand.declared.record import Record
from evenhand.declared.trial import Trial
from evenhand.suite.figures import is_plain
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.figures.record_series import record_series
from evenhand_reports.figures.suite_figures import suite_figures
from evenhand_reports.formats import html
from evenhand_reports.statistics.estimate import estimate
from tests.records import make_record
from tests.reports.formats.test_html import data_of
from tests.suite.suite_text import resolved

SUITE = """\
suite: ratios
question: When do weights begin?
problems: [digits: {profile: exp, ratio: 10}]
val: {per_class: 20}
recipe: {digits: {evaluate_train: true, bound_terms: true}}
seeds: 3
methods:
  - erm
  - erm_drw: {as: DRW, start: {grid: [0.4, 0.6, 0.8]}}
  - erm_drw: {as: None, b: 0.0, start: {grid: [0.4, 0.6]}}
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
figures:
  - {x: start, y: train_recall_ratio, methods: [DRW, None], title: Ratio}
  - {curves: [train_recall_majority, train_recall_minority], methods: [erm]}
  - {x: start, y: train_min_score_minority, methods: [DRW]}
  - {x: start, y: train_loss, methods: [DRW]}
"""


def recall(label: int, epoch: int, trial: Trial) -> float:
    """The five rare classes of ten are recalled less, and the more, the later the weights begin."""
    start = float(str(trial.method.settings.get("start", 0.8)))
    return 0.9 if label < 5 else 0.5 * start + 0.001 * epoch + 0.01 * trial.seed


def record(trial: Trial) -> Record:
    made = make_record(trial=trial)
    epochs = [int(e) for e in made.curves["epoch"] if e is not None]
    added: dict[str, list[float | None]] = {}
    for label in range(10):
        added[f"train_recall_{label}"] = [recall(label, e, trial) for e in epochs]
        added[f"train_min_score_{label}"] = [-label - 10.0 * trial.seed] * len(epochs)
    return made.model_copy(update={"curves": {**made.curves, **added}})


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    suite = resolved(SUITE)
    return build_from(suite, [record(trial) for trial in suite.trials.values()])


@pytest.fixture(scope="module")
def drawn(board: Leaderboard) -> list[dict[str, Any]]:
    return suite_figures(board, board.problems[0])


def at_rule(trial: Trial, rule: Any) -> float:
    evaluation = record(trial).evaluation("test", rule)
    assert evaluation is not None
    return recall(9, evaluation.epoch, trial) / 0.9


@pytest.mark.parametrize("rule", ["last", "best-val", "best-test"])
def test_the_ratio_is_of_the_epoch_of_the_checkpoint_rule(
    board: Leaderboard, drawn: list[dict[str, Any]], rule: str
) -> None:
    first, second = drawn[0]["rules"][rule]

    assert (first["name"], first["x"]) == ("DRW", [0.4, 0.6, 0.8])
    assert (second["name"], second["x"]) == ("None", [0.4, 0.6])
    trials = board.results["DRW (start=0.6)", board.problems[0]].configuration.trials
    expected = estimate([at_rule(trial, rule) for trial in trials])
    assert expected.interval is not None
    assert first["mean"][1] == pytest.approx(expected.mean, abs=1e-4)
    assert first["high"][1] == pytest.approx(expected.interval.high, abs=1e-4)
    assert first["n"] == [3, 3, 3]


def test_a_ratio_has_a_unit_of_its_own(drawn: list[dict[str, Any]]) -> None:
    assert drawn[0]["plain"] is True
    assert (drawn[0]["x"], drawn[0]["y"]) == ("start", "Training recall ratio")
    assert not is_plain("train_recall_minority")


def test_halves_of_one_split_are_told_apart_by_their_own_names(
    drawn: list[dict[str, Any]],
) -> None:
    assert [line["of"] for line in drawn[1]["lines"]] == ["majority", "minority"]
    assert drawn[1]["y"] == "Training recall"
    assert "Solid majority, dashed minority." in drawn[1]["text"]


def test_the_smallest_score_of_a_half_is_the_mean_over_its_classes(
    drawn: list[dict[str, Any]],
) -> None:
    [line] = drawn[2]["rules"]["last"]
    assert line["mean"] == [-17.0] * 3


def test_the_training_loss_can_be_drawn_over_a_setting(drawn: list[dict[str, Any]]) -> None:
    assert [line["name"] for line in drawn[3]["rules"]["last"]] == ["DRW"]


def test_without_recall_of_the_majority_the_ratio_is_undefined() -> None:
    made = record(next(iter(resolved(SUITE).trials.values())))
    n = len(made.curves["epoch"])
    none = {f"train_recall_{label}": [0.0] * n for label in range(5)}
    without = made.model_copy(update={"curves": {**made.curves, **none}})
    lacking = made.model_copy(update={"curves": {"epoch": made.curves["epoch"]}})

    assert record_series(without, "train_recall_ratio") == [None] * n
    assert record_series(lacking, "train_recall_ratio") is None


def test_the_page_draws_series_over_settings(board: Leaderboard) -> None:
    figures = data_of(html.render(board))["problems"][0]["figures"]
    assert [figure["kind"] for figure in figures] == ["lines", "curves", "lines", "lines"]
