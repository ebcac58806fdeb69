"""What a suite says of figures is checked before anything runs."""

from __future__ import annotations

import pytest

from harness.errors import SpecError
from harness.spec.figures import Figure
from harness.spec.resolve import open_suite
from tests.spec.suite_text import resolved, with_

GRID = with_("{tau: 1.0}", "{tau: {grid: [0.5, 1.0]}}\n  - vs: {tau: {grid: [0.5, 1.0]}}")


def figures(*lines: str, text: str = GRID) -> str:
    return text + "figures:\n" + "".join(f"  - {line}\n" for line in lines)


def test_a_figure_is_of_one_of_three_kinds():
    text = figures(
        "{x: tau, y: accuracy}",
        "{x: tau, y: lr, colour: accuracy, methods: [la]}",
        "{curves: train_recall_minority}",
    ).replace("recipe: digits", "recipe: {digits: {evaluate_train: true, lr: {grid: [0.1, 0.2]}}}")
    found = resolved(text).suite.figures
    assert [figure.kind for figure in found] == ["lines", "heat", "curves"]
    assert [list(figure.settings) for figure in found] == [["x"], ["x", "y"], []]
    assert [figure.metric for figure in found] == [{"y": "accuracy"}, {"colour": "accuracy"}, {}]


def test_figures_are_no_part_of_any_trial():
    assert resolved(figures("{x: tau, y: accuracy}")).trials == resolved(GRID).trials


@pytest.mark.parametrize(
    ("methods", "drawn"),
    [([], ["vs", "la"]), (["vs"], ["vs"]), (["v*"], ["vs"]), (["vs", "l?"], ["vs", "la"])],
)
def test_methods_are_named_by_globs(methods, drawn):
    figure = Figure(curves="lr", methods=tuple(methods))
    assert [name for name in ("vs", "la") if figure.is_about(name)] == drawn


def test_a_row_with_brackets_in_its_name_is_named_as_it_is():
    assert Figure(curves="lr", methods=("vs(sam=[0.1, 0.2])",)).is_about("vs(sam=[0.1, 0.2])")


@pytest.mark.parametrize(
    ("figure", "says"),
    [
        ("{x: tau}", "figures: write `{x: SETTING, y: METRIC}`, `{x: SETTING, y: SETTING, colour"),
        ("{curves: lr, x: tau, y: accuracy}", "figures: write `{x: SETTING, y: METRIC}`"),
        ("{x: tau, yy: accuracy}", "no key is called 'yy' here"),
        ("{x: tua, y: accuracy}", "x = 'tua' is no setting of the methods that are drawn"),
        ("{x: tua, y: accuracy}", "did you mean 'tau'?"),
        ("{x: gamma, y: accuracy}", "x = 'gamma' has one value in this suite"),
        ("{x: lr, y: accuracy}", "x = 'lr' has one value in this suite"),
        ("{x: tau, y: acuracy}", "y = 'acuracy' is not among the suite's metrics"),
        ("{x: tau, y: min_recall}", "metrics: balanced_accuracy, accuracy"),
        ("{x: tau, y: tua, colour: accuracy}", "y = 'tua' is no setting"),
        ("{x: tau, y: accuracy, methods: [va]}", "methods: no row of this suite is called 'va'"),
        ("{curves: val_acuracy}", "curves = 'val_acuracy': records hold no such series"),
        ("{curves: train_balanced_accuracy}", "add `evaluate_train: true` to the recipe"),
        ("{curves: train_recall_3}", "add `evaluate_train: true` to the recipe"),
    ],
)
def test_a_mistake_in_a_figure_is_told_with_its_line(tmp_path, figure, says):
    path = tmp_path / "small.yaml"
    path.write_text(figures(figure))
    with pytest.raises(SpecError) as raised:
        open_suite(str(path))
    assert str(raised.value).startswith(f"{path}:{GRID.count(chr(10)) + 2}: ")
    assert says in str(raised.value)


def test_settings_that_compete_are_not_drawn_by_their_test_scores():
    text = figures("{x: tau, y: accuracy}", text=GRID.replace("seeds: 2", "seeds: 2\nselect: {}"))
    with pytest.raises(SpecError, match="`select:` leaves each row one setting on test data"):
        resolved(text)


def test_curves_are_drawn_with_select():
    text = figures("{curves: val_balanced_accuracy}", text=GRID + "select: {}\n")
    assert resolved(text).suite.figures[0].kind == "curves"
