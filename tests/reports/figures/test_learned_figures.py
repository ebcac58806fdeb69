"""What training moved, by epoch: means over seeds, few enough to be told apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from evenhand.declared.record import Record
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.figures.learned_figures import learned_figures
from evenhand_reports.figures.recall_and_curves import curve_figure
from evenhand_reports.formats import html, trial
from tests.records import make_record
from tests.reports.formats.test_html import Page, data_of
from tests.reports.formats.test_terminal import text_of
from tests.reports.suites import make_suite

Curve = list[float | None]
PROBLEM = "cifar10-exp-100"


def board(
    curves: Mapping[str, Curve] | None = None, *, row: str = "csl", seeds: int = 2
) -> Leaderboard:
    """ERM, and a row whose records have these curves as well; seed s adds 0.1·s to each."""
    suite = make_suite(["ERM", row.upper()], seeds=seeds)
    records = [make_record(trial=t, accuracy=0.7) for t in suite.trials.values()]
    steered = [with_curves(r, curves or {}) if r.trial.method.name == row else r for r in records]
    return build_from(suite, steered)


def with_curves(record: Record, curves: Mapping[str, Curve]) -> Record:
    lift = 0.1 * record.trial.seed
    lifted = {k: [None if v is None else v + lift for v in curve] for k, curve in curves.items()}
    return record.model_copy(update={"curves": {**record.curves, **lifted}})


def curve(*values: float | None) -> Curve:
    """Of 40 epochs: these, and then the last of them."""
    return [*values, *[values[-1]] * (40 - len(values))]


def figure(curves: Mapping[str, Curve], *, seeds: int = 2) -> dict[str, Any]:
    [found] = learned_figures(board(curves, seeds=seeds), PROBLEM)
    return found


def panel(found: dict[str, Any], kind: str) -> dict[str, Any]:
    [there] = [panel for panel in found["panels"] if panel["kind"] == kind]
    return dict(there)


def lines(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return list(panel(found, kind)["lines"])


def test_a_line_is_the_mean_over_seeds_of_one_multiplier() -> None:
    found = figure({f"multiplier min_recall[{c}]": curve(0.5, 0.2 * c) for c in range(2)})

    drawn = lines(found, "multiplier")
    assert found["title"] == "CSL"
    assert [panel["title"] for panel in found["panels"]] == ["λ of min recall"]
    assert [line["name"] for line in drawn] == ["0", "1"]
    assert drawn[1]["mean"][:2] == [0.55, 0.25]
    assert drawn[1]["sd"][0] == pytest.approx(0.0707, abs=1e-4)
    assert found["epoch"] == list(range(1, 41))
    assert found["text"] == "Mean over 2 seeds; bands ± one sample standard deviation."


def test_rows_without_multipliers_have_no_figure() -> None:
    assert learned_figures(board(), PROBLEM) == []


def test_of_many_multipliers_the_largest_at_the_end_are_drawn_and_it_says_so() -> None:
    curves = {f"multiplier recall[{c}]": curve(1.0, 0.01 * (c % 7)) for c in range(100)}
    found = figure(curves)

    drawn = lines(found, "multiplier")
    assert [line["name"] for line in drawn] == ["6", "13", "20", "27", "34", "41"]
    assert all(line["sd"] is None for line in drawn)
    assert "of 100 multipliers, only the 6 of the largest final value" in found["text"]


def test_few_violations_are_lines_and_of_many_the_largest_is() -> None:
    both = {f"multiplier coverage[{c}]": curve(0.1) for c in ("head", "tail")}
    few = {f"violation coverage[{c}]": curve(v) for c, v in (("head", 0.2), ("tail", 0.4))}
    many = {f"violation coverage[{c}]": curve(0.01 * c, 0.0) for c in range(10)}

    assert [(v["name"], v["mean"][0]) for v in lines(figure(both | few), "violation")] == [
        ("head", 0.25),
        ("tail", 0.45),
    ]
    [largest] = lines(figure(both | many), "violation")
    assert (largest["name"], largest["mean"][:2]) == (None, [0.14, 0.05])
    assert "of 10 constraints, only the largest violation" in figure(both | many)["text"]


def test_names_of_several_rates_are_whole() -> None:
    names = ["min_recall[0]", "recall[truck] >= 0.6", "accuracy"]
    found = figure({f"multiplier {name}": curve(0.1) for name in names})

    assert panel(found, "multiplier")["title"] == "λ"
    assert [line["name"] for line in lines(found, "multiplier")] == names


def test_epochs_without_an_estimate_are_gaps() -> None:
    found = figure({"multiplier accuracy": curve(None, 0.5)}, seeds=1)

    [line] = lines(found, "multiplier")
    assert line["mean"][:2] == [None, 0.5]
    assert line["sd"] is None
    assert found["text"] == "One seed."


def test_learning_curves_have_gaps_too_and_list_no_multipliers() -> None:
    curves = {f"multiplier recall[{c}]": curve(None, 0.5) for c in range(100)}
    found = curve_figure(board({**curves, "val_accuracy": curve(None, 0.5)}), PROBLEM)

    assert list(found) == ["val_accuracy", "train_loss"]
    assert found["val_accuracy"]["csl"]["mean"][:2] == [None, 0.55]


@pytest.mark.parametrize(("seeds", "says"), [(2, "Mean over 2 seeds"), (1, "One seed")])
def test_the_page_has_a_place_for_every_figure(seeds: int, says: str) -> None:
    curves = {"multiplier coverage[head]": curve(0.1), "violation coverage[head]": curve(0.2, 0.0)}
    text = html.render(board(curves, seeds=seeds))
    page = Page(text)

    assert page.open == []
    assert sum(a.get("data-figure") == "learned" for _, a in page.tags) == 1
    assert "Multipliers and constraint violations" in page.words
    assert "the weight of a class recall or a constraint in the training loss" in page.words
    assert says in page.words
    assert len(data_of(text)["problems"][0]["learned"]) == 1
    assert "NaN" not in json.dumps(data_of(text))


def test_group_weights_are_lines_by_cell() -> None:
    cells = ["landbird/land", "landbird/water", "waterbird/land", "waterbird/water"]
    found = figure({f"group weight {cell}": curve(0.25, 0.1 * i) for i, cell in enumerate(cells)})

    assert [line["name"] for line in lines(found, "group weight")] == cells
    assert lines(found, "group weight")[2]["mean"][:2] == [0.3, 0.25]


def test_what_a_search_learned_is_drawn_until_its_end_in_a_panel_a_kind() -> None:
    searched: Curve = [None, 0.1, 0.2, *[None] * 37]
    names = [*(f"learned {symbol} 0" for symbol in "lΔw"), "learned τ"]
    went_by = ["search validation objective", "hessian norm", "neumann scale"]
    found = figure(dict.fromkeys([*names, *went_by], searched))

    assert [panel["title"] for panel in found["panels"]] == [
        *("l", "Δ", "w", "τ", "held-out objective", "‖H‖", "scale of the series")
    ]
    assert found["epoch"] == [1, 2, 3]
    assert lines(found, "learned τ")[0]["mean"] == [None, 0.15, 0.25]
    assert [line["name"] for line in lines(found, "learned l")] == ["class 0"]


def test_of_many_classes_means_are_drawn_in_order_of_size() -> None:
    found = figure({f"learned l {c}": curve(float(c)) for c in range(100)})

    assert panel(found, "learned l")["ordered"]
    assert [line["name"] for line in lines(found, "learned l")] == [
        *("1–20", "21–40", "41–60", "61–80", "81–100")
    ]
    assert lines(found, "learned l")[0]["mean"][0] == pytest.approx(9.55)
    assert "l: means over 20 of 100 classes in order of training size" in found["text"]


def test_a_policy_has_panels_for_shares_and_for_both_ends_of_the_classes() -> None:
    ends = [f"of the {which} classes" for which in ("most frequent", "rarest")]
    shares = {f"learned policy {name}": curve(0.1) for name in ("rotate", "invert")}
    both = {f"learned policy {what} {of}": curve(0.5) for what in ("magnitude",) for of in ends}
    found = figure({"learned policy entropy": curve(1.0), **shares, **both})

    assert [panel["title"] for panel in found["panels"]] == [
        *("entropy", "magnitude", "share of images")
    ]
    assert [line["name"] for line in lines(found, "learned policy")] == ["rotate", "invert"]


def test_a_page_without_multipliers_says_nothing_of_them() -> None:
    assert "Multipliers" not in Page(html.render(board())).words


def test_a_trial_says_what_it_ended_with() -> None:
    curves = {f"multiplier coverage[{c}]": curve(0.0, 0.1 * c) for c in range(8)}
    missed = {"violation coverage[0]": curve(0.5, 0.025), "violation coverage[1]": curve(0.5, 0.0)}
    record = with_curves(make_record(), curves | missed)
    met = with_curves(make_record(), {"violation coverage[1]": curve(0.0)})
    words = " ".join(text_of(trial.render(record)).split())

    assert "multipliers coverage[7] 0.7, coverage[6] 0.6," in words
    assert "coverage[2] 0.2 and 2 smaller" in words
    assert "1 of 2 missed on validation data: coverage[0] by 2.50 points" in words
    assert "constraints all met on validation data" in " ".join(text_of(trial.render(met)).split())


def test_a_trial_says_what_it_learned_before_it_was_retrained() -> None:
    searched = {f"learned l {c}": [0.1 * c, *[None] * 39] for c in range(10)}
    weights = {"group weight a/b": curve(0.25, 0.75), "group weight a/c": curve(0.75, 0.25)}
    record = with_curves(make_record(), {**searched, "learned τ": [1.5, *[None] * 39], **weights})
    words = " ".join(text_of(trial.render(record)).split())

    assert "group weights a/b 0.75, a/c 0.25" in words
    assert (
        "class 9: 0.9, class 8: 0.8, class 7: 0.7 … class 2: 0.2, class 1: 0.1, class 0: 0 (of"
        in words
    )
    assert "learned τ 1.5" in words
