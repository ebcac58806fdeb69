"""`teacher`, `posthoc` and a problem's own `recipe` in a suite, and what is refused of them."""

from __future__ import annotations

import pytest

from evenhand.errors import SpecError
from evenhand.suite.only import restrict
from tests.suite.suite_text import TEXT, lacking, resolved


def suite(entries: str, text: str = TEXT):
    return resolved(text.replace("  - la: {tau: 1.0}\n", entries))


def row(entries: str, text: str = TEXT):
    [cell] = [c for c in suite(entries, text).configurations if c.row != "erm"]
    return cell


def refused(entries: str, text: str = TEXT) -> str:
    with pytest.raises(SpecError) as error:
        suite(entries, text)
    return str(error.value)


@pytest.mark.parametrize(
    ("entry", "name", "title"),
    [
        ("vs: {posthoc: la_posthoc}", "vs+la_posthoc", "VS + LA post-hoc"),
        ("vs: {teacher: erm}", "distilled-vs", "Distilled VS"),
        ("vs: {teacher: erm, posthoc: tau_norm}", "distilled-vs+tau_norm", "Distilled VS + τ-norm"),
        ("post_shift", "post_shift", "ERM + PS"),
        ("post_shift: {as: Shifted}", "Shifted", "Shifted"),
    ],
)
def test_a_row_is_called_by_all_that_goes_with_its_method(entry, name, title):
    cell = row(f"  - {entry}\n")
    assert (cell.row, cell.title) == (name, title)


def test_a_posthoc_method_alone_is_applied_to_erm():
    alone, stacked = (
        row("  - la_posthoc: {tau: 2}\n"),
        row("  - erm: {posthoc: {la_posthoc: {tau: 2}}}\n"),
    )
    assert [t.key for t in alone.trials] == [t.key for t in stacked.trials]
    assert alone.trials[0].parent.key == suite("").configurations[0].trials[0].key


def test_a_posthoc_method_or_a_teacher_makes_another_trial_and_neither_leaves_the_key():
    keys = {
        cell.trials[0].key
        for entry in (
            "la",
            "la: {posthoc: la_posthoc}",
            "la: {posthoc: {la_posthoc: {tau: 2}}}",
            "la: {teacher: erm}",
            "la: {teacher: {erm: {temperature: 2}}}",
            "la: {teacher: {erm: {recipe: {lr: 0.02}}}}",
        )
        for cell in [row(f"  - {entry}\n")]
    }
    assert len(keys) == 6
    assert (
        row("  - la\n").trials[0].key
        == suite("  - la: {tau: 1.0}\n").configurations[1].trials[0].key
    )


def test_a_teacher_is_trained_under_the_students_recipe_but_for_its_own_fields():
    cell = row("  - la: {recipe: {lr: 0.2}, teacher: {vs: {tau: 2, recipe: {epochs: 8}}}}\n")
    [first, *_] = cell.trials
    assert (first.recipe.lr, first.recipe.epochs) == (0.2, 100)
    assert (first.parent.recipe.lr, first.parent.recipe.epochs) == (0.2, 8)
    assert first.parent.method.settings["tau"] == 2
    assert first.parent.seed == first.seed
    assert first.parent.teacher is None


def test_grids_multiply_the_settings_of_posthoc_methods_and_teachers():
    found = suite("  - la_posthoc: {tau: {grid: [0.5, 1]}}\n")
    assert [c.row for c in found.configurations][1:] == ["la_posthoc(tau=0.5)", "la_posthoc(tau=1)"]
    found = suite("  - vs: {teacher: {la: {tau: {grid: [0.5, 1]}}}}\n")
    assert [c.trials[0].teacher.method.settings["tau"] for c in found.configurations[1:]] == [
        0.5,
        1.0,
    ]
    assert len({c.row for c in found.configurations}) == 3


def test_only_asks_for_what_was_made():
    found = suite("  - erm: {teacher: erm}\n  - la_posthoc: {tau: 2}\n  - la\n")
    assert [c.row for c in restrict(found, ["method=erm"]).configurations] == ["erm"]
    assert [c.row for c in restrict(found, ["method=distilled-erm"]).configurations] == [
        "distilled-erm"
    ]
    assert [c.row for c in restrict(found, ["tau=2"]).configurations] == ["la_posthoc"]


def test_a_problem_may_have_a_recipe_of_its_own():
    text = TEXT.replace(
        "problems:\n",
        "problems:\n  - digits: {ratio: 20, recipe: {digits: {epochs: 9}}, profile: exp}\n",
    )
    found = suite("  - la: {recipe: {lr: 0.2}, teacher: erm}\n", text)
    epochs = {(c.row, c.problem.name): c.recipe.epochs for c in found.configurations}
    assert {epochs[place] for place in epochs if place[1] == "digits-exp-20"} == {9}
    assert {epochs[place] for place in epochs if place[1] == "digits-exp-10"} == {100}
    assert {c.recipe.lr for c in found.configurations if c.row == "distilled-la"} == {0.2}
    assert len(found.rows) == 2


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("csl: {maximize: min_recal}", "did you mean 'min_recall'?"),
        (
            "csl: {maximize: accuracy, subject_to: ['recall[truck] >= 0.6']}",
            "no class is called 'truck'",
        ),
        ("csl: {maximize: accuracy, subject_to: ['recal[3] >= 0.6']}", "did you mean 'recall'?"),
        ("csl: {maximize: accuracy, subject_to: ['recall[3] >= 60']}", "a bound is in [0, 1]"),
        ("csl: {maximize: mean_recall, subject_to: ['coverage[*] >= 0.95/m']}", "use a hybrid"),
        ("la: {teacher: emr}", "no method is called 'emr'"),
        ("la: {teacher: {erm: {temperature: 0}}}", "temperature = 0 … more than 0"),
        ("la: {teacher: {erm: {recipe: {epoch: 3}}}}", "did you mean 'epochs'?"),
        ("la: {teacher: [erm]}", "teacher = ['erm'] … `teacher: erm`"),
        ("la: {posthoc: {la_posthoc: {tua: 3}}}", "did you mean 'tau'?"),
        ("post_shift: {by: grid, points: 200}", "lower `points`"),
        ("post_shift: {maximize: min_recal}", "did you mean 'min_recall'?"),
        ("csl: {maximize: accuracy, subject_to: ['recall[*] >= .']}", "is not a constraint"),
        (
            "csl: {maximize: accuracy, subject_to: ['equalized_odds <= 0.1']}",
            "this data set has one",
        ),
        ("la: {posthoc.tau: 3}", "no key is called 'posthoc.tau'"),
        ("post_shift: {posthoc: la_posthoc}", "post_shift … at most one"),
        ("ldam: {posthoc: tau_norm}", "cosine head"),
        ("la: {teacher: {ldam_drw: {recipe: {epochs: 2}}}}", "of 2 epochs its stages"),
        ("csl: {iterate: averaged, posthoc: la_posthoc}", "has no logits"),
        ("la: {teacher: {csl: {iterate: averaged}}}", "has no logits"),
    ],
)
def test_what_cannot_be_is_said_where_it_stands(entry, said):
    text = refused(f"  - {entry}\n")
    assert lacking(text, said) == []
    assert "small.yaml:10" in text


@pytest.mark.parametrize(
    "entry", ["csl", "post_shift", "la: {teacher: csl}", "erm: {posthoc: post_shift}"]
)
def test_who_learns_from_held_out_images_needs_some(entry):
    text = refused(f"  - {entry}\n", TEXT.replace("val: {per_class: 20}\n", ""))
    assert "learns from held-out images, and digits-exp-10 has none" in text


def test_a_bound_that_yaml_cannot_read_is_told_how_to_write_it():
    text = refused("  - csl: {maximize: accuracy, subject_to: [recall[3] >= 0.6]}\n")
    assert "small.yaml:10: is not YAML" in text
    assert 'needs quotes, `["recall[3] >= 0.6"]`' in text


def test_a_softmax_shifted_loss_may_have_a_bound_that_could_become_too_strong():
    bounds = "maximize: mean_recall, subject_to: ['coverage[9] >= 0.1']"
    assert row(f"  - csl: {{loss: softmax_shifted, {bounds}}}\n").row == "csl"


def test_where_names_are_not_known_gains_and_indices_are_tried_all_the_same():
    text = TEXT.replace(
        "digits: {profile: exp, ratio: 10}", "tinyimagenet: {profile: exp, ratio: 83}"
    )
    text = text.replace("recipe: digits", "recipe: tinyimagenet-resnet18")
    bounds = "maximize: mean_recall, subject_to: ['coverage[*] >= 0.95/m']"
    assert "use a hybrid" in refused(f"  - csl: {{{bounds}}}\n", text)
    assert "250" in refused("  - csl: {maximize: 'min_recall[250]'}\n", text)
    assert "`points`" in refused("  - post_shift: {by: grid}\n", text)
    row("  - csl: {maximize: 'min_recall[n01443537]'}\n", text)


def test_a_teachers_recipe_that_changes_nothing_makes_no_other_trial():
    plain, same = (
        row("  - la: {teacher: erm}\n"),
        row("  - la: {teacher: {erm: {recipe: {lr: 0.03}}}}\n"),
    )
    assert plain.trials[0].key == same.trials[0].key


def test_a_posthoc_method_that_needs_no_held_out_images_is_fine_without():
    cell = row("  - la_posthoc\n", TEXT.replace("val: {per_class: 20}\n", ""))
    assert cell.trials[0].posthoc.name == "la_posthoc"
