"""Digits on tinted backgrounds that agree with the label most of the time."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.data.files.original import counted
from evenhand.data.sources.coloured import TINTS, digits_coloured, digits_coloured10
from evenhand.data.sources.digits import digits
from evenhand.data.splits import make_splits
from evenhand.declared.base import Part
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import STREAMS, Problem, Val

SOURCE = digits_coloured()
TEN = digits_coloured10()


@pytest.mark.parametrize(
    ("name", "source"), [("digits_coloured", SOURCE), ("digits_coloured10", TEN)]
)
def test_its_facts_are_those_of_the_images(name, source):
    facts = REGISTRY.get("dataset", name).facts
    assert source.train.shape == facts["shape"]
    assert source.classes == facts["classes"]
    assert (len(source.classes), len(source.groups)) == (facts["n_classes"], facts["n_groups"])


def test_the_tint_agrees_with_the_label_in_training_and_says_nothing_elsewhere():
    train, val, test = counted(SOURCE).values()
    assert train.tolist() == [[523, 28], [28, 518]]
    assert val.tolist() == [[50, 50]] * 2
    assert test.tolist() == [[125, 125]] * 2
    assert counted(TEN)["test"].tolist() == [[25, 25]] * 10


def test_every_digit_has_both_tints():
    assert counted(TEN)["train"].min() == 5
    assert counted(digits_coloured10(agreement=0.999))["train"].min() == 1


def test_the_agreement_can_be_chosen():
    cells = counted(digits_coloured(agreement=0.8))["train"]
    agreeing = np.trace(cells) / cells.sum()
    assert abs(agreeing - 0.8) < 0.005


def test_test_images_are_the_digits_but_for_their_background():
    plain = digits().test
    ink = plain.pixels[..., 0] == 255
    assert (SOURCE.test.pixels[ink] == 255).all()
    paper = plain.pixels[..., 0] == 0
    of_group = np.array(list(TINTS.values()), dtype=np.uint8)[SOURCE.test.groups]
    expected = np.broadcast_to(of_group[:, None, None], SOURCE.test.pixels.shape)
    np.testing.assert_array_equal(SOURCE.test.pixels[paper], expected[paper])
    np.testing.assert_array_equal(TEN.test.labels, plain.labels)


def test_it_is_the_same_at_every_seed():
    problem = Problem(dataset=Part(name="digits_coloured"), profile=Part(name="natural"))
    prints = {
        make_splits(problem, source, seed=seed, vary=STREAMS).summary.fingerprint
        for seed, source in enumerate((SOURCE, digits_coloured()))
    }
    assert len(prints) == 1


def test_half_of_the_training_images_may_be_held_out_cell_by_cell():
    part = Part(name="digits_coloured10")
    problem = Problem(dataset=part, profile=Part(name="natural"), val=Val(fraction=0.5))
    data = make_splits(problem, TEN, seed=0, vary=STREAMS)
    assert (data.counts - data.val.counts(10, 2)).max() <= 1
    assert data.counts.min() == 3
