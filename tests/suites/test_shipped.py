"""The suites that ship: they cost what they say, and the papers' numbers find their place."""

from __future__ import annotations

import math
import re

import pytest

from evenhand.declared.registry import REGISTRY
from evenhand.suite.declaration import find, shipped
from evenhand.suite.resolve import Suite, open_suite
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.papers import published
from evenhand_reports.papers.matching import printed_numbers
from tests.records import make_record

PAPERS = [
    name
    for name in shipped()
    if name.startswith(("cao", "wang")) or name in ("kini2021_table1", "kini2021_fig4")
]


def board_of(suite: Suite) -> Leaderboard:
    """One record is enough for a leaderboard to stand."""
    return build_from(suite, [make_record(trial=next(iter(suite.trials.values())))])


@pytest.mark.parametrize("name", shipped())
def test_a_suite_has_as_many_trials_as_its_cost_says(name):
    suite = open_suite(name)
    made, total = re.match(r"(.+?) = ([\d,]+) trials", suite.declaration.cost).groups()
    factors = [int(number) for number in re.findall(r"\d+", made)]
    assert math.prod(factors) == int(total.replace(",", "")) == len(suite.trials)
    assert factors[-2:] == [len(suite.problems), len(suite.declaration.seeds)]


@pytest.mark.parametrize("name", shipped())
def test_the_question_of_a_suite_is_readable_as_a_heading(name):
    """Reports print it as it is: `π^−ν` would stay raw."""
    assert not re.search(r"[\^\\`*]", find(name).data["question"])


@pytest.mark.parametrize("name", PAPERS)
def test_a_papers_suite_is_run_by_the_papers_protocol(name):
    suite = open_suite(name)
    assert suite.declaration.vary == ("init", "order", "augment")
    for cell in suite.configurations:
        assert cell.problem.selection == "ldam"
        assert cell.problem.val.model_dump(exclude_none=True) == {}
        assert cell.recipe.name == "cifar-ldam"
        assert cell.recipe.backbone.settings["shortcut"] == "A"


def test_every_cell_of_wang_table_1_finds_its_printed_number():
    board = board_of(open_suite("wang2023_table1"))
    printed = [row for row in published.rows(paper="wang2023unified") if row.table == "Table 1"]
    found = printed_numbers(board)
    assert len(board.rows) == 16
    assert len(board.problems) == 8
    assert found.keys() == board.results.keys()
    assert sorted(q.number.value for [q] in found.values()) == sorted(row.value for row in printed)
    for (row, _), [quote] in found.items():
        number = quote.number
        name, _, sam = row.partition(", ")
        assert (number.method, number.protocol) == (name, "w/ SAM" if sam else "w/o SAM")


def test_a_number_of_wang_table_1_stands_where_the_paper_has_it():
    found = printed_numbers(board_of(open_suite("wang2023_table1")))
    assert [q.number.printed for q in found["VS, SAM", "cifar10-step-100-ldam"]] == ["83.2 ± 0.4"]
    assert [q.number.printed for q in found["VS", "cifar10-step-100-ldam"]] == ["76.1 ± 0.7"]
    assert [q.number.printed for q in found["VS+TLA+ADRW", "cifar100-exp-10-ldam"]] == [
        "59.2 ± 0.2"
    ]


def test_every_cell_of_kini_table_1_finds_its_printed_number():
    board = board_of(open_suite("kini2021_table1"))
    printed = [row for row in published.rows(paper="kini2021label") if row.table == "Table 1"]
    found = printed_numbers(board)
    assert (len(board.rows), len(board.problems)) == (8, 4)
    assert found.keys() == board.results.keys()
    assert sorted(q.number.value for [q] in found.values()) == sorted(row.value for row in printed)
    assert [q.number.printed for q in found["LA", "cifar100-step-100-ldam"]] == ["45.69 ± 0.27"]


def test_wang_table_1_has_the_released_settings_on_each_problem():
    cells = {(c.row, c.problem.name): c for c in open_suite("wang2023_table1").configurations}
    vs = cells["VS, SAM", "cifar100-exp-100-ldam"]
    assert (vs.method.settings, vs.recipe.sam.rho) == ({"tau": 1.0, "gamma": 0.05}, (0.3,))
    ours = cells["VS+TLA+ADRW, SAM", "cifar100-exp-10-ldam"]
    assert ours.recipe.sam.rho == (0.1, 0.5)
    assert (ours.method.settings["tau"], ours.method.settings["nu"]) == (0.75, 0.1)
    plain = cells["VS+TLA+ADRW", "cifar100-exp-10-ldam"]
    assert plain.recipe.sam is None
    assert plain.method == ours.method


def test_figure_3_moves_the_drop_of_the_learning_rate_with_the_weights():
    cells = [c for c in open_suite("wang2023_fig3").configurations if c.method.name == "erm_drw"]
    assert len(cells) == 12
    for cell in cells:
        first, second = cell.recipe.schedule.settings["drops"]
        assert first == [cell.method.settings["start"], 0.01]
        assert second == [0.9, 0.0001]


def test_kini_figure_4_keeps_the_codes_epochs_of_the_drops_at_300():
    [cell] = [c for c in open_suite("kini2021_fig4").configurations if c.row == "CE, 300 epochs"]
    recipe = cell.recipe
    drops = [round(share * recipe.epochs) for share, _ in recipe.schedule.settings["drops"]]
    assert (drops, round(recipe.warmup * recipe.epochs)) == ([160, 180], 5)


def test_the_honest_suite_tunes_every_method_equally_and_never_on_test():
    suite = open_suite("cifar_lt_honest")
    assert suite.declaration.select.on == "val"
    for problem in suite.problems:
        counts = dict.fromkeys(suite.rows, 0)
        for cell in suite.configurations:
            counts[cell.row] += cell.problem.name == problem
        assert set(counts.values()) == {6}
    assert all(cell.problem.val.per_class for cell in suite.configurations)


def test_in_the_honest_suite_every_method_is_tuned_over_the_same_weight_decays():
    decays: dict[str, set[float]] = {}
    for cell in open_suite("cifar_lt_honest").configurations:
        decays.setdefault(cell.row, set()).add(cell.recipe.weight_decay)
    [shared] = {frozenset(found) for found in decays.values()}
    assert len(shared) == 6


def test_what_no_paper_trained_stands_beside_no_printed_number():
    """Other draws of re-sampling than the paper's, and fewer images than any paper has."""
    found = printed_numbers(board_of(open_suite("cao2019_ldam")))
    assert not [row for row, _ in found if "re-sampling" in row.lower()]
    assert printed_numbers(board_of(open_suite("cifar10_short"))) == {}


def test_every_mixing_and_every_baseline_of_long_tails_and_groups_is_compared_with_erm():
    rows = set()
    for suite in map(open_suite, shipped()):
        baselines = [cell for cell in suite.configurations if cell.is_baseline]
        if all(c.method.name == "erm" and c.recipe.mixing is None for c in baselines):
            others = [cell for cell in suite.configurations if not cell.is_baseline]
            rows |= {cell.method.name for cell in others}
            rows |= {cell.recipe.mixing.name for cell in others if cell.recipe.mixing}
    sampling = {"resample", "square_root_sampling", "progressive_sampling"}
    decoupled = {"crt", "lws", "label_aware_smoothing"}
    mixings = {part.name for part in REGISTRY.all("mixing")}
    assert sampling | decoupled | mixings | {"cvar_dro", "jtt", "dfr"} <= rows


@pytest.mark.parametrize("name", ["baselines_digits", "mixing_digits"])
def test_recipes_of_erm_are_compared_with_one_row_of_it(name):
    """`baseline: erm` would stand for all of its rows, which are then not compared."""
    suite = open_suite(name)
    titles = {cell.title for cell in suite.configurations if cell.is_baseline}
    assert titles == {"ERM"}


@pytest.mark.parametrize("name", ["samplers_digits", "mixing_digits", "groups_digits"])
def test_seeds_at_which_settings_were_chosen_are_not_those_of_the_suite(name):
    suite = open_suite(name)
    chosen = [int(n) for n in re.findall(r"seeds (\d+) to", shipped()[name].read_text("utf-8"))]
    assert chosen
    assert max(suite.declaration.seeds) < min(chosen)


RELEASED = {
    "cifar10-exp-100-ldam": ((1.0, 0.05, 0.1), (1.0, 0.05, 0.15, (0.1, 0.2))),
    "cifar10-exp-10-ldam": ((1.0, 0.0, 0.1), (1.0, 0.0, 0.1, (0.1, 0.1))),
    "cifar10-step-100-ldam": ((1.25, 0.0, 0.1), (1.0, 0.0, 0.1, (0.1, 0.2))),
    "cifar10-step-10-ldam": ((1.0, 0.0, 0.1), (1.0, 0.0, 0.1, (0.1, 0.1))),
    "cifar100-exp-100-ldam": ((1.0, 0.05, 0.3), (0.75, 0.05, 0.25, (0.2, 0.4))),
    "cifar100-exp-10-ldam": ((0.5, 0.05, 0.1), (0.75, 0.05, 0.1, (0.1, 0.5))),
    "cifar100-step-100-ldam": ((1.0, 0.0, 0.2), (1.0, 0.0, 0.1, (0.2, 0.2))),
    "cifar100-step-10-ldam": ((1.0, 0.0, 0.1), (1.0, 0.0, 0.05, (0.1, 0.3))),
}
"""τ, γ and ρ of VS; τ (second phase), γ, ν and ρ by phase of VS+TLA+ADRW: the scripts of DDC."""


@pytest.mark.parametrize("problem", RELEASED)
def test_wang_table_1_with_sam_is_set_as_the_released_scripts(problem):
    cells = {(c.row, c.problem.name): c for c in open_suite("wang2023_table1").configurations}
    vs, ours = (cells[row, problem] for row in ("VS, SAM", "VS+TLA+ADRW, SAM"))
    of_vs = [vs.method.settings[k] for k in ("tau", "gamma")]
    of_ours = [ours.method.settings[k] for k in ("tau", "gamma", "nu")]
    assert (*of_vs, vs.recipe.sam.radius(0)) == RELEASED[problem][0]
    assert (*of_ours, tuple(map(ours.recipe.sam.radius, (0, 1)))) == RELEASED[problem][1]
