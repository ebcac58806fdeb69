"""What every registered metric must satisfy, whoever wrote it."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.declared.registry import REGISTRY
from evenhand.metrics import Outputs, better, count, is_of_logits, score, unit

SETTINGS = {"weight": 0.3, "label": 0}
TRAIN = np.array([[500, 20], [40, 20], [9, 1]])


@pytest.fixture(params=list(REGISTRY.all("metric")), ids=lambda entry: entry.name)
def entry(request):
    return request.param


def drawn(entry, n_classes, kind=np.float64):
    """Logits, or their counts, of a network that is better than chance in both groups.

    They cannot be written to: a metric that changes them would change those after it.
    """
    rng = np.random.default_rng(0)
    labels, groups = np.arange(300) % n_classes, np.arange(300) // n_classes % 2
    logits = (rng.normal(size=(300, n_classes)) + 1.5 * np.eye(n_classes)[labels]).astype(kind)
    if not is_of_logits(entry.name):
        counts = count(labels, logits.argmax(1), groups=groups)
        counts.setflags(write=False)
        return counts
    for array in (logits, labels, groups):
        array.setflags(write=False)
    return Outputs(logits, labels, groups)


def scores(entry, **how):
    """Score of a problem with two classes and of one with three; None where it is undefined."""
    settings = {name: SETTINGS[name] for name in entry.facts.get("reads", ())}
    return [score(entry.name, drawn(entry, n, **how), TRAIN[:n], settings) for n in (2, 3)]


def test_it_has_a_title_a_summary_a_direction_and_a_unit(entry):
    assert entry.title[0].isupper()
    assert entry.summary.endswith(".") and len(entry.summary) <= 90
    assert better(entry.name) in ("higher", "lower")
    assert unit(entry.name) in ("%", "nats", "1")
    assert entry.cite or not is_of_logits(entry.name)


def test_it_is_a_finite_number_that_is_the_same_each_time(entry):
    first = scores(entry)
    assert scores(entry) == first
    found = [value for value in first if value is not None]
    assert found and all(isinstance(value, float) for value in found)
    assert np.isfinite(found).all()


def test_a_score_that_is_shown_in_percent_is_a_fraction(entry):
    """Or a sum of fractions over the classes, of which there are at most three."""
    if unit(entry.name) == "%":
        assert all(abs(value) <= 3 for value in scores(entry) if value is not None)


def test_float32_logits_give_the_score_of_float64(entry):
    if is_of_logits(entry.name):
        assert scores(entry, kind=np.float32) == pytest.approx(scores(entry), abs=1e-3)
