"""Figures over what problems differ in, theory beside their points, and curves drawn together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from evenhand.declared.registry import REGISTRY, Registered
from evenhand.declared.trial import Trial
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.figures.suite_figures import figures_over_problems, suite_figures
from evenhand_reports.formats import html
from evenhand_reports.wording.problem_names import short_names
from tests.records import make_record
from tests.reports.formats.test_html import Page, data_of
from tests.suite.suite_text import resolved

SUITE = """\
suite: drawn
question: What is drawn over problems?
problems: [clouds: {features: {grid: [5, 10, 40]}, share: {grid: [0.1, 0.2]}}]
val: none
recipe: {digits: {mean: [0.0], std: [1.0]}}
seeds: 2
methods:
  - erm
  - la: {tau: {grid: [1.0, 2.0]}}
metrics: [balanced_error, error]
primary: balanced_error
baseline: erm
figures:
"""


def theory(
    data: Mapping[str, Any], method: str, settings: Mapping[str, Any]
) -> dict[str, float] | None:
    if method != "la":
        return None
    error = settings["tau"] / (2 + data["features"])
    return {"error": error, "balanced_error": error} if data["features"] > 5 else {}


@pytest.fixture(autouse=True, scope="module")
def clouds() -> Iterator[None]:
    """A data set of two settings with a theory of one method."""
    digits = REGISTRY.get("dataset", "digits")

    def make(features: int, share: float) -> Any:
        raise AssertionError("nothing is loaded")

    facts = {**digits.facts, "theory": theory}
    REGISTRY.add(Registered("dataset", "clouds", make, digits.cite, "Clouds", facts=facts))
    yield
    del REGISTRY._entries["dataset"]["clouds"]


def record(trial: Trial) -> Any:
    features = float(str(trial.problem.dataset.settings["features"]))
    made = make_record(trial=trial, accuracy=0.9 - 1 / features - 0.01 * trial.seed)
    n = len(made.curves["epoch"])
    curves = {f"{split}_balanced_accuracy": [0.5] * n for split in ("val", "test")}
    return made.model_copy(update={"curves": {**made.curves, **curves}})


def board(*figures: str) -> Leaderboard:
    suite = resolved(SUITE + "".join(f"  - {figure}\n" for figure in figures))
    return build_from(suite, [record(trial) for trial in suite.trials.values()])


LINES = "{x: problem.features, y: balanced_error}"


def test_a_line_goes_over_problems_that_differ_in_that_alone() -> None:
    built = board(LINES)
    first, second = figures_over_problems(built)

    assert (first["on"], second["on"]) == ("clouds-share0.1", "clouds-share0.2")
    assert [(line["name"], line["x"]) for line in first["rules"]["last"]] == [
        ("ERM", [5, 10, 40]),
        ("LA (tau=1)", [5, 10, 40]),
        ("LA (tau=2)", [5, 10, 40]),
    ]
    score = built.results["erm", "clouds-features10-share0.1"].scores["balanced_error", "last"]
    assert score.estimate is not None
    assert first["rules"]["last"][0]["mean"][1] == pytest.approx(score.estimate.mean, abs=1e-4)
    assert first["reference"]["last"] is None


def test_it_is_drawn_once_and_on_no_problems_page() -> None:
    built = board(LINES)

    assert all(suite_figures(built, problem) == [] for problem in built.problems)
    text = html.render(built)
    assert len(data_of(text)["over"]) == 2
    assert sum(a.get("data-figure") == "suite" for _, a in Page(text).tags) == 2
    assert Page(text).open == []


def test_lines_of_several_problems_share_a_figure_by_what_they_differ_in() -> None:
    first, _ = figures_over_problems(board("{x: tau, y: error, by: problem.features}"))

    assert [line["name"] for line in first["rules"]["last"]] == [
        *("LA (features=5)", "LA (features=10)", "LA (features=40)")
    ]
    assert first["ramp"] == 3
    assert first["rules"]["last"][0]["x"] == [1.0, 2.0]


def test_theory_is_a_smooth_line_of_whole_numbers_without_a_value_where_it_has_none() -> None:
    first, _ = figures_over_problems(board(LINES))
    one, two = first["theory"]

    assert (one["name"], one["colour"], two["colour"]) == ("LA (tau=1), theory", 1, 2)
    assert one["x"][0] == 5
    assert one["x"][-1] == 40
    assert all(isinstance(x, int) for x in one["x"])
    assert {5, 10, 40} < set(one["x"])
    assert one["y"][0] is None
    assert dict(zip(two["x"], two["y"], strict=True))[10] == round(2 / 12, 4)
    assert "Dashed lines without points are theory" in first["text"]


def test_theory_goes_over_a_setting_of_the_method_and_along_a_front() -> None:
    figures = ("{x: tau, y: error}", "{front: [error, balanced_error], over: tau}")
    lines, front = suite_figures(board(*figures), "clouds-features10-share0.1")

    [line] = lines["theory"]
    assert len(line["x"]) > 30
    assert line["x"][0] == 1.0
    assert line["y"][-1] == round(2 / 12, 4)
    [curve] = front["theory"]
    assert curve["x"] == curve["y"] == line["y"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mean: [0.0], std: [1.0]", "epochs: 8"),
        ("val: none", "val: {fraction: 0.5}"),
    ],
    ids=["standardised inputs", "fewer examples"],
)
def test_of_other_data_than_were_drawn_there_is_no_theory(old: str, new: str) -> None:
    assert old in SUITE
    suite = resolved(SUITE.replace(old, new) + "  - {x: tau, y: error}\n")
    built = build_from(suite, [record(trial) for trial in suite.trials.values()])
    [figure] = suite_figures(built, "clouds-features10-share0.1")
    assert figure["theory"] == []


def test_without_a_theory_there_is_no_line_of_it() -> None:
    [figure] = suite_figures(
        board("{x: tau, y: error, methods: [la]}"), "clouds-features5-share0.1"
    )

    assert figure["theory"] == []
    assert "theory" not in figure["text"]


def test_what_select_chose_differs_between_problems_and_is_one_line() -> None:
    text = SUITE.replace("val: none", "val: {per_class: 20}") + f"  - {LINES}\n" + "select: {}\n"
    suite = resolved(text)
    first, _ = figures_over_problems(build_from(suite, [record(t) for t in suite.trials.values()]))

    assert [line["name"] for line in first["rules"]["last"]] == ["ERM", "LA"]


def test_series_share_a_figure_by_their_dash_and_problems_by_their_colour() -> None:
    series = "[val_balanced_accuracy, test_balanced_accuracy]"
    first, _ = figures_over_problems(
        board(f"{{curves: {series}, by: problem.features, methods: [erm]}}")
    )

    assert [(line["name"], line["of"]) for line in first["lines"]] == [
        (f"ERM (features={n})", split) for n in (5, 10, 40) for split in ("validation", "test")
    ]
    assert [(line["colour"], line["dash"]) for line in first["lines"]][:3] == [
        (0, 0),
        (0, 1),
        (1, 0),
    ]
    assert first["y"] == "Balanced accuracy"
    assert first["text"] == "Mean over seeds, n = 2. Solid validation, dashed test."


def test_long_names_are_shown_without_what_all_have_in_common() -> None:
    names = [f"gaussian_mixture-n800-features{n}-pi0.1-meansorthogonal" for n in (5, 10)]

    assert list(short_names(names).values()) == [
        *("gaussian_mixture-features5", "gaussian_mixture-features10")
    ]
    assert (
        short_names(["cifar10-exp-100", "cifar10-step-100"])["cifar10-exp-100"] == "cifar10-exp-100"
    )
