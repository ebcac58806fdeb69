"""What every registered post-hoc method must satisfy, whoever wrote it."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError
from evenhand.posthoc import PostHoc
from tests.posthoc.problems import gaussians, labels, outputs, trained

NETWORK = gaussians(3)
LAYER = {"head_norms": np.array([3.0, 2.0, 1.0]), "head_bias": np.array([0.5, 0.0, -0.5])}
VAL = NETWORK.draw(300, seed=0)


@pytest.fixture(params=list(REGISTRY.all("posthoc")), ids=lambda entry: entry.name)
def entry(request):
    return request.param


@pytest.fixture
def made(entry) -> PostHoc:
    return REGISTRY.make("posthoc", entry.resolve())


def fitted(made: PostHoc, val=VAL):
    return made.fit(trained(NETWORK.counts, **LAYER), val)


def test_it_has_a_title_a_source_a_summary_and_a_default_for_every_setting(entry):
    assert entry.title and entry.cite
    assert entry.summary.endswith(".") and len(entry.summary) <= 90
    assert set(entry.resolve().settings) == set(entry.settings)


def test_its_declaration_is_hashable_and_made_alike_twice(entry, made):
    assert isinstance(made, PostHoc)
    assert made == entry.make() and hash(made) == hash(entry.make())


def test_its_defaults_pass_before_there_are_data(made):
    made.check(labels(None), "linear")
    made.check(labels(("car", "ship", "truck")), "linear")


def test_it_predicts_a_class_for_each_image_alike_each_time(made):
    fresh = NETWORK.draw(200, seed=1).logits
    before = fresh.copy()
    first, second = fitted(made)(fresh), fitted(made)(fresh)
    assert first.shape == (200,) and np.issubdtype(first.dtype, np.integer)
    assert set(first) <= {0, 1, 2}
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(fresh, before)


def test_it_takes_float32(made):
    single = outputs(VAL.logits.astype(np.float32), VAL.labels)
    found = fitted(made, single)(single.logits)
    assert (found == fitted(made)(VAL.logits)).mean() > 0.99


def test_it_predicts_nothing_of_no_images(made):
    assert fitted(made)(np.zeros((0, 3))).shape == (0,)


def test_it_needs_validation_only_if_it_says_so(made):
    if made.needs_validation:
        with pytest.raises(DataError, match=r"(?s)validation images.*val:"):
            fitted(made, None)
    else:
        assert fitted(made, None)(VAL.logits).shape == (300,)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_not_finite_are_refused(made, value):
    logits = VAL.logits.copy()
    logits[[3, 7], 1] = value
    with pytest.raises(DataError, match=r"2 of 300 images are not finite: 3, 7"):
        fitted(made)(logits)
    if made.needs_validation:
        with pytest.raises(DataError, match="not finite"):
            fitted(made, outputs(logits, VAL.labels))


def test_logits_of_other_classes_are_refused(made):
    with pytest.raises(DataError, match="of 4 classes, and training was on 3"):
        fitted(made)(np.zeros((5, 4)))
    if made.needs_validation:
        with pytest.raises(DataError, match="of 4 classes"):
            fitted(made, outputs(np.zeros((300, 4)), VAL.labels))
