"""Rows that are the same training are found by what they train, and not by their names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from evenhand.declared.base import Part
from evenhand.declared.method import Stage
from evenhand.declared.registry import REGISTRY
from evenhand.errors import SpecError
from evenhand.losses.groups import GroupScaling
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.suite.declaration import shipped
from evenhand.suite.identical_rows import identical_rows
from evenhand.suite.resolve import Suite, open_suite


def suite(*methods: object, **changes: object) -> Suite:
    keys: dict[str, object] = {
        "suite": "mine",
        "question": "Which rows are one training?",
        "problems": [{"digits": {"profile": "exp", "ratio": {"grid": [10, 20]}}}],
        "val": {"per_class": 20},
        "recipe": "digits",
        "seeds": 2,
        "methods": list(methods),
        "metrics": ["balanced_accuracy"],
        "primary": "balanced_accuracy",
        "baseline": "erm",
    }
    return Suite(**(keys | changes))


def found(*methods: object, **changes: object) -> list[tuple[str, ...]]:
    return [each.rows for each in identical_rows(suite("erm", *methods, **changes))]


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_suite_gives_the_reason_of_its_identical_rows(name):
    opened = open_suite(name)
    identical = identical_rows(opened)
    assert [str(each) for each in identical if not each.reason] == []
    assert {each.reason for each in identical} == {e.because for e in opened.declaration.identical}


@pytest.mark.parametrize(
    "pair",
    [
        ("la", {"vs": {"tau": 1.0, "gamma": 0.0}}),
        ({"cdt": {"gamma": 0.2}}, {"vs": {"tau": 0.0, "gamma": 0.2}}),
        ({"vs_drw": {"gamma": 0.0}}, {"vs_tla_drw": {"gamma": 0.0}}),
        ({"vs_adrw": {"gamma": 0.0, "nu": 0.1}}, {"vs_tla_adrw": {"gamma": 0.0, "nu": 0.1}}),
        ({"cb": {"b": 0.9}}, {"cb": {"as": "CB, SAM", "b": 0.9, "recipe": {"sam": 0.0}}}),
    ],
)
def test_methods_that_fall_back_to_each_other_are_identical(pair):
    [rows] = found(*pair)
    assert len(rows) == 2
    assert "erm" not in rows


@pytest.mark.parametrize(
    "method",
    [
        {"la": {"tau": 0.0}},
        {"vs": {"tau": 0.0, "gamma": 0.0}},
        {"cb": {"b": 0.0}},
        {"cb": {"b": 0.0, "reduce": "mean"}},
        {"erm_drw": {"b": 0.0}},
        {"erm_adrw": {"nu": 0.0, "start": 0.4}},
    ],
)
def test_a_method_without_effect_is_erm(method):
    [rows] = found(method)
    assert rows[0] == "erm"


@pytest.mark.parametrize(
    "pair",
    [
        ("la", {"vs": {"gamma": 0.05}}),
        ("vs_drw", "vs_tla_drw"),
        ({"cb": {"b": 0.9}}, {"cb": {"as": "mean", "b": 0.9, "reduce": "mean"}}),
        ({"erm_drw": {"start": 0.6}}, {"erm_drw": {"as": "late", "start": 0.8}}),
        ("vs", {"vs": {"as": "SAM", "recipe": {"sam": 0.1}}}),
        ("ldam", {"ldam": {"as": "wide", "margin": 0.4}}),
        ("la", {"la": {"as": "shifted", "posthoc": "post_shift"}}),
        ("vs", {"vs": {"as": "student", "teacher": "erm"}}),
    ],
)
def test_rows_that_train_something_else_are_not_identical(pair):
    assert found(*pair) == []


def test_equal_stages_under_another_radius_of_sam_are_two_stages():
    free = {"erm_drw": {"as": "None", "b": 0.0, "recipe": {"sam": [0.1, 0.5]}}}
    plain = {"erm": {"as": "SAM", "recipe": {"sam": [0.1, 0.5]}}}
    assert found(free, plain) == []


def test_the_problems_on_which_rows_are_identical_are_named():
    on = {"digits-exp-10": {"gamma": 0.1}}
    [each] = identical_rows(suite("erm", "la", {"vs": {"gamma": 0.0, "on": on}}))
    assert (each.rows, each.problems) == (("la", "vs"), ("digits-exp-20",))
    assert str(each).startswith("la and vs are the same training on digits-exp-20: la(tau=1) and ")


def test_three_rows_are_listed_with_commas():
    [each] = identical_rows(suite("erm", {"la": {"tau": 0.0}}, {"vs": {"tau": 0.0, "gamma": 0.0}}))
    assert str(each).startswith("erm, la and vs are the same training on digits-exp-10, ")
    assert "erm, la(tau=0) and vs(tau=0, gamma=0) have equal losses" in each.cause


def test_rows_that_share_their_trials_are_identical():
    on = {"digits-exp-10": {"tau": 2.0}}
    moved = {"la": {"as": "moved", "tau": 1.0, "on": {"digits-exp-20": {"tau": 2.0}}}}
    twice = {"la": {"as": "LA", "tau": 1.0, "on": on}}
    third = {"la": {"as": "third", "tau": 1.0, "on": {"digits-exp-20": {"tau": 3.0}}}}
    each = identical_rows(suite("erm", moved, twice, third))
    assert [(e.rows, e.problems, e.cause) for e in each] == [
        (("moved", "third"), ("digits-exp-10",), "they share their trials")
    ]


def test_rows_for_which_the_same_settings_compete_are_identical():
    tuned = {"la": {"tau": {"grid": [0.5, 1.0]}}}
    same = {"vs": {"gamma": 0.0, "tau": {"grid": [1.0, 0.5]}}}
    wider = {"vs_drw": {"gamma": 0.0, "b": 0.0, "tau": {"grid": [1.0, 0.5, 2.0]}}}
    assert found(tuned, same, wider, select={"on": "val"}) == [("la", "vs")]


def test_the_offsets_of_the_released_group_loss_cancel():
    methods = [{"group_cdt": {}}, {"group_vs": {"as": "released", "form": "released"}}, "group_vs"]
    problems = [{"digits_coloured": {"profile": "natural"}}]
    opened = suite("erm", *methods, problems=problems)
    assert [each.rows for each in identical_rows(opened)] == [("group_cdt", "released")]


def test_a_reason_is_of_the_rows_that_its_globs_name():
    reason = [{"rows": ["la", "vs*"], "because": "vs ends at la"}]
    methods = ["erm", "la", {"vs": {"gamma": {"grid": [0.0, 0.1]}}}, {"cb": {"b": 0.0}}]
    each = identical_rows(suite(*methods, identical=reason))
    assert {e.rows: e.reason for e in each} == {
        ("erm", "cb"): "",
        ("la", "vs(gamma=0)"): "vs ends at la",
    }


def test_a_reason_for_a_row_that_is_not_there_is_a_mistake():
    with pytest.raises(SpecError, match="no row of this suite is called 'lo'") as raised:
        suite("erm", "la", identical=[{"rows": ["la", "lo"], "because": "?"}])
    assert "did you mean 'LA'?" in str(raised.value)


@dataclass(frozen=True)
class Noted:
    """A loss of a user's own, with a field that cannot be hashed."""

    notes: dict[str, list[int]]

    def bind(self, counts, device):
        raise AssertionError("nothing is bound to compare rows")


def test_losses_of_ones_own_are_compared_by_their_fields(monkeypatch):
    made = REGISTRY.make

    def make(kind, part: Part):
        given = made(kind, part)
        if kind != "method" or part.name != "cb":
            return given
        notes = {"b": [round(10 * float(str(part.settings["b"])))]}
        return type(given)(Stage(loss=Noted(notes)))

    monkeypatch.setattr(REGISTRY, "make", make)
    same, other = {"cb": {"as": "same", "b": 0.51}}, {"cb": {"as": "other", "b": 0.9}}
    assert found({"cb": {"b": 0.5}}, same, other) == [("cb", "same")]


def test_a_second_new_head_is_another_training_than_one(monkeypatch):
    made = REGISTRY.make
    head = Stage(VectorScaling(), until=0.1, trains="head", head="new")
    again = {"crt": (head,), "cb": (head, head)}

    def make(kind, part: Part):
        given = made(kind, part)
        if kind != "method" or part.name not in again:
            return given
        return type(given)(Stage(VectorScaling(), until=1.0), *again[part.name])

    monkeypatch.setattr(REGISTRY, "make", make)
    constant = {"digits": {"epochs": 40, "schedule": "constant"}}
    assert found("crt", "cb", recipe=constant) == []


def test_the_vectors_are_those_that_the_bound_loss_has():
    counts = np.array([[50, 5], [20, 2], [7, 3]])
    for loss in (VectorScaling(), GroupScaling()):
        bound, vectors = loss.bind(counts), loss.written_out(counts)
        rows = counts.size
        assert np.allclose(bound.alpha.numpy(), vectors.alpha.ravel())
        for mine, theirs in ((vectors.beta, bound.beta), (vectors.delta, bound.delta)):
            assert np.allclose(mine.reshape(rows, -1), theirs.expand(rows, -1).numpy())
