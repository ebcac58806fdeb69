"""The suites of narasimhan2021training: their protocol, and which trials they share."""

from __future__ import annotations

import pytest

from evenhand.execution.plan import make_plan
from evenhand.store import Store
from evenhand.suite.resolve import open_suite

TABLES = [f"narasimhan2021_table{number}" for number in (2, 3, 4, 5)]
RECIPES = {"cifar10": "cifar-nm21", "cifar100": "cifar100-nm21"}


@pytest.mark.parametrize("name", TABLES)
def test_half_of_the_test_images_are_held_out_and_images_stay_the_same_over_seeds(name):
    suite = open_suite(name)
    assert suite.declaration.vary == ("init", "order", "augment")
    for cell in suite.configurations:
        data = cell.problem.dataset.name
        assert cell.problem.val.test_half
        assert cell.recipe.name == RECIPES.get(data, "tinyimagenet-resnet18")
        assert cell.problem.profile.settings["ratio"] == (83 if data == "tinyimagenet" else 100)


def test_multipliers_move_every_32_steps_on_cifar_and_every_100_on_tinyimagenet():
    for name in TABLES:
        for cell in open_suite(name).configurations:
            if cell.method.name == "csl":
                small = cell.problem.dataset.name != "tinyimagenet"
                assert cell.method.settings["every"] == (32 if small else 100)


def test_the_four_baselines_of_tables_2_and_3_are_trained_once():
    two, three = (open_suite(name).trials.keys() for name in TABLES[:2])
    assert len(two & three) == 4 * 3 * 5


def test_post_shifting_trains_nothing_and_shares_its_networks_with_table_2():
    two, four = (open_suite(name).trials for name in ("narasimhan2021_table2", TABLES[2]))
    posthoc = [trial for trial in four.values() if trial.posthoc]
    assert len(posthoc) == 4 * 3 * 5
    assert {trial.parent.key for trial in posthoc} <= four.keys()
    erm_and_csl = 3 * 5 + 3 * 5
    assert len(two.keys() & four.keys()) == erm_and_csl


def test_teachers_of_table_5_are_the_erm_of_table_2_and_run_first(tmp_path):
    two, five = open_suite("narasimhan2021_table2"), open_suite("narasimhan2021_table5")
    plan = make_plan(five, Store.open(tmp_path))
    teachers, students = plan.generations
    assert (len(teachers), len(students)) == (10, 40)
    assert {trial.key for trial in teachers} <= two.trials.keys()
    for student in students:
        assert student.parent.seed == student.seed


def test_csl_has_the_papers_objective_on_each_problem():
    goals = {
        cell.problem.dataset.name: cell.method.settings["maximize"]
        for cell in open_suite("narasimhan2021_table2").configurations
        if cell.method.name == "csl"
    }
    halves = "min_head_tail_recall"
    assert goals == {"cifar10": "min_recall", "cifar100": halves, "tinyimagenet": halves}
    for cell in open_suite("narasimhan2021_table3").configurations:
        if cell.method.name == "csl":
            per_class = cell.problem.dataset.name == "cifar10"
            assert len(cell.method.settings["subject_to"]) == (1 if per_class else 2)


def test_each_problem_is_ranked_by_the_minimum_that_the_paper_prints_for_it():
    # Tables 2, 4 and 5 print the minimum over classes on CIFAR-10, over head and tail elsewhere.
    for name in (TABLES[0], *TABLES[2:]):
        suite = open_suite(name)
        for cell in suite.configurations:
            is_small = cell.problem.dataset.name == "cifar10"
            wanted = "min_recall" if is_small else "min_head_tail_recall"
            assert suite.declaration.primary_on(cell.problem.name) == wanted


def test_figure_1_evaluates_the_training_images():
    # The caption states that all models have near-zero training error.
    suite = open_suite("narasimhan2021_fig1")
    assert all(trial.recipe.evaluate_train for trial in suite.trials.values())
    assert any("train_balanced_accuracy" in f.series for f in suite.declaration.figures)
