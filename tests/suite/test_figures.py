"""What a suite says of figures is checked before anything runs."""

from __future__ import annotations

import pytest

from evenhand.errors import SpecError
from evenhand.suite.figures import Figure
from evenhand.suite.resolve import open_suite
from tests.suite.suite_text import lacking, resolved, with_

GRID = with_("{tau: 1.0}", "{tau: {grid: [0.5, 1.0]}}\n  - vs: {tau: {grid: [0.5, 1.0]}}")


def figures(*lines: str, text: str = GRID) -> str:
    return text + "figures:\n" + "".join(f"  - {line}\n" for line in lines)


def test_a_figure_is_of_one_of_four_kinds():
    text = figures(
        "{x: tau, y: accuracy}",
        "{x: tau, y: lr, colour: accuracy, methods: [la]}",
        "{front: [accuracy, balanced_accuracy], over: tau, reference: [0, 0.5]}",
        "{curves: train_recall_minority}",
        "{curves: [val_balanced_accuracy, test_balanced_accuracy]}",
    ).replace("recipe: digits", "recipe: {digits: {evaluate_train: true, lr: {grid: [0.1, 0.2]}}}")
    found = resolved(text).declaration.figures
    assert [figure.kind for figure in found] == ["lines", "heat", "front", "curves", "curves"]
    assert [list(figure.settings) for figure in found] == [["x"], ["x", "y"], ["over"], [], []]
    assert [figure.metrics for figure in found] == [
        {("y",): "accuracy"},
        {("colour",): "accuracy"},
        {("front", 0): "accuracy", ("front", 1): "balanced_accuracy"},
        {},
        {},
    ]
    assert found[-1].series == ("val_balanced_accuracy", "test_balanced_accuracy")


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
        ("{x: tau}", "figures … `{x: SETTING, y: METRIC}`, `{x: SETTING, y: SETTING, colour"),
        ("{curves: lr, x: tau, y: accuracy}", "figures … `{x: SETTING, y: METRIC}`"),
        ("{x: tau, yy: accuracy}", "no key is called 'yy' here"),
        ("{x: tua, y: accuracy}", "x = 'tua' … not a setting"),
        ("{x: tua, y: accuracy}", "'tau'?"),
        ("{x: gamma, y: accuracy}", "x = 'gamma' has one value in this suite"),
        ("{x: lr, y: accuracy}", "x = 'lr' has one value in this suite"),
        ("{x: tau, y: acuracy}", "y = 'acuracy' is not among the suite's metrics"),
        ("{x: tau, y: min_recall}", "metrics: balanced_accuracy, accuracy"),
        ("{x: tau, y: tua, colour: accuracy}", "y = 'tua' … not a setting"),
        ("{x: tau, y: accuracy, methods: [va]}", "methods: no row of this suite is called 'va'"),
        ("{curves: val_acuracy}", "curves = 'val_acuracy' … no such series"),
        ("{curves: train_balanced_accuracy}", "add `evaluate_train: true` to the recipe"),
        ("{curves: train_recall_3}", "add `evaluate_train: true` to the recipe"),
        ("{curves: [lr, val_acuracy]}", "curves = 'val_acuracy' … no such series"),
        ("{curves: [lr, val_balanced_accuracy]}", "lr, val_balanced_accuracy … unit"),
        ("{front: [accuracy], over: tau}", "figures.front … two, `[X, Y]`"),
        ("{front: [accuracy, balanced_accuracy]}", "`{front: [METRIC, METRIC], over: SETTING}`"),
        ("{front: [accuracy, min_recall], over: tau}", "front = 'min_recall' is not among"),
        ("{front: [accuracy, balanced_accuracy], over: gamma}", "over = 'gamma' has one value"),
        ("{x: tau, y: accuracy, reference: [1, 1]}", "only a front has a reference"),
        ("{x: tau, y: accuracy, by: gamma}", "by = 'gamma' … what problems differ in"),
        ("{x: tau, y: lr, colour: accuracy, by: problem.ratio}", "a heat map has no `by`"),
        ("{x: ratio, y: accuracy}", "'problem.ratio'?"),
        ("{x: problem.ratio, y: accuracy}", "x = 'problem.ratio': all problems have one value"),
        ("{x: problem.raito, y: accuracy}", "x = 'problem.raito': no problem has it"),
        ("{x: problem.raito, y: accuracy}", "'problem.ratio'?"),
        ("{x: problem.raito, y: accuracy}", "problem.val.per_class"),
    ],
)
def test_a_mistake_in_a_figure_is_told_with_its_line(tmp_path, figure, says):
    path = tmp_path / "small.yaml"
    path.write_text(figures(figure))
    with pytest.raises(SpecError) as raised:
        open_suite(str(path))
    assert str(raised.value).startswith(f"{path}:{GRID.count(chr(10)) + 2}: ")
    assert lacking(str(raised.value), says) == []


def test_settings_that_compete_are_not_drawn_by_their_test_scores():
    text = figures("{x: tau, y: accuracy}", text=GRID.replace("seeds: 2", "seeds: 2\nselect: {}"))
    with pytest.raises(SpecError, match="x = 'tau': `select:`"):
        resolved(text)


def test_curves_are_drawn_with_select():
    text = figures("{curves: val_balanced_accuracy}", text=GRID + "select: {}\n")
    assert resolved(text).declaration.figures[0].kind == "curves"


PROBLEMS = "digits: {profile: exp, ratio: 10}"


@pytest.mark.parametrize(
    ("problems", "figure"),
    [
        ("digits: {profile: exp, ratio: {grid: [5, 10]}}", "{x: problem.ratio, y: accuracy}"),
        (
            "digits: {profile: exp, ratio: {grid: [5, 10]}}",
            "{x: tau, y: accuracy, by: problem.ratio}",
        ),
        (
            "digits: {profile: exp, ratio: 10, n_max: {grid: [50, 80]}}",
            "{front: [accuracy, balanced_accuracy], over: problem.n_max}",
        ),
        (
            PROBLEMS + "\n  - digits: {profile: exp, ratio: 10, val: {per_class: 10}}",
            "{curves: lr, by: problem.val.per_class}",
        ),
    ],
)
def test_figures_go_over_what_problems_differ_in(problems, figure):
    text = figures(figure, text=GRID.replace(PROBLEMS, problems))
    [found] = resolved(text).declaration.figures
    assert len(found.of_problems) == 1


def test_problems_that_differ_in_more_are_no_line():
    two = PROBLEMS + "\n  - digits: {profile: step, ratio: 20}"
    with pytest.raises(SpecError, match="no two problems differ in it alone"):
        resolved(figures("{x: problem.ratio, y: accuracy}", text=GRID.replace(PROBLEMS, two)))


def test_figures_over_problems_are_drawn_with_select():
    many = GRID.replace(PROBLEMS, "digits: {profile: exp, ratio: {grid: [5, 10]}}")
    text = figures("{x: problem.ratio, y: accuracy}", text=many + "select: {}\n")
    assert resolved(text).declaration.figures[0].of_problems == ("problem.ratio",)
